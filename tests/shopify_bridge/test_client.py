"""The Admin API's answers, good and bad, over real sockets."""

import itertools
import logging
import socket
from time import monotonic
from typing import Any

import pytest
from django.utils import timezone

from shopify_bridge import budget, client, vault
from shopify_bridge.client import AdminClient, user_errors
from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.models import Shop
from tests.shopify_bridge.conftest import Sandbox, Scripted, json_answer
from tests.shopify_bridge.signing import SHOP

pytestmark = pytest.mark.django_db
GOOD = {"data": {"shop": {"name": "Demo"}}}
TOKEN = "shpat_canary"


@pytest.fixture
def caller(scripted: Scripted) -> AdminClient:
    budget.forget(SHOP)
    scripted.answer = lambda _: json_answer(GOOD)
    shop = Shop.objects.create(
        program_id=1,
        domain=SHOP,
        currency="USD",
        access_token=vault.seal(TOKEN, "access", SHOP),
        access_token_expires_at=timezone.now() + timezone.timedelta(hours=1),
        refresh_token=vault.seal("shprt_canary", "refresh", SHOP),
    )
    return AdminClient(shop)


def failing(code: str, message: str = "no", **more: Any) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}], **more}


def cost(available: float, requested: float = 10, rate: float = 100) -> dict[str, Any]:
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": rate}
    return {"cost": {"requestedQueryCost": requested, "actualQueryCost": 1, "throttleStatus": status}}


def test_a_good_answer(caller: AdminClient, scripted: Scripted) -> None:
    assert caller.run("installation", {"a": 1}) == GOOD["data"]
    path, headers, body = scripted.asked[0]
    assert path == "/admin/api/2026-10/graphql.json"
    assert (headers["host"], headers["x-shopify-access-token"]) == (SHOP, TOKEN)
    assert (body["operationName"], body["variables"]) == ("installation", {"a": 1})
    assert body["query"].split("\n")[1].startswith("query installation")


def test_the_real_thing(shop: Shop, sandbox: Sandbox) -> None:
    data = AdminClient(shop).run("installation")
    assert data["shop"]["myshopifyDomain"] == SHOP
    assert "read_orders" in [scope["handle"] for scope in data["currentAppInstallation"]["accessScopes"]]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("5xx", TryAgain),
        ("too_many", TryAgain),
        ("html", TryAgain),
        ("cut", TryAgain),
        ("throttle", None),
        ("unauthorized", None),
    ],
)
def test_accidents_of_the_sandbox(
    shop: Shop, sandbox: Sandbox, fault: str, outcome: type[Exception] | None
) -> None:
    sandbox.post("/sandbox/faults", {"operations": [{"operation": "shop", "fault": fault, "times": 1}]})
    if outcome is None:
        assert AdminClient(shop).run("installation")
        return
    with pytest.raises(outcome):
        AdminClient(shop).run("installation")
    assert AdminClient(shop).run("installation"), "one accident, and all is well again"


