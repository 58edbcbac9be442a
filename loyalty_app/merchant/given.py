"""What rules gave, counted beside their page: with millions of orders that may take too long to wait for."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from psycopg.errors import QueryCanceled

from loyalty_app.merchant import words
from loyalty_app.merchant.answers import Json, fetch, program_of
from loyalty_app.merchant.entries import RULES
from rewards import clock, programs, rule_reports, rules
from rewards.models import Program
from rewards.rule_reports import Given
from rewards.rules import Reading
from shopify_bridge.auth import Staff

LATELY = timedelta(days=30)
LONGEST = timedelta(days=366)
PATIENCE = "4s"


@fetch
def lately(request: HttpRequest, staff: Staff) -> HttpResponse:
    """What each rule gave in the last 30 days."""
    found, now = program_of(staff), clock.now()
    return _answer(found, RULES.of(programs.document(found)), now - LATELY, now, "in the last 30 days")


@fetch
def by_rule(request: HttpRequest, staff: Staff, rule_id: str) -> HttpResponse:
    """What one rule gave: a campaign since it began, any other in the last year."""
    found, now = program_of(staff), clock.now()
    rule = RULES.one(programs.document(found), rule_id)
    kind = rules.KINDS[rule["kind"]]
    period = kind.of(rule, Reading(found.currency, ZoneInfo(found.timezone))).period
    until = min(now, period.ends or now)
    since = max(until - LONGEST, period.starts or until - LONGEST)
    when = "since it began" if period.starts == since else "in the last year"
    return _answer(found, [rule], since, until, when)


def _answer(found: Program, asked: list[Json], since: datetime, until: datetime, when: str) -> HttpResponse:
    only = asked[0]["id"] if len(asked) == 1 else ""
    counted = _counted(found, since, until, only)
    if counted is None:
        return JsonResponse({"ok": True, "given": dict.fromkeys((rule["id"] for rule in asked), "")})
    names = programs.document(found)["points"]
    said = {
        rule["id"]: words.given(counted.get(rule["id"]), rules.KINDS[rule["kind"]].of_orders, when, names)
        for rule in asked
    }
    return JsonResponse({"ok": True, "given": said})


def _counted(found: Program, since: datetime, until: datetime, rule: str) -> dict[str, Given] | None:
    """None: it would take too long."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [PATIENCE])
            return rule_reports.given(found, since, until, rule)
    except OperationalError as problem:
        if isinstance(problem.__cause__, QueryCanceled):
            return None
        raise
