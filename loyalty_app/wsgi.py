"""The WSGI entry of the web process."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty_app.settings")
# The settings give the web a pool of connections and short limits.
os.environ.setdefault("LOYALTY_ROLE", "web")
application = get_wsgi_application()
