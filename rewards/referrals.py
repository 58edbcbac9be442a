"""First orders of friends: whose thanks they are, and when these are paid.

    waiting -> paid -> returned
    held -> waiting | refused | blocked
    waiting | held -> refused | blocked

Settlement says which order came by which link, and that an order is undone; it moves no points of a member
who isn't in it. What is due is judged by the order's present state when its hold is over, under the lock of
the member who invited.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet

from rewards import advocates, claims, clock, programs, recurring, tiers
from rewards import referral_guards as guards
from rewards.facts import FetchedOrder, OrderFact
from rewards.first_awards import Fresh
from rewards.ledger import Book, OpenLot, Posting, again_if_overtaken, reverse
from rewards.models import Advocate, Claim, Movement, Order, Program, Referral
from rewards.order_rows import Key, OpenOrder
from rewards.referral_guards import OrderSeen, Verdict

State = Referral.State
BY_STAFF = "by_staff"
REASONS = {**guards.REASONS, BY_STAFF: "Refused by you."}
OPEN = (State.WAITING, State.HELD, State.PAID)
"""States in which it matters what becomes of the order."""
OVER = (State.REFUSED, State.BLOCKED, State.RETURNED)
RING_LONGEST = 50
BATCH = 500
# Each program has a first version. It drives the question, since it lies with the program's other rows.
PROGRAMS_DUE = """
    SELECT v.program_id FROM rewards_programversion v
    WHERE v.number = 1 AND EXISTS (
        SELECT 1 FROM rewards_referral r WHERE r.program_id = v.program_id AND r.due_at <= %s
    )
    ORDER BY v.program_id
"""
# Of these customers, those who followed a link and whose first order hasn't come yet.
AWAITED = """
    SELECT i.source_id, i.external_id
    FROM unnest(%s::bigint[], %s::bigint[]) AS w (source_id, external_id)
    JOIN rewards_identity i
      ON i.program_id = %s AND i.source_id = w.source_id AND i.external_id = w.external_id
    WHERE EXISTS (
        SELECT 1 FROM rewards_claim c
        WHERE c.program_id = %s AND c.member_id = i.member_id AND c.state <> 'refused'
    ) AND NOT EXISTS (
        SELECT 1 FROM rewards_referral r WHERE r.program_id = %s AND r.member_id = i.member_id
    )
