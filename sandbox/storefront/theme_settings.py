"""What the merchant set in the theme editor: which app embeds are on, where app blocks stand, their settings.

Kept in one JSON file beside the sandbox's state; without a state folder (tests) in memory.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from flask import current_app

from sandbox.config import Config

FILE = "theme.json"


class ThemeSettings:
    def __init__(self, folder: Path | None) -> None:
        self._path = folder / FILE if folder else None
        self._lock = threading.Lock()
        self._shops: dict[str, dict[str, Any]] = {}
        if self._path and self._path.exists():
            self._shops = json.loads(self._path.read_text())

    def of(self, domain: str) -> dict[str, Any]:
        """`{"embeds": {handle: bool}, "blocks": {place: [handles]}, "settings": {handle: {id: value}}}`"""
        return {"embeds": {}, "blocks": {}, "settings": {}, **self._shops.get(domain, {})}

    def change(self, domain: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Merge one level deep, so that a caller names only what it changes."""
        with self._lock:
            present = self.of(domain)
            for part in ("embeds", "blocks", "settings"):
                present[part] = {**present[part], **changes.get(part, {})}
            self._shops[domain] = present
            if self._path:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                fresh = self._path.with_suffix(".new")
                fresh.write_text(json.dumps(self._shops, indent=2))
                fresh.replace(self._path)
        return present


def theme_settings() -> ThemeSettings:
    """One for the process, read at the first use."""
    config: Config = current_app.extensions["config"]
    if "theme_settings" not in current_app.extensions:
        current_app.extensions.setdefault("theme_settings", ThemeSettings(config.state))
    found: ThemeSettings = current_app.extensions["theme_settings"]
    return found
