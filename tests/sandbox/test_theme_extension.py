"""Theme app extensions are rendered as in a theme: strictly, with their settings, texts and files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox import installation
from sandbox.api.context import app_number
from sandbox.storefront.extension import error_box
from sandbox.storefront.translations import Translations, plural_form
from sandbox.world import ShopState, World

from .conftest import CONFIG
from .shop import REAL_EXTENSION, open_shop, set_metafield, sign_in

TEXTS = {
    "hello": "Hello {{ name }} <3",
    "bold_html": "<b>{{ name }}</b>",
    "points": {"one": "{{ count }} point", "other": "{{ count }} points"},
}
PROGRAM: dict[str, Any] = {
    "name": "Demo Rewards",
    "currency": "USD",
    "points": {"one": "point", "many": "points"},
    "rate": {"points": 1, "per": "1.00"},
    "signup_bonus": 50,
    "proxy": "/apps/loyalty",
    "rewards": [{"id": "five-off", "kind": "fixed", "title": "5.00 off", "points": 100, "value": "5.00"}],
}


class Files:
    """An extension being written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("blocks", "assets", "snippets", "locales"):
            (folder / name).mkdir(parents=True)
        self.texts("en.default", TEXTS)

    def texts(self, locale: str, texts: dict[str, Any]) -> None:
        (self.folder / "locales" / f"{locale}.json").write_text(json.dumps(texts))

    def block(self, handle: str, liquid: str, **schema: Any) -> None:
        text = f"{liquid}\n{{% schema %}}{json.dumps({'name': handle, **schema})}{{% endschema %}}"
        (self.folder / "blocks" / f"{handle}.liquid").write_text(text)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "widget")


@pytest.fixture
def shop(world: World, state: ShopState, files: Files) -> FlaskClient:
    return open_shop(world, state, extension=files.folder)


def product_page(shop: FlaskClient, query: str = "") -> str:
    return shop.get(f"/products/dune-mug{query}").text


def test_embed_stands_at_the_end_of_every_page_and_block_in_its_place(
    shop: FlaskClient, files: Files
) -> None:
    files.block("launcher", "<i>launcher</i>", target="body")
    files.block(
        "earn", "<i>earn {{ product.price }}</i>", target="section", enabled_on={"templates": ["product"]}
    )
    page = product_page(shop)
    assert page.index("<i>earn 1800</i>") < page.index("<i>launcher</i>") < page.index("</body>")
    assert "<i>launcher</i>" in shop.get("/cart").text
    assert "<i>earn" not in shop.get("/pages/rewards").text


def test_nothing_is_rendered_at_checkout(shop: FlaskClient, files: Files, state: ShopState) -> None:
    files.block("launcher", "<i>launcher</i>", target="body")
    shop.post("/cart/add.js", json={"id": next(iter(state.variants))})
    assert "launcher" not in shop.get("/checkout").text


def test_embed_can_be_switched_off_and_placed_blocks_changed(shop: FlaskClient, files: Files) -> None:
    files.block("launcher", "<i>launcher</i>", target="body")
    files.block("reward", "<i>reward</i>", target="section")
    shop.post("/sandbox/theme", json={"embeds": {"launcher": False}, "blocks": {"product": ["reward"]}})
    page = product_page(shop)
    assert "<i>launcher</i>" not in page
    assert "<i>reward</i>" in page
    extension = shop.get("/admin/apps/loyalty/extensions").json[0]
    states = {one["handle"]: one["status"] for one in extension["activations"]}
    assert states == {"launcher": "available", "reward": "active"}


def test_settings_have_defaults_and_can_be_changed(shop: FlaskClient, files: Files) -> None:
    settings = [{"type": "text", "id": "label", "default": "Rewards"}, {"type": "text", "id": "other"}]
    files.block(
        "launcher",
        "<i>{{ block.settings.label }}|{{ block.settings.other }}</i>",
        target="body",
        settings=settings,
    )
    assert "<i>Rewards|</i>" in product_page(shop)
    shop.post("/sandbox/theme", json={"settings": {"launcher": {"label": "Points"}}})
    assert "<i>Points|</i>" in product_page(shop)


def test_metafields_of_app_and_customer_are_read(
    shop: FlaskClient, files: Files, world: World, state: ShopState
) -> None:
    customer = next(iter(state.customers.values()))
    own = f"app--{app_number(CONFIG)}"
    app_owner = f"gid://shopify/AppInstallation/{state.installation.id}"
    set_metafield(world, state, f"gid://shopify/Customer/{customer.id}", own, "standing", {"points": 120})
    set_metafield(world, state, app_owner, "loyalty", "program", {"name": "Demo"})
    liquid = (
        "<i>{{ app.metafields.loyalty.program.value.name }} "
        '{{ customer.metafields["$app"].standing.value.points }} {{ customer.first_name }}</i>'
    )
    files.block("launcher", liquid, target="body")
    assert "<i>Demo  </i>" in product_page(shop)
    sign_in(shop, customer)
    assert f"<i>Demo 120 {customer.first_name}</i>" in product_page(shop)


