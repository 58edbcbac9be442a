"""Names are asked for live, kept nowhere, and never waited for."""

from time import monotonic
from typing import Any

import pytest
from django.db import connection

from loyalty_app.merchant import customers
from rewards.models import Member
from shopify_bridge import customers as enrolling
from shopify_bridge.models import Shop
from tests.shopify_bridge.conftest import Scripted, json_answer, running_sandbox, sandbox, scripted, shop

__all__ = ["running_sandbox", "sandbox", "scripted", "shop"]  # fixtures, by their names


@pytest.fixture
def members(shop: Shop) -> list[Member]:
    """The customers of the demo shop."""
    assert enrolling.enrol(shop, "", 0, monotonic() + 30, lambda _: None)
    return list(Member.objects.filter(program_id=shop.program_id))


def test_names_are_shopifys_and_kept_nowhere(shop: Shop, members: list[Member]) -> None:
    names = customers.names_of(shop, members)
    assert "Ada Okafor" in names.values()
    with connection.cursor() as cursor:
        for model in ("rewards_member", "rewards_identity", "rewards_movement", "shopify_bridge_shop"):
            cursor.execute(f"SELECT count(*) FROM {model} t WHERE t::text ILIKE '%%Okafor%%'")  # noqa: S608
            assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("words", ["ada", "Okafor", "ada okafor"])
def test_people_are_found_by_name(shop: Shop, members: list[Member], words: str) -> None:
    found = customers.search(shop, words)
    assert [customers.names_of(shop, found)[member.pk] for member in found] == ["Ada Okafor"]


@pytest.mark.parametrize("words", ['email:"x" OR id:>0', "((((", "tag:a", "-ada", ":", "nobody at all"])
def test_what_steers_shopifys_search_finds_nobody(shop: Shop, members: list[Member], words: str) -> None:
    assert len(customers.search(shop, words)) < len(members)


def number_of(member: Member) -> int:
    return int(member.identities.get().external_id)


def test_without_the_right_to_see_names_people_are_numbers(
    shop: Shop, members: list[Member], scripted: Scripted
) -> None:
    denied: dict[str, Any] = {
        "data": {"nodes": [None for _ in members]},
        "errors": [{"message": "Access denied", "extensions": {"code": "ACCESS_DENIED"}}],
    }
    scripted.answer = lambda _: json_answer(denied)
    names = customers.names_of(shop, members)
    assert names == {member.pk: f"Customer {number_of(member)}" for member in members}
    with pytest.raises(customers.CantAsk):
        customers.search(shop, "ada")


def test_an_empty_name_is_no_name(shop: Shop, members: list[Member], scripted: Scripted) -> None:
    number = number_of(members[0])
    nodes = [{"legacyResourceId": str(number), "displayName": ""}, None, {}]
    scripted.answer = lambda _: json_answer({"data": {"nodes": nodes}})
    assert customers.names_of(shop, members[:1]) == {members[0].pk: f"Customer {number}"}


def test_a_slow_shopify_is_not_waited_for(shop: Shop, members: list[Member], scripted: Scripted) -> None:
    scripted.delay = 4
    started = monotonic()
    names = customers.names_of(shop, members)
    assert monotonic() - started < customers.NAMES_SECONDS + 0.5
    assert all(name.startswith("Customer ") for name in names.values())
