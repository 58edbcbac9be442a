"""What shoppers gave to causes, and what the merchant has passed on."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse

from loyalty_app.merchant.answers import Json, Unprocessable, done, fetch, page, program_of, shown, typed
from loyalty_app.merchant.forms import Unreadable, decimal, is_key, text
from loyalty_app.merchant.tables import plain, table
from loyalty_app.merchant.words import money_of
from rewards import clock, dates, donations, programs
from rewards.models import Payout, Program
from rewards.money import BadMoney, major, minor
from shopify_bridge.auth import Staff

PATH = "/app/donations"
SHOWN = 50
RECEIPT_LENGTH_MAX = 300
COLUMNS = ("Day", "Cause", "Donation", "Amount", "Currency", "Receipt", "Noted by staff user", "Noted at")


@dataclass(frozen=True, slots=True)
class Row:
    """One donation, with its money in words."""

    reward: Json
    given: str
    times: int
    paid: str
    still_open: str
    can_pay: bool
    payouts: list[tuple[Payout, str]]


@page
def listed(request: HttpRequest, staff: Staff) -> HttpResponse:
    program = program_of(staff)
    found = _donations(program)
    accounts = donations.accounts(program.pk, list(found))
    context = {
        "rows": [_row(program, reward, accounts[id]) for id, reward in found.items()],
        "today": dates.local_date(clock.now(), ZoneInfo(program.timezone)).isoformat(),
        "receipt_most": RECEIPT_LENGTH_MAX,
    }
    return shown(request, staff, "merchant/donations.html", context)


@fetch
def pay_out(request: HttpRequest, staff: Staff, donation_id: str) -> HttpResponse:
    """Note what was passed on, once for each key."""
    program = program_of(staff)
    if donation_id not in _donations(program):
        raise Http404
    given = typed(request)
    amount, paid_on, receipt, key = _payout(given, program)
    try:
        donations.pay_out(
            program,
            donation_id,
            amount,
            paid_on=paid_on,
            receipt=receipt,
            author=staff.user_id,
            key=key,
        )
    except donations.MoreThanGiven as problem:
        still_open = _money(problem.still_open, program)
        raise Unprocessable({"amount": f"No more than {still_open} was given and not paid out."}) from problem
    return done("Pay-out noted", PATH)


@fetch
def file(request: HttpRequest, staff: Staff) -> HttpResponse:
    """All pay-outs, for a spreadsheet."""
    program = program_of(staff)
    found = _donations(program)
    rows = Payout.objects.filter(program_id=program.pk).order_by("paid_on", "id")
    return table(COLUMNS, (_line(row, found.get(row.reward, {}), program.currency) for row in rows))


def _line(row: Payout, reward: Json, currency: str) -> tuple[str, ...]:
    return (
        row.paid_on.isoformat(),
        plain(reward.get("cause", "")),
        plain(reward.get("title", row.reward)),
        major(row.amount, currency),
        currency,
        plain(row.receipt),
        plain(row.author),
        row.created_at.isoformat(timespec="seconds"),
    )


def _donations(program: Program) -> dict[str, Json]:
    """Those of the program, archived ones included: what they brought is still to be paid out."""
    document = programs.document(program)
    return {reward["id"]: reward for reward in document["rewards"] if reward["kind"] == "donation"}


def _row(program: Program, reward: Json, account: donations.Account) -> Row:
    payouts = Payout.objects.filter(program_id=program.pk, reward=reward["id"])
    return Row(
        reward,
        _money(account.given, program),
        account.times,
        _money(account.paid, program),
        _money(account.still_open, program),
        account.still_open > 0,
        [(row, _money(row.amount, program)) for row in payouts.order_by("-paid_on", "-id")[:SHOWN]],
    )


def _money(amount: int, program: Program) -> str:
    return money_of(Fraction(amount), program.currency)


def _payout(given: Json, program: Program) -> tuple[int, date, str, str]:
    """(amount, day, receipt, key), as they were typed. Raises Unprocessable."""
    errors: dict[str, str] = {}
    amount, paid_on, receipt = 0, date.min, ""
    with suppress(Unreadable, BadMoney):
        amount = minor(decimal(given.get("amount", "")), program.currency)
    if amount <= 0:
        errors["amount"] = "Write an amount such as 5 or 5.50."
    try:
        paid_on = date.fromisoformat(str(given.get("paid_on", "")))
    except ValueError:
        errors["paid_on"] = "Choose a day."
    else:
        if paid_on > dates.local_date(clock.now(), ZoneInfo(program.timezone)):
            errors["paid_on"] = "Choose a day that has come."
    with suppress(Unreadable):
        receipt = text(given.get("receipt"))
    if not receipt:
        errors["receipt"] = "Say where the receipt is: its number, or a link."
    elif len(receipt) > RECEIPT_LENGTH_MAX:
        errors["receipt"] = f"Use at most {RECEIPT_LENGTH_MAX} characters."
    if not is_key(given.get("key")):
        errors[""] = "The page is out of date. Reload it."
    if errors:
        raise Unprocessable(errors)
    return amount, paid_on, receipt, given["key"]
