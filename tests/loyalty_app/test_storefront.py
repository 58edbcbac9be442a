"""The storefront's JSON: contract, permissions, and what each wrong input gets."""

import hashlib
import hmac
import json
from datetime import timedelta
from time import time
from urllib.parse import urlencode

import jwt
import pytest
from django.conf import settings
from django.utils import timezone

from rewards import gifts, ledger, people, programs, redemptions, reservations, tier_grants
from rewards.models import Member, Redemption
from shopify_bridge.models import Shop
from tests.rewards.conftest import NOW

pytestmark = pytest.mark.django_db


class Storefront:
    """A shop, a member with 250 points, and the signed requests that Shopify's proxy would send."""

    def __init__(self, client, domain="shop.myshopify.com"):
        self.client = client
        self.program = programs.start("Shop", "USD", "UTC")
        self.shop = Shop.objects.create(
            program_id=self.program.pk, domain=domain, currency="USD", access_token="x", state="active"
        )
        found = people.enrol(self.program, {(self.shop.pk, 7001): NOW, (self.shop.pk, 7002): NOW})
        self.member = Member.objects.get(pk=found[self.shop.pk, 7001])
        ledger.adjust(self.program.pk, self.member.pk, 200, key="start", reason="gift", now=NOW)

    def signed(self, path, customer="7001", **query):
        parameters = {
            "shop": self.shop.domain,
            "logged_in_customer_id": customer,
            "path_prefix": "/apps/loyalty",
            "timestamp": str(int(time())),
            **query,
        }
        text = "".join(sorted(f"{name}={value}" for name, value in parameters.items()))
        secret = settings.SHOPIFY_API_SECRET.encode()
        parameters["signature"] = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
        return f"/storefront/{path}?{urlencode(parameters)}"

    def get(self, path, customer="7001", **query):
        return self.client.get(self.signed(path, customer, **query))

    def post(self, path, body, customer="7001"):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(self.signed(path, customer), raw, content_type="application/json")

    def error(self, response):
        return response.status_code, response.json()["error"]["code"]


@pytest.fixture
def storefront(client):
    return Storefront(client)


def test_the_program_is_public(storefront):
    answer = storefront.get("program", customer="").json()
    assert answer["rate"] == {"points": 1, "per": "1.00"}
    assert answer["points"] == {"one": "point", "many": "points"}
    assert {reward["kind"] for reward in answer["rewards"]} == {
        "fixed",
        "percentage",
        "free_shipping",
        "variable",
    }


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"starts": "2100-01-01"}, (409, "not_now")),
        ({"ends": "2020-01-01"}, (409, "not_now")),
        ({"customer_tags": ["vip"]}, (422, "no_such_reward")),
        ({"per_member": 1}, (409, "limit_reached")),
        ({"in_total": 1}, (409, "limit_reached")),
    ],
)
def test_a_reward_that_cannot_be_had_is_refused_with_its_reason(storefront, settings, code):
    document = programs.document(storefront.program)
    rewards = [{**reward, **settings} for reward in document["rewards"]]
    programs.apply(storefront.program, {**document, "rewards": rewards}, "test")
    if code[1] == "limit_reached":
        known = reservations.Request(storefront.member.pk, storefront.shop.pk, 7001, "five-off", "first")
        reservations.reserve(storefront.program, known)
        (shown,) = [one for one in storefront.get("me").json()["rewards"] if one["id"] == "five-off"]
        assert not shown["affordable"]
        assert shown["reason"] == ("had_enough" if "per_member" in settings else "all_taken")
    else:
        assert storefront.get("me").json()["rewards"] == []
    assert storefront.error(storefront.post("redemptions", {"reward": "five-off", "key": "k"})) == code


def test_a_guest_is_no_member(storefront):
    answer = storefront.get("me", customer="").json()
    assert answer["member"] is None
    assert not any(reward["affordable"] for reward in answer["rewards"])


def test_a_member_sees_points_and_what_is_in_reach(storefront):
    response = storefront.get("me")
    answer = response.json()
    assert answer["member"]["points"] == {"available": 250, "pending": 0, "reserved": 0, "debt": 0}
    assert all(reward["affordable"] and not reward["missing"] for reward in answer["rewards"])
    assert response["Cache-Control"] == "no-store, private"


