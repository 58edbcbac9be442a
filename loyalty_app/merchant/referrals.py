"""Referrals: what comes of members' links, who waits to be looked at, and what the program promises."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from loyalty_app.merchant import customers, fields, forms, risks, words
from loyalty_app.merchant.answers import (
    Json,
    Unprocessable,
    done,
    fetch,
    member_of,
    page,
    program_of,
    shown,
    typed,
)
from rewards import advocates, documents, programs, referral_reports, referrals
from rewards.models import Advocate, Member, Order, Program, Referral
from rewards.referral_reports import Leader
from rewards.referrals import REASONS, AlreadyDecided
from shopify_bridge.auth import Staff

PATH = "/app/referrals"
PREFIX = "referrals."
SHOWN = 50
DECIDED_SHOWN = 20
KINDS = ("percentage", "fixed", "free_shipping")
TONES = {
    Referral.State.PAID: "success",
    Referral.State.WAITING: "info",
    Referral.State.HELD: "warning",
}
"""Of states; the others are neutral."""
Decide = Callable[[Program, int, str], Referral]


@dataclass(frozen=True, slots=True)
class Row:
    """A first order, with the names of both."""

    referral: Referral
    name: str
    friend: str
    order: str
    amount: str
    reasons: list[str]

    @property
    def tone(self) -> str:
        return TONES.get(Referral.State(self.referral.state), "neutral")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the leaderboard."""

    leader: Leader
    name: str
    revenue: str


@page
def overview(request: HttpRequest, staff: Staff) -> HttpResponse:
    program = program_of(staff)
    held = referrals.held(program.pk)
    decided = Referral.objects.filter(program_id=program.pk).exclude(decided_at=None).order_by("-decided_at")
    context = {
        "is_on": programs.invitations(program).active,
        "withheld": program.withheld.get(programs.FRIENDS),
        "figures": _figures(program),
        "held": _rows(staff, program, held[:SHOWN]),
        "held_count": held.count(),
        "decided": _rows(staff, program, decided[:DECIDED_SHOWN]),
        "leaders": _leaders(staff, program),
        "risks": risks.sentences(program, programs.document(program), PREFIX),
    }
    return shown(request, staff, "merchant/referrals.html", context)


@fetch
def approve(request: HttpRequest, staff: Staff, referral_id: int) -> HttpResponse:
    return _decided(staff, referral_id, referrals.approve, "Approved")


@fetch
def refuse(request: HttpRequest, staff: Staff, referral_id: int) -> HttpResponse:
    return _decided(staff, referral_id, referrals.refuse, "Refused")


@fetch
def block(request: HttpRequest, staff: Staff, referral_id: int) -> HttpResponse:
    return _decided(staff, referral_id, referrals.block, "Blocked: this member's link leads nowhere now")


@fetch
def unblock(request: HttpRequest, staff: Staff, member_id: int) -> HttpResponse:
    """The member's links are open again; what was blocked with them stays unpaid."""
    member = member_of(staff, member_id)
    advocate = Advocate.objects.filter(program_id=member.program_id, member_id=member.pk).first()
    if advocate is None:
        raise Http404
    advocates.unblock(member.program_id, advocate)
    return done("This member can invite again", PATH)


@page
def settings(request: HttpRequest, staff: Staff) -> HttpResponse:
    program = program_of(staff)
    said = _of_kind(programs.document(program)["referrals"], request.GET.get("kind", ""))
    rules, reward = _shape(program, said)
    context = {
        "rules": rules,
        "reward": reward,
        "kind": said["reward"]["kind"],
        "kinds": [(kind, documents.schema()["$defs"][kind]["title"]) for kind in KINDS],
    }
    return shown(request, staff, "merchant/referral_settings.html", context)


@fetch
def save(request: HttpRequest, staff: Staff) -> HttpResponse:
    given, found = typed(request), program_of(staff)
    version = forms.version_in(given)
    document, readers, unreadable = _typed(found, given)
    forms.save(found, document, staff.user_id, version, readers, unreadable, PREFIX)
    return done("Referrals saved", PATH)


