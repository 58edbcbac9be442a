"""Every address of the app."""

from django.urls import URLPattern, path

from loyalty_app import health
from shopify_bridge import auth, webhooks

urlpatterns: list[URLPattern] = [
    path("webhooks", webhooks.receive),
    path("app/token", auth.token_page),
    path("health/live", health.live),
    path("health/ready", health.ready),
]
