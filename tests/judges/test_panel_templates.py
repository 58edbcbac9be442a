"""The panel uses only elements, attributes and values that Polaris publishes, and nothing inline."""

import json
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "templates" / "merchant").glob("*.html"))
TYPES = ROOT / "node_modules" / "@shopify" / "polaris-types" / "dist" / "custom-elements.json"
OF_APP_BRIDGE = {"s-app-nav"}
OF_EVERY_ELEMENT = {"id", "class", "slot", "hidden"}
# Values that the published types name one by one.
NAMED = {"tone", "variant", "icon", "type", "padding", "color", "target", "command", "format", "listslot"}
TAG = re.compile(r"\{[%{].*?[%}]\}", re.DOTALL)


@cache
def published() -> dict[str, dict[str, str]]:
    """For each element its attributes, each with the type of its value."""
    modules = json.loads(TYPES.read_text())["modules"]
    elements = [one for module in modules for one in module.get("declarations", []) if one.get("tagName")]
    return {
        one["tagName"]: {
            attribute["name"]: (attribute.get("type") or {}).get("text", "")
            for attribute in one.get("attributes", [])
        }
        for one in elements
    }


class Elements(HTMLParser):
    """Collects what a template writes, its own tags taken out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(TAG.sub("", text))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_polaris_publishes_all_that_is_used(template: Path) -> None:
    for tag, attributes in Elements(template.read_text()).found:
        if not tag.startswith("s-") or tag in OF_APP_BRIDGE:
            continue
        assert tag in published(), tag
        for name, value in attributes.items():
            if name in OF_EVERY_ELEMENT or name.startswith("data-"):
                continue
            assert name in published()[tag] or name == "clickdelegate", (tag, name)
            if name in NAMED and value and '"' in published()[tag].get(name, ""):
                assert f'"{value}"' in published()[tag][name], (tag, name, value)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_nothing_is_inline(template: Path) -> None:
    text = template.read_text()
    assert "|safe" not in text
    assert "autoescape" not in text
    for tag, attributes in Elements(text).found:
        assert tag != "style", template
        assert "style" not in attributes, (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        if tag == "script":
            assert "src" in attributes, attributes


@pytest.mark.parametrize(
    "script", sorted((ROOT / "static" / "merchant").glob("*.js")), ids=lambda path: path.name
)
def test_scripts_write_text_only_and_keep_nothing(script: Path) -> None:
    text = script.read_text()
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Storage",
        "cookie ",
    ):
        assert word not in text, word
