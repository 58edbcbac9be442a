"""The addresses of the app proxy. No trailing slashes, no redirects: both would leak the signature."""

from django.urls import path

from loyalty_app.storefront import views

urlpatterns = [
    path("program", views.program),
    path("me", views.me),
    path("activity", views.activity),
    path("enrol", views.enrol),
    path("redemptions", views.redeem),
    path("redemptions/<int:id>", views.redemption),
    path("redemptions/<int:id>/cancel", views.cancel),
]
