"""What the merchant does for rewards of their own: hand over, pass on, draw."""

from collections.abc import Iterable
from typing import Any

import pytest

from loyalty_app.merchant import customers
from rewards import draws, programs, redemptions, reservations
from rewards.models import Drawing, Member, Payout, Redemption
from shopify_bridge.models import Shop
from tests.loyalty_app.merchant.conftest import Merchant
from tests.rewards.test_own_rewards import EVENING, RAFFLE, TREES

pytestmark = pytest.mark.django_db
OVER = {**RAFFLE, "closes": "2020-01-01"}


@pytest.fixture
def offering(merchant: Merchant) -> Merchant:
    offer(merchant, {**EVENING, "in_total": None}, TREES, RAFFLE)
    merchant.order(1000)
    return merchant


def offer(merchant: Merchant, *rewards: dict[str, Any]) -> None:
    merchant.save({**programs.document(merchant.program), "rewards": list(rewards)})


def redeem(merchant: Merchant, reward: str, points: int | None = None, key: str = "k") -> Redemption:
    request = reservations.Request(merchant.member().pk, merchant.shop.pk, 7001, reward, key, points)
    made, _ = reservations.reserve(merchant.program, request)
    note = redemptions.issued if reward == "evening" else redemptions.delivered
    note(merchant.program.pk, made.pk, "own")
    return made


def test_the_menu_leads_to_what_the_program_has(merchant: Merchant) -> None:
    pages = ("/app/tasks", "/app/donations", "/app/draws")
    before = merchant.page("/app/rewards")
    assert not [page for page in pages if f'href="{page}"' in before]
    offer(merchant, EVENING, TREES, RAFFLE)
    after = merchant.page("/app/rewards")
    assert [page for page in pages if f'href="{page}"' in after] == [*pages]


def test_a_task_is_handed_over_and_leaves_the_list(offering: Merchant) -> None:
    task = redeem(offering, "evening")
    assert "An evening with us" in offering.page("/app/tasks")
    assert offering.post(f"/app/tasks/{task.pk}/done", {})["toast"] == "Handed over"
    page = offering.page("/app/tasks")
    assert "Nothing waits" in page
    assert "by staff user" in page
    assert "undone it" in offering.errors(f"/app/tasks/{task.pk}/done", {})[""]


def test_giving_back_needs_a_reason(offering: Merchant) -> None:
    task = redeem(offering, "evening")
    for typed in ({}, {"reason": " "}, {"reason": "x" * 301}):
        assert "reason" in offering.errors(f"/app/tasks/{task.pk}/refuse", typed)
    offering.post(f"/app/tasks/{task.pk}/refuse", {"reason": "<b>ill</b>"})
    assert "&lt;b&gt;ill&lt;/b&gt;" in offering.page("/app/tasks")
    assert offering.member().available == 1000


def test_a_code_that_is_shown_is_found(offering: Merchant) -> None:
    offer(offering, {**EVENING, "fulfilment": "code"})
    task = redeem(offering, "evening")
    page = offering.page(f"/app/tasks?code={task.code.lower()}")
    assert page.count(f"/app/tasks/{task.pk}/done") == 2  # as found, and in the list
    assert f"<code>{task.code}</code>" in page
    for unknown in ("%3Cb%3E", "%00x"):
        assert "No reward has the code" in offering.page(f"/app/tasks?code={unknown}")


PAID = {"amount": "3,50", "paid_on": "2026-11-20", "receipt": "=No. 5", "key": "k" * 8}


def test_what_was_passed_on_is_noted_once(offering: Merchant) -> None:
    redeem(offering, "trees", 100)
    for _ in range(2):
        offering.post("/app/donations/trees/payouts", PAID)
    assert Payout.objects.get().amount == 350
    page = offering.page("/app/donations")
    for said in ("5.00 EUR", "3.50 EUR", "1.50 EUR", "=No. 5"):
        assert said in page
    file = offering.fetch("/app/donations/file").content.decode()
    assert "2026-11-20,The Wood,Plant trees,3.50,EUR,'=No. 5," in file


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("amount", "5.01"),
        ("amount", "0"),
        ("amount", "-1"),
        ("amount", "1.001"),
        ("amount", ""),
        ("paid_on", "2100-01-01"),
        ("paid_on", "yesterday"),
        ("receipt", " "),
        ("receipt", "x" * 301),
        ("", ""),
    ],
)
def test_a_payout_that_cannot_be_is_refused_at_its_field(offering: Merchant, field: str, typed: str) -> None:
    redeem(offering, "trees", 100)
    given = {**PAID, field or "key": typed}
    assert list(offering.errors("/app/donations/trees/payouts", given)) == [field]
    assert not Payout.objects.exists()


def test_a_draw_is_drawn_and_drawn_again_with_a_reason(offering: Merchant) -> None:
    redeem(offering, "raffle")
    assert "Takes entries" in offering.page("/app/draws")
    assert "still takes entries" in offering.errors("/app/draws/raffle/draw", {})[""]
    offer(offering, OVER)
    assert "Draw the winners" in offering.page("/app/draws")
    assert offering.post("/app/draws/raffle/draw", {})["toast"] == "1 winner"
    page = offering.page("/app/draws")
    assert draws.seed_of(offering.program, "raffle") in page
    assert f"/app/members/{offering.member().pk}" in page
    assert "reason" in offering.errors("/app/draws/raffle/again", {})
    assert "Nobody takes part" in offering.errors("/app/draws/raffle/again", {"reason": "No answer"})[""]
    lines = offering.fetch("/app/draws/raffle/file").content.decode().splitlines()
    assert len(lines) == 2
    assert lines[1].endswith(",yes")


def test_shopify_is_asked_once_for_the_names_of_all_winners(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant.order(1000)
    ids = ("raffle", "another")
    offer(merchant, *({**RAFFLE, "id": id} for id in ids))
    for id in ids:
        redeem(merchant, id, key=id)
    offer(merchant, *({**OVER, "id": id} for id in ids))
    for id in ids:
        merchant.post(f"/app/draws/{id}/draw", {})
    asked: list[list[int]] = []

    def named(shop: Shop, members: Iterable[Member]) -> dict[int, str]:
        asked.append([member.pk for member in members])
        return dict.fromkeys(asked[-1], "Ada")

    monkeypatch.setattr(customers, "names_of", named)
    assert merchant.page("/app/draws").count("Ada") == len(ids)
    assert asked == [[merchant.member().pk]]


def test_the_seed_is_a_secret_until_the_draw(offering: Merchant) -> None:
    redeem(offering, "raffle")
    seed = draws.seed_of(offering.program, "raffle")
    for reward in (RAFFLE, OVER):
        offer(offering, reward)
        page = offering.page("/app/draws")
        assert seed not in page
        assert draws.commitment(seed) in page


def test_a_draw_that_is_called_off_says_why(offering: Merchant) -> None:
    redeem(offering, "raffle")
    assert "reason" in offering.errors("/app/draws/raffle/call-off", {})
    offering.post("/app/draws/raffle/call-off", {"reason": "Stolen."})
    assert Drawing.objects.get().called_off
    page = offering.page("/app/draws")
    assert "Stolen." in page
    assert "Called off" in page
    assert "called off already" in offering.errors("/app/draws/raffle/call-off", {"reason": "x"})[""]


@pytest.mark.parametrize(
    "path", ["/app/tasks/999/done", "/app/donations/raffle/payouts", "/app/draws/trees/draw"]
)
def test_what_is_of_another_kind_is_not_there(offering: Merchant, path: str) -> None:
    assert offering.fetch_with(path, {"reason": "x"}).status_code == 404
