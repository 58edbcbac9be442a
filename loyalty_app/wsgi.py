"""The WSGI entry of the web process."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty_app.settings")
# The settings give the web a pool of connections and short limits.
os.environ.setdefault("LOYALTY_ROLE", "web")
_django = get_wsgi_application()

from loyalty_app.front import busiest_first  # noqa: E402 - it imports models, which need the settings

application = busiest_first(_django)