CUT = (200, {"Content-Length": "500"}, b'{"data": {')


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        ((500, {}, b"oops"), True),
        ((502, {}, b"<html>"), True),
        ((503, {"Retry-After": "7"}, b""), True),
        ((429, {"Retry-After": "7"}, b"{}"), False),
        ((430, {}, b""), False),
        ((200, {"Content-Type": "text/html"}, b"<html>hello</html>"), True),
        ((200, {}, b""), True),
        ((200, {}, b"[1]"), True),
        ((200, {}, b"{}"), True),
        ((200, {}, b'{"data": null}'), True),
        ((200, {}, b"[" * 100_000), True),
        (CUT, True),
        (json_answer(failing("INTERNAL_SERVER_ERROR")), True),
        (json_answer({"errors": "Unavailable Shop"}), True),
    ],
)
def test_try_again(caller: AdminClient, scripted: Scripted, answer: Any, sent: bool) -> None:
    scripted.answer = lambda _: answer
    with pytest.raises(TryAgain) as error:
        caller.run("installation")
    assert error.value.sent is sent
    assert error.value.after == (7.0 if "Retry-After" in answer[1] else error.value.after)
    assert len(scripted.asked) == 1, "a mutation may have been done: only the caller knows how to ask again"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (json_answer(failing("ACCESS_DENIED")), "access_denied"),
        (json_answer(failing("MAX_COST_EXCEEDED")), "max_cost_exceeded"),
        (json_answer(failing("ACCESS_DENIED", data={"shop": {"name": "partial"}})), "access_denied"),
        (
            json_answer({"errors": [{"message": "Field 'x' doesn't exist"}], "data": {"shop": None}}),
            "graphql",
        ),
        ((301, {"Location": "http://127.0.0.1:9/"}, b""), "http_301"),
        ((307, {"Location": "http://127.0.0.1:9/"}, b""), "http_307"),
        ((400, {}, b""), "http_400"),
    ],
)
def test_needs_a_human(caller: AdminClient, scripted: Scripted, answer: Any, code: str) -> None:
    scripted.answer = lambda _: answer
    with pytest.raises(NeedsHuman) as error:
        caller.run("installation")
    assert error.value.code == code
    assert len(scripted.asked) == 1


@pytest.mark.parametrize("status", [402, 403, 404, 423])
def test_a_shop_is_paused_and_resumes_by_itself(caller: AdminClient, scripted: Scripted, status: int) -> None:
    """F49"""
    scripted.answer = lambda _: (status, {}, b"")
    with pytest.raises(NeedsHuman) as error:
        caller.run("installation")
    assert error.value.code == "paused"
    assert caller.shop.state == Shop.State.PAUSED
    assert caller.shop.state_reason
    scripted.answer = lambda _: json_answer(GOOD)
    assert caller.run("installation")
    caller.shop.refresh_from_db()
    assert (caller.shop.state, caller.shop.state_reason) == (Shop.State.ACTIVE, "")


def test_shop_inactive_inside_200_pauses_too(caller: AdminClient, scripted: Scripted) -> None:
    scripted.answer = lambda _: json_answer(failing("SHOP_INACTIVE"))
    with pytest.raises(NeedsHuman):
        caller.run("installation")
    assert Shop.objects.get().state == Shop.State.PAUSED


def renewing(scripted: Scripted, dead: set[str]) -> None:
    count = itertools.count(1)

    def answer(body: dict[str, Any]) -> Any:
        if "grant_type" in body:
            number = next(count)
            fresh = {"access_token": f"shpat_{number}", "refresh_token": f"shprt_{number}", "scope": ""}
            return json_answer({**fresh, "expires_in": 3600, "refresh_token_expires_in": 7_776_000})
        token = scripted.asked[-1][1]["x-shopify-access-token"]
        return (401, {}, b"") if token in dead else json_answer(GOOD)

    scripted.answer = answer


def test_a_revoked_token_is_renewed_once(caller: AdminClient, scripted: Scripted) -> None:
    renewing(scripted, {TOKEN})
    assert caller.run("installation") == GOOD["data"]
    assert len(scripted.asked) == 3


def test_a_token_that_stays_refused_is_the_merchants_matter(caller: AdminClient, scripted: Scripted) -> None:
    renewing(scripted, {TOKEN, "shpat_1"})
    with pytest.raises(NeedsHuman) as error:
        caller.run("installation")
    assert error.value.code == "reopen"
    assert Shop.objects.get().state == Shop.State.REOPEN
    assert len(scripted.asked) == 3
    with pytest.raises(NeedsHuman):
        caller.run("installation")
    assert len(scripted.asked) == 3, "nothing is tried again until the app is opened"


def test_throttled_inside_200_waits_and_goes_on(caller: AdminClient, scripted: Scripted) -> None:
    answers = iter([failing("THROTTLED", extensions=cost(0, requested=50)), GOOD])
    scripted.answer = lambda _: json_answer(next(answers))
    started = monotonic()
    assert caller.run("installation") == GOOD["data"]
    assert 0.5 <= monotonic() - started < 3


