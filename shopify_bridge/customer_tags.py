"""The tag of a member's tier on their customer in Shopify, so that themes, Flow and discounts can go by it.

Which tags are wanted is found whenever a standing is published, and kept in rows: what is to be put, what we
put, what is to be taken away. Only what we put is ever taken away: a tag that was there before is the
merchant's. What is the case in Shopify is looked up first, so an answer that was lost does no harm.
https://shopify.dev/docs/api/admin-graphql/latest/mutations/tagsAdd
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic

from django.db import connection, transaction
from django.db.models import QuerySet
from shopify import ApiAccess

from rewards import people, programs, standing
from rewards.models import Program
from shopify_bridge.client import AdminClient, NeedsHuman, TryAgain, user_errors
from shopify_bridge.database import alone
from shopify_bridge.models import CustomerTag, Shop

log = logging.getLogger(__name__)

State = CustomerTag.State
SCOPE = "write_customers"
BATCH = 25
"""A change costs 10 points, and one call may cost 1,000."""
TURN_SECONDS = 15.0
SPARE = 0.5
"""The share of the cost bucket that is left to codes, orders and standings."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(hours=6)
REFUSED_AFTER = 20
"""So many failures in a row are a refusal: some days."""
# Each program has a first version. It drives the question, since it lies with the program's other rows.
SHOPS_WITH_WORK = """
    SELECT s.id FROM rewards_programversion v
    JOIN shopify_bridge_shop s ON s.program_id = v.program_id AND s.state = 'active'
    WHERE v.number = 1 AND EXISTS (
        SELECT 1 FROM shopify_bridge_customertag t
        WHERE t.program_id = v.program_id AND t.shop_id = s.id AND t.due_at <= %s
    )
    ORDER BY s.id
"""


def may_write(shop: Shop) -> bool:
    """Whether the merchant lets the app write to customers."""
    return bool(ApiAccess(shop.scopes).covers(ApiAccess(SCOPE)))


def plan(shop: Shop, program: Program, tiers: Mapping[int, str | None]) -> None:
    """Note what has to change for these customers of a shop, who have these tiers by now."""
    tags = wanted(program)
    with transaction.atomic():
        known: dict[int, list[CustomerTag]] = {}
        rows = _of_shop(shop).filter(customer_id__in=tiers).select_for_update().order_by("customer_id", "tag")
        for row in rows:
            known.setdefault(row.customer_id, []).append(row)
        for customer_id, tier in tiers.items():
            _plan(shop, customer_id, tags.get(tier or "", ""), known.get(customer_id, []))


def wanted(program: Program) -> dict[str, str]:
    """The tags of the levels that have one."""
    levels = programs.document(program)["tiers"]["levels"]
    return {level["id"]: tag for level in levels if (tag := level["customer_tag"].strip())}


def work() -> int:
    """Tell Shopify what is due, in every shop that can be called; returns the rows that were settled."""
    with connection.cursor() as cursor:
        cursor.execute(SHOPS_WITH_WORK, [datetime.now(UTC)])
        shops = Shop.objects.filter(pk__in=[shop_id for (shop_id,) in cursor.fetchall()]).order_by("pk")
    done = 0
    for shop in filter(may_write, shops):
        with alone(f"tag:{shop.pk}") as nobody_else:
            if nobody_else:
                done += _work_in(shop)
    return done


def merged(shop: Shop, kept: int, gone: int) -> None:
    """Shopify gave the tags of one customer to another: what we put there, and what others did."""
    with transaction.atomic():
        both = _of_shop(shop).filter(customer_id__in=(kept, gone)).select_for_update()
        rows = list(both.order_by("customer_id", "tag"))
        moved = [row for row in rows if row.customer_id == gone]
        if not moved:
            return
        mine = {row.tag.casefold(): row for row in rows if row.customer_id == kept}
        for row in moved:
            if other := mine.get(row.tag.casefold()):
                _become_one(other, row)
            else:
                row.customer_id = kept
                row.save(update_fields=["customer_id"])
        ref = (shop.pk, kept)
        standing.outdated(shop.program_id, people.find(shop.program_id, [ref]).values())


def put_on(shop: Shop, customer_id: int) -> list[str]:
    """The tags that we put on a customer."""
    rows = _of_shop(shop).filter(customer_id=customer_id, asked=True)
    return list(rows.order_by("tag").values_list("tag", flat=True))


def forget(shop: Shop, customer_id: int) -> None:
    """Of this customer nothing is kept any more."""
    _of_shop(shop).filter(customer_id=customer_id).delete()


def _become_one(row: CustomerTag, other: CustomerTag) -> None:
    """Of one tag of two customers that are one: it is the merchant's if it was that of either."""
    row.asked = row.asked or other.asked
    row.save(update_fields=["asked"])
    if State.FOREIGN in (row.state, other.state):
        CustomerTag.objects.filter(program_id=row.program_id, pk=row.pk).update(
            state=State.FOREIGN, asked=False, due_at=None
        )
    other.delete()


