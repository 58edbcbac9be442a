"""Access tokens: asked for with the official package, sealed in the vault, refreshed once for everybody.

An access token lives an hour, its refresh token 90 days and for one use. A refresh therefore happens
under a lock of the shop, and both new parts are stored in one transaction. When that transaction is
lost, the old refresh token still works until its successor is used, so the next try simply repeats.
https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from shopify_app import ShopifyApp
from shopify_app.types import IdTokenDetails

from shopify_bridge import transport, vault
from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.models import Shop
from shopify_bridge.signatures import IdToken

log = logging.getLogger(__name__)

REFRESH_BEFORE = timedelta(minutes=5)
REFRESH_WAIT_SECONDS = 15.0
IDLE_AFTER = timedelta(days=45)
PASSING_STATUSES = (408, 425, 429, 430)
LOCK_SPACE = 0x544F4B  # keeps our advisory locks apart from everybody else's
TOKEN_FIELDS = (
    "access_token",
    "access_token_expires_at",
    "refresh_token",
    "refresh_token_expires_at",
    "scopes",
    "state",
    "state_reason",
    "grant",
)
REOPEN_REASON = "Shopify no longer accepts the app's token. Open the app in the Shopify admin to renew it."


class BadIdToken(Exception):
    """Shopify refuses the ID token: the browser must bring a fresh one."""


class GrantRefused(NeedsHuman):
    """Shopify says no, and would say it again: the app isn't installed there, or the shop is gone."""

    def __init__(self) -> None:
        super().__init__("Shopify refuses to give the app a token for this shop", "refused")


@dataclass(frozen=True)
class Grant:
    """What the token endpoint gave."""

    access_token: str
    expires_at: datetime | None
    refresh_token: str
    refresh_expires_at: datetime | None
    scopes: str

    def __repr__(self) -> str:
        return f"Grant(scopes={self.scopes!r})"


def access_token(shop: Shop, rejected: str = "") -> str:
    """A token that works for the next minutes. `rejected`: one that Shopify has just refused."""
    if shop.state == Shop.State.UNINSTALLED:
        raise NeedsHuman(f"{shop.domain} has uninstalled the app", "uninstalled")
    try:
        return _fresh(shop, rejected) or _renewed_token(shop, rejected)
    except vault.Unopenable as error:
        log.error("a stored token can't be opened", extra={"shop": shop.domain, "why": str(error)})
        raise NeedsHuman("TOKEN_KEYS doesn't open this shop's token", "token_keys") from error


def _renewed_token(shop: Shop, rejected: str) -> str:
    with _thread_lock(shop.pk):
        deadline = monotonic() + REFRESH_WAIT_SECONDS
        while True:
            shop.refresh_from_db(fields=TOKEN_FIELDS)
            if (token := _fresh(shop, rejected)) is not None:
                return token
            _check_reopen(shop)
            if _refreshed_here(shop, rejected):
                return vault.unseal(shop.access_token, "access", shop.domain)
            if monotonic() > deadline:
                raise TryAgain("another process is renewing the token", after=2.0)
            sleep(0.1)


def exchange(token: IdToken) -> Grant:
    """Both tokens for the ID token that a merchant's browser has brought."""
    details = IdTokenDetails(exchangeable=True, token=token.token, claims=token.claims)
    with transport.grant_client() as http:
        result = _answer(
            lambda: _app().exchange_using_token_exchange("offline", id_token=details, http_client=http)
        )
    if result.log.code == "invalid_subject_token":
        raise BadIdToken
    return _grant(result, token.shop)


def client_credentials(shop_domain: str) -> Grant:
    """A token for a shop of the organisation that owns the app; there is no refresh token."""
    with transport.grant_client() as http:
        name = shop_domain.removesuffix(".myshopify.com")
        result = _answer(lambda: _app().exchange_using_client_credentials(name, http_client=http))
    return _grant(result, shop_domain)


def put(shop: Shop, grant: Grant) -> None:
    """Seal a grant into the row; the caller saves all of it in one transaction."""
    shop.access_token = vault.seal(grant.access_token, "access", shop.domain)
    shop.access_token_expires_at = grant.expires_at
    shop.refresh_token = (
        vault.seal(grant.refresh_token, "refresh", shop.domain) if grant.refresh_token else ""
    )
    shop.refresh_token_expires_at = grant.refresh_expires_at
    shop.scopes = grant.scopes


def drop(shop: Shop) -> None:
    """Forget both tokens."""
    shop.access_token = shop.refresh_token = ""
    shop.access_token_expires_at = shop.refresh_token_expires_at = None


def ask_to_reopen(shop: Shop, reason: str = REOPEN_REASON) -> None:
    """Only the merchant can help now. Nothing more is tried until the app is opened."""
    Shop.objects.filter(pk=shop.pk).exclude(state=Shop.State.UNINSTALLED).update(
        state=Shop.State.REOPEN, state_reason=reason
    )
    shop.state, shop.state_reason = Shop.State.REOPEN, reason