def test_a_member_sees_their_tier_and_the_way_to_the_next(storefront):
    assert storefront.get("me").json()["member"]["tier"] is None
    levels = [
        {"id": "silver", "name": "Silver", "from": "100"},
        {"id": "gold", "name": "Gold", "from": "500"},
    ]
    document = {**programs.document(storefront.program), "tiers": {"levels": levels}}
    programs.apply(storefront.program, document, "test")
    tier_grants.invite(storefront.program, storefront.member.pk, "silver", None, "Ann")
    found = storefront.get("me").json()["member"]
    assert found["tier"] == {"id": "silver", "name": "Silver", "perks": [], "until": None}
    missing = {"id": "gold", "name": "Gold", "metric": "spend", "missing": "500.00", "by": None}
    assert found["next_tier"] == missing
    assert [level["id"] for level in storefront.get("program").json()["tiers"]["levels"]] == [
        "silver",
        "gold",
    ]


def test_the_same_number_in_another_shop_of_the_program_is_somebody_else(storefront):
    """Ids of customers are unique within a shop only."""
    storefront.shop = Shop.objects.create(
        program_id=storefront.program.pk, domain="other.myshopify.com", currency="USD", state="active"
    )
    people.enrol(storefront.program, {(storefront.shop.pk, 7001): NOW})
    assert storefront.get("me").json()["member"]["points"]["available"] == 50
    assert len(storefront.get("activity").json()["items"]) == 1
    refused = storefront.post("redemptions", {"reward": "five-off", "key": "k1"})
    assert storefront.error(refused) == (409, "insufficient_points")


@pytest.mark.parametrize(
    ("state", "pause", "expected"),
    [
        ("reserved", 600, 15),
        ("ending", 600, 15),
        ("reserved", 5, 5),
        ("issued", 600, 600),
    ],
)
def test_who_looks_at_a_redemption_that_is_under_way_has_not_long_to_wait(storefront, state, pause, expected):
    storefront.post("redemptions", {"reward": "five-off", "key": "k1"})
    due = timezone.now() + timedelta(seconds=pause)
    Redemption.objects.update(state=state, due_at=due)
    redemption = Redemption.objects.get()
    assert storefront.get(f"redemptions/{redemption.pk}").json()["state"] == state
    redemption.refresh_from_db()
    assert abs(redemption.due_at - due + timedelta(seconds=pause - expected)) < timedelta(seconds=5)


def test_activity_explains_itself_and_pages(storefront):
    for number in range(25):
        ledger.adjust(
            storefront.program.pk, storefront.member.pk, 1, key=str(number), reason=f"gift {number}", now=NOW
        )
    first = storefront.get("activity").json()
    assert first["items"][0] == {"at": NOW.isoformat(), "points": 1, "text": "gift 24", "kind": "adjustment"}
    second = storefront.get("activity", before=str(first["next"])).json()
    assert len(first["items"]) + len(second["items"]) == 27
    assert second["next"] is None


def test_a_guest_may_not_redeem(storefront):
    body = {"reward": "five-off", "key": "k"}
    assert storefront.error(storefront.post("redemptions", body, customer="")) == (401, "sign_in")


def test_too_few_points_are_a_conflict(storefront):
    answer = storefront.post("redemptions", {"reward": "choose", "points": 1000, "key": "k"})
    assert storefront.error(answer) == (409, "insufficient_points")
    assert not Redemption.objects.exists()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"[]", "invalid_json"),
        (b"\xff", "invalid_json"),
        (b"[" * 9000, "invalid_json"),
        ({"reward": "five-off"}, "invalid_key"),
        ({"reward": "five-off", "key": ""}, "invalid_key"),
        ({"reward": "five-off", "key": "x" * 101}, "invalid_key"),
        ({"reward": "five-off", "key": "a\x00b"}, "invalid_key"),
        ({"reward": "five-off", "key": 7}, "invalid_key"),
        ({"reward": "five-off", "key": "replaces:1"}, "invalid_key"),
        ({"reward": "nothing", "key": "k"}, "no_such_reward"),
        ({"reward": 5, "key": "k"}, "invalid_reward"),
        ({"reward": "five-off", "points": 99, "key": "k"}, "invalid_points"),
        ({"reward": "choose", "points": 30, "key": "k"}, "invalid_points"),
        ({"reward": "choose", "key": "k"}, "invalid_points"),
        ({"reward": "choose", "points": True, "key": "k"}, "invalid_points"),
        ({"reward": "choose", "points": 1.5, "key": "k"}, "invalid_points"),
        ({"reward": "choose", "points": 10**30, "key": "k"}, "invalid_points"),
        ({"reward": "five-off", "key": "k", "customer": 7002}, "unknown_field"),
        (b"{" + b" " * 10_001, "too_long"),
    ],
)
def test_wrong_input_is_named_and_changes_nothing(storefront, body, code):
    assert storefront.error(storefront.post("redemptions", body)) == (422, code)
    assert not Redemption.objects.exists()


