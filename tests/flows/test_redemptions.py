"""Points become one code, whatever Shopify answers, and never more points than there are."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.flows.people import Customer, Merchant

PRICE = 100
CREATE = "discountCodeBasicCreate"


@pytest.fixture
def rich(shop: Merchant, customer: Customer) -> Customer:
    """A member with 250 points."""
    customer.buys("200.00")
    shop.handled()
    assert customer.points == 250
    return customer


def redeem(customer: Customer, key: str = "flow") -> int:
    """Asks for five off; answers the redemption's id, whatever became of it so far."""
    answer = customer.browser.redeem("five-off", key)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


@pytest.mark.parametrize(
    ("fault", "times", "more"),
    [
        ("timeout_after_work", 1, {"seconds": 9}),
        ("late_create", 1, {"seconds": 3}),
        ("cut", 1, {}),
        ("5xx", 2, {}),
        ("html", 1, {}),
        ("throttle", 2, {}),
        ("taken", 3, {}),
        ("too_many", 1, {}),
        ("unauthorized", 1, {}),
    ],
)
def test_an_accident_at_shopify_ends_in_one_code(
    shop: Merchant, rich: Customer, fault: str, times: int, more: dict[str, float]
) -> None:
    before = shop.number_of_codes()
    shop.fault(CREATE, fault, times, **more)
    redemption = rich.browser.state_becomes(redeem(rich), "issued", seconds=60)
    seen = shop.code_seen(redemption["code"])
    assert seen is not None
    assert seen["status"] == "ACTIVE"
    assert shop.number_of_codes() == before + 1
    assert rich.points == 250 - PRICE


def test_the_points_stay_reserved_while_nobody_knows(shop: Merchant, rich: Customer) -> None:
    shop.fault(CREATE, "5xx", 3)
    id = redeem(rich)
    seen = rich.browser.redemption(id)
    if seen["state"] == "reserved":
        assert seen["code"] is None
        points = rich.member_points()
        assert (points["available"], points["reserved"]) == (150, 100)
    rich.browser.state_becomes(id, "issued", seconds=60)
    points = rich.member_points()
    assert (points["available"], points["reserved"]) == (150, 0)


def test_of_many_at_once_as_many_succeed_as_there_are_points_for(shop: Merchant, rich: Customer) -> None:
    browsers = [shop.browser(rich.id) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda i: browsers[i].redeem("five-off", f"flow-{i}"), range(8)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] * 2 + [409] * 6
    assert rich.points == 250 - 2 * PRICE


def test_a_double_click_is_one_redemption(shop: Merchant, rich: Customer) -> None:
    before = shop.number_of_codes()
    browsers = [shop.browser(rich.id) for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda browser: browser.redeem("five-off", "click"), browsers))
    assert {answer.status_code for answer in answers} == {200, 201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    rich.browser.state_becomes(answers[0].json()["id"], "issued")
    assert shop.number_of_codes() == before + 1
    assert rich.points == 250 - PRICE


def test_nobody_sees_or_ends_anothers_redemption(rich: Customer, shop: Merchant) -> None:
    id = redeem(rich)
    stranger = shop.browser(shop.new_customer("Stran Ger"))
    guest = shop.browser()
    for browser, refusals in ((stranger, {404, 409}), (guest, {401})):
        assert browser.get(f"/apps/loyalty/redemptions/{id}").status_code in refusals
        assert browser.give_back(id).status_code in refusals
    assert rich.browser.redemption(id)["state"] == "issued"


def test_a_code_given_back_works_no_more(shop: Merchant, rich: Customer) -> None:
    id = redeem(rich)
    code = rich.browser.redemption(id)["code"]
    assert rich.browser.give_back(id).ok
    rich.browser.state_becomes(id, "cancelled")
    variant, _ = shop.variants()[0]
    rich.browser.post("/cart/add.js", json={"id": variant, "quantity": 1})
    cart = rich.browser.post("/cart/update.js", json={"discount": code}).json()
    assert cart["discount_codes"] == [{"code": code, "applicable": False}]
    assert rich.points == 250


def test_a_code_is_for_its_customer_alone(shop: Merchant, rich: Customer) -> None:
    code = rich.browser.redemption(redeem(rich))["code"]
    variant, _ = shop.variants()[0]
    stranger = shop.browser(shop.new_customer("Thie F"))
    stranger.post("/cart/add.js", json={"id": variant, "quantity": 1})
    cart = stranger.post("/cart/update.js", json={"discount": code}).json()
    assert cart["discount_codes"] == [{"code": code, "applicable": False}]