"""


class AlreadyDecided(Exception):
    """Nothing waits here any more: somebody else was quicker."""


@dataclass(frozen=True, slots=True)
class First:
    """An order whose first award is now; `firm_at`: when its hold is over."""

    fresh: Fresh
    firm_at: datetime


# -- settlement -------------------------------------------------------------------------------------------


def awaited(program: Program, facts: Iterable[OrderFact]) -> frozenset[Key]:
    """Orders that may be somebody's thanks: which of the customer's orders they are has to be asked."""
    facts = list(facts)
    if not programs.has_invited(program):
        return frozenset()
    by_code = claims.carried_by(program.pk, (code for fact in facts for code in fact.codes))
    refs = sorted({(fact.source_id, fact.customer_id) for fact in facts if fact.customer_id is not None})
    friends = set(_awaited(program.pk, refs)) if refs else set()
    return frozenset(
        (fact.source_id, fact.external_id)
        for fact in facts
        if (fact.source_id, fact.customer_id) in friends
        or any(code.upper() in by_code for code in fact.codes)
    )


def _awaited(program_id: int, refs: Sequence[Key]) -> list[Key]:
    with connection.cursor() as cursor:
        sources, externals = [source for source, _ in refs], [external for _, external in refs]
        cursor.execute(AWAITED, [sources, externals, program_id, program_id, program_id])
        return list(cursor.fetchall())


def note_orders(
    program: Program,
    first: Iterable[First],
    settled: Iterable[tuple[OpenOrder, OrderFact]],
    now: datetime,
) -> None:
    """Friends' codes in these orders are used; first orders thank somebody; what is undone is looked at.

    Needs the locks of the orders and of their members.
    """
    if not programs.has_invited(program):
        return
    first, settled = list(first), list(settled)
    by_code = claims.carried_by(program.pk, (code for _, fact in settled for code in fact.codes))
    if by_code:
        used = Claim.objects.filter(program_id=program.pk, pk__in=[claim.pk for claim in by_code.values()])
        used.update(state=Claim.State.USED, due_at=None)
    by_friend = _by_friend(program.pk, first)
    for one in sorted(first, key=lambda one: one.fresh.turn):
        _attribute(program, one, by_code, by_friend)
    fresh = {one.fresh.order.id for one in first}
    if undone := [order.id for order, _ in settled if not order.spend and order.id not in fresh]:
        open_ones = Referral.objects.filter(program_id=program.pk, order_id__in=undone, state__in=OPEN)
        open_ones.update(due_at=now)


def _by_friend(program_id: int, first: Sequence[First]) -> Mapping[int, list[Claim]]:
    """What the members of these orders did with links, newest first; nothing once they have ordered."""
    members = {one.fresh.order.member_id for one in first if one.fresh.order.member_id is not None}
    if not members:
        return {}
    thanked = Referral.objects.filter(program_id=program_id, member_id__in=members)
    wanted = members - set(thanked.values_list("member_id", flat=True))
    found: dict[int, list[Claim]] = defaultdict(list)
    for claim in Claim.objects.filter(program_id=program_id, member_id__in=wanted).order_by("-pk"):
        assert claim.member_id is not None  # it was looked for
        found[claim.member_id].append(claim)
    return found


def _attribute(
    program: Program, one: First, by_code: Mapping[str, Claim], by_friend: Mapping[int, list[Claim]]
) -> None:
    """By code first, by link second."""
    fact, order = one.fresh.fact, one.fresh.order
    own = by_friend.get(order.member_id or 0, [])
    carried = next((by_code[code.upper()] for code in fact.codes if code.upper() in by_code), None)
    claim = carried or _followed(program, own, one.fresh)
    if claim is None or order.member_id is None:
        return
    if Referral.objects.filter(program_id=program.pk, claim_id=claim.pk).exists():
        return
    _thank(program, one, claim, "code" if carried else "link", _refused_before(claim, own))
    by_friend.get(order.member_id, []).clear()


def _refused_before(claim: Claim, own: Iterable[Claim]) -> list[str]:
    """Why a friend who only followed the link was refused the reward: whoever got it was not."""
    if claim.state != Claim.State.VISITED:
        return []
    refused = [other for other in own if other.state == Claim.State.REFUSED]
    return [code for other in refused if other.advocate_id == claim.advocate_id for code in other.reasons]


def _followed(program: Program, own: Iterable[Claim], fresh: Fresh) -> Claim | None:
    """The link that a customer followed last before they ordered."""
    at = fresh.fact.processed_at
    for claim in own:
        began = claim.created_at.replace(microsecond=0)
        counts = began <= at < began + programs.invitations(program, claim.version).link
        if counts and claim.state != Claim.State.REFUSED:
            return claim
    return None


def _thank(program: Program, one: First, claim: Claim, known_by: str, before: Sequence[str]) -> None:
    order, said = one.fresh.order, programs.invitations(program, claim.version)
    assert order.member_id is not None  # it has had its first award
    assert order.paid_at is not None
    advocate = Advocate.objects.get(program_id=program.pk, pk=claim.advocate_id)
    chain = list(_upstream(program.pk, advocate.member_id))
    verdict = guards.of_order(
        OrderSeen(
            advocate=advocate.member_id,
            friend=order.member_id,
            is_first=_is_first(program.pk, one.fresh),
            amount=order.spend,
            minimum=said.minimum,
            is_undone=not order.spend,
            is_full=advocates.is_full(program, advocate, order.paid_at, *advocates.COUNTED),
            upstream=tuple(member_id for member_id, _ in chain),
        )
    )
    refused = [*before, *verdict.refused, *([guards.BLOCKED] if advocate.blocked_at else [])]
    suspicious = [*claim.reasons, *verdict.suspicious] if claim.state != Claim.State.REFUSED else []
    state = State.REFUSED if refused else State.WAITING
    if suspicious and said.holds_suspicious and not refused:
        state = State.HELD
    Referral.objects.create(
        program_id=program.pk,
        advocate_id=advocate.pk,
        claim_id=claim.pk,
        order_id=order.id,
        member_id=order.member_id,
        known_by=known_by,
        version=claim.version,
        points=said.points,
        state=state,
        reasons=list(dict.fromkeys(refused or suspicious)),
        happened_at=order.paid_at,
        pay_at=one.firm_at,
        due_at=one.firm_at if state == State.WAITING else None,
        decided_at=one.fresh.fact.updated_at if state == State.REFUSED else None,
    )
    if guards.RING in verdict.suspicious and said.holds_suspicious:
        _hold_ring(program.pk, chain, order.member_id)


def _is_first(program_id: int, fresh: Fresh) -> bool:
    """As far as Shopify tells, and as far as we know ourselves."""
    told = fresh.item.ordinal if isinstance(fresh.item, FetchedOrder) else None
    known = Order.objects.filter(program_id=program_id, member_id=fresh.order.member_id or 0)
    others = known.filter(context__isnull=False, paid_at__lte=fresh.turn[0])
    earlier = others.exclude(pk=fresh.order.id).values_list("paid_at", "external_id")
    return (told or 1) == 1 and not any(turn < fresh.turn for turn in earlier)


def _upstream(program_id: int, member_id: int) -> Iterator[tuple[int, int]]:
    """(member, referral): who invited a member, who invited them, and so on."""
    seen: set[int] = set()
    while member_id not in seen and len(seen) < RING_LONGEST:
        seen.add(member_id)
        rows = Referral.objects.filter(program_id=program_id, member_id=member_id).exclude(state__in=OVER)
        found = rows.order_by("pk").values_list("advocate_id", "pk").first()
        if found is None:
            return
        advocate = Advocate.objects.get(program_id=program_id, pk=found[0])
        member_id = advocate.member_id
        yield member_id, found[1]


def _hold_ring(program_id: int, chain: Sequence[tuple[int, int]], friend: int) -> None:
    """Those that came before the ring was closed wait with it."""
    last = [member_id for member_id, _ in chain].index(friend)
    ring = Referral.objects.filter(program_id=program_id, pk__in=[pk for _, pk in chain[: last + 1]])
    for referral in ring.filter(state=State.WAITING).select_for_update(no_key=True).order_by("pk"):
        referral.state, referral.due_at = State.HELD, None
        referral.reasons = [*referral.reasons, guards.RING]
        referral.save(update_fields=["state", "due_at", "reasons"])


# -- what is due ------------------------------------------------------------------------------------------


def work_due(*, now: datetime | None = None, batch: int = BATCH) -> int:
    """Pay what has passed its hold, take back what was undone; returns how many were looked at."""
    now = now or clock.certain()
    with connection.cursor() as cursor:
        cursor.execute(PROGRAMS_DUE, [now])
        found = [program_id for (program_id,) in cursor.fetchall()]
    return recurring.each(
        "program", found, lambda program_id: _work(Program.objects.get(pk=program_id), now, batch)
    )


def _work(program: Program, now: datetime, batch: int) -> int:
    due = Referral.objects.filter(program_id=program.pk, due_at__lte=now).order_by("due_at", "pk")
    ids = list(due.values_list("pk", flat=True)[:batch])
    return recurring.each("referral", ids, lambda referral_id: _look_at(program, referral_id, now))


@again_if_overtaken
@transaction.atomic
def _look_at(program: Program, referral_id: int, now: datetime) -> int:
    rows = Referral.objects.filter(program_id=program.pk, pk=referral_id)
    advocate = Advocate.objects.get(program_id=program.pk, pk=rows.values("advocate_id")[:1])
    book = Book.open(program.pk, [advocate.member_id], now=now)
    referral = rows.select_for_update(no_key=True).get()
    if referral.due_at is None or referral.due_at > now:
        return 0
    order = Order.objects.get(program_id=program.pk, pk=referral.order_id)
    verdict = _present(program, advocate, referral, order)
    referral.due_at = None
    if referral.state == State.PAID:
        if not order.spend:
            _take_back(program, book, advocate, referral)
    elif verdict.refused:
        _end(referral, State.REFUSED, verdict.refused, now)
    elif advocate.blocked_at is not None:
        # The order was being settled while the member was blocked.
        _end(referral, State.BLOCKED, (guards.BLOCKED,), now)
    elif referral.state == State.WAITING and referral.pay_at > now:
        referral.due_at = referral.pay_at
    elif referral.state == State.WAITING:
        _pay(program, book, advocate, referral)
    referral.save()
    return 1


def _present(program: Program, advocate: Advocate, referral: Referral, order: Order) -> Verdict:
    """By what the order is now, and who people are."""
    said = programs.invitations(program, referral.version)
    return guards.of_order(
        OrderSeen(
            advocate=advocate.member_id,
            friend=referral.member_id,
            is_first=True,
            amount=order.spend,
            minimum=said.minimum,
            is_undone=not order.spend,
            is_full=advocates.is_full(program, advocate, referral.happened_at, State.PAID),
        )
    )


def _pay(program: Program, book: Book, advocate: Advocate, referral: Referral) -> None:
    referral.state, referral.decided_at = State.PAID, book.now
    if referral.points:
        posting = _posting(book, advocate, referral, "paid")
        posting.award(referral.points, "referral", available_at=book.now)
        tiers.review(book, program, book.accounts, book.now)
        book.write()


def _take_back(program: Program, book: Book, advocate: Advocate, referral: Referral) -> None:
    """The friend's whole order went back after the member was thanked for it."""
    _end(referral, State.RETURNED, (guards.ORDER_UNDONE,), book.now)
    if referral.points:
        posting = _posting(book, advocate, referral, "returned")
        rules = programs.rules(program, referral.version)
        reverse(posting, referral.points, _lots(book, referral), forgive=rules.forgive_debt)
        tiers.review(book, program, book.accounts, book.now)
        book.write()


