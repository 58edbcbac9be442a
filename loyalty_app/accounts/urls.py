"""The addresses under `/extensions/customer-account/`, for whom an ID token names as the customer."""

from django.urls import path

from loyalty_app.storefront.urls import VIEWS
from shopify_bridge.auth import customer_account_extension

urlpatterns = [path(route, customer_account_extension(view)) for route, view in VIEWS.items()]
