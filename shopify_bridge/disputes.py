"""Chargebacks: told of only where the merchant gave a permission of its own, and with Shopify Payments.

The permission is optional, so these subscriptions can't stand in `shopify.app.toml`: each shop that gives it
gets its own. https://shopify.dev/docs/apps/build/authentication-authorization/manage-access-scopes
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from shopify_bridge import permissions
from shopify_bridge.client import AdminClient, user_errors
from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.models import Shop

log = logging.getLogger(__name__)

SCOPE = "read_shopify_payments_disputes"
TOPICS = ("disputes/create", "disputes/update")
AGAIN_AFTER = timedelta(days=1)
"""Shopify removes a subscription whose deliveries failed for hours; it isn't told, so ask again."""
TAKEN = "already been taken"


def are_told(shop: Shop) -> bool:
    """Whether the merchant lets Shopify tell the app of disputes."""
    return SCOPE in shop.scopes.split(",")


def permission_changed(shop: Shop) -> None:
    """The merchant decided just now: ask what is granted, and act upon it."""
    permissions.learn(shop)
    if are_told(shop):
        subscribe(shop)


def subscribe(shop: Shop) -> None:
    """Ask to be told; where that was asked before, nothing changes."""
    subscription = {"uri": f"{settings.APP_URL}/webhooks"}
    answer = AdminClient(shop).run("disputes_subscribe", {"subscription": subscription})
    errors = [error["message"] for part in ("created", "updated") for error in user_errors(answer[part])]
    if refused := [message for message in errors if TAKEN not in message]:
        raise NeedsHuman(f"Shopify refuses to tell of disputes: {refused[0][:200]}", "disputes")
    Shop.objects.filter(pk=shop.pk).update(disputes_asked_at=timezone.now())


def subscribe_due() -> None:
    """For the clock: shops that gave the permission while nobody looked, and all others once a day."""
    Shop.objects.exclude(Q(scopes__contains=SCOPE) | Q(disputes_asked_at=None)).update(disputes_asked_at=None)
    due = Q(disputes_asked_at=None) | Q(disputes_asked_at__lt=timezone.now() - AGAIN_AFTER)
    for shop in Shop.objects.filter(due, state=Shop.State.ACTIVE, scopes__contains=SCOPE):
        try:
            subscribe(shop)
        except (TryAgain, NeedsHuman) as problem:
            log.warning("not told of disputes", extra={"shop": shop.domain, "why": str(problem)})
