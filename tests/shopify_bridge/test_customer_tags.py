"""The tag of a tier on the customer: put on arrival, taken away on leaving; the merchant's own stay."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from rewards import people, programs, tier_grants
from rewards.models import Identity, Member, Program
from shopify_bridge import customer_tags, handlers, metafields
from shopify_bridge.models import CustomerTag, Shop
from tests.shopify_bridge.conftest import Sandbox, take_in

TAGS = "query($id: ID!) { customer(id: $id) { tags } }"
ADD = "mutation($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { userErrors { message } } }"
REMOVE = ADD.replace("tagsAdd", "tagsRemove")
DELETE = "mutation($id: ID!) { customerDelete(input: { id: $id }) { userErrors { message } } }"
CREATE = 'mutation { customerCreate(input: { firstName: "B" }) { customer { id } } }'
MERGE = """
mutation($one: ID!, $two: ID!) {
  customerMerge(customerOneId: $one, customerTwoId: $two) { resultingCustomerId userErrors { message } }
}"""


def gid(customer: int) -> str:
    return f"gid://shopify/Customer/{customer}"


class World:
    """A shop with two tiers that one is invited to, and its customers."""

    def __init__(self, shop: Shop, sandbox: Sandbox) -> None:
        self.shop, self.sandbox = shop, sandbox
        self.tags(silver="Silver", gold="VIP")

    @property
    def program(self) -> Program:
        return Program.objects.get(pk=self.shop.program_id)

    def tags(self, **tags: str) -> None:
        """The merchant gives the levels these tags."""
        levels = [{"id": level, "name": level, "customer_tag": tag} for level, tag in tags.items()]
        programs.apply(self.program, {**programs.document(self.program), "tiers": {"levels": levels}}, "test")

    def joins(self, *tags: str) -> int:
        customer = self.sandbox.new_customer()
        people.enrol(self.program, {(self.shop.pk, customer): datetime.now(UTC)})
        if tags:
            self.sandbox.admin(ADD, id=gid(customer), tags=list(tags))
        return customer

    def member(self, customer: int) -> int:
        return people.find(self.shop.program_id, [(self.shop.pk, customer)])[self.shop.pk, customer]

    def invites(self, customer: int, level: str) -> None:
        tier_grants.invite(self.program, self.member(customer), level, None, "test")

    def uninvites(self, customer: int, level: str) -> None:
        tier_grants.uninvite(self.program, self.member(customer), level, "test")

    def tells(self) -> None:
        """All that is due, the pauses after failures left out."""
        metafields.publish()
        CustomerTag.objects.filter(due_at__isnull=False).update(due_at=datetime.now(UTC))
        customer_tags.work()

    def tags_of(self, customer: int) -> list[str]:
        found: list[str] = self.sandbox.admin(TAGS, id=gid(customer))["customer"]["tags"]
        return found

    def fault(self, operation: str, fault: str, **more: Any) -> None:
        accident = {"operation": operation, "fault": fault, "times": 1, **more}
        self.sandbox.post("/sandbox/faults", {"reset": True, "operations": [accident]})

    def states(self) -> list[str]:
        return sorted(CustomerTag.objects.values_list("state", flat=True))


@pytest.fixture
def world(shop: Shop, sandbox: Sandbox) -> World:
    return World(shop, sandbox)


def test_the_tag_comes_with_the_tier_and_goes_with_it(world: World) -> None:
    customer = world.joins("wholesale")
    world.tells()
    assert world.tags_of(customer) == ["wholesale"]
    world.invites(customer, "silver")
    world.tells()
    assert world.tags_of(customer) == ["Silver", "wholesale"]
    world.invites(customer, "gold")
    world.tells()
    assert world.tags_of(customer) == ["VIP", "wholesale"]
    for level in ("gold", "silver"):
        world.uninvites(customer, level)
    world.tells()
    assert world.tags_of(customer) == ["wholesale"]
    assert world.states() == []


def test_a_tag_of_the_merchants_own_stays_theirs(world: World) -> None:
    customer = world.joins("vip")
    world.invites(customer, "gold")
    world.tells()
    assert world.tags_of(customer) == ["vip"]
    assert world.states() == ["foreign"]
    world.uninvites(customer, "gold")
    world.tells()
    assert world.tags_of(customer) == ["vip"]
    assert world.states() == []


def test_a_tag_that_the_merchant_took_away_is_not_put_again(world: World) -> None:
    customer = world.joins()
    world.invites(customer, "gold")
    world.tells()
    world.sandbox.admin(REMOVE, id=gid(customer), tags=["VIP"])
    Member.objects.update(version=1000)
    world.tells()
    assert world.tags_of(customer) == []
    world.uninvites(customer, "gold")
    world.tells()
    assert world.states() == []


def test_the_merchant_changes_the_name_then_the_letters_then_takes_it_out(world: World) -> None:
    customers = [world.joins() for _ in range(30)]
    for customer in customers:
        world.invites(customer, "gold")
    world.tells()
    world.tags(silver="Silver", gold="Loved")
    world.tells()
    assert {tuple(world.tags_of(customer)) for customer in customers} == {("Loved",)}
    world.tags(silver="Silver", gold="LOVED")
    world.tells()
    assert world.tags_of(customers[0]) == ["Loved"]
    world.tags(silver="Silver", gold="")
    world.tells()
    assert {tuple(world.tags_of(customer)) for customer in customers} == {()}
    assert world.states() == []


def test_two_levels_with_one_tag(world: World) -> None:
    world.tags(silver="Club", gold="Club")
    customer = world.joins()
    world.invites(customer, "silver")
    world.tells()
    world.invites(customer, "gold")
    world.tells()
    assert (world.tags_of(customer), world.states()) == (["Club"], ["held"])


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("tagsAdd", "5xx"),
        ("tagsAdd", "cut"),
        ("tagsAdd", "html"),
        ("tagsAdd", "too_many"),
        ("tagsAdd", "throttle"),
        ("tagsRemove", "cut"),
        ("tagsRemove", "5xx"),
        ("nodes", "5xx"),
    ],
)
def test_an_accident_delays_and_no_more(world: World, operation: str, fault: str) -> None:
    """An answer that was lost: the tag that is found then is ours, and goes when the member goes."""
    customer = world.joins()
    world.invites(customer, "silver")
    world.fault(operation, fault)
    world.tells()
    world.tells()
    assert world.tags_of(customer) == ["Silver"]
    world.invites(customer, "gold")
    world.fault(operation, fault)
    world.tells()
    world.tells()
    assert (world.tags_of(customer), world.states()) == (["VIP"], ["held"])


def test_pauses_grow_and_end(world: World) -> None:
    customer = world.joins()
    world.invites(customer, "gold")
    metafields.publish()
    world.sandbox.post("/sandbox/faults", {"operations": [{"operation": "tagsAdd", "fault": "5xx"}]})
    pauses: list[int | None] = []
    for _ in range(customer_tags.REFUSED_AFTER):
        CustomerTag.objects.update(due_at=datetime.now(UTC))
        customer_tags.work()
        assert customer_tags.work() == 0
        (row,) = CustomerTag.objects.all()
        pauses.append(row.due_at and round((row.due_at - datetime.now(UTC)).total_seconds()))
    assert pauses[:3] == [15, 30, 60]
    assert pauses[-3:] == [6 * 3600, 6 * 3600, None]
    assert world.states() == ["refused"]


def test_who_is_no_more_is_let_go_and_holds_up_nobody(world: World) -> None:
    gone, there = world.joins(), world.joins()
    for customer in (gone, there):
        world.invites(customer, "gold")
    world.sandbox.admin(DELETE, id=gid(gone))
    world.tells()
    assert world.tags_of(there) == ["VIP"]
    assert world.states() == ["held"]


def test_a_change_while_shopify_is_asked_is_not_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = world.joins()
    world.invites(customer, "gold")
    metafields.publish()
    look = customer_tags._present

    def meanwhile(*args: Any) -> Any:
        found = look(*args)
        monkeypatch.undo()
        world.uninvites(customer, "gold")
        metafields.publish()
        return found

    monkeypatch.setattr(customer_tags, "_present", meanwhile)
    customer_tags.work()
    world.tells()
    assert world.tags_of(customer) == []
    assert world.states() == []


def test_nothing_is_asked_without_the_permission(world: World) -> None:
    customer = world.joins()
    world.invites(customer, "gold")
    metafields.publish()
    Shop.objects.update(scopes="read_customers")
    assert customer_tags.work() == 0
    assert world.tags_of(customer) == []
    Shop.objects.update(scopes="read_customers,write_customers")
    assert customer_tags.work() == 1
    assert world.tags_of(customer) == ["VIP"]


@pytest.mark.parametrize("own", [(), ("Silver",)])
def test_a_merge_leaves_the_tag_of_the_tier_that_stays(world: World, own: tuple[str, ...]) -> None:
    """Shopify gives the survivor the tags of both: of ours one is too many, of the merchant's none."""
    silver, gold = world.joins(*own), world.joins()
    world.invites(silver, "silver")
    world.invites(gold, "gold")
    world.tells()
    merge(world, silver, gold)
    world.tells()
    kept = next(customer for customer in (silver, gold) if customer_there(world, customer))
    assert world.tags_of(kept) == [*own, "VIP"]
    assert CustomerTag.objects.filter(customer_id=kept, state="held").get().tag == "VIP"


