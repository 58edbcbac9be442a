"""A change before it is saved: what differs, what is risky, what last month's orders would have earned.

Any form can have a preview: it makes the document of what is typed, and `paths` are its addresses.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path

from loyalty_app.merchant import customers, risks, words
from loyalty_app.merchant.answers import Json, View, fetch, post_only
from loyalty_app.merchant.tables import plain, table
from loyalty_app.templatetags.panel import signed
from rewards import programs, simulate
from rewards.differences import differences
from rewards.first_awards import Catalogue
from rewards.models import Member, Program
from rewards.money import decimal, exponent
from rewards.simulate import Move, Preview, Row, Window, Worth
from shopify_bridge import catalogue
from shopify_bridge.auth import Staff
from shopify_bridge.models import Shop

DocumentOf = Callable[..., tuple[Program, Json]]
Answer = Callable[[Staff, Program, Json], HttpResponse]

PRODUCTS_ASKED_MOST = 100
"""Of the products that nothing is known of, so many are asked for at Shopify: four calls."""
TIER_COLUMNS = ("Member", "Tier now", "Tier after the change")
NAMED = 10
MEMBERS_MOST = 20_000
ORDERS_MOST = 5_000
"""What is answered in a few seconds; of a month with more, a part of the members is looked at."""
COLUMNS = (
    "Member",
    "Customer",
    "Orders",
    "Points by the rules in force",
    "Points after the change",
    "Difference",
)


def paths(prefix: str, document_of: DocumentOf) -> list[URLPattern]:
    """The addresses of a preview and of its files. `document_of` makes a document of what is typed."""
    answers: dict[str, Answer] = {
        "preview": look,
        "preview/members": members_file,
        "preview/tiers": tiers_file,
    }
    return [
        path(f"{prefix}/{name}", post_only(_door(document_of, answer))) for name, answer in answers.items()
    ]


def _door(document_of: DocumentOf, answer: Answer) -> View:
    @fetch
    def view(request: HttpRequest, staff: Staff, **captured: Any) -> HttpResponse:
        return answer(staff, *document_of(request, staff, **captured))

    return view


def look(staff: Staff, program: Program, document: Json) -> JsonResponse:
    """All that can be said of a checked document beside the one in force. Nothing is saved."""
    now = datetime.now(UTC)
    answer: Json = {
        "ok": True,
        "differences": differences(programs.document(program), document, program.currency),
        "risks": risks.sentences(program, document, ""),
    }
    if answer["differences"]:
        window = simulate.recent(program, now)
        products = _Products(staff.shop)
        found = simulate.preview(program, document, window, products=products, most=ORDERS_MOST)
        answer |= {
            "period": _period(program, window, now),
            "figures": list(_figures(found, program, document)),
            "members": _members(staff.shop, program, found.top),
            "assumed": list(_assumed(found, program.currency)),
            "tiers": _tiers(staff.shop, program, document),
        }
    return JsonResponse(answer)


def members_file(staff: Staff, program: Program, document: Json) -> HttpResponse:
    """What the change means for each member, as a file."""
    window = simulate.recent(program, datetime.now(UTC))
    run = simulate.Run(program, document, window, products=_Products(staff.shop), most=ORDERS_MOST)
    return table(
        COLUMNS,
        (
            (row.member_id, row.customer_id, row.orders, row.before, row.after, row.change)
            for row in run.rows()
        ),
    )


def tiers_file(staff: Staff, program: Program, document: Json) -> HttpResponse:
    """Who would come to another tier, as a file."""
    every = simulate.looked_at(program, MEMBERS_MOST)
    return table(
        TIER_COLUMNS,
        (
            (move.member_id, plain(move.before), plain(move.after))
            for move in simulate.moves(program, document, every=every)
        ),
    )


class _Products:
    """What is known of products; those unknown are asked for at Shopify, up to so many in all."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.left = shop, PRODUCTS_ASKED_MOST

    def __call__(self, keys: Set[tuple[int, int]]) -> Catalogue:
        found, asked = catalogue.at_hand(self.shop, keys, self.left)
        self.left -= asked
        return found


def _period(program: Program, window: Window, now: datetime) -> str:
    if window != Window.last_month(program, now):
        return "in the last 30 days"
    return f"in {window.since.astimezone(ZoneInfo(program.timezone)):%B %Y}"


def _figures(found: Preview, program: Program, document: Json) -> Iterator[Json]:
    """Each with what it is by the rules in force (`was`) and by the new ones (`is`)."""
    about = "about " if found.every > 1 else ""
    before, after = found.before * found.every, found.after * found.every
    yield {
        "name": document["points"]["many"].capitalize(),
        "was": f"{about}{before:,}",
        "is": f"{about}{after:,}",
        "remark": f"for {about}{words.number_of(found.orders * found.every, 'order')}",
    }
    if found.worth_before and found.worth_after:
        was, now = before * found.worth_before.of_point, after * found.worth_after.of_point
        back = (
            f"{words.percent(now / (found.spent * found.every) * 100)} of what they spent"
            if found.spent
            else ""
        )
        yield {
            "name": "Worth, if all are spent",
            "was": about + words.money_of(was, program.currency),
            "is": about + words.money_of(now, program.currency),
            "remark": back,
        }
    yield {
        "name": "Members",
        "was": "",
        "is": f"{about}{found.members * found.every:,}",
        "remark": f"{found.gaining * found.every:,} get more, {found.losing * found.every:,} get less",
    }


def _members(shop: Shop, program: Program, rows: Sequence[Row]) -> list[Json]:
    """Those whose points change the most, by name."""
    names = _names(shop, program, [row.member_id for row in rows[:NAMED]])
    return [
        {
            "name": names[row.member_id],
            "href": f"/app/members/{row.member_id}",
            "before": f"{row.before:,}",
            "after": f"{row.after:,}",
            "change": signed(row.change),
        }
        for row in rows[:NAMED]
    ]


def _tiers(shop: Shop, program: Program, document: Json) -> Json | None:
    """Who would come to another tier as soon as the change is saved."""
    every = simulate.looked_at(program, MEMBERS_MOST)
    up, down, some = 0, 0, list[Move]()
    for move in simulate.moves(program, document, every=every):
        up, down = up + move.is_up, down + (not move.is_up)
        if len(some) < NAMED:
            some.append(move)
    if not some:
        return None
    about = "About " if every > 1 else ""
    said = f"{about}{words.number_of(up * every, 'member')} would move up, and {down * every:,} down."
    names = _names(shop, program, [move.member_id for move in some])
    members = [
        {
            "name": names[move.member_id],
            "href": f"/app/members/{move.member_id}",
            "before": move.before or "None",
            "after": move.after or "None",
        }
        for move in some
    ]
    return {"said": said, "members": members}


def _names(shop: Shop, program: Program, ids: Sequence[int]) -> dict[int, str]:
    return customers.names_of(shop, Member.objects.filter(program=program, pk__in=ids))


def _assumed(found: Preview, currency: str) -> Iterator[str]:
    """How it was counted."""
    yield "Orders count as they are today, less what was refunded; what isn't an order is left out."
    if found.every > 1:
        yield f"One in {found.every} members was looked at, and the sums multiplied."
    if found.worth_before and found.worth_after:
        was, now = (_worth(one, currency) for one in (found.worth_before, found.worth_after))
        yield (
            f"A point is worth {now}."
            if was == now
            else f"A point is worth {now}; by the rules in force, {was}."
        )
    yield from found.assumed


def _worth(worth: Worth, currency: str) -> str:
    return f"{decimal(worth.of_point / 10 ** exponent(currency), 0, 4)} {currency} (“{worth.reward}”)"
