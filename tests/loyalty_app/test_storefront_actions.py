"""What shoppers say they did: contract, permissions, and what each wrong input gets."""

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from rewards import actions, clock, dates, orders, people, programs
from rewards.models import Action, Member
from tests.loyalty_app.test_storefront import Storefront
from tests.rewards.conftest import line, order

pytestmark = pytest.mark.django_db
RULES = [
    {"id": "follow", "kind": "social", "title": "Follow us", "points": 10, "url": "https://social.example/x"},
    {"id": "share", "kind": "social", "points": 5, "url": "https://social.example/y"},
    {"id": "taste", "kind": "survey", "points": 15, "question": "Which tea?", "answers": ["Green", "Black"]},
    {"id": "ideas", "kind": "survey", "points": 3, "question": "What next?"},
    {"id": "photo", "kind": "content", "points": 100, "ask": "Show us your cup", "most": 2},
    {"id": "gift", "kind": "birthday", "points": 100},
    {"id": "news", "kind": "newsletter", "points": 30},
    {"id": "texts", "kind": "sms", "points": 30},
    {"id": "stars", "kind": "review", "points": 20, "with_picture": 35},
    {"id": "visit", "kind": "custom", "points": 5, "most": None, "ends": "2100-12-31"},
    {"id": "vip", "kind": "custom", "points": 5, "audience": {"customer_tags": ["vip"]}},
    {"id": "soon", "kind": "custom", "points": 5, "starts": "2100-01-01"},
    {"id": "old", "kind": "social", "points": 5, "url": "https://social.example/z", "archived": True},
]
START = 250


def ruled(client, domain="shop.myshopify.com", rules=RULES):
    made = Storefront(client, domain)
    gold = {"id": "gold", "name": "Gold", "from": "500"}
    document = {**programs.document(made.program), "tiers": {"levels": [gold]}}
    document["earning"] = {**document["earning"], "rules": rules}
    programs.apply(made.program, document, "test")
    return made


@pytest.fixture
def storefront(client):
    return ruled(client)


def points(storefront):
    storefront.member.refresh_from_db()
    return storefront.member.available - START


def ways(storefront, customer="7001"):
    found = storefront.get("ways", customer=customer).json()["ways"]
    return {way["rule"]: way for way in found}


def test_a_click_through_gives_once_and_says_where_to(storefront):
    answer = storefront.post("actions/follow", {})
    told = {"rule": "follow", "kind": "social", "state": "given", "points": 10}
    assert (answer.status_code, answer.json()) == (201, {**told, "url": "https://social.example/x"})
    assert answer["Cache-Control"] == "no-store, private"
    again = storefront.post("actions/follow", b"")
    assert (again.status_code, again.json()) == (200, answer.json())
    assert points(storefront) == 10
    assert ways(storefront)["follow"]["state"] == "done"
    assert ways(storefront)["share"]["state"] == "open"


def test_an_answer_is_one_of_those_to_choose_from(storefront):
    assert storefront.error(storefront.post("actions/taste", {"answer": "Red"})) == (422, "invalid_answer")
    assert storefront.post("actions/taste", {"answer": "Green"}).status_code == 201
    assert storefront.post("actions/taste", {"answer": "Black"}).status_code == 200
    assert points(storefront) == 15
    assert Action.objects.get(rule="taste").data == {"answer": "Green"}


def test_a_free_answer_is_kept_as_it_is(storefront):
    answer = " <b>“tea”</b> \x00\ud800 "
    assert storefront.post("actions/ideas", {"answer": answer}).status_code == 201
    assert Action.objects.get(rule="ideas").data == {"answer": "<b>“tea”</b>"}


def test_a_contribution_waits_once_however_often_it_is_sent(storefront):
    said = {"text": "My cup\nand me", "link": "https://pictures.example/1.jpg"}
    answer = storefront.post("actions/photo", said)
    assert (answer.status_code, answer.json()["state"]) == (201, "waiting")
    assert storefront.post("actions/photo", said).status_code == 200
    assert points(storefront) == 0
    way = ways(storefront)["photo"]
    assert (way["state"], way["waiting"], way["left"], way["ask"]) == ("open", 1, 1, "Show us your cup")
    actions.refuse(storefront.program, Action.objects.get(rule="photo").pk, "staff", "Too dark")
    assert ways(storefront)["photo"]["refused"] == "Too dark"
    for text in ("b", "c"):
        storefront.post("actions/photo", {"text": text})
    assert storefront.error(storefront.post("actions/photo", {"text": "d"})) == (409, "limit_reached")
    assert ways(storefront)["photo"]["state"] == "limit"


