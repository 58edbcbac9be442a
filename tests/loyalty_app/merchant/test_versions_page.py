"""Versions of the program in the panel: what each changed, a look before saving, an old one coming back."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loyalty_app.merchant import previews
from rewards import programs, simulate
from tests.loyalty_app.merchant.conftest import Merchant

NOW = datetime.now(UTC)


def typed(merchant: Merchant, **changes: object) -> dict[str, object]:
    merchant.program.refresh_from_db()
    return {"version": merchant.program.version, **changes}


def look(merchant: Merchant, **changes: object) -> dict[str, Any]:
    return merchant.post("/app/program/preview", typed(merchant, **changes))


def test_each_version_says_what_it_changed_by_whom_and_why(merchant: Merchant) -> None:
    merchant.post("/app/program", typed(merchant, **{"earning.rate.points": "3"}))
    programs.apply(merchant.program, {**merchant.document(), "name": "New"}, "manage.py", note="<b>Why</b>")
    for path in ("/app/program", "/app/program/versions"):
        html = merchant.page(path)
        assert "Points for each 1.00 EUR: 1 became 3." in html
        assert "Program name: “Demo Rewards” became “New”." in html
        assert "&lt;b&gt;Why" in html
        assert "A command of the operator" in html
        assert html.count("In force") == 1
        assert "/app/program/versions/3" in html
        assert "/app/program/versions/4" not in html


def test_the_page_of_the_program_shows_the_newest_versions_only(merchant: Merchant) -> None:
    for number in range(8):
        merchant.post("/app/program", typed(merchant, name=f"Name {number}"))
    html = merchant.page("/app/program")
    assert "“Name 6” became “Name 7”" in html
    assert "“Name 0” became “Name 1”" not in html
    assert '/app/program/versions"' in html
    assert "“Name 0” became “Name 1”" in merchant.page("/app/program/versions")


def test_an_old_version_is_looked_at_and_brought_back(merchant: Merchant) -> None:
    number, before = merchant.program.version, merchant.document()
    merchant.post("/app/program", typed(merchant, **{"earning.rate.points": "3"}))
    html = merchant.page(f"/app/program/versions/{number}")
    assert f"Bring back version {number}" in html
    said = merchant.post(f"/app/program/versions/{number}/preview", {})
    assert said["differences"] == ["Points for each 1.00 EUR: 3 became 1."]
    answer = merchant.post(f"/app/program/versions/{number}/restore", typed(merchant))
    assert answer["go"] == "/app/program"
    assert merchant.document() == before
    newest = merchant.program.versions.latest("number")
    assert (newest.author, newest.note) == ("42", f"As in version {number}")


def test_an_old_version_doesnt_overwrite_what_somebody_else_has_just_saved(merchant: Merchant) -> None:
    seen = typed(merchant)
    merchant.post("/app/program", typed(merchant, name="Ada's"))
    assert "Somebody else" in merchant.errors("/app/program/versions/1/restore", seen)[""]
    assert merchant.document()["name"] == "Ada's"


def test_the_version_in_force_has_nothing_to_bring_back(merchant: Merchant) -> None:
    html = merchant.page(f"/app/program/versions/{merchant.program.version}")
    assert "Bring back" not in html
    assert "This is what the program says right now." in html


def test_a_version_that_doesnt_fit_any_more_says_why(merchant: Merchant) -> None:
    merchant.post("/app/program", typed(merchant, name="New"))
    document = {**programs.document_of(merchant.program.pk, 1), "code_prefix": "low case"}
    merchant.program.versions.filter(number=1).update(document=document)
    programs.document_of.cache_clear()
    html = merchant.page("/app/program/versions/1")
    assert "code_prefix: “low case” doesn&#x27;t have the expected form." in html
    assert "Bring back" not in html
    for path in ("restore", "preview", "preview/members"):
        errors = merchant.errors(f"/app/program/versions/1/{path}", typed(merchant))
        assert "doesn't fit any more" in errors[""]
    programs.document_of.cache_clear()


def test_a_version_that_never_was_isnt_there(merchant: Merchant) -> None:
    merchant.page("/app/program/versions/99", 404)
    merchant.post("/app/program/versions/99/restore", typed(merchant), 404)
    merchant.post("/app/program/versions/99/preview", {}, 404)


def test_a_look_before_saving_says_everything_and_saves_nothing(merchant: Merchant) -> None:
    merchant.order(100, at=NOW - timedelta(days=3))
    merchant.order(40, at=NOW - timedelta(days=2), external_id=5002, customer_id=7002)
    number = merchant.program.version
    said = look(merchant, **{"earning.rate.points": "5"})
    assert said["differences"] == ["Points for each 1.00 EUR: 1 became 5."]
    assert said["risks"][0].startswith("Shoppers get back up to 25%")
    assert said["figures"] == [
        {"name": "Points", "was": "140", "is": "700", "remark": "for 2 orders"},
        {
            "name": "Worth, if all are spent",
            "was": "7.00 EUR",
            "is": "35.00 EUR",
            "remark": "25% of what they spent",
        },
        {"name": "Members", "was": "", "is": "2", "remark": "2 get more, 0 get less"},
    ]
    assert [(row["name"], row["before"], row["after"], row["change"]) for row in said["members"]] == [
        ("Customer 7001", "100", "500", "+400"),
        ("Customer 7002", "40", "200", "+160"),
    ]
    assert "A point is worth 0.05 EUR (“5.00 off”)." in said["assumed"]
    merchant.program.refresh_from_db()
    assert merchant.program.version == number


def test_a_point_that_is_worth_something_else_is_said_on_both_sides(merchant: Merchant) -> None:
    merchant.order(100, at=NOW - timedelta(days=3))
    merchant.post("/app/rewards/five-off", typed(merchant, points="50"))
    said = merchant.post("/app/program/versions/2/preview", {})
    assert said["figures"][1]["was"] == "10.00 EUR"
    assert said["figures"][1]["is"] == "5.00 EUR"
    assert any("0.05 EUR (“5.00 off”); by the rules in force, 0.1 EUR" in one for one in said["assumed"])


def test_without_a_change_there_is_nothing_to_look_at(merchant: Merchant) -> None:
    said = look(merchant)
    assert (said["differences"], "figures" in said) == ([], False)


def test_a_shop_without_orders_can_look_too(merchant: Merchant) -> None:
    said = look(merchant, **{"earning.rate.points": "2"})
    assert (said["period"], said["members"]) == ("in the last 30 days", [])
    assert said["figures"][0]["is"] == "0"


def test_the_last_month_is_looked_at_where_there_is_one(merchant: Merchant) -> None:
    month = simulate.Window.last_month(merchant.program, NOW)
    merchant.order(100, at=month.since + timedelta(days=3))
    merchant.order(40, at=NOW, external_id=5002)
    said = look(merchant, **{"earning.rate.points": "2"})
    assert said["period"] == f"in {month.since + timedelta(days=3):%B %Y}"
    assert said["figures"][0]["is"] == "200"


def test_in_a_large_shop_sums_are_multiplied_and_called_about(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        merchant.order(10, at=NOW - timedelta(days=1), external_id=5000 + number, customer_id=7000 + number)
    monkeypatch.setattr(previews, "ORDERS_MOST", 3)
    said = look(merchant, **{"earning.rate.points": "2"})
    assert said["figures"][0] == {
        "name": "Points",
        "was": "about 60",
        "is": "about 120",
        "remark": "for about 6 orders",
    }
    assert "One in 2 members was looked at, and the sums multiplied." in said["assumed"]


def test_errors_of_a_look_stand_at_their_fields(merchant: Merchant) -> None:
    body = typed(merchant, **{"earning.rate.per": "abc", "name": ""})
    for path in ("/app/program/preview", "/app/program/preview/members"):
        assert set(merchant.errors(path, body)) == {"earning.rate.per", "name"}


def test_what_it_means_for_each_member_can_be_downloaded(merchant: Merchant) -> None:
    merchant.order(100, at=NOW - timedelta(days=3))
    merchant.order(40, at=NOW - timedelta(days=2), external_id=5002, customer_id=7002)
    answer = merchant.fetch_with(
        "/app/program/preview/members", typed(merchant, **{"earning.rate.points": "2"})
    )
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert rows[0] == list(previews.COLUMNS)
    assert [row[1:] for row in rows[1:]] == [
        ["7001", "1", "100", "200", "100"],
        ["7002", "1", "40", "80", "40"],
    ]


def test_who_would_move_is_said_and_can_be_downloaded(merchant: Merchant) -> None:
    silver = {"id": "silver", "name": "=Silver", "from": "40"}
    gold = {"id": "gold", "name": "=Gold", "from": "50"}
    for levels in ([silver, gold], [{**gold, "from": "90"}]):
        programs.apply(merchant.program, {**merchant.document(), "tiers": {"levels": levels}}, "test")
    merchant.order(100, at=NOW - timedelta(days=3))
    merchant.order(60, at=NOW - timedelta(days=2), external_id=5002, customer_id=7002)
    path = f"/app/program/versions/{merchant.program.version - 1}/preview"
    said = merchant.post(path, {})["tiers"]
    assert said["said"] == "1 member would move up, and 0 down."
    assert [(row["name"], row["before"], row["after"]) for row in said["members"]] == [
        ("Customer 7002", "None", "=Gold")
    ]
    rows = merchant.fetch_with(f"{path}/tiers", {}).content.decode().splitlines()
    assert rows[0] == ",".join(previews.TIER_COLUMNS)
    assert [row.partition(",")[2] for row in rows[1:]] == [",'=Gold"]


def test_a_change_that_moves_nobody_says_nothing_of_tiers(merchant: Merchant) -> None:
    merchant.order(100, at=NOW - timedelta(days=3))
    assert look(merchant, **{"earning.rate.points": "2"})["tiers"] is None
    body = typed(merchant, **{"earning.rate.points": "2"})
    rows = merchant.fetch_with("/app/program/preview/tiers", body).content.decode().splitlines()
    assert rows == [",".join(previews.TIER_COLUMNS)]


GOLD = {"levels": "1", "levels.0.name": "Gold", "levels.0.from": "50"}


@pytest.mark.parametrize(
    ("path", "typed_in", "sentence"),
    [
        ("/app/limits", {"caps.order": "30"}, "Most points of an order: none became 30."),
        ("/app/tiers", GOLD, "Tier “Gold” was added: reached with 50.00 EUR."),
        ("/app/earning/new/bonus", {"points": "5"}, "Rule “new” was added: 5 points for each order."),
        ("/app/rewards/five-off", {"points": "120"}, "Reward “5.00 off”: price 100 became 120 points."),
    ],
)
def test_every_form_has_a_look_before_saving(
    merchant: Merchant, path: str, typed_in: dict[str, str], sentence: str
) -> None:
    merchant.order(100, at=NOW - timedelta(days=3))
    html = merchant.page(path)
    assert f'data-change="{path}/preview"' in html
    said = merchant.post(f"{path}/preview", typed(merchant, **typed_in))
    assert said["differences"] == [sentence]
    assert said["figures"][0]["remark"] == "for 1 order"
    for file in ("members", "tiers"):
        answer = merchant.fetch_with(f"{path}/preview/{file}", typed(merchant, **typed_in))
        assert answer.status_code == 200
    assert "no field" in merchant.errors(f"{path}/preview", typed(merchant, nonsense="1"))[""]


def test_new_tiers_say_who_comes_to_them(merchant: Merchant) -> None:
    merchant.order(100, at=NOW - timedelta(days=3))
    said = merchant.post("/app/tiers/preview", typed(merchant, **GOLD))
    assert said["tiers"]["said"] == "1 member would move up, and 0 down."
    assert said["tiers"]["members"][0]["after"] == "Gold"


def test_a_rule_that_is_there_is_looked_at_as_it_is_typed(merchant: Merchant) -> None:
    merchant.order(100, at=NOW - timedelta(days=3))
    merchant.post("/app/earning", typed(merchant, kind="bonus", title="Extra", points="5"))
    said = merchant.post("/app/earning/extra/preview", typed(merchant, points="8"))
    assert said["differences"] == ["Rule “Extra”, points: 5 became 8."]
    assert [said["figures"][0][name] for name in ("was", "is")] == ["105", "108"]
    merchant.post("/app/earning/nothing/preview", typed(merchant), 404)
