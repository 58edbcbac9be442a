"""The program's page: what is typed becomes the document, and its errors come back to the fields."""

import json

import pytest

from loyalty_app.merchant.forms import PROGRAM_FIELDS
from rewards import budgets, documents, kinds, programs
from tests.loyalty_app.merchant.conftest import Merchant


def typed(merchant: Merchant, **changes: object) -> dict[str, object]:
    merchant.program.refresh_from_db()
    return {"version": merchant.program.version, **changes}


def test_every_field_of_the_document_stands_in_the_form(merchant: Merchant) -> None:
    html = merchant.page("/app/program")
    for path in PROGRAM_FIELDS:
        assert f'name="{path}"' in html


def test_a_change_becomes_a_version_with_its_author(merchant: Merchant) -> None:
    body = typed(merchant, **{"earning.rate.points": "3", "earning.rate.per": "1,50", "points.many": "beans"})
    assert merchant.post("/app/program", body)["toast"] == "Program saved"
    document = merchant.document()
    assert document["earning"]["rate"] == {"points": 3, "per": "1.50"}
    assert document["points"]["many"] == "beans"
    version = merchant.program.versions.latest("number")
    assert version.author == "42"
    assert "Staff user 42" in merchant.page("/app/program")


def test_saving_without_a_change_makes_no_version(merchant: Merchant) -> None:
    number = merchant.program.version
    merchant.post("/app/program", typed(merchant, name=merchant.document()["name"]))
    merchant.program.refresh_from_db()
    assert merchant.program.version == number


def test_all_errors_stand_at_their_fields(merchant: Merchant) -> None:
    before = merchant.document()
    body = typed(
        merchant,
        **{
            "name": " ",
            "earning.rate.per": "abc",
            "earning.hold_days": "366",
            "earning.signup_bonus": "1.5",
            "earning.excluded_customer_tags": "ok, " + "x" * 256,
        },
    )
    errors = merchant.errors("/app/program", body)
    assert set(errors) == {
        "name",
        "earning.rate.per",
        "earning.hold_days",
        "earning.signup_bonus",
        "earning.excluded_customer_tags",
    }
    assert merchant.document() == before


@pytest.mark.parametrize(
    "body",
    [
        {"earning.rounding": "sideways"},
        {"rewards": []},
        {"__proto__": "x"},
        {"debt": {"a": 1}},
        {"return_unused": "yes"},
        {"earning.rate.per": "1e5"},
        {"earning.rate.points": "9" * 30},
    ],
)
def test_what_no_form_sends_is_refused(merchant: Merchant, body: dict[str, object]) -> None:
    before = merchant.document()
    assert merchant.errors("/app/program", typed(merchant, **body))
    assert merchant.document() == before


@pytest.mark.parametrize("body", ["[]", "{", '"x"', "null", "[" * 100_000])
def test_a_body_that_is_no_form_is_refused(merchant: Merchant, body: str) -> None:
    assert set(merchant.errors("/app/program", body)) == {""}


def test_two_people_dont_overwrite_each_other(merchant: Merchant) -> None:
    first, second = typed(merchant, name="Ada's"), typed(merchant, name="Bob's")
    merchant.post("/app/program", first)
    assert "Somebody else" in merchant.errors("/app/program", second)[""]
    assert merchant.document()["name"] == "Ada's"


def test_examples_are_counted_by_the_earning_code_and_save_nothing(merchant: Merchant) -> None:
    before = merchant.document()
    body = typed(merchant, **{"earning.rate.points": "2", "earning.basis.shipping": True})
    rows = merchant.post("/app/program/example", body)["examples"]
    assert rows[0] == {
        "order": "Goods for 29.90",
        "points": "59 points",
        "why": "29.90 x 2 = 59.8, rounded down.",
    }
    assert rows[2]["points"] == "69 points"
    assert merchant.document() == before


def test_an_example_that_earns_too_much_says_so(merchant: Merchant) -> None:
    body = typed(merchant, **{"earning.rate.points": "1000000", "earning.rate.per": "0.01"})
    rows = merchant.post("/app/program/example", body)["examples"]
    assert rows[0]["points"] == "2,990,000,000 points"