def test_a_birthday_is_kept(storefront):
    assert ways(storefront)["gift"]["birthday"] is None
    answer = storefront.post("actions/birthday", {"day": 29, "month": 2})
    assert answer.status_code == 200
    assert answer.json()["birthday"].items() >= {"day": 29, "month": 2}.items()
    assert ways(storefront)["gift"]["birthday"] == answer.json()["birthday"]
    assert points(storefront) == 0


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("follow", {"points": 1000}, 422, "unknown_field"),
        ("follow", b"[]", 422, "invalid_json"),
        ("follow", b"{", 422, "invalid_json"),
        ("follow", b"[" * 9000, 422, "invalid_json"),
        ("follow", b" " * 10_001, 422, "too_long"),
        ("taste", {}, 422, "invalid_answer"),
        ("taste", {"answer": ["Green"]}, 422, "invalid_answer"),
        ("taste", {"answer": "green"}, 422, "invalid_answer"),
        ("ideas", {"answer": " \n "}, 422, "invalid_answer"),
        ("ideas", {"answer": "x" * 501}, 422, "invalid_answer"),
        ("ideas", {"answer": None}, 422, "invalid_answer"),
        ("photo", {"text": "x" * 2001}, 422, "invalid_text"),
        ("photo", {"link": "https://x.example"}, 422, "invalid_text"),
        ("photo", {"text": "x", "link": "http://x.example"}, 422, "invalid_link"),
        ("photo", {"text": "x", "link": "javascript:alert(1)"}, 422, "invalid_link"),
        ("photo", {"text": "x", "link": "https://x.example/\" onclick=\""}, 422, "invalid_link"),
        ("photo", {"text": "x", "link": "https://x.example/" + "y" * 500}, 422, "invalid_link"),
        ("photo", {"text": "x", "link": ["https://x.example"]}, 422, "invalid_link"),
        ("gift", {"day": 30, "month": 2}, 422, "invalid_birthday"),
        ("gift", {"day": "1", "month": 2}, 422, "invalid_birthday"),
        ("gift", {"day": True, "month": 2}, 422, "invalid_birthday"),
        ("gift", {"day": 10**30, "month": 2}, 422, "invalid_birthday"),
        ("gift", {"day": 1.0, "month": 2}, 422, "invalid_birthday"),
        ("gift", {"day": 1, "month": 2, "year": 1990}, 422, "unknown_field"),
        ("news", {}, 403, "not_by_shopper"),
        ("texts", {}, 403, "not_by_shopper"),
        ("stars", {}, 403, "not_by_shopper"),
        ("visit", {}, 403, "not_by_shopper"),
        ("sms", {}, 403, "not_by_shopper"),
        ("social", {}, 404, "not_found"),  # there are two
        ("old", {}, 404, "not_found"),
        ("five-off", {}, 404, "not_found"),
        ("multiplier", {}, 404, "not_found"),
        ("x" * 300, {}, 404, "not_found"),
    ],
)  # fmt: skip
def test_what_is_refused(storefront, path, body, status, code):
    assert storefront.error(storefront.post(f"actions/{path}", body)) == (status, code)
    assert points(storefront) == 0
    assert not Action.objects.exists()


def test_guests_are_asked_to_sign_in(storefront):
    assert storefront.error(storefront.post("actions/follow", {}, customer="")) == (401, "sign_in")


def test_a_stranger_s_rule_isn_t_there(storefront, client):
    ruled(client, "other.myshopify.com", [{**RULES[0], "id": "secret"}])
    assert storefront.error(storefront.post("actions/secret", {})) == (404, "not_found")


def test_a_customer_nobody_told_of_is_a_member_by_doing_something(storefront):
    assert storefront.post("actions/follow", {}, customer="7099").status_code == 201
    assert Member.objects.get(identities__external_id=7099).available == 50 + 10


def test_who_was_erased_earns_nothing(storefront):
    people.forget(storefront.program, (storefront.shop.pk, 7001))
    assert storefront.error(storefront.post("actions/follow", {})) == (403, "forgotten")


def test_an_audience_is_told_that_it_isn_t_one(client):
    rule = {**RULES[0], "audience": {"not_ordered_days": 9}}
    storefront = ruled(client, rules=[rule])
    assert storefront.error(storefront.post("actions/follow", {})) == (409, "not_for_you")
    later = ruled(client, "b.myshopify.com", [{**RULES[0], "starts": "2100-01-01"}])
    assert later.error(later.post("actions/follow", {})) == (409, "not_now")


