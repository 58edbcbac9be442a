"""Signs requests the way Shopify does, written down apart from the code that verifies them."""

import base64
import hashlib
import hmac
import time
from typing import Any
from urllib.parse import urlencode

import jwt

CLIENT_ID = "0123456789abcdef0123456789abcdef"
SECRET = "shpss_" + "0" * 32
SHOP = "demo.myshopify.com"


def webhook_hmac(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def proxy_signature(pairs: list[tuple[str, str]], secret: str = SECRET) -> str:
    texts = []
    for name in {name for name, _ in pairs}:
        texts.append(f"{name}=" + ",".join(value for key, value in pairs if key == name))
    return hmac.new(secret.encode(), "".join(sorted(texts)).encode(), hashlib.sha256).hexdigest()


def proxy_pairs(**changes: str | None) -> list[tuple[str, str]]:
    values: dict[str, str | None] = {
        "shop": SHOP,
        "logged_in_customer_id": "7",
        "path_prefix": "/apps/loyalty",
        "timestamp": str(int(time.time())),
        **changes,
    }
    return [(name, value) for name, value in values.items() if value is not None]


def proxy_query(extra: list[tuple[str, str]] | None = None, **changes: str | None) -> str:
    pairs = proxy_pairs(**changes) + (extra or [])
    return urlencode([*pairs, ("signature", proxy_signature(pairs))])


def claims(shop: str = SHOP, **changes: Any) -> dict[str, Any]:
    """The claims of a staff token; a change to None takes a claim out."""
    now = int(time.time())
    values = {
        "iss": f"https://{shop}/admin",
        "dest": f"https://{shop}",
        "aud": CLIENT_ID,
        "sub": "42",
        "exp": now + 60,
        "nbf": now,
        "iat": now,
        "jti": "00000000-0000-4000-8000-000000000000",
        "sid": "s" * 64,
        **changes,
    }
    return {name: value for name, value in values.items() if value is not None}


def id_token(secret: str = SECRET, algorithm: str = "HS256", headers: Any = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm=algorithm, headers=headers)


def buyer_token(customer: int | None = 7, **changes: Any) -> str:
    subject = f"gid://shopify/Customer/{customer}" if customer else None
    return id_token(**{"sub": subject, "iss": None, "sid": None, "dest": SHOP, **changes})
