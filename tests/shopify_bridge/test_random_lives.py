"""Random lives of redemptions in a shop whose answers get lost: no code without points, and no points gone
without a code or a return.

Each life is told by a seed: what shopper, shop, network and time do to one member's redemptions. Then the
weather clears, all that is due is worked through, and the shop's books are held against ours.
"""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from rewards import ledger, people, programs, redemptions, reservations
from rewards.audit import audit
from rewards.models import Member, Program, Redemption
from rewards.orders import settle_orders
from rewards.redemptions import State
from shopify_bridge import client, issuing, orders
from shopify_bridge.client import TryAgain
from shopify_bridge.issuers import discount
from shopify_bridge.models import Shop
from tests.shopify_bridge.conftest import Sandbox
from tests.shopify_bridge.signing import SHOP
from tests.smoke.shop import Browser

Call = Callable[..., client.Answer]

LIVES = range(20)
STEPS = 25
BALANCE = 2000
REWARDS = [("five-off", None), ("ten-percent", None), ("free-shipping", None), ("choose", 140)]
# As often as its number says.
WEATHER = {"fair": 6, "nothing arrives": 2, "no answer": 2, "late": 2}
RESTS = {State.ISSUED, State.USED, State.FAILED, State.EXPIRED, State.CANCELLED, State.RETURNED}
SPENT = {State.ISSUED, State.USED}


class Weather:
    """Between us and the shop: requests get lost, answers get lost, requests arrive after all."""

    def __init__(self, chance: random.Random, post: Call) -> None:
        self.chance = chance
        self.post = post
        self.is_fair = False
        self.under_way: list[tuple[Any, ...]] = []

    def __call__(self, *call: Any) -> client.Answer:
        sky = "fair" if self.is_fair else self.chance.choices(list(WEATHER), list(WEATHER.values()))[0]
        if sky == "nothing arrives":
            raise TryAgain("no connection to Shopify")
        if sky == "late":
            self.under_way.append(call)
            raise TryAgain("no whole answer from Shopify", sent=True)
        answer = self.post(*call)
        if sky == "no answer":
            raise TryAgain("no whole answer from Shopify", sent=True)
        return answer

    def arrivals(self) -> None:
        """Requests that nobody waits for any more reach the shop."""
        late, self.under_way = self.under_way, []
        for *asked, _, times in late:
            self.post(*asked, float("inf"), times)


