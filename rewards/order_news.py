"""News of orders, and which of it changes an order: deliveries come twice, late and in any order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from rewards import facts
from rewards.facts import FetchedOrder, OrderFact
from rewards.first_awards import News, Unsure
from rewards.order_rows import Key, OpenOrder


def fact_of(item: News) -> OrderFact:
    """What it says of the order."""
    return item.fact if isinstance(item, FetchedOrder) else item


def key_of(item: News) -> Key:
    """Which order it is about."""
    fact = fact_of(item)
    return fact.source_id, fact.external_id


def newest(news: Iterable[News]) -> tuple[dict[Key, News], set[Key]]:
    """One state per order; two states of one moment that differ are no knowledge, unless one was fetched."""
    newest: dict[Key, News] = {}
    unsure: set[Key] = set()
    for item in news:
        fact, key = fact_of(item), key_of(item)
        known = newest.get(key)
        if known is None or _supersedes(item, known):
            newest[key] = item
            unsure.discard(key)
        elif (
            not isinstance(known, FetchedOrder)
            and fact_of(known).updated_at == fact.updated_at
            and known != item
        ):
            unsure.add(key)
    return {key: item for key, item in newest.items() if key not in unsure}, unsure


def _supersedes(item: News, known: News) -> bool:
    ours, theirs = fact_of(item), fact_of(known)
    if ours.updated_at == theirs.updated_at:
        return isinstance(item, FetchedOrder)
    return ours.updated_at > theirs.updated_at


def remembering(item: News, order: OpenOrder) -> News:
    """The news, with what an earlier state said that this one doesn't say any more."""
    if isinstance(item, FetchedOrder):
        return replace(item, fact=facts.remembering(item.fact, order.facts))
    return facts.remembering(item, order.facts)


def is_news(order: OpenOrder, item: News) -> bool:
    """Whether it changes what is known of the order; their moment has a resolution of one second.

    Older than what is stored is ignored. Equal with another content is nothing to decide on: fetch.
    Raises Unsure.
    """
    fact = fact_of(item)
    if order.facts_at is None or fact.updated_at > order.facts_at:
        return True
    if fact.updated_at < order.facts_at:
        return False
    if isinstance(item, FetchedOrder) or facts.as_data(fact) == order.facts:
        return True
    raise Unsure


def open_gates(orders: Mapping[Key, OpenOrder], news: Sequence[News]) -> set[Key]:
    """Having once been paid, or fulfilled, counts for good: old news says so too. Returns whose opened."""
    opened: set[Key] = set()
    for item in sorted(news, key=lambda item: fact_of(item).updated_at):
        fact, order = fact_of(item), orders[key_of(item)]
        fetched = item if isinstance(item, FetchedOrder) else FetchedOrder(fact)
        before = (order.paid_at, order.fulfilled_at)
        # What was fetched knows the moment; what a delivery says of it is a guess.
        if (fact.paid and order.paid_at is None) or (
            order.paid_at and fetched.paid_at and order.context is None
        ):
            order.paid_at = fetched.paid_at or fact.processed_at
        if (fact.fulfilled and order.fulfilled_at is None) or (
            order.fulfilled_at and fetched.fulfilled_at and order.context is None
        ):
            order.fulfilled_at = fetched.fulfilled_at or fact.updated_at
        if before != (order.paid_at, order.fulfilled_at):
            opened.add(key_of(item))
    return opened
