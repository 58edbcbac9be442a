"""Who isn't a friend: guards with reason codes, over what is known of a claim and of an order. Pure.

What is certain refuses; what is only suspicious holds a referral until the merchant has looked at it. Each
finds what it can by what is known: of an address that nobody told, nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

OWN_MAIL = "own_mail"
SAME_CUSTOMER = "same_customer"
NOT_FIRST_ORDER = "not_first_order"
BELOW_MINIMUM = "below_minimum"
TOO_MANY_CLAIMS = "too_many_claims"
DISPOSABLE_MAIL = "disposable_mail"
PROGRAM_FULL = "program_full"
ORDER_UNDONE = "order_undone"
BLOCKED = "blocked"
ERASED = "erased"
SAME_NETWORK = "same_network"
SHARED_NETWORK = "shared_network"
SIMILAR_MAIL = "similar_mail"
RING = "ring"

REASONS = {
    OWN_MAIL: "The friend gave the member's own e-mail address.",
    SAME_CUSTOMER: "Member and friend are the same customer.",
    NOT_FIRST_ORDER: "The friend had ordered before.",
    BELOW_MINIMUM: "The order is below the smallest first order.",
    TOO_MANY_CLAIMS: "Too many rewards were asked for from one internet address that day.",
    DISPOSABLE_MAIL: "The friend gave a throw-away e-mail address.",
    PROGRAM_FULL: "The member has as many paid referrals as one can have.",
    ORDER_UNDONE: "The order was cancelled or given back.",
    BLOCKED: "You blocked the member from inviting.",
    ERASED: "The member's data was erased.",
    SAME_NETWORK: "Member and friend used the same internet connection.",
    SHARED_NETWORK: "Several friends of the member used the same internet connection.",
    SIMILAR_MAIL: "The e-mail address is much like the member's or another friend's.",
    RING: "The friend is among those who, one after the other, invited the member.",
}
"""By code: what the merchant reads."""


class Verdict(NamedTuple):
    """Reason codes: why it is refused, and what is suspicious."""

    refused: tuple[str, ...] = ()
    suspicious: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Traces:
    """Digests of what somebody left behind; None: not known."""

    mail: bytes | None = None
    stem: bytes | None = None
    place: bytes | None = None


@dataclass(frozen=True, slots=True)
class ClaimSeen:
    """A friend asks for the reward. Members by number; `friend` None: not signed in."""

    advocate: int
    friend: int | None
    theirs: Traces
    own: Traces
    # What other friends of the same member left.
    others: tuple[Traces, ...] = ()
    has_ordered: bool = False
    is_disposable: bool = False
    # From this place, in the last day; and how many there may be.
    claims_of_day: int = 0
    most_claims: int = 1
    # The member has as many paid referrals as one can have.
    is_full: bool = False


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """An order that a referral brought. `upstream`: who invited the member, who invited them, and so on."""

    advocate: int
    friend: int
    is_first: bool
    amount: int
    minimum: int
    is_undone: bool = False
    is_full: bool = False
    upstream: tuple[int, ...] = ()


def of_claim(seen: ClaimSeen) -> Verdict:
    """Whether a friend may have the reward."""
    return Verdict(tuple(_refusals(seen)), tuple(_suspicions(seen)))


def of_order(seen: OrderSeen) -> Verdict:
    """Whether the member is to be thanked for an order, as far as the order tells."""
    checks = (
        (SAME_CUSTOMER, seen.advocate == seen.friend),
        (NOT_FIRST_ORDER, not seen.is_first),
        (ORDER_UNDONE, seen.is_undone),
        (BELOW_MINIMUM, not seen.is_undone and seen.amount < seen.minimum),
        (PROGRAM_FULL, seen.is_full),
    )
    is_ring = seen.friend in seen.upstream
    return Verdict(tuple(code for code, holds in checks if holds), (RING,) if is_ring else ())


def _refusals(seen: ClaimSeen) -> Iterator[str]:
    if seen.friend is not None and seen.friend == seen.advocate:
        yield SAME_CUSTOMER
    if _same(seen.theirs.mail, seen.own.mail):
        yield OWN_MAIL
    if seen.has_ordered:
        yield NOT_FIRST_ORDER
    if seen.is_disposable:
        yield DISPOSABLE_MAIL
    if seen.claims_of_day >= seen.most_claims:
        yield TOO_MANY_CLAIMS
    if seen.is_full:
        yield PROGRAM_FULL


def _suspicions(seen: ClaimSeen) -> Iterator[str]:
    if _same(seen.theirs.place, seen.own.place):
        yield SAME_NETWORK
    if any(_same(seen.theirs.place, other.place) for other in seen.others):
        yield SHARED_NETWORK
    if any(_same(seen.theirs.stem, other.stem) for other in (seen.own, *seen.others)):
        yield SIMILAR_MAIL


def _same(one: bytes | None, other: bytes | None) -> bool:
    return one is not None and one == other
