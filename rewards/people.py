"""Who is who: members, their identities in the shops, merging and forgetting."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import connection, transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from rewards import (
    actions,
    advocates,
    birthdays,
    challenges,
    clock,
    gift_reviews,
    histories,
    programs,
    tenancy,
    tiers,
    waits,
)
from rewards.ledger import Book, OpenLot, Posting, moved
from rewards.models import (
    Bucket,
    Claim,
    Identity,
    Member,
    Movement,
    Order,
    Program,
    Redemption,
    TierGrant,
    Tombstone,
)

Ref = tuple[int, int]
"""(source, external id): a customer of one shop."""


def enrol(program: Program, joined: Mapping[Ref, datetime], *, now: datetime | None = None) -> dict[Ref, int]:
    """Make members of these customers, with the sign-up bonus, and return the member of each.

    Who is a member already stays as they are; who asked to be forgotten is left out.
    """
    now = now or clock.now()
    with transaction.atomic():
        found, new = resolve({program: joined})
        _greet(program, new.get(program.pk, {}), now)
    return found


def resolve(
    joined: Mapping[Program, Mapping[Ref, datetime]],
) -> tuple[dict[Ref, int], dict[int, dict[int, datetime]]]:
    """The member of each of these programs' customers, and those that this call made of whom nobody knew.

    The latter by program, with the moments when they joined. Needs a transaction.
    """
    found = _find({program.pk: refs for program, refs in joined.items()})
    unknown = {program: refs.keys() - found.keys() for program, refs in joined.items()}
    gone = forgotten_among({program: refs for program, refs in unknown.items() if refs})
    wanted = {
        program.pk: {ref: joined[program][ref] for ref in sorted(refs - gone)}
        for program, refs in unknown.items()
        if refs - gone
    }
    if not wanted:
        return found, {}
    new = _create(wanted)
    # Somebody else's transaction may have made some of them just now.
    return {**found, **_find(wanted)}, new


def find(program_id: int, refs: Iterable[Ref]) -> dict[Ref, int]:
    """The members behind these customers, as far as they are known."""
    return _find({program_id: set(refs)})


def _find(wanted: Mapping[int, Iterable[Ref]]) -> dict[Ref, int]:
    columns = tenancy.columns({program_id: sorted(refs) for program_id, refs in wanted.items()})
    if not columns:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT i.source_id, i.external_id, i.member_id FROM rewards_identity i
            JOIN unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS w (program_id, source_id, external_id)
              ON i.program_id = w.program_id AND i.source_id = w.source_id AND i.external_id = w.external_id
            WHERE {tenancy.of("i", columns[0])}
            """,  # noqa: S608
            columns,
        )
        return {(source, external): member for source, external, member in cursor.fetchall()}


def welcome(book: Book, program: Program, new: Mapping[int, datetime]) -> None:
    """Post the sign-up bonus of new members, as the program says today."""
    rules = programs.rules(program, program.version)
    if not rules.signup_bonus:
        return
    for member_id, joined_at in sorted(new.items()):
        explanation = {"rule": "signup", "version": rules.version, "points": rules.signup_bonus}
        posting = book.posting(member_id, f"signup:{member_id}", "signup", explanation, joined_at)
        posting.award(rules.signup_bonus, "signup", available_at=book.now)


def forgotten(program: Program, refs: Sequence[Ref]) -> list[bool]:
    """For each customer, whether they asked to be forgotten."""
    gone = forgotten_among({program: set(refs)})
    return [ref in gone for ref in refs]


