"""Every address of the app."""

from django.urls import URLPattern, URLResolver, include, path

from loyalty_app import health
from shopify_bridge import auth, webhooks

handler404 = "loyalty_app.errors.not_found"
urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks", webhooks.receive),
    path("storefront/", include("loyalty_app.storefront.urls")),
    path("extensions/customer-account/", include("loyalty_app.accounts.urls")),
    path("app/token", auth.token_page),
    path("app/", include("loyalty_app.merchant.urls")),
    path("health/live", health.live),
    path("health/ready", health.ready),
]