def test_texts_follow_the_language_which_stays(shop: FlaskClient, files: Files) -> None:
    files.texts("ar", {"hello": "مرحبا {{ name }}"})
    files.block("launcher", "<i>{{ 'hello' | t: name: 'Ada' }}</i>", target="body")
    assert "<i>Hello Ada &lt;3</i>" in product_page(shop)
    page = product_page(shop, "?locale=ar")
    assert "<i>مرحبا Ada</i>" in page
    assert 'lang="ar" dir="rtl"' in page
    assert "<i>مرحبا Ada</i>" in product_page(shop)


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("hello", {"name": "<b>"}, "Hello &lt;b&gt; &lt;3"),
        ("hello", {"name": "a &amp; b"}, "Hello a &amp; b &lt;3"),
        ("bold_html", {"name": "<i>"}, "<b>&lt;i&gt;</b>"),
        ("points", {"count": 1}, "1 point"),
        ("points", {"count": 5}, "5 points"),
        ("nowhere", {}, "Translation missing: en.nowhere"),
    ],
)
def test_translation(files: Files, key: str, values: dict[str, Any], expected: str) -> None:
    assert Translations(files.folder / "locales", "en").translate(key, values) == expected


@pytest.mark.parametrize(
    ("count", "form"),
    [
        (0, "zero"),
        (1, "one"),
        (2, "two"),
        (3, "few"),
        (110, "few"),
        (11, "many"),
        (99, "many"),
        (100, "other"),
    ],
)
def test_arabic_has_six_plural_forms(count: int, form: str) -> None:
    assert plural_form("ar", count) == form


def test_files_of_the_schema_are_loaded_without_blocking(shop: FlaskClient, files: Files) -> None:
    (files.folder / "assets" / "widget.js").write_text("1")
    files.block("launcher", "", target="body", javascript="widget.js", stylesheet="widget.css")
    page = product_page(shop)
    address = page.split('<script src="')[1].split('"')[0]
    assert f'<script src="{address}" defer></script>' in page
    assert '<link rel="stylesheet" href="/cdn/extensions/widget/assets/widget.css' in page
    answer = shop.get(address)
    assert (answer.text, answer.headers["Cache-Control"]) == ("1", "public, max-age=31536000")


@pytest.mark.parametrize(
    ("liquid", "reason"),
    [
        ("{{ 1 | no_such_filter }}", "no_such_filter"),
        ("{% if %}", "launcher.liquid"),
        ("{% render 'missing' %}", "missing"),
    ],
)
def test_errors_are_shown_clearly(shop: FlaskClient, files: Files, liquid: str, reason: str) -> None:
    files.block("launcher", liquid, target="body")
    page = product_page(shop)
    box = page.split('<div class="liquid-error"')[1].split("</div>")[0]
    assert "blocks/launcher.liquid" in box
    assert reason in box


def test_schema_that_is_no_json_is_named(shop: FlaskClient, files: Files) -> None:
    (files.folder / "blocks" / "bad.liquid").write_text("{% schema %}{,}{% endschema %}")
    assert "bad.liquid: the schema is no JSON" in product_page(shop)


def test_error_box_escapes() -> None:
    assert "<script>" not in error_box("<script>")


def test_blocks_vanish_with_the_app(shop: FlaskClient, files: Files, world: World, state: ShopState) -> None:
    files.block("launcher", "<i>launcher</i>", target="body")
    with world.change():
        installation.uninstall(world, state)
    assert "<i>launcher</i>" not in product_page(shop)


@pytest.mark.parametrize("locale", ["en", "ar", "de"])
def test_the_real_extension_renders_on_every_page(world: World, state: ShopState, locale: str) -> None:
    shop = open_shop(world, state, extension=REAL_EXTENSION)
    app_owner = f"gid://shopify/AppInstallation/{state.installation.id}"
    set_metafield(world, state, app_owner, "loyalty", "program", PROGRAM)
    for path in ("/", "/collections/all", "/products/dune-mug", "/cart", "/pages/rewards"):
        page = shop.get(f"{path}?locale={locale}").text
        assert "liquid-error" not in page
        assert "Translation missing" not in page
        assert "Liquid error" not in page
        assert "<loyalty-" in page