def test_only_with_post_and_with_a_signature(storefront):
    assert storefront.error(storefront.get("actions/follow")) == (405, "method")
    assert storefront.error(storefront.post("ways", {})) == (405, "method")
    answer = storefront.client.post("/storefront/actions/follow", json.dumps({}), "application/json")
    assert answer.status_code == 401


def test_the_ways_that_are_open(storefront):
    mine, guest, unknown = ways(storefront), ways(storefront, ""), ways(storefront, "7099")
    assert list(mine) == [rule["id"] for rule in RULES if rule["id"] not in ("vip", "soon", "old")]
    assert list(guest) == list(unknown) == list(mine)
    assert mine["follow"] == {
        "rule": "follow",
        "kind": "social",
        "title": "Follow us",
        "points": 10,
        "state": "open",
        "by_shopper": True,
        "waiting": 0,
        "left": 1,
        "refused": None,
        "ends": None,
        "url": "https://social.example/x",
    }
    assert (mine["taste"]["question"], mine["taste"]["answers"]) == ("Which tea?", ["Green", "Black"])
    assert mine["stars"]["with_picture"] == 35
    assert mine["visit"].items() >= {"left": None, "ends": "2100-12-31", "by_shopper": False}.items()
    assert guest["gift"]["birthday"] is None


def test_what_had_its_share_of_the_year_can_be_had_again(storefront):
    for rule in ("gift", "visit"):
        actions.earn(storefront.program, storefront.member.pk, rule, "this time")
    found = ways(storefront)
    assert (found["gift"]["state"], found["visit"]["state"]) == ("limit", "open")


def test_challenges_and_badges(client):
    storefront = Storefront(client)
    one = {"id": "two", "kind": "orders", "title": "Two orders", "count": 2, "points": 30, "badge": "Regular"}
    document = {**programs.document(storefront.program), "challenges": [one, {**one, "id": "b", "count": 3}]}
    programs.apply(storefront.program, document, "test")
    ours = {"source_id": storefront.shop.pk, "currency": "USD"}
    moment = clock.now()
    for number in (1, 2):
        bought = order(line(1000), external_id=number, processed_at=moment, updated_at=moment, **ours)
        orders.settle_orders(storefront.program, [bought])
    found = storefront.get("ways").json()
    first, second = found["challenges"]
    assert first == {
        "challenge": "two",
        "kind": "orders",
        "title": "Two orders",
        "points": 30,
        "badge": "Regular",
        "done": 2,
        "count": 2,
        "until": None,
        "turns": 1,
        "state": "achieved",
    }
    assert second.items() >= {"done": 2, "count": 3, "turns": 0, "state": "open"}.items()
    assert [(row["challenge"], row["badge"]) for row in found["badges"]] == [("two", "Regular")]
    guest = storefront.get("ways", customer="").json()
    assert [(one["done"], one["state"]) for one in guest["challenges"]] == [(0, "open"), (0, "open")]
    assert guest["badges"] == []


def test_milestones(client):
    storefront = Storefront(client)
    each = {"id": "each", "kind": "milestone", "title": "Thank you", "amount": "50", "within_days": 30}
    document = programs.document(storefront.program)
    reward = document["rewards"][0]
    gifts = [{**each, "reward": reward["id"]}, {**each, "reward": reward["id"], "id": "b", "archived": True}]
    programs.apply(storefront.program, {**document, "gifts": gifts}, "test")
    assert [one["id"] for one in storefront.get("program").json()["milestones"]] == ["each"]
    moment = clock.now()
    ours = {"source_id": storefront.shop.pk, "currency": "USD"}
    bought = order(line(6370), external_id=1, processed_at=moment, updated_at=moment, **ours)
    orders.settle_orders(storefront.program, [bought])
    (found,) = storefront.get("ways").json()["milestones"]
    today = dates.local_date(moment, ZoneInfo(storefront.program.timezone))
    assert found == {
        "milestone": "each",
        "title": "Thank you",
        "amount": "50.00",
        "spent": "13.70",
        "missing": "36.30",
        "until": str(today + timedelta(days=30)),
        "reward": reward["title"],
    }
    (guest,) = storefront.get("ways", customer="").json()["milestones"]
    assert guest == {**found, "spent": "0.00", "missing": "50.00", "until": None}


def test_a_program_without_milestones_shows_none(storefront):
    assert storefront.get("ways").json()["milestones"] == []
    assert storefront.get("program").json()["milestones"] == []
