"""Cashback is paid in the shops that let the app give store credit."""

from rewards import payouts, recurring
from rewards.kinds import KINDS
from rewards.models import Program
from shopify_bridge import jobs, permissions
from shopify_bridge.models import Shop

SCOPES = KINDS["store_credit"].scopes


def begin_due() -> int:
    """For the clock: begin all payouts that are due; returns how many. They go on as redemptions."""
    shops = Shop.objects.filter(state=Shop.State.ACTIVE, scopes__contains="store_credit").order_by("pk")
    allowed = [shop for shop in shops if not permissions.missing(shop, SCOPES)]
    programs = Program.objects.in_bulk({shop.program_id for shop in allowed})

    def begin(shop: Shop) -> int:
        if begun := payouts.begin_due(programs[shop.program_id], shop.pk):
            jobs.ring(jobs.redeem)
        return begun

    return recurring.each("shop", allowed, begin)
