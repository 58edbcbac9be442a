"""Expiry in the program's form, and what it does to points, said before it is saved."""

from datetime import UTC, datetime, timedelta

import pytest

from loyalty_app.merchant import lapsing
from rewards import documents, expiry
from tests.loyalty_app.merchant.conftest import NOON, Merchant

FORM = {
    "expiry.policy": "never",
    "expiry.months": "",
    "expiry.period": "year",
    "expiry.periods": "",
    "expiry.notice_days": "30, 7",
}


def typed(merchant: Merchant, **changes: object) -> dict[str, object]:
    merchant.program.refresh_from_db()
    said = {f"expiry.{name}": value for name, value in changes.items()}
    return {"version": merchant.program.version, **FORM, **said}


def save(merchant: Merchant, **changes: object) -> None:
    merchant.post("/app/program", typed(merchant, **changes))
    merchant.program.refresh_from_db()


def said(merchant: Merchant, **changes: object) -> str:
    merchant.program.refresh_from_db()
    document = documents.checked({**merchant.document(), "expiry": changes}, merchant.program.currency)
    return " ".join(lapsing.sentences(merchant.program, document, NOON))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"policy": "rolling", "months": "12"}, {"policy": "rolling", "months": 12}),
        ({"policy": "inactivity", "months": "6", "periods": "3"}, {"policy": "inactivity", "months": 6}),
        (
            {"policy": "calendar", "months": "nonsense", "period": "quarter", "periods": "0"},
            {"policy": "calendar", "period": "quarter", "periods": 0},
        ),
    ],
)
def test_only_the_fields_of_the_chosen_policy_count(
    merchant: Merchant, changes: dict[str, str], expected: dict[str, object]
) -> None:
    save(merchant, **changes)
    assert merchant.document()["expiry"] == {**expected, "notice_days": [30, 7]}


def test_the_form_as_it_is_changes_nothing(merchant: Merchant) -> None:
    number = merchant.program.version
    save(merchant)
    assert merchant.program.version == number
    assert merchant.program.expiry_since is None


def test_days_of_notice_are_a_list(merchant: Merchant) -> None:
    save(merchant, notice_days="7, 60,7, 1")
    assert merchant.document()["expiry"]["notice_days"] == [60, 7, 1]
    save(merchant, notice_days="")
    assert merchant.document()["expiry"]["notice_days"] == []


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"policy": "rolling"}, {"expiry.months"}),
        ({"policy": "inactivity", "months": "121"}, {"expiry.months"}),
        ({"policy": "calendar", "period": "week", "periods": ""}, {"expiry.period", "expiry.periods"}),
        ({"policy": "sometimes"}, {"expiry.policy"}),
        ({"notice_days": "30, soon"}, {"expiry.notice_days"}),
        ({"notice_days": "0"}, {"expiry.notice_days"}),
        ({"notice_days": "1,2,3,4,5,6"}, {"expiry.notice_days"}),
    ],
)
def test_errors_stand_at_their_fields(
    merchant: Merchant, changes: dict[str, object], fields: set[str]
) -> None:
    assert set(merchant.errors("/app/program", typed(merchant, **changes))) == fields


def test_the_form_says_what_happens_to_points_that_are_there(merchant: Merchant) -> None:
    assert said(merchant, policy="never") == "Points never lapse."
    switched_on = said(merchant, policy="rolling", months=3)
    assert "3 months after they can first be spent" in switched_on
    assert "stay at least until 20 Feb 2027: one full period after you switch this on" in switched_on
    save(merchant, policy="rolling", months="12")
    assert "would lapse at the end of 20 Nov 2027" in said(merchant, policy="rolling", months=12)
    shortened = said(merchant, policy="calendar", period="quarter", periods=1)
    assert "at the end of the quarter in which they can first be spent, 1 quarter later" in shortened
    assert "they stay at least until 31 Mar 2027" in shortened
    assert "1 month after the member last earned" in said(merchant, policy="inactivity", months=1)
    assert "lose their end" in said(merchant, policy="never")


def test_the_promise_of_the_form_is_kept(merchant: Merchant) -> None:
    """Switched on, and then shortened: points of long ago stay for one full period after each change."""
    long_ago = datetime.now(UTC) - timedelta(days=900)
    merchant.member(joined_at=long_ago)
    merchant.order(50, at=long_ago)
    for months in ("12", "2"):
        save(merchant, policy="rolling", months=months)
        preview = merchant.post("/app/program/example", typed(merchant, policy="rolling", months="1"))
        assert "one full period after the change" in preview["lapsing"][1]
        expiry.redate()
        promised = lapsing.sentences(merchant.program, merchant.document(), datetime.now(UTC))[1]
        html = merchant.page(f"/app/members/{merchant.member().pk}")
        assert f"50 of them lapse at the end of {promised.split('end of ')[1].rstrip('.')}" in html
        assert expiry.lapse_due() == 0


def test_a_page_with_an_expiry_shows_it(merchant: Merchant) -> None:
    save(merchant, policy="calendar", period="half_year", periods="0")
    html = merchant.page("/app/program")
    assert 'name="expiry.policy" value="calendar"' in html
    assert 'name="expiry.periods" value="0"' in html
    assert "at the end of the half-year" in html