def test_a_redemption_of_somebody_else_does_not_exist(storefront):
    redemption = Redemption.objects.create(
        program=storefront.program,
        member=storefront.member,
        source_id=storefront.shop.pk,
        customer_id=7001,
        key="k",
        reward={"id": "five-off", "kind": "fixed", "title": "5.00 off"},
        points=100,
        code="ABCDEFGHJKLM",
        state="issued",
        starts_at=NOW,
    )
    path = f"redemptions/{redemption.pk}"
    assert storefront.get(path).json()["code"] == "ABCDEFGHJKLM"
    for attempt in (
        storefront.get(path, customer="7002"),
        storefront.post(f"{path}/cancel", {}, customer="7002"),
        Storefront(storefront.client, "other.myshopify.com").get(path),
        storefront.get("redemptions/999999"),
    ):
        assert attempt.status_code == 404
    redemption.refresh_from_db()
    assert redemption.state == "issued"


@pytest.mark.parametrize("path", ["me/", "program/", "nothing", "redemptions/x"])
def test_no_address_redirects(storefront, path):
    assert storefront.error(storefront.get(path)) == (404, "not_found")


def test_reading_addresses_take_no_posts_and_writing_ones_no_gets(storefront):
    assert storefront.error(storefront.post("me", {})) == (405, "method")
    answer = storefront.get("redemptions/1/cancel")
    assert (storefront.error(answer), answer["Allow"]) == ((405, "method"), "POST")


def test_a_customer_we_have_not_heard_of_has_nothing_yet(storefront):
    """The webhook of a new customer may be on its way."""
    assert storefront.get("me", customer="7009").json()["member"] is None
    assert storefront.get("activity", customer="7009").json() == {"items": [], "next": None}
    assert storefront.get("redemptions", customer="7009").json() == {"items": [], "next": None}
    assert storefront.error(storefront.get("redemptions/1", customer="7009")) == (404, "not_found")
    body = {"reward": "five-off", "key": "k"}
    answer = storefront.post("redemptions", body, customer="7009")
    assert storefront.error(answer) == (409, "insufficient_points")


OVER = ("used", "failed", "expired", "cancelled", "returned")


def test_what_is_over_is_paged_by_its_id_and_only_the_members_own(storefront):
    others = storefront.post("redemptions", {"reward": "five-off", "key": "k0"}, customer="7002")
    assert storefront.error(others) == (409, "insufficient_points")
    ledger.adjust(storefront.program.pk, storefront.member.pk, 2000, key="more", reason="gift", now=NOW)
    ids = []
    for number in range(7):
        body = {"reward": "five-off", "key": f"k{number}"}
        ids.append(storefront.post("redemptions", body).json()["id"])
    for id, state in zip(ids, (*OVER, "issued", "reserved"), strict=True):
        Redemption.objects.filter(pk=id).update(state=state)

    answer = storefront.get("redemptions").json()
    assert [item["id"] for item in answer["items"]] == ids[4::-1]
    assert answer["next"] is None
    first = answer["items"][0]
    assert (first["state"], first["value"], first["points"]) == ("returned", "5.00", 100)
    assert first["reward"]["title"] == "5.00 off"
    assert first["changed_at"] is not None
    rest = storefront.get("redemptions", before=str(ids[2])).json()["items"]
    assert [item["id"] for item in rest] == ids[1::-1]
    assert storefront.get("redemptions", customer="7002").json() == {"items": [], "next": None}
    assert storefront.error(storefront.get("redemptions", customer="")) == (401, "sign_in")
    assert storefront.error(storefront.get("redemptions", before="x")) == (422, "invalid_cursor")


def test_a_long_list_of_what_is_over_names_where_it_goes_on(storefront):
    storefront.post("redemptions", {"reward": "five-off", "key": "k"})
    Redemption.objects.update(state="issued")
    one = Redemption.objects.get()
    for number in range(24):
        one.pk, one.key, one.code, one.state = None, f"old{number}", f"OLD{number}", "used"
        one.save()
    first = storefront.get("redemptions").json()
    assert len(first["items"]) == 20
    assert first["next"] == first["items"][-1]["id"]
    rest = storefront.get("redemptions", before=str(first["next"])).json()
    assert (len(rest["items"]), rest["next"]) == (4, None)


