"""ID tokens, access tokens and refresh tokens, with Shopify's lifetimes and rules of rotation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from datetime import timedelta
from typing import Any

from sandbox.config import Config
from sandbox.model import Token
from sandbox.world import ShopState, World

ID_TOKEN_SECONDS = 60
LEEWAY_SECONDS = 10


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sign_id_token(
    config: Config, state: ShopState, surface: str = "admin", subject: str | None = None
) -> str:
    """`surface`: admin, pos (staff); checkout, customer-account (the subject is a customer, or nobody)."""
    now = int(time.time())
    origin = f"https://{state.domain}"
    claims: dict[str, Any] = {
        "dest": origin,
        "aud": config.client_id,
        "exp": now + ID_TOKEN_SECONDS,
        "nbf": now,
        "iat": now,
        "jti": str(uuid.uuid4()),
    }
    if surface in ("admin", "pos"):
        claims |= {"iss": f"{origin}/admin", "sub": subject or "71000000001", "sid": str(uuid.uuid4())}
    elif surface == "customer-account":
        # Extensions get the bare domain and no issuer, as the official library expects.
        claims |= {"dest": state.domain, "sub": subject} if subject else {"dest": state.domain}
    else:
        claims |= {"dest": state.domain, "iss": origin} | ({"sub": subject} if subject else {})
    return _sign(claims, config.client_secret)


def _sign(claims: dict[str, Any], secret: str) -> str:
    header = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    signed = f"{header}.{_encode(json.dumps(claims).encode())}"
    return f"{signed}.{_encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


def valid_id_token(config: Config, state: ShopState, token: str) -> bool:
    """Only tokens of the admin can be exchanged."""
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        return False
    signed = f"{parts[0]}.{parts[1]}"
    expected = hmac.new(config.client_secret.encode(), signed.encode(), hashlib.sha256).digest()
    try:
        header, claims = json.loads(_decode(parts[0])), json.loads(_decode(parts[1]))
        genuine = hmac.compare_digest(expected, _decode(parts[2]))
    except ValueError:
        return False
    now = time.time()
    return bool(
        genuine
        and header.get("alg") == "HS256"
        and claims.get("aud") == config.client_id
        and claims.get("dest") == f"https://{state.domain}"
        and claims.get("iss") == f"https://{state.domain}/admin"
        and claims.get("nbf", now) - LEEWAY_SECONDS <= now <= claims.get("exp", 0) + LEEWAY_SECONDS
    )


# -- access tokens ---------------------------------------------------------------------------------


def issue(
    world: World, state: ShopState, config: Config, expiring: bool, replaces: Token | None = None
) -> Token:
    now = world.now()
    token = Token(
        id=world.new_id(),
        access=f"shpat_{secrets.token_hex(16)}",
        owner="app",
        expires_at=now + timedelta(seconds=config.access_token_seconds) if expiring else None,
        refresh=f"shprt_{secrets.token_hex(16)}" if expiring else None,
        refresh_expires_at=now + timedelta(seconds=config.refresh_token_seconds) if expiring else None,
        replaces=replaces.access if replaces else None,
    )
    world.save(state, token)
    return token


def by_refresh_token(world: World, state: ShopState, refresh: str) -> Token | None:
    """The latest pair, or the one before it while the latest has not been used."""
    token = state.tokens.get(refresh)
    if token is None or token.refresh != refresh or token.refresh_expires_at is None:
        return None
    return token if token.refresh_expires_at > world.now() else None


def authenticate(world: World, state: ShopState, access: str) -> Token | None:
    """A live access token. Its first use ends the pair that it replaced."""
    token = state.tokens.get(access)
    if token is None or token.access != access:
        return None
    if token.expires_at is not None and token.expires_at <= world.now():
        return None
    if not token.used:
        token.used = True
        world.save(state, token)
        for old in _ancestors(state, token):
            world.remove(state, old)
    return token


def _ancestors(state: ShopState, token: Token) -> list[Token]:
    found = []
    while token.replaces and (older := state.tokens.get(token.replaces)) is not None:
        found.append(older)
        token = older
    return found


def revoke_all(world: World, state: ShopState) -> None:
    for token in {token.id: token for token in state.tokens.values()}.values():
        world.remove(state, token)
