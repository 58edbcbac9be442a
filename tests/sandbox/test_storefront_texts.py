"""The theme's texts: every language has every text, and no text that nobody shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

STOREFRONT = Path(__file__).parents[2] / "sandbox" / "storefront"
#: Shown through a variable: titles of collections and pages, states of orders, the tax.
FROM_PYTHON = {
    "Awaiting payment", "Brewing", "Cancelled", "Coffee", "Cups and mugs", "Gifts", "Kitchen", "Not found",
    "Earn points with every order and turn them into discounts.", "Paid", "Partly refunded", "Pretend money",
    "Sales tax", "Sent",
    "There is nothing at this address. It may have moved, or never existed.",
}  # fmt: skip


def texts_of_templates() -> set[str]:
    found: set[str] = set()
    for path in (STOREFRONT / "templates" / "store").glob("*.html"):
        found |= set(re.findall(r"""_\((?:"([^"]+)"|'[^']+')\)""", path.read_text()))
        found |= set(re.findall(r"""_\('([^']+)'\)""", path.read_text()))
    return found - {""}


@pytest.mark.parametrize("path", sorted((STOREFRONT / "texts").glob("*.json")), ids=lambda path: path.stem)
def test_language_is_complete(path: Path) -> None:
    assert set(json.loads(path.read_text())) == texts_of_templates() | FROM_PYTHON