def forgotten_among(wanted: Mapping[Program, Iterable[Ref]]) -> set[Ref]:
    """Those of these programs' customers who asked to be forgotten."""
    by_digest = {
        (program.pk, _digest(program, ref)): ref for program, refs in wanted.items() for ref in sorted(refs)
    }
    if not by_digest:
        return set()
    columns = [list(column) for column in zip(*by_digest, strict=True)]
    # One by one, however few statistics there are: a join may walk through all of a program's.
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT w.program_id, w.digest FROM unnest(%s::bigint[], %s::bytea[]) AS w (program_id, digest)
            CROSS JOIN LATERAL (
                SELECT FROM rewards_tombstone t
                WHERE t.program_id = w.program_id AND t.digest = w.digest AND {tenancy.of("t", columns[0])}
                LIMIT 1
            ) found
            """,  # noqa: S608
            columns,
        )
        return {by_digest[program_id, bytes(digest)] for program_id, digest in cursor.fetchall()}


def merge(
    program: Program, survivor: Ref, lost: Ref, *, happened_at: datetime, now: datetime | None = None
) -> None:
    """One customer became part of another: everything of the lost one moves to the survivor.

    Both were customers, and so both are members, whether or not we heard of them before: what they have
    doesn't depend on the order of the news. A survivor who asked to be forgotten takes nothing; the lost
    one is forgotten with them.
    """
    now = now or clock.now()
    with transaction.atomic():
        if forgotten(program, [survivor])[0]:
            forget(program, lost)
            return
        found = enrol(program, {survivor: happened_at, lost: happened_at}, now=now)
        if found.get(lost, found[survivor]) != found[survivor]:
            _join(program, found[lost], found[survivor], happened_at, now)
        source, external = lost
        mine = {"program": program, "source_id": source}
        Identity.objects.filter(**mine, external_id=external).update(merged=True)
        for model in (Redemption, Claim):
            model._default_manager.filter(**mine, customer_id=external).update(customer_id=survivor[1])


def forget(program: Program, ref: Ref) -> None:
    """Erase who a customer is. The numbers stay, without a person; nothing later brings the person back.

    With a customer go the ids that were merged into theirs: nobody will ask for those.
    """
    with transaction.atomic():
        Tombstone.objects.get_or_create(program=program, digest=_digest(program, ref))
        identity = (
            Identity.objects.filter(program=program, source_id=ref[0], external_id=ref[1])
            .select_for_update()
            .first()
        )
        if identity is None:
            return
        Identity.objects.filter(program=program, pk=identity.pk).delete()
        if not identity.merged:
            selves = Identity.objects.filter(program=program, member_id=identity.member_id, merged=True)
            for external_id in selves.filter(source_id=ref[0]).values_list("external_id", flat=True):
                forget(program, (ref[0], external_id))
        named = Order.objects.select_for_update().filter(
            program=program, member_id=identity.member_id, source_id=ref[0], facts__customer_id=ref[1]
        )
        for order in named.order_by("id"):
            order.facts = {**(order.facts or {}), "customer_id": None}
            order.context = order.context and {**order.context, "tags": []}
            order.save(update_fields=["facts", "context"])
        mine = Member.objects.filter(program=program, pk=identity.member_id)
        # Under lock, so that nothing is said meanwhile.
        mine.select_for_update().get()
        mine.update(birthday=None, birthday_since=None)
        actions.forget(program.pk, identity.member_id, clock.now())
        waits.forget(program.pk, identity.member_id)
        is_gone = not Identity.objects.filter(program=program, member_id=identity.member_id).exists()
        advocates.forget(program.pk, identity.member_id, clock.now(), wholly=is_gone)
        if is_gone:
            mine.update(redacted_at=clock.now(), tags=None)
            Redemption.objects.filter(program=program, member_id=identity.member_id).update(customer_id=0)
            histories.forget(program.pk, identity.member_id)
            TierGrant.objects.filter(program=program, member_id=identity.member_id).update(reason="")


def close(program: Program, ref: Ref, *, at: datetime) -> None:
    """The customer was deleted in the shop. Points and identity stay: a merge may still ask for them.

    Who was merged lives on in another: the end of one of their ids is no news.
    """
    mine = Identity.objects.filter(program=program, source_id=ref[0], external_id=ref[1], merged=False)
    if member_id := mine.values_list("member_id", flat=True).first():
        Member.objects.filter(program=program, pk=member_id, closed_at=None).update(closed_at=at)


def forget_source(program_id: int, source_id: int) -> None:
    """Forget all customers of one shop of a program that goes on in others."""
    program = Program.objects.get(pk=program_id)
    for identity in Identity.objects.filter(program=program, source_id=source_id):
        forget(program, (source_id, identity.external_id))


def remember_tags(program_id: int, ref: Ref, tags: Iterable[str], *, added: bool | None = None) -> None:
    """Keep a member's customer tags: all of them (`added` None), some more, or some less."""
    member_id = find(program_id, [ref]).get(ref)
    if member_id is None:
        return
    with transaction.atomic():
        member = Member.objects.select_for_update().get(program_id=program_id, pk=member_id)
        known = set(member.tags or [])
        given = set(tags)
        fresh = given if added is None else (known | given if added else known - given)
        if member.tags is None and added is not None:
            return  # A part of an unknown whole says nothing.
        if sorted(fresh) != member.tags:
            member.tags = sorted(fresh)
            member.version += 1
            member.save(update_fields=["tags", "version"])