def typed_document(request: HttpRequest, staff: Staff) -> tuple[Program, Json]:
    """The program with the referrals that are typed right now."""
    given, found = typed(request), program_of(staff)
    given.pop("version", None)
    document, readers, unreadable = _typed(found, given)
    return found, forms.checked(document, found.currency, readers, unreadable, PREFIX)


def _typed(found: Program, given: Json) -> tuple[Json, dict[str, forms.Reader], dict[str, str]]:
    """The document as it is typed, the readers of its form, and what can't be read."""
    document = programs.document(found)
    said = _of_kind(document["referrals"], str(given.pop("reward.kind", "")))
    rules, reward = _shape(found, said)
    whole = fields.Group("", "", "", rules.fields, (reward,))
    result, unreadable = fields.merged(whole, said, given)
    return {**document, "referrals": result}, whole.readers(), unreadable


def _of_kind(said: Json, kind: str) -> Json:
    """With a friend's reward of this kind: what other kinds have is left out, what all have stays."""
    if kind not in KINDS or kind == said["reward"]["kind"]:
        return said
    common = documents.schema()["$defs"]["discount"]["properties"].keys() | {"title"}
    reward = {name: value for name, value in said["reward"].items() if name in common}
    return {**said, "reward": {**reward, "kind": kind}}


def _shape(found: Program, said: Json) -> tuple[fields.Group, fields.Group]:
    """The rules, and the friend's reward."""
    part = documents.schema()["properties"]["referrals"]
    around = fields.Around.of(programs.document(found), found.currency, found.timezone)
    rules = fields.group(part, said, around, without=("reward",))
    reward = fields.group(part["properties"]["reward"], said["reward"], around, "reward", without=("kind",))
    return rules, reward


def _decided(staff: Staff, referral_id: int, decide: Decide, toast: str) -> HttpResponse:
    program = program_of(staff)
    if not Referral.objects.filter(program_id=program.pk, pk=referral_id).exists():
        raise Http404
    try:
        decide(program, referral_id, staff.user_id)
    except AlreadyDecided as problem:
        raise Unprocessable({"": str(problem)}) from problem
    return done(toast, PATH)


def _figures(program: Program) -> list[tuple[str, str, str]]:
    """(what, how much, a remark)."""
    found = referral_reports.figures(program)
    names = programs.document(program)["points"]
    refused = f"{found.refused_claims:,} more refused" if found.refused_claims else ""
    return [
        ("Clicks", f"{found.clicks:,}", ""),
        ("Claims", f"{found.claims:,}", refused),
        ("First orders", f"{found.orders:,}", ""),
        ("Cost", words.money_of(found.cost, program.currency), f"{words.counted(found.points, names)} paid"),
        ("Revenue", words.money_of(Fraction(found.revenue), program.currency), ""),
    ]


def _leaders(staff: Staff, program: Program) -> list[Place]:
    found = referral_reports.leaders(program)
    names = _names(staff, program, {leader.member_id for leader in found})
    return [
        Place(leader, names[leader.member_id], words.money_of(Fraction(leader.revenue), program.currency))
        for leader in found
    ]


def _rows(staff: Staff, program: Program, found: QuerySet[Referral]) -> list[Row]:
    rows = list(found)
    links = Advocate.objects.filter(program_id=program.pk).in_bulk({row.advocate_id for row in rows})
    orders = Order.objects.filter(program_id=program.pk).in_bulk({row.order_id for row in rows})
    members = {row.advocate_id: links[row.advocate_id].member_id for row in rows}
    names = _names(staff, program, {*members.values(), *(row.member_id for row in rows)})
    return [
        Row(
            row,
            names[members[row.advocate_id]],
            names[row.member_id],
            (orders[row.order_id].facts or {}).get("name", ""),
            words.money_of(Fraction(orders[row.order_id].spend), program.currency),
            [REASONS.get(code, code) for code in row.reasons],
        )
        for row in rows
    ]


def _names(staff: Staff, program: Program, member_ids: set[int]) -> dict[int, str]:
    members = Member.objects.filter(program_id=program.pk, pk__in=member_ids)
    return customers.names_of(staff.shop, members)
