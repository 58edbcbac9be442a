"""Cashback in the panel: a switch with its settings, what waits to be paid, and what it takes of the shop."""

from rewards import ledger
from tests.loyalty_app.merchant.conftest import Merchant

PATH = "/app/cashback"
TYPED = {
    "cashback": True,
    "cashback.points": "100",
    "cashback.value": "3",
    "cashback.least": "",
    "cashback.credit_days": "365",
}


def said(merchant: Merchant, **changes: object) -> dict[str, object]:
    merchant.program.refresh_from_db()
    return {"version": str(merchant.program.version), **TYPED, **changes}


def test_it_is_switched_on_and_off(merchant: Merchant) -> None:
    assert merchant.document()["cashback"] is None
    merchant.post(PATH, said(merchant))
    assert merchant.document()["cashback"] == {
        "points": 100,
        "value": "3.00",
        "least": None,
        "credit_days": 365,
    }
    assert 'value="3.00"' in merchant.page(PATH)
    merchant.post(PATH, said(merchant, cashback=False))
    assert merchant.document()["cashback"] is None


def test_what_waits_to_be_paid_is_said_before_it_is_switched_on(merchant: Merchant) -> None:
    ledger.adjust(merchant.program.pk, merchant.member().pk, 1250, key="gift", reason="Test")
    html = merchant.page(PATH)
    assert "1,250 points that they can spend now." in html
    merchant.post(PATH, said(merchant))
    assert "worth 37.50 EUR in all" in merchant.page(PATH)


def test_the_permission_is_asked_for_here(merchant: Merchant) -> None:
    assert "Allow store credit" in merchant.page(PATH)
    merchant.shop.scopes = "read_store_credit_accounts,write_store_credit_account_transactions"
    merchant.shop.save()
    assert "Allow store credit" not in merchant.page(PATH)


def test_what_makes_no_sense_is_said_beside_its_field(merchant: Merchant) -> None:
    errors = merchant.errors(PATH, said(merchant, **{"cashback.points": "", "cashback.value": "0"}))
    assert set(errors) == {"cashback.points"}
    errors = merchant.errors(PATH, said(merchant, **{"cashback.value": "0"}))
    assert set(errors) == {"cashback.value"}


def test_what_is_hardly_meant_is_said(merchant: Merchant) -> None:
    preview = merchant.post(f"{PATH}/preview", said(merchant))
    text = str(preview)
    assert "hardly any are left for the rewards on offer" in text
    assert "a refund after that is owed" in text
