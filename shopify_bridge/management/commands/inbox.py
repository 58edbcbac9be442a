"""`manage.py inbox list|show|replay`: deliveries that wait or were parked."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count, QuerySet

from shopify_bridge import inbox
from shopify_bridge.models import InboxRow


class Command(BaseCommand):
    help = "Look at the deliveries of Shopify, and have parked ones handled again."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="list parked deliveries, newest first, and count all")
        listing.add_argument("--shop", help="only of this shop's domain")
        listing.add_argument("--state", choices=InboxRow.State.values, default="parked")
        listing.add_argument("--limit", type=int, default=50)
        show = actions.add_parser("show", help="print one delivery; --body includes what it says")
        show.add_argument("id", type=int)
        show.add_argument("--body", action="store_true", help="the body as it came; it may be personal")
        replay = actions.add_parser("replay", help="handle parked deliveries again, now")
        replay.add_argument("ids", type=int, nargs="*", metavar="id")
        replay.add_argument("--all", action="store_true", help="every parked one")
        replay.add_argument("--shop", help="every parked one of this shop's domain")

    def handle(self, *args: Any, **options: Any) -> None:
        {"list": self._list, "show": self._show, "replay": self._replay}[options["action"]](options)

    def _list(self, options: dict[str, Any]) -> None:
        rows = _of_shop(options["shop"])
        shown = rows.filter(state=options["state"]).defer("body", "body_hash").order_by("-received_at")
        for row in shown[: options["limit"]]:
            received = row.received_at.isoformat(timespec="seconds")
            self.stdout.write(f"{row.pk:>9}  {received}  {row.shop_domain}  {row.topic}  {row.reason}")
        counted = rows.order_by().values_list("state").annotate(Count("id"))
        self.stdout.write(
            ", ".join(f"{number} {state}" for state, number in counted) or "The inbox is empty."
        )

    def _show(self, options: dict[str, Any]) -> None:
        row = InboxRow.objects.filter(pk=options["id"]).first()
        if row is None:
            raise CommandError(f"There is no delivery {options['id']}.")
        for name in (
            "id",
            "shop_domain",
            "topic",
            "webhook_id",
            "api_version",
            "triggered_at",
            "received_at",
            "state",
            "attempts",
            "due_at",
            "reason",
        ):
            self.stdout.write(f"{name:<13} {getattr(row, name)}")
        body = row.content
        self.stdout.write(f"{'body':<13} {len(body)} bytes")
        if options["body"]:
            self.stdout.write(body.decode("utf-8", "backslashreplace"))

    def _replay(self, options: dict[str, Any]) -> None:
        if not (options["ids"] or options["all"] or options["shop"]):
            raise CommandError("Name deliveries by id, or say --shop or --all.")
        rows = _of_shop(options["shop"]).filter(state=InboxRow.State.PARKED)
        if options["ids"]:
            rows = rows.filter(pk__in=options["ids"])
        ids = list(rows.values_list("pk", flat=True))
        inbox.replay(InboxRow.objects.filter(pk__in=ids).defer("body", "body_hash"))
        inbox.drain()
        states = dict(
            InboxRow.objects.filter(pk__in=ids).order_by().values_list("state").annotate(Count("id"))
        )
        done, parked = states.get("done", 0), states.get("parked", 0)
        waiting = len(ids) - done - parked
        self.stdout.write(f"{len(ids)} replayed: {done} done, {waiting} waiting, {parked} parked again.")


def _of_shop(domain: str | None) -> QuerySet[InboxRow]:
    return InboxRow.objects.filter(shop_domain=domain) if domain else InboxRow.objects.all()
