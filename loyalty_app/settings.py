"""All settings, from the environment. Each name is explained in `.env.example`."""

import os
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from loyalty_app import embedded, logs
from loyalty_app.env import envbool, envchoice, envint, envlist, envseconds, envtext, envurl

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(envtext("LOYALTY_VAR") or BASE_DIR / "var").resolve()

# "web" is set by loyalty_app.asgi; everything else is a command or a worker.
ROLE = envchoice("LOYALTY_ROLE", "command", ("web", "command"))

DEBUG = envbool("DJANGO_DEBUG")
SECRET_KEY = envtext("DJANGO_SECRET_KEY")
ALLOWED_HOSTS = envlist("ALLOWED_HOSTS", "127.0.0.1,localhost")

# --- Shopify ---------------------------------------------------------------------------------------------

SHOPIFY_API_KEY = envtext("SHOPIFY_API_KEY")
SHOPIFY_API_SECRET = envtext("SHOPIFY_API_SECRET")
SHOPIFY_API_SECRET_OLD = envtext("SHOPIFY_API_SECRET_OLD")
SHOPIFY_API_VERSION = "2026-10"
SHOPIFY_SANDBOX = envurl("SHOPIFY_SANDBOX", ("http",))
# What takes longer counts as not answered, and is asked about again.
SHOPIFY_READ_SECONDS = envseconds("SHOPIFY_READ_SECONDS", 8.0)
APP_URL = envurl("APP_URL", ("http", "https"))
TOKEN_KEYS = envtext("TOKEN_KEYS")

# --- the app ---------------------------------------------------------------------------------------------

INSTALLED_APPS = ["django.contrib.staticfiles", "django_rq", "rewards", "shopify_bridge", "loyalty_app"]
MIDDLEWARE = [
    "loyalty_app.request_notes.RequestLog",
    "loyalty_app.middleware.DatabaseOutage",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "loyalty_app.middleware.framed_by_policy",
    "shopify_bridge.middleware.frame_ancestors",
]
ROOT_URLCONF = "loyalty_app.urls"
# A redirect on a signed address would hand the signature to the visitor.
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
# Shopify's larger orders come in bodies of several megabytes; above this the door answers 413.
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

# --- stores ----------------------------------------------------------------------------------------------

DATABASE_URL = envurl("DATABASE_URL", ("postgres", "postgresql"))
REDIS_URL = envurl("REDIS_URL", ("redis", "rediss", "unix"), default=embedded.redis_url(VAR_DIR))
EMBEDDED_POSTGRES = not DATABASE_URL
EMBEDDED_VALKEY = not envtext("REDIS_URL")
WEB_BIND = envtext("WEB_BIND", "127.0.0.1")
WEB_PORT = envint("WEB_PORT", 8081, least=1)
WEB_PROCESSES = envint("WEB_PROCESSES", 2, least=1)
WEB_THREADS = envint("WEB_THREADS", 16, least=1)
WEB_DOOR_THREADS = 4  # for each of the two doors in front of Django
# Keeps one slow page from occupying a thread for ever; the web has to answer Shopify within seconds.
STATEMENT_SECONDS = 2 if ROLE == "web" else 300


def _database() -> dict[str, Any]:
    if DATABASE_URL:
        database: dict[str, Any] = dict(dj_database_url.parse(DATABASE_URL))
    else:
        database = {
            "NAME": embedded.DATABASE,
            "USER": "postgres",
            "HOST": str(embedded.socket_folder(VAR_DIR)),
            "EMBEDDED": str(VAR_DIR),
        }
    database["ENGINE"] = "loyalty_app.postgresql"
    options: dict[str, Any] = {
        **database.get("OPTIONS", {}),
        "connect_timeout": 2,
        "options": f"-c statement_timeout={STATEMENT_SECONDS}s -c idle_in_transaction_session_timeout=60s",
        # A server that vanished without a word is noticed by TCP, where nobody else does.
        "keepalives_idle": 10,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 3000,
    }
    if ROLE == "web":
        from loyalty_app.postgresql.base import BoundedConnection

        # One connection for each thread, so that a thread never waits for another one's. A lost server is
        # asked again on demand (reconnect_timeout), not after ever longer pauses.
        options["pool"] = {
            "min_size": 1,
            "max_size": WEB_THREADS + 2 * WEB_DOOR_THREADS,
            "timeout": 2.0,
            "reconnect_timeout": 2.0,
            "connection_class": BoundedConnection,
        }
    else:
        database["CONN_MAX_AGE"] = 600
    database["CONN_HEALTH_CHECKS"] = True
    database["OPTIONS"] = options
    return database


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _impatient(url: str) -> str:
    """The queue is only a doorbell: who rings never waits for it. RQ's worker sets a longer limit."""
    return f"{url}{'&' if '?' in url else '?'}socket_connect_timeout=0.25&socket_timeout=0.25"


RQ_QUEUES = {
    "default": {
        "URL": _impatient(REDIS_URL),
        # Pickle would let whoever writes to Redis run code here.
        "SERIALIZER": "rq.serializers.JSONSerializer",
        "DEFAULT_TIMEOUT": 300,
        "DEFAULT_RESULT_TTL": 0,
    }
}

# --- security --------------------------------------------------------------------------------------------

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = envint("HSTS_SECONDS", 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "no-referrer"
SECURE_SSL_REDIRECT = False
CSRF_COOKIE_SECURE = True
X_FRAME_OPTIONS = "DENY"
# The one exception to `check --deploy`: a redirect to https would answer a signed request of Shopify's app
# proxy with its signature in the Location header, for the visitor to read. The proxy in front of the app
# redirects people; machines use the address that the app was registered with.
SILENCED_SYSTEM_CHECKS = ["security.W008"]

# --- words, times, files ---------------------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# A dozen small files: served as they are in the source, no step to collect them that could be forgotten.
WHITENOISE_USE_FINDERS = True

# --- watching --------------------------------------------------------------------------------------------

METRICS_BIND = envtext("METRICS_BIND", "127.0.0.1")
METRICS_PORT = envint("METRICS_PORT", 0)
# The client library reads this when it is imported, which is after the settings.
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(VAR_DIR / "metrics"))
try:
    Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(
        f"The data folder {VAR_DIR} can't be written to ({error.strerror}). Set LOYALTY_VAR to one that can."
    ) from error
LOG_LEVEL = envchoice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOGGING = logs.configuration(LOG_LEVEL)
