"""What is answered ahead of Django is what Django would answer, header for header."""

import asyncio
import json
import logging

import pytest
from django.db import DatabaseError

from loyalty_app.logs import JsonLines
from loyalty_app.storefront import me
from rewards import ledger, people
from rewards.models import Member, Redemption
from rewards.overview import overviews
from shopify_bridge import auth, bodies
from shopify_bridge.models import Shop
from tests import loops
from tests.front import ask, asked
from tests.loyalty_app.test_storefront import Storefront
from tests.rewards.conftest import NOW

ASKERS = 8


@pytest.fixture
def storefront(client):
    return Storefront(client)


OWN = {"x-request-id", "content-length"}
"""What no two answers need to have alike."""


def through_the_front(address, method="GET", **headers):
    answer = ask(address, method, headers=headers)
    sent = {name: value for name, value in answer.headers.items() if name not in OWN}
    return answer.status_code, sent, answer.content


def through_django(client, address):
    response = client.get(address)
    sent = {name.lower(): value for name, value in response.items() if name.lower() not in OWN}
    return response.status_code, sent, response.content


def redeemed(storefront, key, state=Redemption.State.ISSUED):
    storefront.post("redemptions", {"reward": "five-off", "key": key})
    Redemption.objects.filter(key=key).update(state=state)


ASKED = {
    "a member with codes": lambda storefront: storefront.signed("me"),
    "a member without": lambda storefront: storefront.signed("me", customer="7002"),
    "a customer nobody knows": lambda storefront: storefront.signed("me", customer="7009"),
    "a guest": lambda storefront: storefront.signed("me", customer=""),
    "a forged customer": lambda storefront: storefront.signed("me").replace("7001", "7002"),
    "no signature": lambda storefront: "/storefront/me",
    "an old signature": lambda storefront: storefront.signed("me", timestamp="1700000000"),
    "a shop nobody knows": lambda storefront: storefront.signed("me", shop="other.myshopify.com"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("case", ASKED)
def test_both_ways_give_the_same_answer(storefront, case):
    redeemed(storefront, "k1")
    redeemed(storefront, "k2", Redemption.State.RESERVED)
    redeemed(storefront, "k3", Redemption.State.USED)
    address = ASKED[case](storefront)
    assert through_the_front(address) == through_django(storefront.client, address)


@pytest.mark.django_db
def test_a_shop_without_the_app_and_other_methods(storefront):
    address = storefront.signed("me")
    assert {through_the_front(address, method)[0] for method in ("POST", "HEAD", "OPTIONS")} == {418}
    assert through_the_front(storefront.signed("activity"))[0] == 418
    storefront.shop.state = "uninstalled"
    storefront.shop.save()
    assert through_the_front(address) == through_django(storefront.client, address)
    assert through_the_front(address)[0] == 404


@pytest.mark.django_db
def test_a_program_that_is_erased_at_this_moment_is_no_error(storefront):
    address = storefront.signed("me")
    Shop.objects.filter(pk=storefront.shop.pk).update(program_id=0)
    assert through_the_front(address)[0] == 404


@pytest.mark.django_db
def test_it_is_noted_without_the_person(storefront, caplog):
    caplog.set_level(logging.INFO, "loyalty_app.request")
    status, _, _ = through_the_front(storefront.signed("me"), **{"X-Request-Id": "abcdefgh-1"})
    (record,) = [record for record in caplog.records if record.name == "loyalty_app.request"]
    line = json.loads(JsonLines().format(record))
    assert (line["method"], line["route"], line["status"]) == ("GET", "storefront/me", status)
    assert line["request_id"] == "abcdefgh-1"
    assert "7001" not in str(record.__dict__)


@pytest.mark.django_db
def test_without_a_database_it_asks_for_patience(storefront, monkeypatch):
    def broken(*_):
        raise DatabaseError

    address = storefront.signed("me")
    monkeypatch.setattr(auth, "visited_shop", broken)
    status, sent, body = through_the_front(address)
    assert (status, sent["retry-after"]) == (503, "5")
    assert b"Please try again" in body


@pytest.mark.django_db(transaction=True)
def test_everybody_gets_their_own_answer_out_of_a_shared_statement(storefront, monkeypatch):
    customers = {}
    for number in range(ASKERS):
        found = people.enrol(storefront.program, {(storefront.shop.pk, 8000 + number): NOW})
        member = Member.objects.get(pk=found[storefront.shop.pk, 8000 + number])
        ledger.adjust(storefront.program.pk, member.pk, 1 + number, key=f"{number}", reason="gift", now=NOW)
        customers[8000 + number] = 51 + number
    sizes = []

    def noted(program_id, source_id, customer_ids):
        sizes.append(len(customer_ids))
        return overviews(program_id, source_id, customer_ids)

    monkeypatch.setattr(me, "overviews", noted)

    async def round():
        return await asyncio.gather(
            *(asked(storefront.signed("me", str(customer)), parts=[b""]) for customer in customers)
        )

    seen = []
    for _ in range(10):
        answers = loops.run(round())
        seen.append([available(answer) for answer in answers])
    assert seen == [list(customers.values())] * 10
    assert sum(sizes) == 10 * ASKERS
    assert max(sizes) > 1, "nobody shared a statement"


def available(answer):
    return json.loads(answer.content)["member"]["points"]["available"]


def test_django_gets_a_request_when_all_of_it_is_here():
    parts = [b"a" * 10, b"", b"b"]
    answer = loops.run(asked("/app/x", "POST", parts=parts, headers={"Transfer-Encoding": "chunked"}))
    assert (answer.status_code, answer.content) == (418, b"a" * 10 + b"b")
    assert loops.run(asked("/app/x", parts=[])).status_code == 418, "it waited for a body nobody announced"


@pytest.mark.parametrize(
    ("parts", "headers", "status"),
    [
        ([b"x"], {"Content-Length": str(bodies.BYTES_MAX + 1)}, 413),
        ([b"x" * 2**20] * 11, {"Transfer-Encoding": "chunked"}, 413),
        ([b"x", None], {"Content-Length": "2"}, 400),
    ],
)
def test_what_is_too_large_or_ends_too_early_never_comes_to_django(parts, headers, status):
    answer = loops.run(asked("/app/x", "POST", parts=parts, headers=headers))
    assert answer.status_code == status
    assert json.loads(answer.content)["error"]["message"]
    assert answer.headers["x-request-id"]


def test_an_address_that_is_not_encoded_is_said_to_be_wrong():
    answer = loops.run(asked("/app/x?name=\xfc", parts=[]))
    assert answer.status_code == 400
    assert b"percent-encoded" in answer.content
