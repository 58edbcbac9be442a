"""Exclusive rewards, donations and draws as shoppers meet them: contract, permissions, bad input."""

import hashlib

import pytest

from rewards import draws, programs, redemptions, tasks
from rewards.models import Redemption, Wait
from rewards.redemptions import State
from tests.loyalty_app.test_storefront import Storefront
from tests.rewards.test_own_rewards import EVENING, RAFFLE, TREES

pytestmark = pytest.mark.django_db


@pytest.fixture
def storefront(client):
    made = Storefront(client)
    offer(made, {**EVENING, "in_total": 1}, TREES, RAFFLE)
    return made


def offer(storefront, *rewards):
    document = {**programs.document(storefront.program), "rewards": list(rewards)}
    programs.apply(storefront.program, document, "test")


def redeem(storefront, reward, key="k", customer="7001", **more):
    return storefront.post("redemptions", {"reward": reward, "key": key, **more}, customer)


def reward(storefront, id, path="me", customer="7001"):
    found = storefront.get(path, customer=customer).json()["rewards"]
    return next(one for one in found if one["id"] == id)


def test_an_evening_is_ready_at_once_with_its_code(storefront):
    answer = redeem(storefront, "evening")
    assert (answer.status_code, answer.json()["state"]) == (201, "issued")
    made = Redemption.objects.get()
    assert answer.json()["code"] == made.code
    assert tasks.by_code(storefront.program.pk, made.code) == made


def test_the_shopper_may_undo_it_until_it_is_handed_over(storefront):
    made = redeem(storefront, "evening").json()["id"]
    answer = storefront.post(f"redemptions/{made}/cancel", {})
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    again = redeem(storefront, "evening", "again").json()["id"]
    tasks.hand_over(Redemption.objects.get(pk=again), "ann")
    assert storefront.error(storefront.post(f"redemptions/{again}/cancel", {})) == (409, "not_now")


def test_what_is_gone_is_refused_and_can_be_waited_for(storefront):
    redeem(storefront, "evening")
    assert storefront.error(storefront.post("rewards/evening/waits", {}, "")) == (401, "sign_in")
    joined = storefront.post("rewards/evening/waits", {}, "7002")
    said = {"reward": "evening", "left": 0, "waiting": 1, "place": 1, "kept_until": None}
    assert (joined.status_code, joined.json()) == (201, said)
    again = storefront.post("rewards/evening/waits", {}, "7002")
    assert (again.status_code, again.json()) == (200, said)
    assert storefront.error(redeem(storefront, "evening", "k2")) == (409, "limit_reached")
    assert (reward(storefront, "evening")["left"], reward(storefront, "evening")["waiting"]) == (0, 1)
    assert "place" not in reward(storefront, "evening")
    assert reward(storefront, "evening", customer="7002")["place"] == 1
    assert reward(storefront, "evening", "program", "")["left"] == 0
    assert storefront.post("rewards/evening/waits/leave", {}, "7002").status_code == 200
    assert not Wait.objects.exists()


@pytest.mark.parametrize(
    ("id", "code"),
    [("evening", (409, "to_be_had")), ("trees", (404, "not_found")), ("nothing", (404, "not_found"))],
)
def test_there_is_a_line_only_for_what_is_gone(storefront, id, code):
    assert storefront.error(storefront.post(f"rewards/{id}/waits", {})) == code


def test_a_line_is_for_those_who_can_have_it(storefront):
    document = programs.document(storefront.program)
    gold = {"levels": [{"id": "gold", "name": "Gold", "from": "500"}]}
    rewards = [{**EVENING, "in_total": 1, "tiers": ["gold"]}]
    programs.apply(storefront.program, {**document, "tiers": gold, "rewards": rewards}, "test")
    assert storefront.error(storefront.post("rewards/evening/waits", {})) == (409, "not_for_you")


def test_a_donation_counts_for_everybody_to_see(storefront):
    answer = redeem(storefront, "trees", points=100)
    assert (answer.status_code, answer.json()["state"]) == (201, "used")
    for path, customer in (("program", ""), ("me", "7002"), ("me", "")):
        seen = reward(storefront, "trees", path, customer)
        assert (seen["given"], seen["times"], seen["cause"]) == ("5.00", 1, "The Wood")
    made = answer.json()["id"]
    assert storefront.error(storefront.post(f"redemptions/{made}/cancel", {})) == (409, "not_now")
    assert storefront.error(redeem(storefront, "trees", "b", points=30)) == (422, "invalid_points")


def test_a_draw_can_be_checked_by_everybody(storefront):
    entry = redeem(storefront, "raffle").json()["id"]
    other = redeem(storefront, "raffle", "k2").json()["id"]
    before = reward(storefront, "raffle")
    assert (before["state"], before["entries"], before["own_entries"]) == ("open", 2, [entry, other])
    assert (before["seed"], before["winning_entries"]) == (None, [])
    assert storefront.get("rewards/raffle/draw").status_code == 404
    offer(storefront, {**RAFFLE, "closes": "2020-01-01"})
    assert reward(storefront, "raffle")["state"] == "closed"
    assert storefront.error(redeem(storefront, "raffle", "late")) == (409, "closed")
    draws.draw(storefront.program, "raffle", "ann")
    after = reward(storefront, "raffle", "program", "")
    assert (after["state"], after["commitment"]) == ("drawn", before["commitment"])
    assert hashlib.sha256(after["seed"].encode()).hexdigest() == before["commitment"]
    assert after["winning_entries"][0] in (entry, other)
    (turn,) = storefront.get("rewards/raffle/draw", customer="").json()["turns"]
    assert turn["entries"] == [[entry, other]]
    assert turn["winning_entries"] == draws.found(after["seed"], turn["entries"], turn["prizes"])


def test_a_draw_that_was_called_off_says_why(storefront):
    redeem(storefront, "raffle")
    draws.call_off(storefront.program, "raffle", "ann", "Stolen.")
    draws.return_entries()
    seen = reward(storefront, "raffle", "program", "")
    assert (seen["state"], seen["entries"], seen["why"]) == ("called_off", 0, "Stolen.")
    assert storefront.get("rewards/raffle/draw").status_code == 404
    assert storefront.get("me").json()["member"]["points"]["available"] == 250


def test_an_evening_that_is_over_returns_its_points(storefront):
    offer(storefront, {**EVENING, "valid_days": 3})
    made = redeem(storefront, "evening").json()
    assert made["expires_at"] is not None
    redemptions.start_ending(storefront.program.pk, made["id"], State.EXPIRED)
    storefront.get(f"redemptions/{made['id']}")
    assert Redemption.objects.get().state == State.ENDING