def test_the_examples_of_a_currency_without_cents(db: None) -> None:
    merchant = Merchant("yen.myshopify.com", "JPY")
    assert "Goods for 2990" in merchant.page("/app/program")


def test_hostile_names_stay_text(merchant: Merchant) -> None:
    name = """"><script>alert(1)</script>{{ 7|add:7 }}'--"""
    merchant.post("/app/program", typed(merchant, **{"name": name, "points.many": "<b>x</b>"}))
    for path in (
        "/app/",
        "/app/program",
        "/app/rewards",
        "/app/members",
        "/app/settings",
        "/app/inbox",
        "/app/orders-check",
    ):
        html = merchant.page(path)
        assert "<script>alert" not in html
        assert "<b>x" not in html


def test_a_reward_is_added_changed_and_archived(merchant: Merchant) -> None:
    body = typed(merchant, kind="fixed", title="Ten off", points="180", value="10")
    assert merchant.post("/app/rewards", body)["go"] == "/app/rewards"
    assert merchant.reward("ten-off")["value"] == "10.00"
    merchant.post("/app/rewards/ten-off", typed(merchant, points="150"))
    assert merchant.reward("ten-off")["points"] == 150
    assert "150 points = 10.00 EUR" in merchant.page("/app/rewards")
    merchant.post("/app/rewards/ten-off/archive", typed(merchant, archived=True))
    assert merchant.reward("ten-off")["archived"]
    merchant.post("/app/rewards/ten-off/archive", typed(merchant, archived=False))
    assert not merchant.reward("ten-off")["archived"]


def test_a_second_reward_of_the_same_title_gets_an_id_of_its_own(merchant: Merchant) -> None:
    for _ in range(2):
        merchant.post(
            "/app/rewards", typed(merchant, kind="free_shipping", title="Free shipping", points="9")
        )
    ids = [reward["id"] for reward in merchant.document()["rewards"]]
    assert ids[-2:] == ["free-shipping-2", "free-shipping-3"]


def test_a_title_without_latin_letters_gets_an_id_too(merchant: Merchant) -> None:
    merchant.post("/app/rewards", typed(merchant, kind="free_shipping", title="شحن مجاني", points="9"))
    assert merchant.reward("reward")["title"] == "شحن مجاني"


def test_errors_of_a_reward_stand_at_its_fields(merchant: Merchant) -> None:
    body = typed(merchant, kind="variable", title="", points="0", per="1", min="5", max="2", step="1")
    errors = merchant.errors("/app/rewards", body)
    assert set(errors) == {"title", "points"}
    body = typed(merchant, kind="variable", title="x", points="20", per="1", min="5", max="2", step="1")
    assert set(merchant.errors("/app/rewards", body)) == {"max"}
    body = typed(merchant, minimum_subtotal="-1", percent="101")
    assert set(merchant.errors("/app/rewards/ten-percent", body)) == {"minimum_subtotal", "percent"}


def test_a_kind_has_its_own_fields_only(merchant: Merchant) -> None:
    errors = merchant.errors("/app/rewards/free-shipping", typed(merchant, value="5"))
    assert "no field" in errors[""]


@pytest.mark.parametrize("kind", sorted(kinds.KINDS))
def test_the_form_of_each_kind_has_its_fields_and_can_be_sent_as_it_is(merchant: Merchant, kind: str) -> None:
    merchant.save({**merchant.document(), "tiers": {"levels": [{"id": "gold", "name": "Gold", "from": "5"}]}})
    html = merchant.page(f"/app/rewards/new/{kind}")
    part = documents.schema()["$defs"]["reward"]
    settings = {name for name, _ in documents.properties(part, {"kind": kind})}
    assert {"title", "points", "tiers"} <= settings
    for name in settings:
        assert (f'name="{name}' in html) == (name not in ("id", "archived"))
    number = len(merchant.document()["rewards"])
    needed = {"free.products": "2", "on.collections": "1"} if kind == "free_product" else {}
    merchant.post("/app/rewards", typed(merchant, kind=kind, **needed))
    assert len(merchant.document()["rewards"]) == number + 1


