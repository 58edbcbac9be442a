"""A shop comes, comes back, and goes.

Shopify manages the installation: what the app sees first is a page load with an ID token, which is
exchanged for tokens of the shop. https://shopify.dev/docs/apps/build/authentication-authorization
"""

import logging
import tomllib
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from shopify import ApiAccess

from rewards import people, programs
from shopify_bridge import budget, client, goods, tokens
from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.models import (
    UNKNOWN_PROGRAM,
    Backfill,
    Credit,
    CustomerTag,
    DataRequest,
    Gap,
    InboxRow,
    OrderCheck,
    Product,
    Shop,
)
from shopify_bridge.signatures import IdToken, is_shop_domain
from shopify_bridge.tokens import Grant, access_token, refresh_idle

__all__ = [
    "access_token",
    "connect",
    "installed",
    "knock",
    "needs_opening",
    "opened",
    "redact_shop",
    "refresh_idle",
    "scopes_changed",
    "uninstalled",
]

log = logging.getLogger(__name__)

INSTALL_LOCK_SPACE = 0x494E53
REDACTED_AFTER = timedelta(hours=48)
"""So long after the app was uninstalled Shopify asks to erase the shop."""


def needs_opening(shop: Shop | None) -> bool:
    """Whether the next page load must exchange its ID token before anything else."""
    if shop is None or shop.state in (Shop.State.UNINSTALLED, Shop.State.REOPEN) or not shop.access_token:
        return True
    if shop.grant == "exchange":
        expires = shop.refresh_token_expires_at
        return not shop.refresh_token or (expires is not None and expires <= timezone.now())
    return False


def installed(shop_domain: str, id_token: IdToken) -> Shop:
    """Take the shop in, or back: tokens by token exchange, its row and its program found or made."""
    if id_token.shop != shop_domain:
        raise NeedsHuman("the ID token is another shop's", "other_shop")
    shop = _take_in(shop_domain, tokens.exchange(id_token), "exchange")
    opened(shop, id_token)
    return shop


def opened(shop: Shop, id_token: IdToken) -> None:
    """Note that the merchant opened the app: whatever uninstall was before that is over."""
    at = datetime.fromtimestamp(id_token.claims["iat"], UTC)
    earlier = Q(opened_at=None) | Q(opened_at__lt=at)
    Shop.objects.filter(earlier, pk=shop.pk).update(opened_at=at)


def connect(shop_domain: str) -> Shop:
    """Take in a shop of the organisation that owns the app, without a merchant's browser."""
    if not is_shop_domain(shop_domain):
        raise NeedsHuman(f"{shop_domain!r} is no domain like my-shop.myshopify.com", "bad_domain")
    return _take_in(shop_domain, tokens.client_credentials(shop_domain), "client_credentials")


def knock() -> None:
    """Ask paused shops whether they can be called again; an answer resumes them. For the clock."""
    for shop in Shop.objects.filter(state=Shop.State.PAUSED):
        try:
            client.AdminClient(shop).run("installation")
        except (TryAgain, NeedsHuman) as problem:
            log.info("still paused", extra={"shop": shop.domain, "why": str(problem)})


def uninstalled(shop: Shop, at: datetime) -> bool:
    """Stop all calls. False when this is old news: the shop was installed again since.

    Shopify may deliver it hours later, when the merchant is back and the tokens of before, which died with
    the uninstall, still looked good: then the next page load brings new ones.
    """
    with transaction.atomic():
        row = Shop.objects.select_for_update().get(pk=shop.pk)
        # Deliveries are dated in whole seconds: one of the second of the installation came after it.
        if at < row.installed_at.replace(microsecond=0):
            return False
        tokens.drop(row)
        # Nobody tells of changes from now on.
        Product.objects.filter(program_id=row.program_id, shop_id=row.pk).delete()
        is_back = row.opened_at is not None and at < row.opened_at
        if is_back:
            row.state, row.state_reason = Shop.State.REOPEN, tokens.REOPEN_REASON
        else:
            row.state, row.state_reason = Shop.State.UNINSTALLED, ""
            row.uninstalled_at = row.uninstalled_at or at
        row.save()
    shop.refresh_from_db()
    budget.forget(row.domain)
    log.info("uninstalled", extra={"shop": row.domain, "is_back": is_back})
    return not is_back


