"""The page behind the link "Sandbox controls", for people; scripts use the addresses in README.md."""

from __future__ import annotations

import json

from flask import Blueprint, Response, current_app

from sandbox.admin.shared import page, state
from sandbox.faults import Faults

controls = Blueprint("controls", __name__)


@controls.get("/sandbox")
def show() -> Response:
    faults: Faults = current_app.extensions["faults"]
    return page(
        "controls",
        "sandbox",
        installed=state().installation.installed,
        faults=json.dumps(faults.as_json(), indent=2),
    )
