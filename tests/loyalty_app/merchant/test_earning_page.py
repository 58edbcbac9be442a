"""The ways to earn: rules as sentences, and one form for every kind, made from the schema."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from loyalty_app.merchant import given as given_page
from rewards import clock, documents, programs, rule_reports, rules
from shopify_bridge.models import Shop
from tests.loyalty_app.merchant.conftest import NOON, Merchant

REQUIRED: dict[str, dict[str, str]] = {
    "multiplier": {"factor": "2"},
    "nth_order": {"n": "3", "points": "50"},
    "order_over": {"amount": "50", "points": "50"},
    "order_again": {"within_days": "30", "points": "50"},
    "surprise": {"amount": "50", "points": "50", "budget": "100"},
    "social": {"points": "50", "url": "https://example.com/shop"},
    "survey": {"points": "50", "question": "How did you find us?"},
}
"""What the form of a kind needs, where it is more than points."""
ON_TAG = {"id": "teas", "kind": "multiplier", "factor": "2", "on": {"product_tags": ["tea"]}}
TASTE = {"id": "taste", "kind": "collections", "title": "Taste", "count": 1, "points": 5}


def typed(merchant: Merchant, **changes: object) -> dict[str, object]:
    merchant.program.refresh_from_db()
    return {"version": merchant.program.version, **changes}


def add(merchant: Merchant, kind: str, **more: object) -> dict[str, Any]:
    merchant.post("/app/earning", typed(merchant, kind=kind, **{**needed(kind), **more}))
    added: dict[str, Any] = merchant.document()["earning"]["rules"][-1]
    return added


def needed(kind: str) -> dict[str, str]:
    return REQUIRED.get(kind, {"points": "50"})


@pytest.mark.parametrize("kind", sorted(rules.KINDS))
def test_each_kind_is_added_shown_and_saved_again_by_one_form(merchant: Merchant, kind: str) -> None:
    html = merchant.page(f"/app/earning/new/{kind}")
    part = documents.schema()["$defs"][kind]
    for name, setting in part["properties"].items():
        assert f'name="{name}' in html
        if "title" in setting:
            assert setting["title"] in html
    rule = add(merchant, kind)
    assert rule["kind"] == kind
    saying = rules.Saying.of(merchant.document(), "EUR")
    assert rules.sentence(rule, saying) in merchant.page("/app/earning").replace("&quot;", '"')
    merchant.page(f"/app/earning/{rule['id']}")
    merchant.post(f"/app/earning/{rule['id']}", typed(merchant, title="x"))
    assert merchant.document()["earning"]["rules"] == [{**rule, "title": "x"}]


def test_a_campaign_is_typed_as_people_write(merchant: Merchant) -> None:
    rule = add(
        merchant,
        "multiplier",
        **{
            "factor": "2,5",
            "stackable": False,
            "on.collections": "11,12",
            "on.product_tags": "summer\n  sale \n\nsummer",
            "audience.customer_tags": "vip",
            "audience.never_ordered": True,
            "audience.not_ordered_days": "",
            "starts": "2026-12-01",
            "starts.time": "9:30",
            "ends": "2026-12-07",
            "ends.time": "",
        },
    )
    assert rule == {
        "id": "multiplier",
        "kind": "multiplier",
        "title": "",
        "archived": False,
        "factor": "2.5",
        "stackable": False,
        "on": {
            "products": [],
            "variants": [],
            "collections": [11, 12],
            "product_tags": ["summer", "sale"],
            "vendors": [],
        },
        "audience": {
            "tiers": [],
            "customer_tags": ["vip"],
            "member_since": None,
            "never_ordered": True,
            "not_ordered_days": None,
        },
        "starts": "2026-12-01T09:30",
        "ends": "2026-12-07",
    }
    html = merchant.page("/app/earning/multiplier")
    assert 'value="2026-12-01"' in html
    assert 'value="09:30"' in html
    assert "Europe/Berlin" in html


def test_all_errors_stand_at_their_fields(merchant: Merchant) -> None:
    body = typed(
        merchant,
        kind="order_over",
        **{
            "amount": "a lot",
            "points": "0",
            "starts": "",
            "starts.time": "9:30",
            "ends": "2026-12-01",
            "ends.time": "half past",
            "audience.tiers": "gold",
            "audience.not_ordered_days": "0",
        },
    )
    errors = merchant.errors("/app/earning", body)
    assert set(errors) == {
        "amount",
        "points",
        "starts",
        "ends",
        "audience.tiers",
        "audience.not_ordered_days",
    }
    assert merchant.document()["earning"]["rules"] == []


@pytest.mark.parametrize(
    "body", [{"kind": "nothing"}, {"kind": "bonus", "id": "x"}, {"kind": "bonus", "archived": True}]
)
def test_what_no_form_sends_is_refused(merchant: Merchant, body: dict[str, object]) -> None:
    assert "" in merchant.errors("/app/earning", typed(merchant, points="5", **body))


def test_two_people_dont_overwrite_each_other(merchant: Merchant) -> None:
    add(merchant, "bonus")
    first, second = typed(merchant, points="1"), typed(merchant, points="2")
    merchant.post("/app/earning/bonus", first)
    assert "Somebody else" in merchant.errors("/app/earning/bonus", second)[""]
    assert merchant.document()["earning"]["rules"][0]["points"] == 1


def test_a_rule_is_archived_and_brought_back(merchant: Merchant) -> None:
    add(merchant, "birthday")
    merchant.post("/app/earning/birthday/archive", typed(merchant, archived=True))
    assert merchant.document()["earning"]["rules"][0]["archived"]
    assert "Archived" in merchant.page("/app/earning")
    assert "Bring it back" in merchant.page("/app/earning/birthday")
    merchant.post("/app/earning/birthday/archive", typed(merchant, archived=False))
    assert not merchant.document()["earning"]["rules"][0]["archived"]
    merchant.errors("/app/earning/birthday/archive", typed(merchant, archived="yes"))


def test_no_two_rules_are_called_alike(merchant: Merchant) -> None:
    for _ in range(2):
        add(merchant, "bonus", title="Extra")
    add(merchant, "bonus", title="new")
    assert [rule["id"] for rule in merchant.document()["earning"]["rules"]] == ["extra", "extra-2", "new-2"]


def test_a_rule_is_said_and_counted_while_one_types(merchant: Merchant) -> None:
    body = typed(merchant, kind="multiplier", factor="2", **{"on.vendors": "Acme"})
    said = merchant.post("/app/earning/example/multiplier", body)
    assert said["sentence"] == "2 x points on the vendor Acme"
    assert [row["points"] for row in said["examples"]] == ["59 points", "89 points", "29 points"]
    assert merchant.document()["earning"]["rules"] == []
    assert set(merchant.errors("/app/earning/example/multiplier", typed(merchant, factor=""))) == {"factor"}


def test_an_example_of_a_large_order_is_large_enough(merchant: Merchant) -> None:
    body = typed(merchant, amount="75", points="10")
    rows = merchant.post("/app/earning/example/order_over", body)["examples"]
    assert [row["points"] for row in rows] == ["85 points", "75 points"]


def test_what_is_no_order_has_no_example(merchant: Merchant) -> None:
    said = merchant.post("/app/earning/example/birthday", typed(merchant, points="100"))
    assert (said["sentence"], said["examples"]) == ("100 points on the birthday", [])


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (datetime(2026, 11, 30, 22, 59, tzinfo=UTC), "Coming"),
        (datetime(2026, 11, 30, 23, 0, tzinfo=UTC), "Running"),
        (datetime(2026, 12, 7, 22, 59, tzinfo=UTC), "Running"),
        (datetime(2026, 12, 7, 23, 0, tzinfo=UTC), "Ended"),
    ],
)
def test_a_campaign_is_coming_running_or_ended_by_the_shops_clock(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch, now: datetime, state: str
) -> None:
    add(merchant, "bonus", starts="2026-12-01", ends="2026-12-07")
    monkeypatch.setattr(clock, "now", lambda: now)
    assert f">{state}</s-badge>" in merchant.page("/app/earning")


def test_what_rules_gave_is_counted_beside_the_page(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(merchant, "bonus", points="7")
    add(merchant, "birthday")
    add(merchant, "multiplier", starts="2026-11-19")
    merchant.program.versions.update(effective_from=programs.BEGINNING)
    merchant.order(1000)
    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(days=29))
    assert given(merchant, "/app/earning/given") == {
        "bonus": "Gave 7 points to 1 order in the last 30 days",
        "birthday": "Gave nothing in the last 30 days",
        "multiplier": "Gave 1,000 points to 1 order in the last 30 days",
    }
    assert given(merchant, "/app/earning/multiplier/given") == {
        "multiplier": "Gave 1,000 points to 1 order since it began"
    }
    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(days=31))
    assert given(merchant, "/app/earning/given")["bonus"] == "Gave nothing in the last 30 days"
    assert given(merchant, "/app/earning/bonus/given")["bonus"] == "Gave 7 points to 1 order in the last year"
    assert merchant.fetch("/app/earning/nothing/given").status_code == 404


def test_what_takes_too_long_to_count_is_left_out(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(merchant, "bonus")
    monkeypatch.setattr(given_page, "PATIENCE", "1ms")
    slow = "SELECT pg_sleep(1)"
    monkeypatch.setattr(rule_reports, "given", lambda *_: connection.cursor().execute(slow))
    assert given(merchant, "/app/earning/given") == {"bonus": ""}


def given(merchant: Merchant, path: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(merchant.fetch(path).content)["given"]
    return found


def test_risks_warn_and_dont_block(merchant: Merchant) -> None:
    body = typed(merchant, kind="multiplier", factor="50")
    risks = merchant.post("/app/earning/example/multiplier", body)["risks"]
    assert risks == []
    add(merchant, "multiplier", factor="50")
    assert "Shoppers get back up to" in merchant.page("/app/earning")
    body = typed(merchant, factor="1")
    (risk,) = merchant.post("/app/earning/example/multiplier", body)["risks"]
    assert "changes nothing" in risk


def test_what_isnt_there_is_404(merchant: Merchant) -> None:
    merchant.page("/app/earning/nothing", 404)
    merchant.page("/app/earning/new/nothing", 404)
    merchant.post("/app/earning/nothing", typed(merchant), 404)
    merchant.post("/app/earning/nothing/archive", typed(merchant, archived=True), 404)
    merchant.post("/app/earning/example/nothing", typed(merchant), 404)


def test_limits_are_shown_saved_and_said(merchant: Merchant) -> None:
    html = merchant.page("/app/limits")
    for path in (
        "excluded.collections",
        "excluded.channels",
        "excluded.subscription_renewals",
        "caps.member_days",
    ):
        assert f'name="{path}"' in html
    changes = {
        "excluded.vendors": "Acme, Inc.",
        "excluded.channels": "pos",
        "excluded.subscription_renewals": True,
        "caps.order": "500",
        "caps.day": "",
        "caps.member": "9000",
        "caps.member_days": "30",
    }
    merchant.post("/app/limits", typed(merchant, **changes))
    earning = merchant.document()["earning"]
    assert earning["excluded"]["vendors"] == ["Acme, Inc."]
    assert earning["caps"] == {"order": 500, "day": None, "member": 9000, "member_days": 30}
    html = merchant.page("/app/earning")
    for sentence in (
        "Nothing is earned on the vendor Acme, Inc..",
        "Orders of the sales channel pos earn nothing.",
        "Renewals of subscriptions earn nothing.",
        "An order earns 500 points at the most.",
        "A member in 30 days earns 9,000 points at the most.",
    ):
        assert sentence in html
    assert set(
        merchant.errors("/app/limits", typed(merchant, **{"caps.order": "0", "caps.member_days": ""}))
    ) == {
        "caps.order",
        "caps.member_days",
    }


def test_a_saved_rule_counts_for_the_next_order(merchant: Merchant) -> None:
    add(merchant, "bonus", points="7")
    merchant.program.versions.update(effective_from=programs.BEGINNING)
    merchant.order(10)
    assert merchant.member().available == 17


def test_hostile_texts_stay_text(merchant: Merchant) -> None:
    text = """"><script>alert(1)</script>{{ 7|add:7 }}'"""
    add(merchant, "survey", title=text, question=text, answers=f"{text}\nno")
    add(merchant, "multiplier", **{"on.vendors": text, "audience.customer_tags": text})
    for path in (
        "/app/earning",
        "/app/earning/multiplier",
        f"/app/earning/{merchant.document()['earning']['rules'][0]['id']}",
    ):
        html = merchant.page(path)
        assert "<script>alert" not in html
        assert "{{ 7" in html


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ({"earning": {"rules": [{**ON_TAG, "archived": False}]}}, "products with the tag “tea”"),
        ({"earning": {"excluded": {"vendors": ["Acme"]}}}, "What is excluded from earning."),
        ({"challenges": [{**TASTE, "collections": [7]}]}, "The challenge “Taste”."),
        ({"earning": {"rules": [{**ON_TAG, "archived": True}]}}, ""),
        ({"earning": {"rules": [{**ON_TAG, "on": {}}]}}, ""),
    ],
)
def test_what_needs_a_permission_that_is_missing_is_named(
    merchant: Merchant, part: dict[str, Any], named: str
) -> None:
    before = merchant.document()
    merchant.save({**before, **part, "earning": {**before["earning"], **part.get("earning", {})}})
    warning = "The app may not read products yet"
    html = merchant.page("/app/earning")
    assert (warning in html) == bool(named)
    assert named in html
    Shop.objects.update(scopes="read_products")
    assert warning not in merchant.page("/app/earning")
