"""The hot paths: what happens for every delivery, every shopper and every tick of the clock."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from django.db import connection
from django.test import Client

from bench import fill
from rewards import (
    advocates,
    birthdays,
    claims,
    clock,
    donations,
    draws,
    expiry,
    gift_rounds,
    holds,
    ledger,
    memories,
    orders,
    people,
    programs,
    referrals,
    tasks,
    tiers,
    waits,
)
from rewards.claims import Friend
from rewards.facts import FetchedOrder, Line, OrderFact
from rewards.mail_addresses import Mail
from rewards.models import Claim, Member, MemberTier, Program, Redemption, TierGrant
from rewards.money import major
from shopify_bridge import (
    catalogue,
    credits,
    customer_tags,
    friend_codes,
    inbox,
    issuing,
    metafields,
    payouts,
)
from shopify_bridge.models import Credit, InboxRow, Shop
from tests import front
from tests.rewards.test_own_rewards import EVENING, RAFFLE, TREES
from tests.shopify_bridge import signing
from tests.statements.recording import aside

ORDER = json.loads((Path(__file__).parent.parent / "payloads" / "orders_updated.json").read_text())
CUSTOMER = 10_000_007
"""The seventh of the members that `bench.fill` makes; two of their lots have no end yet."""
RICH = 10_000_600
LATER = datetime(2100, 1, 1, tzinfo=UTC)
NOON = (datetime.now(UTC) - timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
"""When everything happens: after the history that `bench.fill` makes, and before this moment."""
DUE = 30
"""Members who lose their tier today."""


def at(minutes: int) -> str:
    """A moment after NOON, as Shopify writes it."""
    return (NOON + timedelta(minutes=minutes)).isoformat()


@dataclass
class Scene:
    shop: Shop
    program: Program
    client: Client
    ids: Any = field(default_factory=lambda: count(1))

    def deliver(self, topic: str, payload: dict[str, Any]) -> None:
        body = json.dumps(payload).encode()
        headers = {
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": self.shop.domain,
            "X-Shopify-Webhook-Id": f"delivery-{next(self.ids)}",
            "X-Shopify-Triggered-At": at(1),
            "X-Shopify-Hmac-Sha256": signing.webhook_hmac(body),
        }
        assert front.ask("/webhooks", "POST", body=body, headers=headers).status_code == 200

    def order(self, customer: int = CUSTOMER, minutes: int = 0, **changes: Any) -> dict[str, Any]:
        return {
            **ORDER,
            "financial_status": "paid",
            "refunds": [],
            "created_at": at(0),
            "processed_at": at(0),
            "updated_at": at(30 + minutes),
            "customer": {"id": customer},
            **changes,
        }

    def settles(self, topic: str, payload: dict[str, Any]) -> None:
        self.deliver(topic, payload)
        assert inbox.drain() == 1
        with aside():
            assert not InboxRow.objects.exclude(state="done").exists()

    def asks(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        query = signing.proxy_query(shop=self.shop.domain, logged_in_customer_id=str(RICH))
        raw = json.dumps(body or {})
        answer = self.client.generic(method, f"/storefront/{path}?{query}", raw, "application/json")
        assert answer.status_code in (200, 201), answer.content
        return answer.json()

    def redeems(self) -> Redemption:
        answer = self.asks("POST", "redemptions", {"reward": "five-off", "key": f"key-{next(self.ids)}"})
        return self.redemption(answer["id"], "issued")

    def redemption(self, id: int, state: str) -> Redemption:
        with aside():
            found = Redemption.objects.get(pk=id)
        assert found.state == state
        return found


def first_order(scene: Scene) -> None:
    scene.settles("orders/paid", scene.order())


RULES = [
    {"id": "first", "kind": "first_order", "points": 100},
    {"id": "luck", "kind": "surprise", "amount": "1", "points": 5, "budget": 10},
    {"id": "old", "kind": "bonus", "points": 1, "audience": {"member_since": "2100-01-01"}},
]


def orders_by_rules_of_every_sort(scene: Scene) -> None:
    _earn_by(scene, rules=RULES, caps={"day": 1000, "member": 100_000, "member_days": 365})
    scene.settles("orders/paid", scene.order())


CHALLENGES = [
    {
        "id": "more",
        "kind": "orders",
        "title": "More",
        "count": 1,
        "points": 10,
        "badge": "More",
        "repeat": True,
    },
    {"id": "row", "kind": "months", "title": "In a row", "count": 3, "points": 10},
]


def orders_that_meet_challenges(scene: Scene) -> None:
    with aside():
        document = {**programs.document(scene.program), "challenges": CHALLENGES}
        programs.apply(scene.program, document, "test")
        past = {"effective_from": programs.BEGINNING, "created_at": programs.BEGINNING}
        scene.program.versions.update(**past)
    scene.settles("orders/paid", scene.order())
    scene.asks("GET", "ways")


GIFTS = [
    {
        "id": "each",
        "kind": "milestone",
        "title": "x",
        "reward": "five-off",
        "amount": "1",
        "starts": "2020-01-01",
    },
    {"id": "next", "kind": "surprise_gift", "title": "x", "reward": "five-off", "amount": "1", "budget": 5},
    {
        "id": "back",
        "kind": "win_back",
        "title": "x",
        "reward": "five-off",
        "days": 30,
        "starts": "2020-01-01",
    },
    {"id": "perk", "kind": "tier_perk", "title": "x", "reward": "five-off", "tier": "silver"},
]


def gifts_by_rule(scene: Scene) -> None:
    _with_tiers(scene)
    with aside():
        document = {**programs.document(scene.program), "gifts": GIFTS}
        programs.apply(scene.program, document, "test")
        scene.program.versions.update(effective_from=programs.BEGINNING)
    scene.settles("orders/paid", scene.order())
    undone = {"cancelled_at": at(40)}
    scene.settles("orders/cancelled", scene.order(minutes=3, **undone))
    with aside():
        at_rest = Redemption.objects.filter(points=0, ending_with="taken").count()
    assert at_rest > 1
    assert scene.asks("GET", "ways")["milestones"]
    gift_rounds.give_due(now=NOON + timedelta(days=30))
    scene.asks("GET", "activity")


ACTIONS = [
    {"id": "gift", "kind": "birthday", "points": 5},
    {"id": "news", "kind": "newsletter", "points": 5},
    {"id": "follow", "kind": "social", "points": 5, "url": "https://social.example/"},
    {"id": "photo", "kind": "content", "points": 5, "audience": {"not_ordered_days": 1}},
    {"id": "visit", "kind": "custom", "points": 5},
]


def what_is_no_order(scene: Scene) -> None:
    _earn_by(scene, rules=ACTIONS)
    agreed = {"state": "subscribed", "consent_updated_at": None}
    consent = {"customer_id": RICH, "email_marketing_consent": agreed}
    scene.settles("customers_email_marketing_consent/update", consent)
    today = clock.now().date()
    scene.asks("POST", "actions/follow")
    scene.asks("POST", "actions/birthday", {"day": today.day, "month": today.month})
    scene.asks("GET", "ways")
    assert birthdays.give_due() == 1


def orders_of_products(scene: Scene) -> None:
    rule = {"id": "double", "kind": "multiplier", "factor": "2", "on": {"collections": [1]}}
    _earn_by(scene, rules=[rule])
    assert len(catalogue.read(scene.shop, [901])) == 1
    scene.settles("orders/paid", scene.order())
    scene.settles("products/update", {"id": 901, "updated_at": at(0), "tags": "clay"})
    scene.settles("products/delete", {"id": 902})
    scene.settles("collections/update", {"id": 1, "updated_at": at(0)})


def _earn_by(scene: Scene, **earning: Any) -> None:
    with aside():
        document = programs.document(scene.program)
        changed = {**document, "earning": {**document["earning"], **earning}}
        programs.apply(scene.program, changed, "test")
        scene.program.versions.update(effective_from=programs.BEGINNING)


def order_of_a_stranger(scene: Scene) -> None:
    scene.settles("orders/paid", scene.order(77))


def refund_and_edit(scene: Scene) -> None:
    scene.settles("orders/paid", scene.order())
    line = {**ORDER["line_items"][0], "current_quantity": 1}
    scene.settles("orders/updated", scene.order(minutes=1, line_items=[line, ORDER["line_items"][1]]))
    scene.settles("orders/updated", scene.order(minutes=2, line_items=ORDER["line_items"]))
    scene.settles("orders/cancelled", scene.order(minutes=3, cancelled_at=at(40)))


def orders_in_tiers(scene: Scene) -> None:
    _with_tiers(scene, upgrade="after_hold", metric="points")
    scene.settles("orders/paid", scene.order())
    line = {**ORDER["line_items"][0], "current_quantity": 1}
    scene.settles("orders/updated", scene.order(minutes=1, line_items=[line, ORDER["line_items"][1]]))
    many_deliveries(scene)
    with aside():
        assert MemberTier.objects.filter(tier="silver").count() > 20
        assert TierGrant.objects.exists()


def news_of_a_refund(scene: Scene) -> None:
    scene.settles("orders/updated", scene.order(refunds=[{"id": 9, "order_adjustments": []}]))
    scene.settles("refunds/create", {"id": 9, "order_id": ORDER["id"]})


def customers(scene: Scene) -> None:
    scene.settles("customers/create", {"id": 78, "created_at": at(0)})
    scene.settles("customer.tags_added", {"customerId": f"gid://shopify/Customer/{CUSTOMER}", "tags": ["a"]})


def many_deliveries(scene: Scene) -> None:
    for number in range(30):
        scene.deliver("orders/paid", scene.order(10_000_100 + number, id=6000 + number, name=f"#{number}"))
    assert inbox.drain() == 30


def orders_of_all_shops(scene: Scene) -> None:
    """Two of each: of a member, and of somebody new. Nothing is remembered of the programs."""
    shops = list(Shop.objects.all())
    for shop in shops:
        there = replace(scene, shop=shop)
        there.deliver("orders/paid", scene.order(id=6000 + shop.pk))
        there.deliver("orders/paid", scene.order(77, id=7000 + shop.pk))
    memories.forget()
    assert inbox.drain() == 2 * len(shops)
    with aside():
        assert not InboxRow.objects.exclude(state="done").exists()


def redemption(scene: Scene) -> None:
    made = scene.redeems()
    scene.asks("GET", f"redemptions/{made.pk}")
    scene.asks("POST", f"redemptions/{made.pk}/cancel")
    scene.redemption(made.pk, "cancelled")


LIMITS = {"per_member": 100, "in_total": 1000, "ends": "2100-12-31"}


def redemption_with_limits(scene: Scene) -> None:
    with aside():
        document = programs.document(scene.program)
        limited = [{**reward, **LIMITS} for reward in document["rewards"]]
        programs.apply(scene.program, {**document, "rewards": limited}, "test")
    redemption(scene)
    assert scene.asks("GET", "me")["rewards"][0]["left"] == 1000
    metafields.publish()


def rewards_of_ones_own(scene: Scene) -> None:
    """Had, looked at, waited for, handed over, paid out and drawn."""
    with aside():
        document = programs.document(scene.program)
        own = [{**EVENING, "in_total": 1}, TREES, RAFFLE]
        programs.apply(scene.program, {**document, "rewards": own}, "test")
    for reward, points in (("evening", None), ("trees", 20), ("raffle", None)):
        wish = {"reward": reward, "key": reward, "points": points}
        scene.asks("POST", "redemptions", {name: said for name, said in wish.items() if said})
    scene.asks("GET", "me")
    scene.asks("GET", "program")
    scene.asks("POST", "rewards/evening/waits")
    with aside():
        scene.program.refresh_from_db()
    (task,) = tasks.waiting(scene.program.pk)
    tasks.refuse(task, "ann", "Not today")
    assert waits.tell_due() == 1
    scene.asks("POST", "rewards/evening/waits/leave")
    paid = {"paid_on": clock.now().date(), "receipt": "No. 1", "author": "ann", "key": "k"}
    donations.pay_out(scene.program, "trees", 100, **paid)
    draws.draw(scene.program, "raffle", "ann", now=datetime(2101, 1, 1, tzinfo=UTC))
    scene.asks("GET", "rewards/raffle/draw")
    assert draws.return_entries() == 0


def redemption_in_an_order(scene: Scene) -> None:
    made = scene.redeems()
    codes = [{"code": made.code, "amount": "5.00", "type": "fixed_amount"}]
    scene.settles("orders/paid", scene.order(RICH, discount_codes=codes))
    scene.redemption(made.pk, "used")
    undone = {"discount_codes": codes, "cancelled_at": at(40)}
    scene.settles("orders/cancelled", scene.order(RICH, minutes=3, **undone))
    scene.redemption(made.pk, "returned")


def redemptions_that_are_due(scene: Scene) -> None:
    past = datetime.now(UTC) - timedelta(minutes=1)
    made = scene.redeems()
    with aside():
        Redemption.objects.filter(pk=made.pk).update(due_at=past, expires_at=past)
    issuing.work_due()
    issuing.work_due()
    scene.redemption(made.pk, "expired")


def friends(scene: Scene) -> None:
    """From the link to the points, and back."""
    with aside():
        said = {"active": True, "points": 5, "most": 3, "most_ever": 9}
        document = {**programs.document(scene.program), "referrals": said}
        programs.apply(scene.program, document, "test")
        scene.program.versions.update(effective_from=programs.BEGINNING)
    link = scene.asks("POST", "referral/link")["code"]
    program = Program.objects.get(pk=scene.program.pk)
    visitor = people.enrol(program, {(scene.shop.pk, 901): clock.now()})[scene.shop.pk, 901]
    for friend in (Friend(scene.shop.pk, 901, visitor), Friend(scene.shop.pk, mail=Mail.of("a@example.com"))):
        claims.visit(program, link, friend)
    guest = Friend(scene.shop.pk, mail=Mail.of("b@example.com"), address="192.0.2.1")
    claim, _ = claims.take(program, link, guest, "key")
    assert friend_codes.work_on(claim).state == "issued"
    bought = _bought(scene, 77, (claim.code or "",)), _bought(scene, 901, ())
    orders.settle_orders(program, bought)
    assert referrals.work_due(now=LATER) == 2
    undone = [replace(one.fact, cancelled=True, updated_at=LATER) for one in bought]
    orders.settle_orders(program, [FetchedOrder(fact) for fact in undone])
    assert referrals.work_due(now=LATER + timedelta(days=1)) == 2
    scene.asks("GET", "referral")
    with aside():
        Claim.objects.update(digests_until=LATER, due_at=LATER)
    assert advocates.forget_old(now=LATER) > 1
    assert friend_codes.work_due() == 0


def _bought(scene: Scene, customer: int, codes: tuple[str, ...]) -> FetchedOrder:
    now = clock.now()
    fact = OrderFact(
        source_id=scene.shop.pk,
        external_id=9000 + customer,
        updated_at=now,
        processed_at=now,
        currency="USD",
        customer_id=customer,
        paid=True,
        codes=codes,
        lines=(Line(1, 5000, 1, 1),),
    )
    return FetchedOrder(fact, paid_at=now, ordinal=1)


def cashback(scene: Scene) -> None:
    """A few members are due, of many with points."""
    with aside():
        members = Member.objects.filter(program=scene.program, reserved=0).order_by("-available", "pk")
        for member in members[:DUE]:
            ledger.adjust(scene.program.pk, member.pk, 10_000, key=f"rich:{member.pk}", reason="a gift")
        least = members.values_list("available", flat=True)[DUE - 1]
        said = {"points": 1, "value": "0.01", "least": major(least, scene.program.currency)}
        programs.apply(scene.program, {**programs.document(scene.program), "cashback": said}, "test")
        scopes = "read_store_credit_accounts,write_store_credit_account_transactions"
        Shop.objects.filter(pk=scene.shop.pk).update(scopes=scopes)
    assert payouts.begin_due() == DUE
    with aside():
        Redemption.objects.filter(state="reserved").update(due_at=datetime.now(UTC))
    assert issuing.work_due() == DUE
    credits.forget_done()
    with aside():
        assert not Credit.objects.exists()
    scene.asks("GET", "me")


def reading(scene: Scene) -> None:
    assert scene.asks("GET", "me")["member"]
    scene.asks("GET", "activity")
    assert scene.asks("GET", "redemptions")["items"]
    scene.asks("GET", "program")


def publishing(scene: Scene) -> None:
    scene.settles("orders/paid", scene.order())
    assert metafields.publish() > 25


def tags_of_tiers(scene: Scene) -> None:
    assert customer_tags.work() >= 10


def end_of_holds(scene: Scene) -> None:
    assert holds.release_due() >= 20


def end_of_life(scene: Scene) -> None:
    assert expiry.lapse_due() >= 20 * 100


def rest_of_members(scene: Scene) -> None:
    _follow(scene, {"policy": "inactivity", "months": 1})
    expiry.lapse_due(now=datetime.now(UTC) + timedelta(days=5))


def nights_of_tiers(scene: Scene) -> None:
    _with_tiers(scene)
    assert tiers.review_due() >= DUE


def other_tiers(scene: Scene) -> None:
    _with_tiers(scene)
    with aside():
        tiers.follow()
    _with_tiers(scene, upgrade="after_hold")
    tiers.follow()


def notices(scene: Scene) -> None:
    expiry.note_expiring()


def another_expiry(scene: Scene) -> None:
    _follow(scene, {"policy": "rolling", "months": 24})
    assert expiry.redate() > 0


def old_deliveries(scene: Scene) -> None:
    with aside():
        InboxRow.objects.update(received_at="2026-01-01T00:00:00Z")
    assert inbox.purge() == 1000


LEVELS = [
    {
        "id": "club",
        "name": "Club",
        "membership": {"product": ORDER["line_items"][0]["product_id"], "days": 30},
    },
    {"id": "silver", "name": "Silver", "from": "10", "entry_points": 5, "multiplier": {"factor": "2"}},
    {"id": "gold", "name": "Gold", "from": "100000"},
]


def _with_tiers(scene: Scene, **said: Any) -> None:
    """As if it had always been so: the rules don't change within the moment of an order."""
    with aside(), connection.cursor() as cursor:
        program = Program.objects.get(pk=scene.program.pk)
        document = {**programs.document(program), "tiers": {"levels": LEVELS, **said}}
        programs.apply(program, document, "test")
        program.versions.update(effective_from=programs.BEGINNING)
        scene.program.refresh_from_db()
        if not MemberTier.objects.filter(program=program).exists():
            fill.tiers(cursor, program.pk, program.version, DUE)
        fill.look(cursor)


def _follow(scene: Scene, policy: dict[str, Any]) -> None:
    with aside():
        program = Program.objects.get(pk=scene.program.pk)
        programs.apply(program, {**programs.document(program), "expiry": policy}, "test")


PATHS: dict[str, Callable[[Scene], None]] = {
    path.__name__: path
    for path in (
        first_order,
        orders_by_rules_of_every_sort,
        orders_that_meet_challenges,
        gifts_by_rule,
        what_is_no_order,
        orders_of_products,
        order_of_a_stranger,
        refund_and_edit,
        orders_in_tiers,
        news_of_a_refund,
        customers,
        many_deliveries,
        redemption,
        redemption_with_limits,
        rewards_of_ones_own,
        redemption_in_an_order,
        redemptions_that_are_due,
        friends,
        cashback,
        reading,
        publishing,
        tags_of_tiers,
        end_of_holds,
        end_of_life,
        rest_of_members,
        nights_of_tiers,
        other_tiers,
        notices,
        another_expiry,
        old_deliveries,
    )
}
