"""`manage.py reconcile [--shop S] [--days N | --from DATE --to DATE]`: points equal orders."""

from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rewards import dates
from shopify_bridge.checks import FULL_WINDOW
from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.models import OrderCheck, Shop
from shopify_bridge.reconcile import reconcile

PROGRESS_EVERY_SECONDS = 5.0


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
        parser.add_argument(
            "--from", dest="first", type=date.fromisoformat, help="first day, in the shop's time"
        )
        parser.add_argument("--to", dest="last", type=date.fromisoformat, help="last day (default: today)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 1:
            raise CommandError("--days must be at least 1.")
        if failures := [why for shop in _shops(options["shop"]) if (why := self._reconcile(shop, options))]:
            raise CommandError(" ".join(failures))

    def _reconcile(self, shop: Shop, options: dict[str, Any]) -> str | None:
        """Why it could not be done, if so."""
        since, until = _time(shop, options)
        started = self._said = perf_counter()
        try:
            check = reconcile(shop, since, until, watch=self._progress)
        except (TryAgain, NeedsHuman) as problem:
            return f"{shop.domain} can't be asked: {problem}"
        self.stdout.write(
            f"{shop.domain}: {check.looked_at} orders looked at, {check.healed} were behind and are "
            f"settled, in {perf_counter() - started:.1f} s."
        )
        if left := check.found - check.healed:
            self.stdout.write(f"{shop.domain}: {left} could not be settled; the panel says why.")
        return None

    def _progress(self, check: OrderCheck) -> None:
        if perf_counter() - self._said > PROGRESS_EVERY_SECONDS:
            self._said = perf_counter()
            of = f" of {check.expected}" if check.expected else ""
            self.stdout.write(f"  {check.looked_at}{of} orders looked at. {check.problem}".rstrip())


def _shops(domain: str | None) -> list[Shop]:
    if domain is None:
        return list(Shop.objects.filter(state=Shop.State.ACTIVE).order_by("domain"))
    found = list(Shop.objects.filter(domain=domain))
    if not found:
        raise CommandError(f"{domain} has not installed the app here.")
    return found


def _time(shop: Shop, options: dict[str, Any]) -> tuple[datetime, datetime]:
    now, zone = datetime.now(UTC), ZoneInfo(shop.timezone)
    since = now - timedelta(days=options["days"])
    if options["first"]:
        since = dates.start_of_day(options["first"], zone)
    until = dates.end_of_day(options["last"], zone) if options["last"] else now
    if until <= since:
        raise CommandError("--to must not be before --from.")
    return since, min(until, now)