def test_a_merge_of_two_with_one_tag(world: World) -> None:
    one, two = world.joins(), world.joins()
    for customer in (one, two):
        world.invites(customer, "gold")
    world.tells()
    kept = merge(world, one, two)
    world.tells()
    assert (world.tags_of(kept), world.states()) == (["VIP"], ["held"])
    world.uninvites(kept, "gold")
    world.tells()
    assert world.tags_of(kept) == []


def test_a_member_of_two_shops_has_the_tag_in_both(world: World) -> None:
    domain = "second-of-tags.myshopify.com"
    world.sandbox.post("/sandbox/shops", {"domain": domain, "name": "Second"})
    world.sandbox.post("/sandbox/install", shop=domain)
    second = take_in(world.sandbox, domain)
    Shop.objects.filter(pk=second.pk).update(program_id=world.shop.program_id)
    customer, there = world.joins(), world.sandbox.admin(CREATE, domain)["customerCreate"]["customer"]["id"]
    Identity.objects.create(
        program=world.program,
        source_id=second.pk,
        external_id=int(there.rpartition("/")[2]),
        member_id=world.member(customer),
    )
    world.invites(customer, "gold")
    world.tells()
    assert world.tags_of(customer) == ["VIP"]
    assert world.sandbox.admin(TAGS, domain, id=there)["customer"]["tags"] == ["VIP"]


def test_who_is_redacted_leaves_no_row(world: World) -> None:
    customer = world.joins()
    world.invites(customer, "gold")
    world.tells()
    deliver(world, "customers/redact", shop_domain=world.shop.domain, customer={"id": customer})
    assert world.states() == []


def customer_there(world: World, customer: int) -> bool:
    return world.sandbox.admin(TAGS, id=gid(customer))["customer"] is not None


def merge(world: World, one: int, two: int) -> int:
    """In the shop and here; who stays."""
    world.sandbox.admin(MERGE, one=gid(one), two=gid(two))
    kept, gone = (one, two) if customer_there(world, one) else (two, one)
    deliver(
        world,
        "customers/merge",
        admin_graphql_api_customer_kept_id=gid(kept),
        admin_graphql_api_customer_deleted_id=gid(gone),
    )
    return kept


def deliver(world: World, topic: str, **payload: Any) -> None:
    now = datetime.now(UTC)
    delivery = handlers.Delivery(
        world.shop, world.program, json.loads(json.dumps(payload)), now, topic, now, now
    )
    handlers.HANDLERS[topic](delivery)
