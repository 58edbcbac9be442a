"""`manage.py reconcile --shop S [--days N]`: points equal orders."""

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
        parser.add_argument("--shop", required=True, help="the shop's domain, like my-shop.myshopify.com")
        parser.add_argument(
            "--days",
            type=int,
            default=FULL_WINDOW.days,
            help=f"look at orders changed in so many days (default {FULL_WINDOW.days})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        shop = Shop.objects.filter(domain=options["shop"]).first()
        if shop is None:
            raise CommandError(f"{options['shop']} has not installed the app here.")
        if options["days"] < 1:
            raise CommandError("--days must be at least 1.")
        started = perf_counter()
        try:
            report = reconcile(shop, datetime.now(UTC) - timedelta(days=options["days"]))
        except (TryAgain, NeedsHuman) as problem:
            raise CommandError(f"{shop.domain} can't be asked: {problem}") from problem
        self.stdout.write(
            f"{report.looked_at} orders looked at, {report.healed} were behind and are settled, "
            f"in {perf_counter() - started:.1f} s."
        )
