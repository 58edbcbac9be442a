"""The ASGI entry of the web process."""

import os
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty_app.settings")
# The settings give the web a pool of connections and short limits.
os.environ.setdefault("LOYALTY_ROLE", "web")
_django: Any = get_wsgi_application()

# These import models, which need the settings.
from a2wsgi import WSGIMiddleware  # noqa: E402
from django.conf import settings  # noqa: E402

from loyalty_app.front import busiest_first  # noqa: E402

_behind: Any = WSGIMiddleware(_django, workers=settings.WEB_THREADS)
application = busiest_first(_behind)