def _plan(shop: Shop, customer_id: int, tag: str, known: Sequence[CustomerTag]) -> None:
    mine = [row for row in known if row.tag.casefold() == tag.casefold()]
    if tag and not mine:
        CustomerTag.objects.create(
            program_id=shop.program_id, shop_id=shop.pk, customer_id=customer_id, tag=tag, due_at=_now()
        )
    for row in mine:
        if row.state == State.REMOVE:
            # It may be half gone: what is found there now is ours all the same.
            _change(row, State.ADD)
    for row in known:
        if row in mine or row.state == State.REMOVE:
            continue
        if row.asked:
            _change(row, State.REMOVE)
        else:
            row.delete()


def _change(row: CustomerTag, state: State) -> None:
    row.state, row.asked, row.attempts, row.due_at = state, True, 0, _now()
    row.save(update_fields=["state", "asked", "attempts", "due_at"])


def _work_in(shop: Shop) -> int:
    done, deadline = 0, monotonic() + TURN_SECONDS
    while monotonic() < deadline:
        due = _of_shop(shop).filter(due_at__lte=_now()).order_by("due_at", "pk")
        rows = list(due[:BATCH])
        if not rows:
            break
        try:
            _tell(AdminClient(shop, spare=SPARE), rows)
        except (TryAgain, NeedsHuman) as problem:
            log.warning("customer tags wait", extra={"shop": shop.domain, "why": str(problem)})
            _put_off(rows)
            break
        done += len(rows)
    return done


def _tell(client: AdminClient, rows: Sequence[CustomerTag]) -> None:
    """Look at these customers first: what is so already is settled, and so is who is no more."""
    present = _present(client, rows)
    there = {row for row in rows if row.tag.casefold() in (present[row.customer_id] or ())}
    gone = {row for row in rows if present[row.customer_id] is None}
    adding = [row for row in rows if row.state == State.ADD]
    removing = [row for row in rows if row.state == State.REMOVE]
    _settle([row for row in adding if row in there and row.asked], State.HELD)
    _settle([row for row in adding if row in there and not row.asked], State.FOREIGN)
    _delete([row for row in removing if row not in there])
    _delete([row for row in adding if row in gone])
    _delete(_sent(client, "tags_remove", [row for row in removing if row in there]))
    to_add = [row for row in adding if row not in there | gone]
    _same(to_add).update(asked=True)
    # Without those that nobody wants any more: nobody would know of them.
    to_add = list(_same(to_add))
    done = _sent(client, "tags_add", to_add)
    _settle(done, State.HELD)
    _settle([row for row in to_add if row not in done], State.REFUSED)


def _present(client: AdminClient, rows: Iterable[CustomerTag]) -> dict[int, set[str] | None]:
    """The tags that these customers have, for comparison; None: there is no such customer."""
    ids = sorted({row.customer_id for row in rows})
    nodes = client.run("customer_tags", {"ids": [_gid(id) for id in ids]})["nodes"]
    return {
        id: {str(tag).casefold() for tag in node["tags"]} if node else None
        for id, node in zip(ids, nodes, strict=True)
    }


def _sent(client: AdminClient, operation: str, rows: Sequence[CustomerTag]) -> list[CustomerTag]:
    """Ask for one change each, in one call; those that are done with. A refused one isn't asked for again."""
    if not rows:
        return []
    variables = {f"id{n}": _gid(row.customer_id) for n, row in enumerate(rows)}
    variables |= {f"tag{n}": row.tag for n, row in enumerate(rows)}
    answers = client.run(operation, variables, times=len(rows))
    refused = {n: user_errors(answers[f"change{n}"]) for n in range(len(rows))}
    for errors in filter(None, refused.values()):
        log.warning("customer tag refused", extra={"shop": client.shop.domain, "why": errors[0]["message"]})
    return [row for n, row in enumerate(rows) if not refused[n] or row.state == State.REMOVE]


def _settle(rows: Iterable[CustomerTag], state: State) -> None:
    """Nothing more to do, unless somebody wants something else by now."""
    _same(rows).update(state=state, due_at=None, attempts=0)


def _delete(rows: Iterable[CustomerTag]) -> None:
    _same(rows).delete()


def _same(rows: Iterable[CustomerTag]) -> QuerySet[CustomerTag]:
    """These rows, all of one state, as far as they still are what they were when they were read."""
    wanted = list(rows)
    if not wanted:
        return CustomerTag.objects.none()
    like = {"program_id": wanted[0].program_id, "state": wanted[0].state}
    return CustomerTag.objects.filter(**like, pk__in=[row.pk for row in wanted])


def _put_off(rows: Sequence[CustomerTag]) -> None:
    """After a failure the pauses grow; what fails for days is refused."""
    for row in rows:
        row.attempts += 1
        pause = min(FIRST_PAUSE * 2 ** min(row.attempts - 1, 20), LONGEST_PAUSE)
        _same([row]).update(attempts=row.attempts, due_at=_now() + pause)
    tired = [row for row in rows if row.attempts >= REFUSED_AFTER]
    _settle([row for row in tired if row.state == State.ADD], State.REFUSED)
    _delete([row for row in tired if row.state == State.REMOVE])


def _of_shop(shop: Shop) -> QuerySet[CustomerTag]:
    return CustomerTag.objects.filter(program_id=shop.program_id, shop_id=shop.pk)


def _gid(customer_id: int) -> str:
    return f"gid://shopify/Customer/{customer_id}"


def _now() -> datetime:
    return datetime.now(UTC)
