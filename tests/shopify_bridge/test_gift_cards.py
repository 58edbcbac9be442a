"""Points become a gift card: good until it ends or is undone, and for good once it is spent from."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from rewards import redemption_care, redemptions
from rewards.audit import audit
from rewards.models import Member, Redemption
from rewards.redemptions import State
from shopify_bridge import issuing
from tests.shopify_bridge import credited
from tests.shopify_bridge.conftest import Scripted, json_answer
from tests.shopify_bridge.credited import Answer, Json, looked_at, reserved, waited

pytestmark = pytest.mark.django_db(transaction=True)


class Cards:
    """A scripted shop's gift cards, by code."""

    def __init__(self, scripted: Scripted) -> None:
        self.cards: dict[str, Json] = {}
        self.moods: list[str] = []
        self.are_hidden = False
        self.later = "granted"
        scripted.answer = self.answer

    def answer(self, asked: Json) -> Answer:
        name: str = asked["operationName"]
        answer: Answer = getattr(self, f"_{name}")(asked["variables"])
        return answer

    def add(self, code: str, note: str, amount: str = "10.00") -> Json:
        id = f"gid://shopify/GiftCard/{len(self.cards) + 1}"
        card = {"id": id, "note": note, "lastCharacters": code[-4:].lower(), "is_on": True}
        money = {"balance": {"amount": amount}, "initialValue": {"amount": amount}}
        self.cards[code] = {**card, **money}
        return self.cards[code]

    def _gift_card_create(self, variables: Json) -> Answer:
        card, mood = variables["card"], self.moods.pop(0) if self.moods else "done"
        if mood == "limit":
            return self._made(None, "GIFT_CARD_LIMIT_EXCEEDED")
        if card["code"] in self.cards:
            return self._made(None, "TAKEN")
        if mood != "lost":
            self.card = card
            self.add(card["code"], card["note"], card["initialAmount"]["amount"])
        return (502, {}, b"") if mood in ("lost", "done_and_lost") else self._made(self.cards[card["code"]])

    def _made(self, card: Json | None, error: str = "") -> Answer:
        errors = [{"field": ["code"], "message": "No.", "code": error}] if error else []
        return json_answer({"data": {"giftCardCreate": {"giftCard": card, "userErrors": errors}}})

    def _gift_cards_found(self, variables: Json) -> Answer:
        found = [card for code, card in self.cards.items() if code == variables["search"]]
        return json_answer({"data": {"giftCards": {"nodes": [] if self.are_hidden else found}}})

    def _gift_card_left(self, variables: Json) -> Answer:
        return json_answer({"data": {"giftCard": self._by_id(variables["id"])}})

    def _gift_card_deactivate(self, variables: Json) -> Answer:
        card = self._by_id(variables["id"])
        assert card is not None
        card["is_on"] = False
        return json_answer({"data": {"giftCardDeactivate": {"giftCard": card, "userErrors": []}}})

    def _gift_card_update(self, variables: Json) -> Answer:
        if self.later == "refused":
            errors = [{"field": ["input", "expiresOn"], "message": "Not so late."}]
            return json_answer({"data": {"giftCardUpdate": {"giftCard": None, "userErrors": errors}}})
        card = self._by_id(variables["id"])
        self.card.update(variables["card"])
        return json_answer({"data": {"giftCardUpdate": {"giftCard": card, "userErrors": []}}})

    def _by_id(self, id: str) -> Json | None:
        return next((card for card in self.cards.values() if card["id"] == id), None)


@pytest.fixture
def cards(scripted: Scripted) -> Cards:
    return Cards(scripted)


@pytest.fixture
def redemption(db: None) -> Iterator[Redemption]:
    """A card of 10.00 for 200 of 500 points. The promises hold at the end of each story."""
    shop = credited.shop()
    yield reserved(shop, credited.member(shop), "card")
    assert [finding.check.name for finding in audit() if finding.rows] == []


def available(redemption: Redemption) -> int:
    return Member.objects.get(pk=redemption.member_id).available


def undone(redemption: Redemption) -> Redemption:
    assert redemptions.start_ending(redemption.program_id, redemption.pk, State.CANCELLED)
    redemption.refresh_from_db()
    return issuing.work_on(redemption)


def test_a_card_is_made_under_a_code_of_16_characters(cards: Cards, redemption: Redemption) -> None:
    worked_on = issuing.work_on(redemption)
    assert worked_on.state == State.ISSUED
    assert re.fullmatch("[A-Z2-9]{16}", worked_on.code)
    assert cards.card["initialAmount"] == {"amount": "10.00", "currencyCode": "USD"}
    assert cards.card["customerId"] == f"gid://shopify/Customer/{credited.CUSTOMER}"
    assert cards.card["expiresOn"] is None
    assert available(redemption) == 300


