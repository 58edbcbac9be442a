"""Renders the files of the real theme app extension: app embeds before </body>, app blocks in their places.

https://shopify.dev/docs/apps/build/online-store/theme-app-extensions/configuration
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liquid import Environment, FileSystemLoader, Mode
from liquid.exceptions import LiquidError

from sandbox.storefront import drops
from sandbox.storefront.liquid_filters import filters
from sandbox.storefront.theme_settings import theme_settings
from sandbox.storefront.translations import Translations
from sandbox.storefront.visit import Visit

_SCHEMA = re.compile(r"\{%-?\s*schema\s*-?%\}(.*?)\{%-?\s*endschema\s*-?%\}", re.DOTALL)
EMBED_TARGETS = ("head", "compliance_head", "body")
#: Where app blocks of a page stand when the merchant has placed none: by template, as in `enabled_on`.
PLACES = ("product", "page", "cart")


class BrokenBlock(Exception):
    """A block file that Shopify would refuse; the message names file and reason."""


@dataclass(frozen=True)
class Block:
    handle: str
    schema: dict[str, Any]
    source: str

    @property
    def target(self) -> str:
        return str(self.schema.get("target", "section"))

    @property
    def is_embed(self) -> bool:
        return self.target in EMBED_TARGETS

    def allowed_on(self, page_type: str) -> bool:
        """`enabled_on` and `disabled_on` name templates; "*" is all of them."""
        on = self.schema.get("enabled_on", {}).get("templates")
        off = self.schema.get("disabled_on", {}).get("templates", [])
        return (on is None or "*" in on or page_type in on) and page_type not in off and "*" not in off

    def settings(self, overrides: dict[str, Any]) -> dict[str, Any]:
        """Defaults of the schema, then what the merchant chose. Settings without a default are nil."""
        declared = [one for one in self.schema.get("settings", []) if "id" in one]
        return {one["id"]: overrides.get(one["id"], one.get("default")) for one in declared}


@dataclass(frozen=True)
class Extension:
    folder: Path

    def blocks(self) -> list[Block]:
        return [self._read(path) for path in sorted((self.folder / "blocks").glob("*.liquid"))]

    def block(self, handle: str) -> Block | None:
        return next((block for block in self.blocks() if block.handle == handle), None)

    def _read(self, path: Path) -> Block:
        text = path.read_text()
        found = _SCHEMA.search(text)
        if found is None:
            raise BrokenBlock(f"{path.name}: no schema tag")
        try:
            schema = json.loads(found[1])
        except json.JSONDecodeError as error:
            raise BrokenBlock(f"{path.name}: the schema is no JSON: {error}") from error
        # Newlines are kept so that line numbers in error messages stay true.
        source = text[: found.start()] + "\n" * found[0].count("\n") + text[found.end() :]
        return Block(path.stem, schema, source)

    def asset_url(self, name: str) -> str:
        path = self.folder / "assets" / name
        version = hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else "missing"
        return f"/cdn/extensions/{self.folder.name}/assets/{name}?v={version}"

    def environment(self, locale: str, currency: str, timezone: str) -> Environment:
        """Strict about syntax, tags and filters; a missing value is nil, as in Shopify."""
        environment = Environment(
            tolerance=Mode.STRICT,
            strict_filters=True,
            loader=FileSystemLoader(self.folder / "snippets", ext=".liquid"),
        )
        translations = Translations(self.folder / "locales", locale)
        environment.filters.update(filters(self.asset_url, translations, currency, timezone))
        return environment


def extension_of(visit: Visit) -> Extension | None:
    """None while the app isn't installed in the shop: its blocks vanish with it."""
    folder = visit.config.extension
    if folder is None or not folder.is_dir() or not visit.state.installation.installed:
        return None
    return Extension(folder)


