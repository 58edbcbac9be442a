"""Every address of the app."""

from django.urls import URLPattern, path

from loyalty_app import health

urlpatterns: list[URLPattern] = [
    path("health/live", health.live),
    path("health/ready", health.ready),
]