def refresh_idle() -> int:
    """Renew the tokens of shops that nobody used for 45 of the 90 days; for the clock."""
    now = timezone.now()
    renewed = 0
    idle = Shop.objects.filter(
        state__in=[Shop.State.ACTIVE, Shop.State.PAUSED],
        grant="exchange",
        access_token_expires_at__lt=now - IDLE_AFTER,
    )
    for shop in idle.iterator(chunk_size=100):
        try:
            access_token(shop)
            renewed += 1
        except (TryAgain, NeedsHuman) as error:
            log.warning("token of an idle shop not renewed", extra={"shop": shop.domain, "why": str(error)})
    return renewed


def _fresh(shop: Shop, rejected: str) -> str | None:
    until = shop.access_token_expires_at
    if not shop.access_token or shop.state == Shop.State.REOPEN:
        return None
    if until is not None and until - timezone.now() < REFRESH_BEFORE:
        return None
    token = vault.unseal(shop.access_token, "access", shop.domain)
    return None if rejected and token == rejected else token


def _check_reopen(shop: Shop) -> None:
    if shop.state == Shop.State.UNINSTALLED:
        raise NeedsHuman(f"{shop.domain} has uninstalled the app", "uninstalled")
    if shop.state == Shop.State.REOPEN:
        raise NeedsHuman(shop.state_reason or REOPEN_REASON, "reopen")


_locks: dict[int, threading.Lock] = {}
_locks_guard = threading.Lock()


def _thread_lock(shop_id: int) -> threading.Lock:
    """One thread of this process at a time, so that waiting threads don't each queue in the database."""
    with _locks_guard:
        return _locks.setdefault(shop_id, threading.Lock())


def _refreshed_here(shop: Shop, rejected: str) -> bool:
    """Renew the token if no other process is doing it; False means: look again soon.

    The one network call inside a transaction: a lock that ends with its transaction can't be left
    behind by a dying process or a pooled connection, and it blocks no row that anybody else wants.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK_SPACE, shop.pk % 2**31])
            if not cursor.fetchone()[0]:
                return False
        shop.refresh_from_db(fields=TOKEN_FIELDS)
        if _fresh(shop, rejected) is not None:
            return True
        grant = _renewed(shop)
        if grant is not None:
            put(shop, grant)
            shop.save(update_fields=TOKEN_FIELDS[:5])
    if grant is None:
        ask_to_reopen(shop)
        log.error("shop must open the app again", extra={"shop": shop.domain})
        raise NeedsHuman(REOPEN_REASON, "reopen")
    return True


def _renewed(shop: Shop) -> Grant | None:
    """A new pair; None when only the merchant can help."""
    if shop.grant == "client_credentials":
        try:
            return client_credentials(shop.domain)
        except GrantRefused:
            return None
    if not shop.refresh_token:
        return None
    old = {
        "shop": shop.domain.removesuffix(".myshopify.com"),
        "refresh_token": vault.unseal(shop.refresh_token, "refresh", shop.domain),
        "access_mode": "offline",
        "expires": None,  # with a date, the package would not refresh before the last minute
        "refresh_token_expires": _iso(shop.refresh_token_expires_at),
    }
    with transport.grant_client() as http:
        result = _answer(lambda: _app().refresh_token_exchanged_access_token(old, http_client=http))
    if result.log.code in ("invalid_grant", "refresh_token_expired"):
        return None
    try:
        return _grant(result, shop.domain)
    except GrantRefused:
        return None


def _app() -> ShopifyApp:
    # Grants always use the current secret; the old one is for verification only.
    return ShopifyApp(settings.SHOPIFY_API_KEY, settings.SHOPIFY_API_SECRET)


def _answer(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (ValueError, TypeError, AttributeError) as error:
        # The package doesn't guard against a 200 that is HTML, cut, or has other types.
        raise TryAgain("the token endpoint's answer can't be read", sent=True) from error


def _grant(result: Any, shop_domain: str) -> Grant:
    if result.log.code == "invalid_client":
        log.error("Shopify refuses SHOPIFY_API_KEY and SHOPIFY_API_SECRET", extra={"shop": shop_domain})
        raise NeedsHuman("Shopify refuses the app's client id and secret", "invalid_client")
    status = result.http_logs[-1].res.status if result.http_logs else 0
    if 400 <= status < 500 and status not in PASSING_STATUSES:
        raise GrantRefused
    if not result.ok or result.access_token is None or not result.access_token.token:
        raise TryAgain(f"no token: {result.log.code}", after=5.0, sent=True)
    given = result.access_token
    return Grant(
        access_token=given.token,
        expires_at=_moment(given.expires),
        refresh_token=getattr(given, "refresh_token", None) or "",
        refresh_expires_at=_moment(getattr(given, "refresh_token_expires", None)),
        scopes=given.scope,
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) if text else None


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
