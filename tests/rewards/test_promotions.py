"""Promo codes in bulk: kept before they are made, and tracked by the orders that carry them."""

import pytest

from rewards import programs, promotions
from rewards.models import PromoCode, Promotion
from tests.rewards.conftest import NOW, line, order


@pytest.fixture
def promotion(world):
    reward = programs.reward(programs.document(world.program), "five-off")
    plan = promotions.Plan(1, "Flyer", reward, 30, "FLYER", None, "4711")
    return promotions.start(world.program, plan, now=NOW)


def codes(promotion):
    return list(PromoCode.objects.filter(promotion=promotion).order_by("pk").values_list("code", flat=True))


def test_all_codes_are_there_before_anybody_is_asked_for_them(promotion):
    known = codes(promotion)
    assert len(known) == len(set(known)) == 30
    assert all(code.startswith("FLYER") and len(code) == 17 for code in known)
    assert (promotion.value, promotion.due_at) == (500, NOW)
    assert promotions.counts(promotion)["waiting"] == 30


def test_a_code_that_is_drawn_twice_is_drawn_again(world, promotion, monkeypatch):
    reward = programs.reward(programs.document(world.program), "five-off")
    known = codes(promotion)[0].removeprefix("FLYER")
    drawn = iter([known, "A" * 12, "A" * 12, "B" * 12])
    monkeypatch.setattr(promotions.redemptions, "new_code", lambda: next(drawn))
    plan = promotions.Plan(1, "Again", reward, 2, "FLYER", None, "4711")
    again = promotions.start(world.program, plan, now=NOW)
    assert codes(again) == [f"FLYER{'A' * 12}", f"FLYER{'B' * 12}"]


def test_an_order_uses_a_code_once_and_belongs_to_it(world, promotion):
    code, other, *_ = codes(promotion)
    world.settle(order(line(1000), codes=(code.lower(),), name="#1"))
    world.settle(order(line(1000), external_id=5002, codes=(code, other), name="#2"))
    first, second = PromoCode.objects.filter(code__in=(code, other)).order_by("pk")
    assert first.order.facts["name"] == "#1"
    assert second.order.facts["name"] == "#2"
    assert first.used_at == NOW
    assert promotions.counts(promotion)["used"] == 2


def test_it_is_ended_once(world, promotion):
    assert promotions.end(world.program.pk, promotion.pk, now=NOW)
    assert not promotions.end(world.program.pk, promotion.pk, now=NOW)
    promotion.refresh_from_db()
    assert promotion.state == Promotion.State.ENDING


def test_a_program_is_erased_with_them(world, promotion):
    world.settle(order(line(1000), codes=(codes(promotion)[0],)))
    programs.erase(world.program.pk)
    assert not PromoCode.objects.exists()
    assert not Promotion.objects.exists()