def redact_shop(shop: Shop, at: datetime) -> bool:
    """Erase the shop, and its program if no other shop shares it.

    False when it has been installed again: then all stays. The row stays, with its domain and nothing
    else, so that late deliveries find a shop that is gone.
    """
    with transaction.atomic():
        row = Shop.objects.select_for_update().get(pk=shop.pk)
        if not _has_left(row, at):
            return False
        row.state = Shop.State.UNINSTALLED
        tokens.drop(row)
        row.name = row.scopes = row.state_reason = row.app_installation_gid = ""
        row.shopify_id = row.reconcile_watermark = row.reconciled_at = None
        rows = InboxRow.objects.filter(program_id=row.program_id, shop_id=row.pk)
        rows.exclude(state=InboxRow.State.WAITING).delete()
        for kind in (Gap, OrderCheck, Backfill, DataRequest, Product, CustomerTag, Credit):
            kind.objects.filter(program_id=row.program_id, shop_id=row.pk).delete()
        if Shop.objects.filter(program_id=row.program_id).exclude(pk=row.pk).exists():
            people.forget_source(row.program_id, row.pk)
        else:
            programs.erase(row.program_id)
        row.program_id = UNKNOWN_PROGRAM
        row.save()
    shop.refresh_from_db()
    log.info("shop erased", extra={"shop": row.domain})
    return True


def scopes_changed(shop: Shop, granted: str) -> bool:
    """Note the scopes that the merchant has granted; whether they cover what the app needs."""
    with transaction.atomic():
        row = Shop.objects.select_for_update().get(pk=shop.pk)
        row.scopes = granted
        _judge_scopes(row)
        # What the shop has on offer depends on them.
        row.published_program_version = 0
        row.save(update_fields=["scopes", "state", "state_reason", "published_program_version"])
    shop.refresh_from_db()
    if programs.offer_again(shop.program_id, goods.PERMISSION):
        goods.tell_themes(shop.program_id)
    return _covers(granted)


@cache
def needed_scopes() -> str:
    """The scopes of `shopify.app.toml`."""
    document = tomllib.loads((settings.BASE_DIR / "shopify.app.toml").read_text())
    scopes: str = document["access_scopes"]["scopes"]
    return scopes


def _has_left(shop: Shop, at: datetime) -> bool:
    """Also when nobody told of the uninstall: its tokens are dead, and nobody opened the app since."""
    if shop.state != Shop.State.REOPEN:
        return shop.state == Shop.State.UNINSTALLED
    return max(shop.installed_at, shop.opened_at or shop.installed_at) < at - REDACTED_AFTER


def _take_in(shop_domain: str, grant: Grant, kind: str) -> Shop:
    details = client.ask(shop_domain, grant.access_token, "installation")
    with transaction.atomic():
        # Two first page loads at once: the second finds what the first has made.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [INSTALL_LOCK_SPACE, shop_domain]
            )
        shop = Shop.objects.select_for_update().filter(domain=shop_domain).first() or Shop(domain=shop_domain)
        if shop.state != Shop.State.ACTIVE or not shop.pk:
            # Also after "open the app again": a token given now outdates any uninstall told later.
            shop.installed_at = timezone.now()
            shop.uninstalled_at = None
            # Whoever became a customer while the app was away is a member too.
            shop.customers_enrolled_at = None
            shop.last_customer = 0
            shop.disputes_asked_at = None
            # The theme may show nothing, or what held before: publish all of it.
            shop.published_program_version = 0
        _describe(shop, details)
        tokens.put(shop, grant)
        shop.grant = kind
        shop.state, shop.state_reason = Shop.State.ACTIVE, ""
        _judge_scopes(shop)
        if not shop.program_id:
            program = programs.start(name=shop.name, currency=shop.currency, timezone=shop.timezone)
            shop.program_id = program.id
        shop.save()
    log.info("installed", extra={"shop": shop_domain, "grant": kind})
    return shop


def _describe(shop: Shop, details: dict[str, Any]) -> None:
    about, installation = details["shop"], details["currentAppInstallation"]
    if about["myshopifyDomain"] != shop.domain:
        raise NeedsHuman("the token answers for another shop", "other_shop")
    shop.shopify_id = int(about["id"].rpartition("/")[2])
    shop.name = about["name"][:255]
    shop.timezone = about["ianaTimezone"]
    shop.app_installation_gid = installation["id"]
    if not shop.program_id:
        # A later change of currency is a matter of its own: first awards stop until the merchant decides.
        shop.currency = about["currencyCode"]


def _judge_scopes(shop: Shop) -> None:
    """A shop that lacks scopes works as far as it can, and its merchant is told."""
    if shop.state == Shop.State.ACTIVE:
        shop.state_reason = "" if _covers(shop.scopes) else "Not all permissions of the app are granted."


def _covers(granted: str) -> bool:
    return bool(ApiAccess(granted).covers(ApiAccess(needed_scopes())))
