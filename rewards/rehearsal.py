"""What some rules give orders of the past: the code that settles judges them in memory. Nothing is saved.

What an order's context doesn't hold, because the rules of its day didn't ask, is taken from what is known
today; `Rehearsal.assumed` counts how often.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from rewards import contexts, earning, facts, first_awards, programs, tier_replays, tiers
from rewards.contexts import Context
from rewards.earning import Rules, Target, TooManyPoints
from rewards.facts import NO_PRODUCT, FetchedOrder, OrderFact, ProductFact
from rewards.first_awards import Catalogue, Fresh, Past
from rewards.models import Budget, Member, Order, Program
from rewards.order_rows import OpenOrder
from rewards.rules import Selection, Surprise
from rewards.tier_settings import Counted, Settings

Json = dict[str, Any]
Products = Callable[[Set[tuple[int, int]]], Catalogue]
"""What is known today of products, by (source, product id)."""


@dataclass(frozen=True, slots=True)
class Paid:
    """An order that was paid, as it is stored."""

    row: Order
    member_id: int
    paid_at: datetime
    fact: OrderFact

    @classmethod
    def of(cls, row: Order) -> "Paid":
        assert row.member_id is not None  # only such are asked for
        assert row.paid_at is not None
        assert row.facts is not None
        return cls(row, row.member_id, row.paid_at, facts.from_data(row.facts))

    @property
    def context(self) -> Json:
        """That of its first award; empty: it had none."""
        return self.row.context or {}

    @property
    def lost(self) -> int:
        """What banks took back."""
        return sum(dispute["amount"] for dispute in self.row.disputes.values() if dispute["lost"])

    @property
    def counted(self) -> list[Counted]:
        """What it counts for on the way to a tier, as it is stored."""
        row = self.row
        if row.counts_on is None or row.firm_on is None:
            return []
        return [Counted.of_order(row.counts_on, row.firm_on, row.spend, row.points)]

    @property
    def product_ids(self) -> set[int]:
        return {line.product_id for line in self.fact.lines if line.product_id}

    def as_ordered(self) -> OrderFact:
        """Before refunds: what caps and budgets judged at the first award."""
        fact = self.fact
        changed = any(line.current != line.ordered for line in fact.lines)
        if not (changed or fact.cancelled or fact.unexplained_refund):
            return fact
        lines = tuple(replace(line, current=line.ordered) for line in fact.lines)
        return replace(fact, lines=lines, cancelled=False, unexplained_refund=0)


@dataclass(slots=True)
class Rehearsal:
    """One set of rules, and the orders since a moment. Batches hold all of a member's orders since then."""

    program: Program
    rules: Rules
    since: datetime
    products: Products
    # Of so many members one is looked at.
    every: int = 1
    # The tiers by which members are judged anew; None: those that they had count.
    tiers: Settings | None = None
    assumed: Counter[str] = field(default_factory=Counter)
    # Orders that have a place in a rule's budget.
    _places: dict[str, frozenset[int]] = field(default_factory=dict)

    def targets(self, batch: Sequence[Paid]) -> dict[int, Target]:
        """What these orders deserve in their present state, by their ids; without those that don't earn."""
        judged = self._judged(batch, lambda one, rule: one.order.id in self._places.get(rule.id, ()))
        goals: dict[int, Target] = {}
        for paid in batch:
            if one := judged.get(paid.row.pk):
                context = Context.of(one.order.context or {})
                try:
                    goals[paid.row.pk] = earning.target(
                        paid.fact, self.rules, context, charged_back=paid.lost
                    )
                except TooManyPoints:
                    self.assumed["refused"] += 1
        return goals

    def take_places(self, batches: Iterable[Sequence[Paid]], holders: Callable[[str], int]) -> None:
        """Give the places of budgets to who paid first. `holders`: how many of these orders have one now."""
        surprises = [rule for rule in self.rules.flats if isinstance(rule, Surprise)]
        if not surprises:
            return
        asking: defaultdict[str, list[tuple[datetime, int, int]]] = defaultdict(list)

        def take(one: Fresh, rule: Surprise) -> bool:
            asking[rule.id].append((*one.turn, one.order.id))
            return True

        left = {rule.id: self._left(rule, holders(rule.id)) for rule in surprises}
        for batch in batches:
            self._judged(batch, take)
            for rule_id, turns in asking.items():
                asking[rule_id] = heapq.nsmallest(left[rule_id], turns)
        self._places = {id: frozenset(order for _, _, order in turns) for id, turns in asking.items()}
        self.assumed.clear()  # each order is looked at once more

    def _left(self, rule: Surprise, holders: int) -> int:
        """Places that other orders haven't taken."""
        budget = Budget.objects.filter(program=self.program, rule=rule.id).first()
        return max(0, rule.budget - (budget.used - holders if budget else 0)) // self.every

    def _judged(self, batch: Sequence[Paid], take: Callable[[Fresh, Surprise], bool]) -> dict[int, Fresh]:
        """The orders that earn, by their ids, each with its whole context."""
        fresh = self._begun(batch)
        if fresh and first_awards.asks_of_member(self.rules):
            past = Past.read(self.program, fresh, [self.rules], before=self.since)
            if self.rules.has_tiers:
                self._read_tiers(past, batch, fresh)
            for one in sorted(fresh, key=lambda one: one.turn):
                try:
                    first_awards.judge(one, self.rules, past, take)
                except TooManyPoints:
                    continue  # so will its target be
        return {one.order.id: one for one in fresh}

    def _read_tiers(self, past: Past, batch: Sequence[Paid], fresh: Sequence[Fresh]) -> None:
        if self.tiers is None:
            asked = [(one.order.member_id or 0, one.turn[0]) for one in fresh]
            held = tiers.held_at(self.program.pk, asked)
            past.tiers = {one.order: tier or "" for one, tier in zip(fresh, held, strict=True)}
            return
        self.assumed["tiers"] += len(fresh)
        again: defaultdict[int, list[Counted]] = defaultdict(list)
        for paid in batch:
            again[paid.member_id] += paid.counted
        past.climbs = tier_replays.replays(
            self.program, self.tiers, again, max(paid.paid_at for paid in batch)
        )

    def _begun(self, batch: Sequence[Paid]) -> list[Fresh]:
        """The orders that earn by these rules, with what of their contexts members don't decide."""
        if self.rules.award_on == "fulfilled":
            batch = [paid for paid in batch if paid.row.fulfilled_at]
        tags, catalogue = self._tags(batch), self._catalogue(batch)
        return [self._fresh(paid, tags.get(paid.row.pk, []), catalogue) for paid in batch]

    def _fresh(self, paid: Paid, tags: list[str], catalogue: Catalogue) -> Fresh:
        context: Json = {"version": self.rules.version, "excluded": self.rules.excludes(tags), "tags": tags}
        if self.rules.needs_products:
            found = {id: self._product(paid, id, catalogue) for id in paid.product_ids}
            context["products"] = contexts.products_as_data(found, self.rules.named)
        if self.rules.needs_history and "ordinal" not in paid.context:
            self.assumed["history"] += 1
        if self.rules.caps.need_history:
            self.assumed["caps"] += 1
        row = paid.row
        order = OpenOrder(row.pk, row.program_id, row.source_id, row.external_id, paid.member_id)
        order.paid_at = paid.paid_at
        order.context = context
        return Fresh(order, FetchedOrder(paid.as_ordered(), ordinal=paid.context.get("ordinal")))

    def _tags(self, batch: Sequence[Paid]) -> dict[int, list[str]]:
        """The customer's tags, by the order's id, where these rules ask for them."""
        if not self.rules.needs_tags:
            return {}
        known = {paid.row.pk: paid.context["tags"] for paid in batch if self._knows_tags(paid)}
        others = [paid for paid in batch if paid.row.pk not in known]
        members = Member.objects.filter(program=self.program, pk__in={paid.member_id for paid in others})
        today = {id: tags or [] for id, tags in members.values_list("pk", "tags")}
        self.assumed["tags"] += len(others)
        return {**known, **{paid.row.pk: today.get(paid.member_id, []) for paid in others}}

    def _knows_tags(self, paid: Paid) -> bool:
        return bool(paid.context) and bool(paid.context["tags"] or self._rules_of_its_day(paid).needs_tags)

    def _catalogue(self, batch: Sequence[Paid]) -> Catalogue:
        """What has to be known of products beyond what the orders hold."""
        if not self.rules.needs_products:
            return {}
        wanted = {
            (paid.row.source_id, id)
            for paid in batch
            for id in paid.product_ids
            if not self._holds_all(paid, id)
        }
        return self.products(wanted) if wanted else {}

    def _product(self, paid: Paid, id: int, catalogue: Catalogue) -> ProductFact:
        """As it was at the order's time, as far as that was kept; the rest as it is today."""
        then = Context.of(paid.context).products.get(id, NO_PRODUCT) if paid.context else NO_PRODUCT
        if self._holds_all(paid, id):
            return then
        today, asked = catalogue.get((paid.row.source_id, id)), self._asked(paid)
        self.assumed["unknown" if today is None else "products"] += 1
        today = today or NO_PRODUCT
        tags = {name.casefold() for name in today.tags}
        return ProductFact(
            then.tags | (tags - asked.tags), then.collections | (today.collections - asked.collections)
        )

    def _holds_all(self, paid: Paid, id: int) -> bool:
        """Whether the order kept all that these rules ask of a product."""
        kept = str(id) in paid.context.get("products", {})
        asked, named = self._asked(paid), self.rules.named
        return kept and named.tags <= asked.tags and named.collections <= asked.collections

    def _asked(self, paid: Paid) -> Selection:
        """What the rules of the order's day asked of products, if they did."""
        return self._rules_of_its_day(paid).named if "products" in paid.context else Selection()

    def _rules_of_its_day(self, paid: Paid) -> Rules:
        return programs.rules(self.program, paid.context["version"])