def test_a_reward_says_what_its_code_lowers_and_goes_with(storefront):
    classes = {one["id"]: one["discount"] for one in storefront.get("program").json()["rewards"]}
    assert classes == {
        "five-off": "order",
        "ten-percent": "order",
        "free-shipping": "shipping",
        "choose": "order",
    }
    storefront.post("redemptions", {"reward": "five-off", "key": "k"})
    Redemption.objects.update(state="issued")
    (held,) = storefront.get("me").json()["redemptions"]
    assert held["reward"]["combines_with"] == {"order": False, "product": False, "shipping": True}


def test_a_newcomer_enrols_and_somebody_forgotten_does_not(storefront):
    assert storefront.post("enrol", {}, customer="7009").status_code == 200
    assert Member.objects.filter(identities__external_id=7009).exists()
    people.forget(storefront.program, (storefront.shop.pk, 7002))
    assert storefront.error(storefront.post("enrol", {}, customer="7002")) == (403, "forgotten")


@pytest.mark.parametrize(("customer", "points"), [("gid://shopify/Customer/7001", 250), (None, None)])
def test_the_customer_account_gives_the_same_answers(storefront, client, customer, points):
    shop = f"https://{storefront.shop.domain}"
    claims = {
        "iss": f"{shop}/admin",
        "dest": shop,
        "aud": settings.SHOPIFY_API_KEY,
        "exp": int(time()) + 60,
        "nbf": int(time()),
        "iat": int(time()),
        "jti": "1",
        "sid": "1",
    }
    if customer:
        claims["sub"] = customer
    token = jwt.encode(claims, settings.SHOPIFY_API_SECRET, "HS256")
    answer = client.get("/extensions/customer-account/me", headers={"Authorization": f"Bearer {token}"})
    member = answer.json()["member"]
    assert (member and member["points"]["available"]) == points
    assert client.get("/extensions/customer-account/me").status_code == 401


def test_a_gift_is_nothing_to_be_given_back(storefront):
    reward = programs.reward(programs.document(storefront.program), "five-off")
    gift = gifts.Gift(storefront.member.pk, reward, "k1", by="4711", why="Sorry")
    made, _ = gifts.give(storefront.program, gift)
    assert storefront.error(storefront.post(f"redemptions/{made.pk}/cancel", {})) == (409, "not_now")
    assert storefront.get("me").json()["redemptions"][0]["points"] == 0


def test_a_member_sees_what_cashback_waits(storefront):
    assert storefront.get("me").json()["cashback"] is None
    said = {"points": 100, "value": "3", "least": "10"}
    programs.apply(storefront.program, {**programs.document(storefront.program), "cashback": said}, "test")
    assert storefront.get("me").json()["cashback"] == {"waits": "7.50", "coming": "0.00", "least": "10.00"}
    assert storefront.get("program").json()["cashback"] == {
        "points": 100,
        "value": "3.00",
        "least": "10.00",
        "credit_days": None,
    }


def test_what_is_the_shoppers_own_shows_no_code(storefront):
    reward = {"id": "credit", "kind": "store_credit", "title": "5.00 of credit", "points": 100, "value": "5"}
    programs.apply(storefront.program, {**programs.document(storefront.program), "rewards": [reward]}, "test")
    Shop.objects.update(scopes="read_store_credit_accounts,write_store_credit_account_transactions")
    made = storefront.post("redemptions", {"reward": "credit", "key": "k"}).json()
    redemptions.delivered(storefront.program.pk, made["id"])
    seen = storefront.get(f"redemptions/{made['id']}").json()
    assert (seen["state"], seen["code"]) == ("used", None)


def test_what_the_shop_does_not_allow_is_not_on_offer(storefront):
    card = {"id": "card", "kind": "gift_card", "title": "A card", "points": 100, "value": "10"}
    programs.apply(storefront.program, {**programs.document(storefront.program), "rewards": [card]}, "test")
    assert storefront.get("me").json()["rewards"] == []
    assert storefront.get("program").json()["rewards"] == []
    refused = storefront.post("redemptions", {"reward": "card", "key": "k"})
    assert refused.status_code == 422
    assert refused.json()["error"]["message"] == "“A card” isn't on offer in this shop."
    Shop.objects.update(scopes="write_gift_cards")
    assert [reward["id"] for reward in storefront.get("me").json()["rewards"]] == ["card"]
    assert storefront.post("redemptions", {"reward": "card", "key": "k"}).status_code == 201