def test_throttled_for_longer_than_the_caller_waits(caller: AdminClient, scripted: Scripted) -> None:
    scripted.answer = lambda _: json_answer(failing("THROTTLED", extensions=cost(0, requested=1000)))
    with pytest.raises(TryAgain) as error:
        caller.run("installation", within=1.0)
    assert not error.value.sent
    assert error.value.after
    assert 5 < error.value.after <= 10


def test_an_empty_bucket_is_not_asked(caller: AdminClient, scripted: Scripted) -> None:
    scripted.answer = lambda _: json_answer({**GOOD, "extensions": cost(1, requested=500)})
    caller.run("installation")
    with pytest.raises(TryAgain):
        caller.run("installation", within=0.5)
    assert len(scripted.asked) == 1


@pytest.mark.parametrize(
    "extensions", [None, [], {"cost": 1}, {"cost": {"throttleStatus": {}}}, cost(float("nan"))]
)
def test_odd_costs_do_not_spoil_an_answer(caller: AdminClient, scripted: Scripted, extensions: Any) -> None:
    scripted.answer = lambda _: json_answer({**GOOD, "extensions": extensions})
    assert caller.run("installation") == GOOD["data"]
    assert caller.run("installation") == GOOD["data"]


def test_a_slow_answer_may_have_been_carried_out(caller: AdminClient, scripted: Scripted) -> None:
    scripted.delay = 1.0
    started = monotonic()
    with pytest.raises(TryAgain) as error:
        caller.run("installation", within=0.3)
    assert error.value.sent
    assert monotonic() - started < 0.9


def test_no_connection_means_not_sent(caller: AdminClient, settings: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings.SHOPIFY_SANDBOX = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(TryAgain) as error:
            caller.run("installation")
    assert not error.value.sent


def test_an_answer_without_end_is_cut_off(caller: AdminClient, scripted: Scripted) -> None:
    scripted.answer = lambda _: (200, {}, b" " * (client.ANSWER_BYTES_MAX + 1))
    with pytest.raises(NeedsHuman) as error:
        caller.run("installation")
    assert error.value.code == "too_big"


def test_another_version_is_noticed(
    caller: AdminClient, scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.answer = lambda _: json_answer(GOOD, headers={"X-Shopify-API-Version": "2027-04"})
    with caplog.at_level(logging.WARNING, "shopify_bridge.client"):
        caller.run("installation")
        caller.run("installation")
    assert [record.message for record in caplog.records] == ["Shopify serves another API version"]


def test_the_token_shows_nowhere(
    caller: AdminClient, scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.answer = lambda _: (500, {}, b"")
    with caplog.at_level(logging.DEBUG), pytest.raises(TryAgain) as error:
        caller.run("installation")
    assert TOKEN not in repr(caller) + repr(error.value) + caplog.text + str(error.value.__cause__)


@pytest.mark.parametrize("domain", ["127.0.0.1", "evil.example", "demo.myshopify.com@evil.example", "[::1]"])
def test_no_other_host_is_called(domain: str, scripted: Scripted) -> None:
    with pytest.raises(ValueError, match="not a shop"):
        client.ask(domain, TOKEN, "installation")
    assert scripted.asked == []


def test_cookies_of_one_shop_reach_no_other(caller: AdminClient, scripted: Scripted) -> None:
    scripted.answer = lambda _: json_answer(GOOD, headers={"Set-Cookie": "a=1; Path=/"})
    caller.run("installation")
    caller.run("installation")
    assert "cookie" not in scripted.asked[1][1]


def test_user_errors() -> None:
    assert user_errors({"userErrors": []}) == []
    assert user_errors({"userErrors": [{"message": "x"}]}) == [{"message": "x"}]
    assert user_errors(None)