def test_a_card_whose_answer_was_lost_is_found_by_its_code_and_note(
    cards: Cards, redemption: Redemption
) -> None:
    cards.moods = ["done_and_lost"]
    assert issuing.work_on(redemption).state == State.RESERVED
    assert issuing.work_on(waited(redemption)).state == State.ISSUED
    assert len(cards.cards) == 1


def test_a_card_that_search_does_not_show_yet_is_neither_given_up_nor_made_twice(
    cards: Cards, redemption: Redemption
) -> None:
    cards.moods, cards.are_hidden = ["done_and_lost"], True
    issuing.work_on(redemption)
    worked_on = issuing.work_on(waited(redemption, 1))
    assert (worked_on.state, worked_on.code) == (State.RESERVED, redemption.code)
    cards.are_hidden = False
    assert issuing.work_on(waited(redemption)).state == State.ISSUED
    assert len(cards.cards) == 1


def test_a_code_of_another_card_is_replaced(cards: Cards, redemption: Redemption) -> None:
    taken = redemption.code
    cards.add(taken, "Summer")
    worked_on = issuing.work_on(redemption)
    assert worked_on.state == State.ISSUED
    assert worked_on.code != taken
    assert len(worked_on.code) == 16


def test_a_limit_of_the_shop_frees_the_points(cards: Cards, redemption: Redemption) -> None:
    cards.moods = ["limit"]
    assert issuing.work_on(redemption).state == State.FAILED
    assert available(redemption) == 500


def test_an_untouched_card_can_be_undone(cards: Cards, redemption: Redemption) -> None:
    issuing.work_on(redemption)
    assert undone(redemption).state == State.CANCELLED
    assert available(redemption) == 500
    assert not cards.cards[redemption.code]["is_on"]
    assert looked_at(redemption).due_at is None


def test_a_card_that_was_spent_from_stays_good_and_costs_its_points(
    cards: Cards, redemption: Redemption
) -> None:
    issuing.work_on(redemption)
    cards.cards[redemption.code]["balance"] = {"amount": "9.99"}
    assert undone(redemption).state == State.USED
    assert available(redemption) == 300
    assert cards.cards[redemption.code]["is_on"]


def test_a_use_seen_after_the_undo_takes_the_points_again(cards: Cards, redemption: Redemption) -> None:
    issuing.work_on(redemption)
    undone(redemption)
    cards.cards[redemption.code]["balance"] = {"amount": "0.00"}
    assert looked_at(redemption).state == State.USED
    assert available(redemption) == 300


def test_a_card_ends_with_its_last_day(cards: Cards, redemption: Redemption) -> None:
    ends = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    Redemption.objects.filter(pk=redemption.pk).update(expires_at=ends, due_at=ends)
    redemption.refresh_from_db()
    redemption.program.timezone = "Europe/Berlin"
    redemption.program.save()
    redemption = issuing.work_on(redemption)
    assert redemption.state == State.ISSUED
    assert cards.card["expiresOn"] == "2026-11-22"
    assert issuing.work_on(redemption).state == State.ENDING
    assert issuing.work_on(redemption).state == State.EXPIRED
    assert available(redemption) == 500


ENDS, LATER = datetime(2039, 1, 1, 12, tzinfo=UTC), datetime(2040, 1, 1, 12, tzinfo=UTC)
STAFF = redemption_care.Reason("4711", "Was ill")


def extended(redemption: Redemption) -> Redemption:
    Redemption.objects.filter(pk=redemption.pk).update(expires_at=ENDS)
    redemption.refresh_from_db()
    issuing.work_on(redemption)
    return issuing.work_on(redemption_care.extend(redemption.program_id, redemption.pk, LATER, STAFF))


def test_a_card_that_is_given_a_later_end_has_it_at_shopify(cards: Cards, redemption: Redemption) -> None:
    assert extended(redemption).expires_at == LATER
    assert cards.card["expiresOn"] == "2040-01-01"


def test_a_card_whose_later_end_is_refused_keeps_its_own(cards: Cards, redemption: Redemption) -> None:
    cards.later = "refused"
    kept = extended(redemption)
    assert (kept.state, kept.expires_at, kept.extends_to) == (State.ISSUED, ENDS, None)
    assert cards.card["expiresOn"] == "2039-01-01"
    assert kept.history[-1]["note"] == "Shopify refused the gift card: Not so late."


def test_a_card_the_merchant_deleted_counts_as_untouched(cards: Cards, redemption: Redemption) -> None:
    issuing.work_on(redemption)
    left: Any = cards.cards.pop(redemption.code)
    cards._gift_card_deactivate = lambda _: json_answer(  # type: ignore[method-assign]
        {"data": {"giftCardDeactivate": {"giftCard": None, "userErrors": [{"message": "Gone", "code": "X"}]}}}
    )
    assert left["is_on"]
    assert undone(redemption).state == State.CANCELLED