def _lots(book: Book, referral: Referral) -> list[OpenLot]:
    """What was given, wherever it is since a merge."""
    paid = Movement.objects.get(program_id=book.program_id, key=f"{_key(referral)}:0")
    origin = book.lot(paid.lot_id)
    heirs = [lot for lot in book.lots if lot.parent_id == origin.id]
    return sorted([origin, *heirs], key=lambda lot: lot.turn)


def _posting(book: Book, advocate: Advocate, referral: Referral, change: str) -> Posting:
    explanation = {
        "rule": "referral",
        "change": change,
        "referral": referral.pk,
        "version": referral.version,
        "points": referral.points,
    }
    key = _key(referral) + (":back" if change == "returned" else "")
    return book.posting(advocate.member_id, key, "referral", explanation, book.now)


def _key(referral: Referral) -> str:
    return f"referral:{referral.pk}"


def _end(referral: Referral, state: State, reasons: Collection[str], now: datetime) -> None:
    referral.state, referral.due_at, referral.decided_at = state, None, now
    referral.reasons = list(dict.fromkeys([*referral.reasons, *reasons]))


def of(advocate: Advocate) -> QuerySet[Referral]:
    """What came of a member's links, newest first."""
    links = Advocate.objects.filter(program_id=advocate.program_id, member_id=advocate.member_id)
    ids = list(links.values_list("pk", flat=True))
    return Referral.objects.filter(program_id=advocate.program_id, advocate_id__in=ids).order_by("-pk")


