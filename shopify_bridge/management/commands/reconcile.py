"""`manage.py reconcile [--shop S] [--days N]`: points equal orders."""

from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.models import Shop
from shopify_bridge.reconcile import FULL_WINDOW, reconcile


class Command(BaseCommand):
    help = "Compare a shop's points with the orders Shopify shows, and settle what differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--shop", help="the shop's domain, like my-shop.myshopify.com (default: all)")
        parser.add_argument(
            "--days",
            type=int,
            default=FULL_WINDOW.days,
            help=f"look at orders changed in so many days (default {FULL_WINDOW.days})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 1:
            raise CommandError("--days must be at least 1.")
        failures = [
            failure for shop in _shops(options["shop"]) if (failure := self._reconcile(shop, options["days"]))
        ]
        if failures:
            raise CommandError(" ".join(failures))

    def _reconcile(self, shop: Shop, days: int) -> str | None:
        """Why it could not be done, if so."""
        started = perf_counter()
        try:
            # Whoever asks wants to see it right now: no order is left to a webhook that may still come.
            report = reconcile(shop, datetime.now(UTC) - timedelta(days=days), settling=timedelta(0))
        except (TryAgain, NeedsHuman) as problem:
            return f"{shop.domain} can't be asked: {problem}"
        self.stdout.write(
            f"{shop.domain}: {report.looked_at} orders looked at, {report.healed} were behind and are "
            f"settled, in {perf_counter() - started:.1f} s."
        )
        return None


def _shops(domain: str | None) -> list[Shop]:
    if domain is None:
        return list(Shop.objects.filter(state=Shop.State.ACTIVE).order_by("domain"))
    found = list(Shop.objects.filter(domain=domain))
    if not found:
        raise CommandError(f"{domain} has not installed the app here.")
    return found
