"""The merchant's side of the sandbox: the app in its frame, and the shop's books."""

from __future__ import annotations

from flask import Blueprint, redirect
from werkzeug.wrappers import Response

from sandbox.admin.app import app
from sandbox.admin.books import books
from sandbox.admin.controls import controls
from sandbox.admin.picker import picker
from sandbox.admin.shared import FILTERS
from sandbox.admin.theme import theme, theme_json

# The prefix stands on the parts, since the theme's JSON lives under /sandbox.
blueprint = Blueprint(
    "admin",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/admin/assets",
)


@blueprint.get("/admin")
def home() -> Response:
    return redirect("/admin/apps/loyalty", 302)


for part in (app, books, picker, theme):
    blueprint.register_blueprint(part, url_prefix=f"/admin{part.url_prefix or ''}")
blueprint.register_blueprint(theme_json)
blueprint.register_blueprint(controls)
for name, function in FILTERS.items():
    blueprint.add_app_template_filter(function, name)
