"""Every address of the app but `/webhooks`, which `loyalty_app.front` keeps ahead of Django."""

from django.urls import URLPattern, URLResolver, include, path

from loyalty_app import flow, health
from shopify_bridge import auth

handler404 = "loyalty_app.errors.not_found"
urlpatterns: list[URLPattern | URLResolver] = [
    path("storefront/", include("loyalty_app.storefront.urls")),
    path("extensions/customer-account/", include("loyalty_app.accounts.urls")),
    path("flow/points", auth.flow_action(flow.points)),
    path("app/token", auth.token_page),
    path("app/", include("loyalty_app.merchant.urls")),
    path("health/live", health.live),
    path("health/ready", health.ready),
]
