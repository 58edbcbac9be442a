"""The guards against generated families: how many of those who cheat are stopped, and of those who don't.

Everything goes through claims, orders and payouts as in a shop. What the guards say is compared with what the
generator knows; the figures of `docs/referrals.md` are those that this prints.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import pytest

from rewards.advocates import NoSuchLink
from tests.rewards.conftest import World
from tests.rewards.inviting import LATER, Inviting

HONEST, HOUSEHOLD, SELF, RING = "honest", "household", "self", "ring"
SEEDS = (1, 2)
SYLLABLES = (
    "ba",
    "den",
    "fi",
    "gor",
    "ha",
    "jul",
    "ka",
    "lem",
    "mo",
    "nis",
    "o",
    "pet",
    "ra",
    "sul",
    "ti",
    "vo",
)
DOMAINS = ("gmail.com", "outlook.com", "web.example", "mail.example", "post.example")
SHOPPERS = {HONEST: 45, HOUSEHOLD: 12, SELF: 25, RING: 4}
"""Families of each sort: honest members, people who live together, people with aliases, rings of ten."""


@dataclass(frozen=True)
class Invited:
    """Somebody who comes by a member's link. `customer`: who orders in the end."""

    sort: str
    link: int
    mail: str
    address: str
    customer: int


@dataclass(frozen=True)
class Owner:
    customer: int
    mail: str
    address: str


class Town:
    """Makes families; all that is random comes from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.customers = iter(range(10_000, 100_000))
        self.owners: list[Owner] = []
        self.invited: list[Invited] = []
        for sort, number in SHOPPERS.items():
            for _ in range(number):
                getattr(self, sort)()

    def address(self) -> str:
        return ".".join(str(self.random.randrange(1, 255)) for _ in range(4))

    def mail(self) -> str:
        name, surname = ("".join(self.random.choices(SYLLABLES, k=4)) for _ in range(2))
        shape = self.random.choice(("{0}.{1}", "{0}{1}", "{1}.{0}", "{0}{2}", "{0}_{1}{2}"))
        return f"{shape.format(name, surname, self.random.randrange(100))}@{self.random.choice(DOMAINS)}"

    def owner(self, mail: str = "", address: str = "") -> int:
        self.owners.append(Owner(next(self.customers), mail or self.mail(), address or self.address()))
        return len(self.owners) - 1

    def comes(self, sort: str, link: int, mail: str, address: str, customer: int = 0) -> None:
        self.invited.append(Invited(sort, link, mail, address, customer or next(self.customers)))

    def honest(self) -> None:
        """Friends in homes of their own; now and then one sits on the member's sofa, or two are a couple."""
        link = self.owner()
        home = self.owners[link].address
        before = ""
        for _ in range(self.random.randrange(1, 4)):
            luck = self.random.random()
            before = home if luck < 0.04 else before if before and luck < 0.08 else self.address()
            self.comes(HONEST, link, self.mail(), before)

    def household(self) -> None:
        link = self.owner()
        for _ in range(self.random.randrange(1, 4)):
            self.comes(HOUSEHOLD, link, self.mail(), self.owners[link].address)

    def self(self) -> None:
        """One person with variants of an address, or others, at home or elsewhere, a new customer or not."""
        link = self.owner()
        mine = self.owners[link]
        for _ in range(self.random.randrange(1, 5)):
            address = mine.address if self.random.random() < 0.7 else self.address()
            is_me = self.random.random() < 0.25
            self.comes(SELF, link, self.variant(mine.mail), address, mine.customer if is_me else 0)

    def variant(self, mail: str) -> str:
        local, _, domain = mail.partition("@")
        number = self.random.randrange(100)
        return self.random.choice(
            (
                f"{local}+{number}@{domain}",
                f"{'.'.join(local)}@{domain}".replace("..", "."),
                f"{local}{number}@{domain}",
                f"{local}@another.example",
                f"{local}{number}@mailinator.com",
                f"x{number}@yopmail.com",
                self.mail(),
            )
        )

    def ring(self) -> None:
        """Ten accounts, each invited by the one before it: behind two addresses, or each behind its own."""
        shared = [self.address(), self.address()] if self.random.random() < 0.5 else []
        places = [self.random.choice(shared) if shared else self.address() for _ in range(10)]
        links = [self.owner(address=place) for place in places]
        for one, link in enumerate(links):
            after = self.owners[links[(one + 1) % 10]]
            self.comes(RING, link, after.mail, after.address, after.customer)


def outcomes(town: Town) -> Iterator[tuple[str, str]]:
    """(sort, "refused" | "held" | "paid") of each who was invited, in the end."""
    inviting = Inviting(World(), minimum="20", claims_per_day=5)
    inviting.world.rules(hold_days=14)
    links = [inviting.link(one.customer, one.mail, one.address) for one in town.owners]
    referrals = []
    for number, one in enumerate(town.invited):
        now = LATER + timedelta(hours=5 * number)
        code = _code(inviting, links[one.link], one, now)
        referrals.append((one.sort, inviting.buy(code, customer=one.customer, now=now) if code else None))
    inviting.work(LATER + timedelta(days=500))
    for sort, referral in referrals:
        if referral is not None:
            referral.refresh_from_db()
        yield sort, referral.state if referral is not None else "refused"


def _code(inviting: Inviting, link: str, one: Invited, now: datetime) -> str | None:
    """What they get; nothing with an address that got something before."""
    try:
        return inviting.take(link, inviting.friend(mail=one.mail, address=one.address), now)[0].code
    except NoSuchLink:
        return None


@pytest.mark.slow
@pytest.mark.django_db
def test_cheats_are_stopped_and_friends_are_not(capsys):
    counts = Counter(pair for seed in SEEDS for pair in outcomes(Town(seed)))
    number = {sort: sum(n for (of, _), n in counts.items() if of == sort) for sort in SHOPPERS}

    def share(state: str, *sorts: str) -> float:
        return sum(counts[sort, state] for sort in sorts) / sum(number[sort] for sort in sorts)

    refused = {sort: counts[sort, "refused"] for sort in SHOPPERS}
    stopped = {sort: refused[sort] + counts[sort, "held"] for sort in SHOPPERS}
    precision_of_refusals = (refused[SELF] + refused[RING]) / sum(refused.values())
    precision = (stopped[SELF] + stopped[RING] + stopped[HOUSEHOLD]) / sum(stopped.values())
    recall = (stopped[SELF] + stopped[RING]) / (number[SELF] + number[RING])
    rows = [f"{'':12}{'friends':>8}{'refused':>9}{'held':>7}{'paid':>7}"]
    for sort in SHOPPERS:
        row = [share(state, sort) for state in ("refused", "held", "paid")]
        rows.append(f"{sort:12}{number[sort]:8}{row[0]:9.1%}{row[1]:7.1%}{row[2]:7.1%}")
    rows.append(f"refusals: precision {precision_of_refusals:.1%}")
    rows.append(f"refused or held: precision {precision:.1%}, recall {recall:.1%}")
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *rows, ""]))
    assert refused[HONEST] == refused[HOUSEHOLD] == 0, "nobody is refused for what is only suspicious"
    assert share("held", HONEST) < 0.1
    assert share("held", HOUSEHOLD) == 1
    assert share("paid", RING) == 0
    assert share("paid", SELF) < 0.1
    assert precision_of_refusals == 1
    assert precision > 0.9
    assert recall > 0.9
