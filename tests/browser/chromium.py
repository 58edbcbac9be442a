"""How Debian's Chromium is started here."""

from typing import Any

_QUIET = ("background-networking", "component-update", "gpu", "quic", "sync")
LAUNCH: dict[str, Any] = {
    "executable_path": "/usr/bin/chromium",
    "args": ["--headless=new", "--no-sandbox", "--no-first-run", *(f"--disable-{one}" for one in _QUIET)],
}