@dataclass
class PageApps:
    """The app's part of one page."""

    visit: Visit
    page_type: str
    objects: dict[str, Any]

    def __post_init__(self) -> None:
        self._extension = extension_of(self.visit)
        self._theme = theme_settings().of(self.visit.state.domain)
        self._problem = ""
        self._blocks: list[Block] = []
        if self._extension:
            try:
                self._blocks = self._extension.blocks()
            except BrokenBlock as error:
                self._problem = error_box(str(error))

    def head(self) -> str:
        """The stylesheets and scripts named in the schemas of the blocks on this page, and head embeds."""
        shown = [block for block in self._blocks if self._is_shown(block)]
        files = [self._files_of(block) for block in shown]
        embeds = [self._render(block) for block in shown if block.target in ("head", "compliance_head")]
        return "\n".join([*files, *embeds])

    def body_embeds(self) -> str:
        shown = [block for block in self._blocks if block.target == "body" and self._is_shown(block)]
        return "\n".join([self._problem, *(self._render(block) for block in shown)])

    def section_blocks(self) -> str:
        return "\n".join(self._render(block) for block in self._blocks if self._stands_here(block))

    def render_text(self, text: str) -> str:
        """Liquid that the app answered through its proxy."""
        folder = self.visit.config.extension or Path()
        environment = self._environment(Extension(folder))
        try:
            return environment.from_string(text, globals=self.objects).render()
        except LiquidError as error:
            return error_box(str(error))

    def _environment(self, extension: Extension) -> Environment:
        shop = self.visit.state.shop
        return extension.environment(self.visit.locale, shop.currency, shop.timezone)

    def _is_shown(self, block: Block) -> bool:
        if not block.is_embed:
            return self._stands_here(block)
        # On unless switched off: in the sandbox one wants to see the app. In a real shop it is the reverse.
        is_on: bool = self._theme["embeds"].get(block.handle, True)
        return is_on and block.allowed_on(self.page_type)

    def _stands_here(self, block: Block) -> bool:
        if block.is_embed or self.page_type not in PLACES:
            return False
        placed = self._theme["blocks"].get(self.page_type)
        if placed is not None:
            return block.handle in placed
        return self.page_type == default_place(block)

    def _files_of(self, block: Block) -> str:
        assert self._extension is not None
        tags = []
        if name := block.schema.get("stylesheet"):
            tags.append(f'<link rel="stylesheet" href="{self._extension.asset_url(name)}" media="all">')
        if name := block.schema.get("javascript"):
            tags.append(f'<script src="{self._extension.asset_url(name)}" defer></script>')
        return "\n".join(tags)

    def _render(self, block: Block) -> str:
        assert self._extension is not None
        identity = f"loyalty_{block.handle}".replace("-", "_")
        overrides = self._theme["settings"].get(block.handle, {})
        drop = {
            "id": identity,
            "type": f"shopify://apps/loyalty/blocks/{block.handle}",
            "settings": block.settings(overrides),
            "shopify_attributes": "",
        }
        environment = self._environment(self._extension)
        try:
            template = environment.from_string(block.source, globals=self.objects)
            inner = template.render(block=drop)
        except LiquidError as error:
            return error_box(f"blocks/{block.handle}.liquid: {error.detailed_message()}")
        if block.target in ("head", "compliance_head"):
            return inner
        tag = str(block.schema.get("tag", "div"))
        classes = " ".join(filter(None, ["shopify-block shopify-app-block", block.schema.get("class")]))
        opening = f'<{tag} id="shopify-block-{identity}" class="{html.escape(classes)}">'
        return f"{opening}{inner}</{tag}>"


def default_place(block: Block) -> str:
    """The page on which a block stands when nobody placed it: what its file or its schema speaks of."""
    templates = block.schema.get("enabled_on", {}).get("templates", [])
    if "product" in templates or (not templates and "product" in block.handle):
        return "product"
    if "cart" in templates:
        return "cart"
    if not templates and "points" in block.handle:
        return "product"
    return "page"


def error_box(message: str) -> str:
    return f'<div class="liquid-error" role="alert">Liquid error: {html.escape(message)}</div>'


def global_objects(visit: Visit, page_type: str, path: str, extra: dict[str, Any]) -> dict[str, Any]:
    state, namespace = visit.state, visit.app_namespace
    return {
        "app": drops.app(state, namespace),
        "shop": drops.shop(state, namespace),
        "customer": drops.customer(state, visit.customer, namespace),
        "request": drops.request_drop(visit, page_type, path),
        "localization": drops.localization(visit),
        "routes": drops.ROUTES,
        "template": {"name": page_type, "suffix": None},
        **extra,
    }
