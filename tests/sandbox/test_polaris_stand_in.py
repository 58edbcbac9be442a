"""The stand-ins keep to the published types: no element, attribute, slot or name that the real ones lack."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sandbox.seed import seed_demo_shop
from sandbox.store import Store
from sandbox.world import World

from .shop import open_shop

ROOT = Path(__file__).parents[2]
TYPES = ROOT / "node_modules" / "@shopify"
#: From App Bridge, not from Polaris.
NOT_IN_POLARIS = {"s-app-nav"}
NEEDED = [
    "s-page",
    "s-section",
    "s-stack",
    "s-grid",
    "s-grid-item",
    "s-box",
    "s-heading",
    "s-paragraph",
    "s-text",
    "s-button",
    "s-button-group",
    "s-link",
    "s-badge",
    "s-banner",
    "s-text-field",
    "s-number-field",
    "s-money-field",
    "s-text-area",
    "s-select",
    "s-option",
    "s-option-group",
    "s-checkbox",
    "s-switch",
    "s-choice-list",
    "s-choice",
    "s-search-field",
    "s-date-field",
    "s-email-field",
    "s-table",
    "s-table-body",
    "s-table-row",
    "s-table-cell",
    "s-table-header",
    "s-table-header-row",
    "s-divider",
    "s-icon",
    "s-image",
    "s-thumbnail",
    "s-spinner",
    "s-modal",
    "s-popover",
    "s-menu",
    "s-tooltip",
    "s-ordered-list",
    "s-unordered-list",
    "s-list-item",
    "s-query-container",
    "s-clickable",
    "s-chip",
    "s-avatar",
    "s-app-nav",
]


@cache
def published() -> dict[str, dict[str, Any]]:
    manifest = json.loads((TYPES / "polaris-types/dist/custom-elements.json").read_text())
    declarations = [one for module in manifest["modules"] for one in module.get("declarations", [])]
    return {one["tagName"]: one for one in declarations if "tagName" in one}


@cache
def source(folder: str) -> str:
    return "\n".join(path.read_text() for path in sorted((ROOT / "sandbox/cdn" / folder).glob("*.js")))


def defined() -> set[str]:
    return set(re.findall(r"define\('(s-[a-z-]+)'", source("polaris")))


def test_only_real_elements_are_defined() -> None:
    assert defined() - NOT_IN_POLARIS <= set(published())


@pytest.mark.parametrize("name", NEEDED)
def test_element_is_there(name: str) -> None:
    assert name in defined()


def test_only_real_slots_are_used() -> None:
    slots = {slot["name"] for one in published().values() for slot in one.get("slots", [])}
    assert set(re.findall(r"slot\('([a-z-]+)'\)", source("polaris"))) <= slots


def test_only_real_attributes_are_observed() -> None:
    known = {name["name"] for one in published().values() for name in one.get("attributes", [])}
    lists = re.findall(r"observedAttributes = \[(.*?)\];", source("polaris"), re.DOTALL)
    observed = {name for text in lists for name in re.findall(r"'([a-z]+)'", text)}
    assert observed - known - {"hidden"} == set()


def test_app_bridge_has_only_real_names() -> None:
    types = (TYPES / "app-bridge-types/dist/index.d.ts").read_text()
    real = set(
        re.findall(
            r"^\t(\w+)[?(:]", types.split("interface ShopifyGlobal {")[1].split("\n}")[0], re.MULTILINE
        )
    )
    given = source("app-bridge").split("window.shopify = {")[1].split("\n};")[0]
    names = set(re.findall(r"^  (\w+)[:,]", given, re.MULTILINE))
    assert names <= real
    assert {
        "idToken",
        "toast",
        "saveBar",
        "app",
        "config",
        "environment",
        "loading",
        "modal",
        "user",
    } <= names


@pytest.mark.parametrize("path", sorted((ROOT / "sandbox/cdn").glob("*/*.js")), ids=lambda path: path.name)
def test_files_stay_readable(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 600


@pytest.mark.parametrize("kind", ["Product", "ProductVariant", "Collection"])
def test_the_picker_answers_with_real_names(kind: str) -> None:
    types = (TYPES / "app-bridge-types/dist/index.d.ts").read_text()
    body = types.split(f"export interface {kind} extends Resource {{")[1].split("\n}")[0]
    real = {*re.findall(r"^\t(\w+)\??:", body, re.MULTILINE), "id"}
    world = World(Store(None))
    shop = open_shop(world, seed_demo_shop(world))
    asked = {"Product": "product", "ProductVariant": "variant", "Collection": "collection"}[kind]
    path = f"/admin/apps/loyalty/resources?type={asked}"
    assert shop.get(path).status_code == 403
    offered = shop.get(path, headers={"X-Requested-With": "frame"}).get_json()
    assert offered
    for one in offered:
        assert set(one) <= real
        assert one["id"].startswith(f"gid://shopify/{kind}/")
