"""What a sandbox is started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_SHOP = "demo.myshopify.com"


@dataclass(frozen=True)
class Config:
    app_url: str  # http://127.0.0.1:8081, without a slash at the end
    client_id: str
    client_secret: str
    app_toml: Path
    extension: Path | None = None
    state: Path | None = None  # None: in memory
    admin_token: str | None = None  # None: made at the first start
    access_token_seconds: int = 3600
    refresh_token_seconds: int = 90 * 24 * 3600
    retry_seconds: tuple[float, ...] = (1, 2, 4, 8, 16, 32, 64, 128)
    delivery_threads: int = 8
    delivery_seconds: float = 5.0