class Life:
    """One member, their redemptions, and all that can happen to them."""

    def __init__(self, sandbox: Sandbox, shop: Shop, chance: random.Random, weather: Weather) -> None:
        self.chance, self.weather, self.shop, self.sandbox = chance, weather, shop, sandbox
        self.program = Program.objects.get(pk=shop.program_id)
        self.customer = sandbox.new_customer()
        ref = (shop.pk, self.customer)
        self.member = people.enrol(self.program, {ref: people.now()})[ref]
        self._give(BALANCE - programs.document(self.program)["earning"]["signup_bonus"])
        self.browser = Browser(sandbox.url, SHOP)
        self.browser.post("/sandbox/login", json={"customer": str(self.customer)})
        self.bought: list[int] = []
        self.unheard: list[int] = []

    def _give(self, points: int) -> None:
        ledger.adjust(self.program.pk, self.member, points, key=f"start:{self.member}", reason="test")

    @property
    def rows(self) -> list[Redemption]:
        own = Redemption.objects.filter(program_id=self.program.pk, member_id=self.member)
        return list(own.order_by("pk"))

    def step(self) -> None:
        chances = {self.redeem: 3, self.work: 5, self.wait: 3, self.undo: 2, self.buy: 2, self.hear: 2}
        chances |= {self.cancel_order: 1, self.weather.arrivals: 2, self.come_to_the_end: 1}
        self.chance.choices(list(chances), list(chances.values()))[0]()

    def redeem(self) -> None:
        reward, points = self.chance.choice(REWARDS)
        request = reservations.Request(
            self.member, self.shop.pk, self.customer, reward, str(self.chance.random()), points
        )
        try:
            made, _ = reservations.reserve(self.program, request)
        except reservations.Overdrawn:
            return
        issuing.work_on(made)

    def work(self) -> None:
        issuing.work_due()

    def wait(self) -> None:
        """Time passes for what is written down: all of it is longer ago."""
        gone = timedelta(minutes=self.chance.choice([1, 16, 60]))
        Redemption.objects.filter(program_id=self.program.pk).update(
            due_at=F("due_at") - gone, absent_since=F("absent_since") - gone
        )

    def undo(self) -> None:
        if issued := [row for row in self.rows if row.state == State.ISSUED]:
            row = self.chance.choice(issued)
            redemptions.start_ending(row.program_id, row.pk, State.CANCELLED)

    def come_to_the_end(self) -> None:
        if issued := [row for row in self.rows if row.state == State.ISSUED]:
            row = self.chance.choice(issued)
            redemptions.start_ending(row.program_id, row.pk, State.EXPIRED)

    def buy(self) -> None:
        """With any code that the shopper ever had, if the shop takes it."""
        codes = [row.code for row in self.rows]
        variant = self._variant()
        self.browser.post("/cart/clear.js")
        self.browser.post("/cart/add.js", json={"id": variant, "quantity": 2})
        self.browser.post("/cart/update.js", json={"discount": self.chance.choice([*codes, ""])})
        self.browser.get("/checkout")
        answer = self.browser.post("/checkout/pay")
        parts = answer.headers["Location"].split("/")
        order = int(parts[parts.index("orders") + 1])
        self.bought.append(order)
        self.unheard.append(order)

    def hear(self) -> None:
        """News of orders may come long after."""
        told, self.unheard = self.unheard, []
        for order in told:
            found = self._fetched(order)
            if found is None:
                self.unheard.append(order)
            else:
                settle_orders(self.program, [found])

    def cancel_order(self) -> None:
        if self.bought:
            order = self.bought.pop(self.chance.randrange(len(self.bought)))
            self.sandbox.admin(CANCEL, id=f"gid://shopify/Order/{order}")
            self.unheard.append(order)

    def clear(self) -> None:
        """The weather clears, late requests arrive, and all that is due is done."""
        self.weather.arrivals()
        self.weather.is_fair = True
        for _ in range(8):
            self.hear()
            self.wait()
            self.work()

    def _fetched(self, order: int) -> Any:
        try:
            return orders.fetch(self.shop, order)
        except TryAgain:
            return None

    def _variant(self) -> int:
        nodes = self.sandbox.admin(PRODUCTS)["products"]["nodes"]
        goods = [node for node in nodes if not node["isGiftCard"]]
        return int(goods[0]["variants"]["nodes"][0]["legacyResourceId"])


@pytest.fixture
def life(
    request: pytest.FixtureRequest, sandbox: Sandbox, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> Life:
    chance = random.Random(request.param)
    weather = Weather(chance, client._post)
    weather.is_fair = True
    made = Life(sandbox, shop, chance, weather)
    monkeypatch.setattr(client, "_post", weather)
    weather.is_fair = False
    return made


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("life", LIVES, indirect=True)
def test_whatever_happens_points_and_codes_agree(life: Life) -> None:
    for _ in range(STEPS):
        life.step()
    life.clear()
    assert [finding.check.name for finding in audit(life.program.pk) if finding.rows] == []
    for row in life.rows:
        assert State(row.state) in RESTS
        seen = _in_the_shop(life, row)
        assert (seen == "ACTIVE") <= (row.state in SPENT), f"{row.state}, and the code is {seen}"
        assert (row.state == State.ISSUED) <= (seen == "ACTIVE"), f"{row.state}, and the code is {seen}"
    spent = sum(row.points for row in life.rows if row.state in SPENT)
    member = Member.objects.get(program_id=life.program.pk, pk=life.member)
    earned = sum(order.points for order in member.orders.all())
    assert member.available + member.debt == BALANCE + earned - spent
    assert member.reserved == 0


def _in_the_shop(life: Life, row: Redemption) -> str | None:
    """The state of the one discount that was made for it."""
    found = life.sandbox.admin(NODES)["codeDiscountNodes"]["nodes"]
    own = [node["codeDiscount"] for node in found if node["codeDiscount"]["title"] == discount.title(row)]
    assert len(own) <= 1, "two codes for the points of one"
    return own[0]["status"] if own else None


CANCEL = """
mutation($id: ID!) {
  orderCancel(orderId: $id, reason: CUSTOMER, restock: true,
              refundMethod: { originalPaymentMethodsRefund: true }) { orderCancelUserErrors { message } }
}"""
PRODUCTS = """
{ products(first: 5) { nodes { isGiftCard variants(first: 1) { nodes { legacyResourceId } } } } }"""
NODES = """
{ codeDiscountNodes(first: 250, reverse: true) { nodes { codeDiscount {
  ... on DiscountCodeBasic { title status } ... on DiscountCodeFreeShipping { title status }
} } } }"""