# -- the merchant's word ----------------------------------------------------------------------------------


def held(program_id: int) -> QuerySet[Referral]:
    """What the merchant has yet to look at, oldest first."""
    return Referral.objects.filter(program_id=program_id, state=State.HELD).order_by("id")


@transaction.atomic
def approve(program: Program, referral_id: int, author: str, *, now: datetime | None = None) -> Referral:
    """It is paid like any other, when its hold is over. Raises AlreadyDecided."""
    referral = _held(program, referral_id)
    referral.state, referral.due_at = State.WAITING, max(referral.pay_at, now or clock.now())
    referral.author, referral.decided_at = author[:120], now or clock.now()
    referral.save()
    return referral


@transaction.atomic
def refuse(program: Program, referral_id: int, author: str, *, now: datetime | None = None) -> Referral:
    """Nobody is thanked for it. Raises AlreadyDecided."""
    referral = _held(program, referral_id)
    _end(referral, State.REFUSED, (BY_STAFF,), now or clock.now())
    referral.author = author[:120]
    referral.save()
    return referral


@transaction.atomic
def block(program: Program, referral_id: int, author: str, *, now: datetime | None = None) -> Referral:
    """Its member invites nobody any more, and all that isn't paid yet won't be. Raises AlreadyDecided."""
    now = now or clock.now()
    referral = _held(program, referral_id)
    advocate = Advocate.objects.get(program_id=program.pk, pk=referral.advocate_id)
    advocates.block(program.pk, advocate, author, now)
    rows = Referral.objects.filter(program_id=program.pk, advocate_id=advocate.pk)
    for one in (
        rows.filter(state__in=(State.WAITING, State.HELD)).select_for_update(no_key=True).order_by("pk")
    ):
        _end(one, State.BLOCKED, (guards.BLOCKED,), now)
        one.author = author[:120]
        one.save()
    referral.refresh_from_db()
    return referral


def _held(program: Program, referral_id: int) -> Referral:
    rows = Referral.objects.filter(program_id=program.pk, pk=referral_id)
    referral = rows.select_for_update(no_key=True).first()
    if referral is None or referral.state != State.HELD:
        raise AlreadyDecided("This was decided already.")
    return referral