def now() -> datetime:
    """The moment somebody joins by their own wish."""
    return clock.now()


def _create(joined: Mapping[int, Mapping[Ref, datetime]]) -> dict[int, dict[int, datetime]]:
    """Identities first (their reference to the member is deferred): of two at once, one makes the member."""
    made: dict[int, dict[int, datetime]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO rewards_identity (program_id, source_id, external_id, member_id)
            SELECT w.program_id, w.source_id, w.external_id,
                   nextval(pg_get_serial_sequence('rewards_member', 'id'))
            FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS w (program_id, source_id, external_id)
            ON CONFLICT (program_id, source_id, external_id) DO NOTHING
            RETURNING program_id, source_id, external_id, member_id
            """,
            tenancy.columns({program_id: sorted(refs) for program_id, refs in sorted(joined.items())}),
        )
        for program_id, source, external, member in cursor.fetchall():
            made[program_id][member] = joined[program_id][source, external]
        if made:
            cursor.execute(
                """
                INSERT INTO rewards_member (program_id, id, joined_at)
                OVERRIDING SYSTEM VALUE
                SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[])
                """,
                tenancy.columns({program_id: new.items() for program_id, new in made.items()}),
            )
    return made


def _greet(program: Program, new: Mapping[int, datetime], now: datetime) -> None:
    if new:
        book = Book.open(program.pk, new, now=now)
        welcome(book, program, new)
        tiers.review(book, program, new, now)
        book.write()


def _join(
    program: Program,
    gone_id: int,
    kept_id: int,
    happened_at: datetime,
    now: datetime,
) -> None:
    # Order rows before member rows, as everywhere.
    orders = Order.objects.select_for_update().filter(program=program, member_id__in=[kept_id, gone_id])
    order_ids = list(orders.order_by("id").values_list("id", flat=True))
    book = Book.open(program.pk, [kept_id, gone_id], now=now, order_ids=order_ids)
    _carry_over(book, gone_id, kept_id, happened_at)
    book.write()
    _rename_shared_keys(program, gone_id, kept_id)
    for model in (Identity, Order, Redemption, TierGrant):
        model.objects.filter(program=program, member_id=gone_id).update(member_id=kept_id)
    actions.carry_over(program.pk, gone_id, kept_id)
    advocates.carry_over(program.pk, gone_id, kept_id)
    birthdays.carry_over(program.pk, gone_id, kept_id)
    challenges.carry_over(program.pk, gone_id, kept_id)
    waits.carry_over(program.pk, gone_id, kept_id)
    Member.objects.filter(program=program, merged_into_id=gone_id).update(merged_into_id=kept_id)
    Member.objects.filter(program=program, pk=gone_id).update(merged_into_id=kept_id)
    tiers.inherit(book, program, gone_id, kept_id, happened_at, now)
    # What neither had achieved alone, both may have together.
    challenges.review(book, program, [kept_id])
    gift_reviews.review(book, program, (), [kept_id])
    book.write()


def _rename_shared_keys(program: Program, gone_id: int, kept_id: int) -> None:
    """Both chose the same key for a wish of their own: who asks again asks as the survivor."""
    kept_keys = Redemption.objects.filter(program=program, member_id=kept_id).values("key")
    shared = Redemption.objects.filter(program=program, member_id=gone_id, key__in=kept_keys)
    shared.update(key=Concat(Value("merged:"), Cast("pk", CharField())))


def _carry_over(book: Book, gone_id: int, kept_id: int, happened_at: datetime) -> None:
    """Two movements for each bucket of each lot; the new lot keeps order, dates and parent."""
    explanation = {"rule": "merge", "from": gone_id, "to": kept_id}
    key = f"merge:{gone_id}:{kept_id}"
    out = book.posting(gone_id, f"{key}:out", "merge", explanation, happened_at)
    back = book.posting(kept_id, f"{key}:in", "merge", explanation, happened_at)
    owed = out.account.owed
    back.account.active_at = max(filter(None, (out.account.active_at, back.account.active_at)), default=None)
    reserved = _reserved_by_lot(book.program_id, gone_id)
    # In their turn, so that among themselves the heirs keep it.
    for lot in sorted((lot for lot in out.account.lots if lot.held), key=lambda lot: lot.turn):
        heir = replace(
            lot,
            id=None,
            member_id=kept_id,
            parent_id=lot.id,
            given=lot.held,
            buckets=dict.fromkeys(lot.buckets, 0),
        )
        book.add(heir)
        for bucket in (Bucket.PENDING, Bucket.AVAILABLE):
            if points := lot.buckets[bucket]:
                out.move(lot, bucket, Bucket.TRANSFERRED, points)
                back.move(heir, Bucket.TRANSFERRED, bucket, points)
        for redemption_id, points in reserved.get(lot.id, ()):
            out.move(lot, Bucket.RESERVED, Bucket.TRANSFERRED, points, redemption_id)
            back.move(heir, Bucket.TRANSFERRED, Bucket.RESERVED, points, redemption_id)
    if owed:
        _carry_debt(book, out, back, owed)


def _reserved_by_lot(program_id: int, member_id: int) -> dict[int | None, list[tuple[int, int]]]:
    """(redemption, points) of what each lot of a member holds for redemptions whose codes are being made."""
    found: dict[int | None, list[tuple[int, int]]] = defaultdict(list)
    open_ones = Redemption.objects.filter(
        program_id=program_id, member_id=member_id, state=Redemption.State.RESERVED
    )
    for redemption in open_ones.order_by("pk"):
        held: dict[int, int] = defaultdict(int)
        for lot_id, source, target, points in moved(redemption):
            held[lot_id] += points * ((target == Bucket.RESERVED) - (source == Bucket.RESERVED))
        for lot_id, points in held.items():
            if points:
                found[lot_id].append((redemption.pk, points))
    return found


def _carry_debt(book: Book, out: Posting, back: Posting, owed: int) -> None:
    """The debt is settled for the lost one and asked of the survivor: from their points, then as debt."""
    origin = _debt_origin(book, out.account.id)
    out.move(origin, Bucket.TRANSFERRED, Bucket.DEBT, owed)
    missing = back.take(owed, Bucket.AVAILABLE, Bucket.TRANSFERRED)
    if missing:
        back.move(origin, Bucket.DEBT, Bucket.TRANSFERRED, missing)


def _debt_origin(book: Book, member_id: int) -> OpenLot:
    """The lot of the refund that made the debt."""
    last = Movement.objects.filter(
        program_id=book.program_id, member_id=member_id, source=Bucket.DEBT
    ).latest("id")
    return book.lot(last.lot_id)


def _digest(program: Program, ref: Ref) -> bytes:
    return hashlib.sha256(bytes(program.salt) + f":{ref[0]}:{ref[1]}".encode()).digest()
