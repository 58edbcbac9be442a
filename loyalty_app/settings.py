"""All settings, from the environment. Each name is explained in `.env.example`."""

import os
from pathlib import Path

import dj_database_url

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = os.environ.get("DJANGO_DEBUG") == "1"
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "development-only")
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "127.0.0.1,localhost").split(",")

SHOPIFY_API_KEY = os.environ.get("SHOPIFY_API_KEY", "0123456789abcdef0123456789abcdef")
SHOPIFY_API_SECRET = os.environ.get("SHOPIFY_API_SECRET", "")
SHOPIFY_API_SECRET_OLD = os.environ.get("SHOPIFY_API_SECRET_OLD", "")
SHOPIFY_API_VERSION = "2026-10"
SHOPIFY_SANDBOX = os.environ.get("SHOPIFY_SANDBOX", "")
APP_URL = os.environ.get("APP_URL", "http://127.0.0.1:8081")
TOKEN_KEYS = os.environ.get("TOKEN_KEYS", "")

INSTALLED_APPS = ["django.contrib.staticfiles", "django_rq", "rewards", "shopify_bridge", "loyalty_app"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]
ROOT_URLCONF = "loyalty_app.urls"
WSGI_APPLICATION = "loyalty_app.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]

DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
RQ_QUEUES = {
    "default": {
        "URL": os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"),
        "SERIALIZER": "rq.serializers.JSONSerializer",
    }
}

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
