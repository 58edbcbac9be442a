"""Rewards whose goods are no more, or whose permission was lost: not offered, and the merchant is told."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from rewards import advocates, ledger, people, programs, reservations, standing
from rewards.models import Member, Program, Redemption
from rewards.overview import overviews
from shopify_bridge import inbox, install, issuing, vault
from shopify_bridge.models import Shop
from tests.factories import InboxRowFactory, ShopFactory
from tests.shopify_bridge.conftest import Scripted, json_answer

pytestmark = pytest.mark.django_db(transaction=True)
CUSTOMER = 7001


class World:
    """A shop whose first reward lowers the price of some goods, and a member who can pay for it."""

    def __init__(self) -> None:
        self.shop: Shop = ShopFactory(scopes="write_discounts")
        self.shop.access_token = vault.seal("shpat_1", "access", self.shop.domain)
        self.shop.access_token_expires_at = timezone.now() + timedelta(hours=1)
        self.shop.save()
        self.program = Program.objects.get(pk=self.shop.program_id)
        ref = (self.shop.pk, CUSTOMER)
        member_id = people.enrol(self.program, {ref: datetime.now(UTC)})[ref]
        self.member = Member.objects.get(pk=member_id)
        ledger.adjust(self.program.pk, member_id, 500, key="start", reason="gift")
        self.change(on={"products": [11], "collections": []})

    def change(self, **settings: Any) -> None:
        document = programs.document(self.program)
        first, *others = document["rewards"]
        programs.apply(self.program, {**document, "rewards": [{**first, **settings}, *others]}, "test")
        Shop.objects.update(published_program_version=self.program.version)

    def offered(self) -> bool:
        (found,) = overviews(self.program.pk, self.shop.pk, [CUSTOMER])
        seen = {one["id"] for one in standing.rewards_for(found.program, found.shopper, found.at)}
        self.program.refresh_from_db()
        public = {one["id"] for one in standing.public_program(self.program)["rewards"]}
        assert seen == public
        return "five-off" in seen

    def ask(self, key: str = "k") -> Redemption:
        self.program.refresh_from_db()
        request = reservations.Request(self.member.pk, self.shop.pk, CUSTOMER, "five-off", key)
        return issuing.work_on(reservations.reserve(self.program, request)[0])

    def deliver(self, topic: str, body: dict[str, Any]) -> None:
        row = InboxRowFactory(shop=self.shop, topic=topic, body=json.dumps(body).encode())
        inbox.drain()
        row.refresh_from_db()
        assert row.state == row.State.DONE

    def why(self) -> str:
        self.program.refresh_from_db()
        said: str = self.program.withheld["five-off"]["why"]
        return said


@pytest.fixture
def world() -> World:
    return World()


def test_the_reward_of_a_deleted_product_is_withheld_until_it_is_changed(world: World) -> None:
    world.deliver("products/delete", {"id": 12})
    world.deliver("collections/delete", {"id": 11})
    assert world.offered()
    world.deliver("products/delete", {"id": 11})
    assert not world.offered()
    assert "product 11" in world.why()
    shop = Shop.objects.get(pk=world.shop.pk)
    assert shop.published_program_version < world.program.version, "themes are told, too"
    with pytest.raises(reservations.NoSuchReward):
        world.ask()
    world.change(points=90)
    assert world.offered()


def test_nobody_invites_while_the_goods_of_the_friends_reward_are_gone(world: World) -> None:
    def invite(product: int) -> None:
        reward = {"kind": "fixed", "title": "5 off", "value": "5", "on": {"products": [product]}}
        document = {**programs.document(world.program), "referrals": {"active": True, "reward": reward}}
        programs.apply(world.program, document, "test")

    def can_invite() -> bool:
        world.program.refresh_from_db()
        told = standing.public_program(world.program)["referrals"]
        assert bool(told) == programs.can_invite(world.program)
        return bool(told)

    invite(12)
    link = advocates.made(world.program, world.member.pk)
    world.deliver("products/delete", {"id": 11})
    assert can_invite()
    world.deliver("products/delete", {"id": 12})
    assert not can_invite()
    with pytest.raises(advocates.NoSuchLink):
        advocates.open_link(world.program, link.code)
    world.change(points=80)
    assert not can_invite(), "a change of something else brings nothing back"
    invite(13)
    assert can_invite()


def test_a_change_of_another_reward_brings_nothing_back(world: World) -> None:
    world.deliver("products/delete", {"id": 11})
    document = programs.document(world.program)
    programs.apply(world.program, {**document, "rewards": document["rewards"][:2]}, "test")
    assert not world.offered()


def test_the_reward_of_a_deleted_collection_is_withheld(world: World) -> None:
    world.change(on={"products": [], "collections": [21]})
    world.deliver("collections/update", {"id": 21})
    assert world.offered()
    world.deliver("collections/delete", {"id": 21})
    assert not world.offered()


def refusing(nodes: list[Any]) -> Any:
    """A shop that refuses the discount, and knows these goods."""

    def answer(asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if asked["operationName"] == "titles":
            return json_answer({"data": {"nodes": nodes}})
        errors = [{"field": ["items"], "message": "Product 11 does not exist", "code": "INVALID"}]
        made = {"codeDiscountNode": None, "userErrors": errors}
        return json_answer({"data": {"discountCodeBasicCreate": made}})

    return answer


def test_a_discount_that_is_refused_for_want_of_its_goods_is_refused_once(
    world: World, scripted: Scripted
) -> None:
    """The news of the product's end got lost."""
    scripted.answer = refusing([None])
    assert world.ask().state == Redemption.State.FAILED
    world.member.refresh_from_db()
    assert (world.member.available, world.offered()) == (550, False)
    assert "product 11" in world.why()


def test_a_discount_that_is_refused_for_something_else_stays_on_offer(
    world: World, scripted: Scripted
) -> None:
    scripted.answer = refusing([{"title": "Mug"}])
    assert world.ask().state == Redemption.State.FAILED
    assert world.offered()


def test_a_discount_of_an_older_version_says_nothing_about_the_goods_of_today(
    world: World, scripted: Scripted
) -> None:
    request = reservations.Request(world.member.pk, world.shop.pk, CUSTOMER, "five-off", "k")
    old, _ = reservations.reserve(world.program, request)
    world.change(on={"products": [12], "collections": []})
    scripted.answer = refusing([None])
    assert issuing.work_on(old).state == Redemption.State.FAILED
    assert world.offered()


def test_a_permission_that_was_lost_is_told_and_comes_back(world: World, scripted: Scripted) -> None:
    denied = {"message": "Access denied for discountCodeBasicCreate", "extensions": {"code": "ACCESS_DENIED"}}
    scripted.answer = lambda asked: json_answer({"errors": [denied]})
    assert world.ask().state == Redemption.State.FAILED
    assert not world.offered()
    assert "permission" in world.why()
    install.scopes_changed(world.shop, "write_discounts,read_orders")
    assert world.offered()


def test_goods_that_are_gone_dont_come_back_with_a_permission(world: World) -> None:
    world.deliver("products/delete", {"id": 11})
    install.scopes_changed(world.shop, "write_discounts")
    assert not world.offered()