def test_a_reward_is_for_some_tiers_only(merchant: Merchant) -> None:
    assert 'name="tiers"' not in merchant.page("/app/rewards/five-off")
    merchant.save({**merchant.document(), "tiers": {"levels": [{"id": "gold", "name": "Gold", "from": "5"}]}})
    merchant.post("/app/rewards/five-off", typed(merchant, tiers=["gold"]))
    assert merchant.reward("five-off")["tiers"] == ["gold"]
    assert '<s-choice value="gold" selected' in merchant.page("/app/rewards/five-off")
    assert set(merchant.errors("/app/rewards/five-off", typed(merchant, tiers=["tin"]))) == {"tiers"}
    assert set(merchant.errors("/app/rewards/five-off", typed(merchant, tiers="gold"))) == {"tiers"}


def test_what_a_reward_costs_is_said_while_one_types(merchant: Merchant) -> None:
    said = merchant.post("/app/rewards/example/fixed", typed(merchant, points="100", value="5"))
    assert said["sentence"] == "100 points = 5.00 EUR"
    assert said["remark"] == "Shoppers spend 100.00 EUR for it: 5% back. They get 5.00 EUR off an order."
    merchant.apply(rate={"points": 0, "per": "1.00"})
    said = merchant.post("/app/rewards/example/fixed", typed(merchant, points="100", value="5"))
    assert said["remark"].startswith("Orders earn nothing")


def test_what_isnt_there_is_404(merchant: Merchant) -> None:
    assert "Not here" in merchant.page("/app/rewards/nothing", 404)
    merchant.page("/app/rewards/new/nothing", 404)
    merchant.post("/app/rewards/nothing", typed(merchant), 404)
    merchant.post("/app/rewards/example/nothing", {}, 404)


def test_a_form_of_a_foreign_page_is_refused(merchant: Merchant) -> None:
    answer = merchant.fetch("/app/program", "post")
    assert answer.status_code == 422
    assert json.loads(answer.content)["errors"][""]
    assert merchant.program.version == type(merchant.program).objects.get(pk=merchant.program.pk).version


def test_the_list_of_rewards_says_why_nobody_can_have_one(merchant: Merchant) -> None:
    document = merchant.document()
    first, second, *others = document["rewards"]
    limited = {**second, "in_total": 2}
    merchant.save({**document, "rewards": [first, limited, *others]})
    assert "Not offered" not in merchant.page("/app/rewards")
    programs.withhold(merchant.program.pk, "five-off", "gone", "Shopify no longer has it.")
    budgets.change(merchant.program.pk, {"reward:ten-percent": 2})
    html = merchant.page("/app/rewards")
    assert "Not offered. Shopify no longer has it." in html
    assert "All 2 are taken." in html
    budgets.change(merchant.program.pk, {"reward:ten-percent": -2})


def test_a_reward_has_a_start_an_end_and_limits(merchant: Merchant) -> None:
    body = typed(
        merchant, starts="2040-12-01", ends="2040-12-24", **{"ends.time": "18:00", "per_member": "2"}
    )
    merchant.post("/app/rewards/five-off", body)
    reward = merchant.reward("five-off")
    assert (reward["starts"], reward["ends"], reward["per_member"], reward["in_total"]) == (
        "2040-12-01",
        "2040-12-24T18:00",
        2,
        None,
    )
    assert "Coming" in merchant.page("/app/rewards")
    wrong = typed(merchant, starts="2040-12-02", ends="2040-12-01", in_total="0")
    assert set(merchant.errors("/app/rewards/five-off", wrong)) == {"in_total"}
    wrong = typed(merchant, starts="2040-12-02", ends="2040-12-01", **{"ends.time": ""})
    assert set(merchant.errors("/app/rewards/five-off", wrong)) == {"ends"}
