"""The storefront of the sandbox: a small shop with the app's theme extension in it."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import HTTPException

from sandbox.storefront.account import account
from sandbox.storefront.cart import cart
from sandbox.storefront.checkout import checkout
from sandbox.storefront.pages import pages
from sandbox.storefront.rendering import FILTERS, page
from sandbox.storefront.visit import remember

blueprint = Blueprint(
    "storefront",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/cdn/shop/assets",
)
# Unknown addresses below these are answered to programs, not to shoppers.
_NOT_PAGES = ("/admin", "/sandbox", "/apps", "/cdn")

for part in (pages, cart, checkout, account):
    blueprint.register_blueprint(part)
for name, function in FILTERS.items():
    blueprint.add_app_template_filter(function, name)
blueprint.after_request(remember)


@blueprint.app_errorhandler(404)
def not_found(error: HTTPException) -> Response | HTTPException:
    is_shop_known = current_app.extensions["world"].shop_for_host(request.host) is not None
    if request.path.startswith(_NOT_PAGES) or not is_shop_known:
        return error
    text = "There is nothing at this address. It may have moved, or never existed."
    return page("error", "404", status=404, title="Not found", text=text)
