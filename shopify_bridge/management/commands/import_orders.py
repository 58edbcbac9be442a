"""`manage.py import_orders --shop S [--preview]`: points for orders from before the program."""

from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shopify_bridge import backfill
from shopify_bridge.checks import FULL_WINDOW
from shopify_bridge.models import Backfill, Shop

STEP_SECONDS = 5.0


class Command(BaseCommand):
    help = "Count what past orders would earn, and post it. May be stopped: the clock goes on with it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--shop", required=True, help="the shop's domain, like my-shop.myshopify.com")
        parser.add_argument("--preview", action="store_true", help="count only, post nothing")
        parser.add_argument(
            "--all", action="store_true", help="all orders (needs read_all_orders), not the last 60 days"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        shop = Shop.objects.filter(domain=options["shop"]).first()
        if shop is None:
            raise CommandError(f"{options['shop']} has not installed the app here.")
        since = None if options["all"] else datetime.now(UTC) - FULL_WINDOW
        try:
            row = backfill.begin(shop, since, "manage.py")
            self._work(row, "counted")
            self.stdout.write(
                f"{row.looked_at} orders counted: {row.orders} of them would give {row.points} points "
                f"to {row.members} members."
            )
            if options["preview"]:
                backfill.cancel(row)
                return
            backfill.confirm(row, "manage.py")
        except backfill.NotNow as problem:
            raise CommandError(str(problem)) from problem
        self._work(row, "posted")
        self.stdout.write(f"{row.looked_at} orders posted, {row.failed} could not be settled.")

    def _work(self, row: Backfill, verb: str) -> None:
        while row.state == Backfill.State.WORKING:
            backfill.go_on(row, monotonic() + STEP_SECONDS)
            row.refresh_from_db()
            if row.state == Backfill.State.WORKING:
                self.stdout.write(
                    f"  {row.looked_at} of {row.expected or '?'} {verb}. {row.problem}".rstrip()
                )
                sleep(max(0.0, min(STEP_SECONDS, (row.due_at - datetime.now(UTC)).total_seconds())))
        if row.state == Backfill.State.STOPPED:
            problem = row.problem
            backfill.cancel(row)
            raise CommandError(f"It stopped: {problem}")
