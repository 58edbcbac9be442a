"""The prize draws: drawn once, by a recipe that anybody can follow."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse

from loyalty_app.merchant import customers
from loyalty_app.merchant.answers import Json, Unprocessable, done, fetch, page, program_of, shown, typed
from loyalty_app.merchant.reasons import REASON_LENGTH_MAX, reason_in
from loyalty_app.merchant.tables import table
from rewards import clock, draws, live, programs, tallies
from rewards.models import Drawing, Member, Program, Redemption, Tally
from rewards.rules.words import moment_of
from shopify_bridge.auth import Staff

PATH = "/app/draws"
STATES = {
    "open": ("Takes entries", "success"),
    "closed": ("To be drawn", "warning"),
    "drawn": ("Drawn", "neutral"),
    "called_off": ("Called off", "neutral"),
}


@dataclass(frozen=True, slots=True)
class Winner:
    entry: int
    member_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Turn:
    drawing: Drawing
    people: int
    winners: list[Winner]


@dataclass(frozen=True, slots=True)
class Row:
    """One draw, and what came out of it."""

    reward: Json
    said: Json
    closes: str
    state: str
    tone: str
    turns: list[Turn]


@page
def listed(request: HttpRequest, staff: Staff) -> HttpResponse:
    program = program_of(staff)
    found = [reward for reward in programs.document(program)["rewards"] if _is_draw(reward)]
    ids = [reward["id"] for reward in found]
    drawn, taken = draws.of_rewards(program.pk, ids), tallies.known(program.pk, ids)
    winners = _winners(staff, [drawing for turns in drawn.values() for drawing in turns])
    rows = [_row(program, reward, taken[reward["id"]], drawn[reward["id"]], winners) for reward in found]
    return shown(request, staff, "merchant/draws.html", {"rows": rows, "reason_most": REASON_LENGTH_MAX})


@fetch
def draw(request: HttpRequest, staff: Staff, draw_id: str) -> HttpResponse:
    program = _program_with(staff, draw_id)
    drawn = _decided(lambda: draws.draw(program, draw_id, staff.user_id))
    return done("1 winner" if len(drawn.winners) == 1 else f"{len(drawn.winners)} winners", PATH)


@fetch
def draw_again(request: HttpRequest, staff: Staff, draw_id: str) -> HttpResponse:
    program = _program_with(staff, draw_id)
    reason = reason_in(typed(request), "Say why: it stands beside the draw for everybody to read.")
    _decided(lambda: draws.draw_again(program, draw_id, staff.user_id, reason))
    return done("One more winner", PATH)


@fetch
def call_off(request: HttpRequest, staff: Staff, draw_id: str) -> HttpResponse:
    program = _program_with(staff, draw_id)
    reason = reason_in(typed(request))
    _decided(lambda: draws.call_off(program, draw_id, staff.user_id, reason))
    return done("Called off. The points are on their way back.", PATH)


@fetch
def file(request: HttpRequest, staff: Staff, draw_id: str) -> HttpResponse:
    """Who took part in what turn, with the number that each entry drew."""
    program = _program_with(staff, draw_id)
    turns = draws.drawings(program.pk, draw_id)
    rows = (
        (turn.turn, person, entry, draws.number(turn.seed, entry), "yes" if entry in turn.winners else "")
        for turn in turns
        for person, entries in enumerate(turn.entries, start=1)
        for entry in entries
    )
    return table(("Turn", "Person", "Entry", "Number", "Won"), rows)


def _decided(decide: Callable[[], Drawing]) -> Drawing:
    try:
        return decide()
    except draws.NotNow as problem:
        raise Unprocessable({"": str(problem)}) from problem


def _is_draw(reward: Json) -> bool:
    return bool(reward["kind"] == "draw")


def _program_with(staff: Staff, reward_id: str) -> Program:
    program = program_of(staff)
    reward = programs.reward(programs.document(program), reward_id)
    if reward is None or not _is_draw(reward):
        raise Http404
    return program


def _row(
    program: Program, reward: Json, tally: Tally, turns: list[Drawing], winners: Mapping[int, Winner]
) -> Row:
    said = live.draw(program, reward, tally, turns, clock.now())
    return Row(
        reward,
        said,
        moment_of(reward["closes"]),
        *STATES[said["state"]],
        [
            Turn(drawing, len(drawing.entries), [winners[entry] for entry in drawing.winners])
            for drawing in turns
            if not drawing.called_off
        ],
    )


def _winners(staff: Staff, drawings: Iterable[Drawing]) -> dict[int, Winner]:
    """By entry: all of a page at once, since Shopify is asked for their names."""
    entries = [entry for drawing in drawings for entry in drawing.winners]
    program_id = staff.shop.program_id
    won = Redemption.objects.filter(program_id=program_id, pk__in=entries).values_list("pk", "member_id")
    members = dict(won)
    people = Member.objects.filter(program_id=program_id, pk__in=set(members.values()))
    names = customers.names_of(staff.shop, people)
    return {entry: Winner(entry, member_id, names[member_id]) for entry, member_id in members.items()}
