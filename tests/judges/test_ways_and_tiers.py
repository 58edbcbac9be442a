"""What Liquid says of the ways to earn and of the tiers, before any script has run."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rewards import documents, programs, tiers, ways
from rewards.rules import KINDS, Surprise
from sandbox.storefront.extension import Extension
from tests.judges.node import EXTENSION, judge
from tests.judges.test_theme_extension import locales

Json = dict[str, Any]
ZONE = "America/New_York"
TODAY = datetime.now(ZoneInfo(ZONE)).date()
YEAR = TODAY.year
ISOLATES = dict.fromkeys(map(ord, "\u2068\u2069"))

LEVELS: list[Json] = [
    {
        "id": "silver",
        "name": "Silver",
        "from": "250",
        "multiplier": {"factor": "1.25"},
        "perks": ["<Free> tea"],
    },
    {"id": "gold", "name": "Gold", "from": "500", "entry_points": 100},
    {"id": "club", "name": "Club", "by_invitation": True},
]


def rendered(
    block: str,
    *rules: Json,
    language: str = "en",
    standing: Json | None = None,
    orders: int = 0,
    settings: Json | None = None,
    **document: Any,
) -> str:
    found = Extension(EXTENSION).block(block)
    assert found is not None
    customer = {"orders_count": orders, "metafields": {"$app": {"standing": {"value": standing}}}}
    template = Extension(EXTENSION).environment(language, "USD", ZONE).from_string(found.source)
    return template.render(
        app={"metafields": {"loyalty": {"program": {"value": published(*rules, **document)}}}},
        block={"settings": found.settings(settings or {"show_tiers": True})},
        cart={"currency": {"iso_code": "USD"}},
        customer=customer if standing else None,
        routes={"account_url": "/account"},
    )


def published(
    *rules: Json, challenges: Sequence[Json] = (), gifts: Sequence[Json] = (), **settings: Any
) -> Json:
    said = programs.starter("Test", "USD")
    said["earning"]["rules"] = [{"id": f"r{number}", **rule} for number, rule in enumerate(rules)]
    said["tiers"] = {"levels": LEVELS, **settings}
    said["challenges"], said["gifts"] = list(challenges), list(gifts)
    document = documents.checked(said, "USD")
    earning = document["earning"]
    return {
        "name": document["name"],
        "currency": "USD",
        "points": document["points"],
        "rate": earning["rate"],
        "signup_bonus": 0,
        "ways": ways.public(document, ZONE, datetime.now(UTC)),
        "challenges": ways.challenges(document, ZONE, datetime.now(UTC)),
        "milestones": ways.milestones(document, ZONE, datetime.now(UTC)),
        "tiers": tiers.public(document),
        "rewards": [],
    }


def read(markup: str) -> str:
    text = unescape(re.sub(r"<[^>]*>", "", re.sub(r"</(p|li)>", " ", markup)))
    return " ".join(text.translate(ISOLATES).split())


def said(page: str) -> list[str]:
    """The ways to earn, as they are read; the rate is the first of them."""
    found = re.search(r'<ul class="loyalty-ways">(.*?)</ul>', page, re.DOTALL)
    assert found is not None
    return [read(item) for item in re.findall(r"<li.*?</li>", found[1], re.DOTALL)][1:]


def sentence(rule: Json, **more: Any) -> str:
    (found,) = said(rendered("rewards-section", rule, **more))
    return found


# -- ways to earn ------------------------------------------------------------------------------------------

MULTIPLIER: Json = {"kind": "multiplier", "factor": "1.50"}
EVERY_KIND: list[tuple[Json, str, str]] = [
    (MULTIPLIER, "1.5 x points on everything.", "1,5 x points auf alles."),
    (
        {**MULTIPLIER, "factor": "2.0", "on": {"vendors": ["Acme"]}},
        "2 x points on selected products.",
        "2 x points auf ausgewählte Produkte.",
    ),
    (
        {"kind": "bonus", "points": 1},
        "You get 1 point extra with every order.",
        "Du erhältst 1 point extra mit jeder Bestellung.",
    ),
    (
        {"kind": "bonus", "points": 5, "on": {"products": [7]}},
        "You get 5 points extra with every order of selected products.",
        "Du erhältst 5 points extra mit jeder Bestellung ausgewählter Produkte.",
    ),
    (
        {"kind": "first_order", "points": 100},
        "You get 100 points extra with your first order.",
        "Du erhältst 100 points extra mit deiner ersten Bestellung.",
    ),
    (
        {"kind": "nth_order", "n": 3, "points": 5},
        "You get 5 points extra with order number 3.",
        "Du erhältst 5 points extra mit Bestellung Nummer 3.",
    ),
    (
        {"kind": "nth_order", "n": 3, "repeat": True, "points": 5},
        "You get 5 points extra for every 3 orders.",
        "Du erhältst 5 points extra für je 3 Bestellungen.",
    ),
    (
        {"kind": "order_over", "amount": "49.9", "points": 5},
        "You get 5 points extra with an order of $49.90 or more.",
        "Du erhältst 5 points extra mit einer Bestellung ab $49.90.",
    ),
    (
        {"kind": "order_again", "within_days": 30, "points": 5},
        "You get 5 points extra when you order again within 30 days.",
        "Du erhältst 5 points extra, wenn du innerhalb von 30 Tagen wieder bestellst.",
    ),
    (
        {"kind": "order_again", "within_days": 1, "points": 5},
        "You get 5 points extra when you order again by the next day.",
        "Du erhältst 5 points extra, wenn du spätestens am nächsten Tag wieder bestellst.",
    ),
    (
        {"kind": "birthday", "points": 5},
        "You get 5 points on your birthday.",
        "Du erhältst 5 points zum Geburtstag.",
    ),
    (
        {"kind": "newsletter", "points": 5},
        "You get 5 points for subscribing to our e-mails.",
        "Du erhältst 5 points, wenn du unsere E-Mails abonnierst.",
    ),
    (
        {"kind": "sms", "points": 5},
        "You get 5 points for subscribing to our text messages.",
        "Du erhältst 5 points, wenn du unsere SMS abonnierst.",
    ),
    (
        {"kind": "social", "points": 5, "url": "https://example.com/", "title": "Follow <us>"},
        "Follow <us> You get 5 points for visiting our page.",
        "Follow <us> Du erhältst 5 points, wenn du unsere Seite besuchst.",
    ),
    (
        {"kind": "review", "points": 5},
        "You get 5 points for a review.",
        "Du erhältst 5 points für eine Bewertung.",
    ),
    (
        {"kind": "review", "points": 5, "with_picture": 9},
        "You get 5 points for a review, 9 points with a picture.",
        "Du erhältst 5 points für eine Bewertung, 9 points mit Bild.",
    ),
    (
        {"kind": "content", "points": 5},
        "You get 5 points for a contribution that we accept.",
        "Du erhältst 5 points für einen Beitrag, den wir annehmen.",
    ),
    (
        {"kind": "survey", "points": 5, "question": "Why?"},
        "You get 5 points for answering a question.",
        "Du erhältst 5 points, wenn du eine Frage beantwortest.",
    ),
    (
        {"kind": "custom", "points": 5, "title": "Bring the bag back"},
        "Bring the bag back You get 5 points.",
        "Bring the bag back Du erhältst 5 points.",
    ),
]


@pytest.mark.parametrize(("rule", "english", "german"), EVERY_KIND, ids=lambda one: str(one)[:50])
def test_each_way_is_a_sentence(rule: Json, english: str, german: str) -> None:
    assert sentence(rule) == english
    assert sentence(rule, language="de") == german
    arabic = sentence(rule, language="ar")
    assert re.search(r"[\u0600-\u06ff]", arabic)
    numbers = re.findall(r"\d+", english)
    assert [number for number in numbers if number not in arabic and numbers != ["1"]] == []


def test_the_sentences_are_of_every_kind() -> None:
    assert {rule["kind"] for rule, _, _ in EVERY_KIND} == KINDS.keys() - {Surprise.kind}


def in_days(days: int) -> str:
    return str(TODAY + timedelta(days=days))


@pytest.mark.parametrize(
    ("starts", "ends", "shown"),
    [(None, -1, False), (-3, 0, True), (0, 3, True), (1, 3, False), (1, None, False), (None, None, True)],
)
def test_a_campaign_is_shown_while_it_holds(starts: int | None, ends: int | None, shown: bool) -> None:
    moments = {"starts": starts, "ends": ends}
    rule = MULTIPLIER | {name: in_days(days) for name, days in moments.items() if days is not None}
    assert bool(said(rendered("rewards-section", rule))) is shown


@pytest.mark.parametrize(
    ("ends", "language", "words"),
    [
        (f"{YEAR + 1}-03-05", "en", f"Until 5 March {YEAR + 1}."),
        (f"{YEAR + 1}-03-05", "de", f"Bis 5. März {YEAR + 1}."),
        (f"{YEAR + 1}-12-31", "ar", f"حتى 31 ديسمبر {YEAR + 1}."),
        # Midnight of a day is the end of the one before it.
        (f"{YEAR + 1}-03-05T00:00", "en", f"Until 4 March {YEAR + 1}."),
        (f"{YEAR}-12-31", "en", "Until 31 December."),
    ],
)
def test_the_last_day_is_a_date_of_the_shops_calendar(ends: str, language: str, words: str) -> None:
    assert sentence({**MULTIPLIER, "ends": ends}, language=language).endswith(words)


@pytest.mark.parametrize("day", [f"{YEAR}-12-31", f"{YEAR + 1}-03-05"])
@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_the_panel_writes_days_as_liquid_does(language: str, day: str) -> None:
    printed = (
        Extension(EXTENSION)
        .environment(language, "USD", ZONE)
        .from_string("{% render 'loyalty-date', day: day %}")
    )
    texts = {
        key.removeprefix("date."): re.sub(r"\{\{ (\w+) \}\}", r"{\1}", text)
        for key, text in locales(EXTENSION, "")[language].items()
        if key.startswith("date.")
    }
    result = judge("days.mjs", json.dumps(texts), day, f"{day}T12:00:00")
    assert json.loads(result.stdout) == [printed.render(day=day).strip()] * 2


MEMBER: Json = {"points": 0, "tier": None}
SECRET = {"id": "secret", "name": "Secret", "hidden": True}


def test_whom_a_way_is_for_is_said() -> None:
    for_tiers = {**MULTIPLIER, "audience": {"tiers": ["silver", "gold"]}}
    assert sentence(for_tiers).endswith("Only for Silver, Gold.")
    assert sentence({**MULTIPLIER, "audience": {"never_ordered": True}}).endswith("For new customers.")


def test_what_is_for_a_hidden_tier_is_told_to_its_members() -> None:
    secret = {**MULTIPLIER, "audience": {"tiers": ["secret"]}}
    levels = [*LEVELS, SECRET]
    assert said(rendered("rewards-section", secret, levels=levels)) == []
    mine = {**MEMBER, "tier": {"id": "secret", "name": "Secret"}}
    assert sentence(secret, levels=levels, standing=mine).endswith("Only for Secret.")


@pytest.mark.parametrize(("orders", "shown"), [(0, 2), (1, 0)])
def test_what_is_for_new_customers_is_not_told_to_others(orders: int, shown: int) -> None:
    rules = [{"kind": "first_order", "points": 5}, {**MULTIPLIER, "audience": {"never_ordered": True}}]
    assert len(said(rendered("rewards-section", *rules, standing=MEMBER, orders=orders))) == shown


# -- challenges --------------------------------------------------------------------------------------------

THREE: Json = {"id": "three", "kind": "orders", "title": "Three <times>", "count": 3, "points": 100}


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        (
            {"within_days": 60, "badge": "Regular"},
            "Three <times> 3 orders. Within 60 days. You get 100 points. Badge: Regular.",
        ),
        ({"count": 1, "points": 0, "within_days": 1}, "Three <times> 1 order. Within one day."),
        (
            {"kind": "months", "ends": f"{YEAR + 1}-03-05"},
            f"Three <times> Orders in 3 months in a row. You get 100 points. Until 5 March {YEAR + 1}.",
        ),
        (
            {"kind": "collections", "collections": [1, 2, 3]},
            "Three <times> Something from 3 different collections. You get 100 points.",
        ),
        ({"starts": in_days(2)}, None),
        ({"archived": True}, None),
    ],
)
def test_a_challenge_is_told_in_sentences(challenge: Json, words: str | None) -> None:
    page = rendered("rewards-section", challenges=[{**THREE, **challenge}])
    found = [read(one) for one in re.findall(r"<li data-loyalty-challenge=.*?</li>", page, re.DOTALL)]
    assert found == ([words] if words else [])


# -- milestones --------------------------------------------------------------------------------------------

EACH: Json = {
    "id": "each",
    "kind": "milestone",
    "title": "Thank <you>",
    "reward": "five-off",
    "amount": "500",
}


@pytest.mark.parametrize(
    ("milestone", "words"),
    [
        ({}, "Thank <you> You get “5.00 off” for every $500.00 you spend."),
        (
            {"within_days": 30, "ends": f"{YEAR + 1}-03-05"},
            "Thank <you> You get “5.00 off” for every $500.00 you spend. Within 30 days."
            f" Until 5 March {YEAR + 1}.",
        ),
        ({"within_days": 1}, "Thank <you> You get “5.00 off” for every $500.00 you spend. Within one day."),
        ({"starts": in_days(2)}, None),
        ({"archived": True}, None),
        ({"kind": "surprise_gift", "budget": 5}, None),
    ],
)
def test_a_milestone_is_told_in_sentences(milestone: Json, words: str | None) -> None:
    for block in ("rewards-section", "loyalty-embed"):
        page = rendered(block, gifts=[{**EACH, **milestone}])
        found = [read(one) for one in re.findall(r"<li data-loyalty-milestone=.*?</li>", page, re.DOTALL)]
        assert found == ([words] if words else [])


def test_a_program_without_milestones_says_nothing_of_them() -> None:
    for block in ("rewards-section", "loyalty-embed"):
        assert "milestone" not in rendered(block)


# -- tiers -------------------------------------------------------------------------------------------------


def levels(page: str) -> list[str]:
    return [read(one) for one in re.findall(r'<li class="loyalty-tier".*?</ul>', page, re.DOTALL)]


@pytest.mark.parametrize("block", ["tiers", "rewards-section"])
def test_the_tiers_are_told_with_their_perks(block: str) -> None:
    page = rendered(block)
    assert levels(page) == [
        "Silver From $250.00 in 12 months 1.25 x points <Free> tea",
        "Gold From $500.00 in 12 months 100 points as a welcome",
        "Club By invitation",
    ]
    assert "aria-current" not in page
    mine = rendered(
        block, standing={**MEMBER, "tier": {"id": "gold", "name": "Gold", "until": f"{YEAR + 1}-12-31"}}
    )
    assert re.findall(r'data-loyalty-level="(\w+)" aria-current="true"', mine) == ["gold"]
    assert f"Gold until 31 December {YEAR + 1}" in read(mine)


@pytest.mark.parametrize(
    ("settings", "missing", "words", "bar"),
    [
        ({}, "37.20", "$37.20 to Gold by 31 December", (462800, 500000)),
        (
            {"metric": "points", "window": "lifetime"},
            20,
            "20 points to Gold by 31 December",
            (480000, 500000),
        ),
        ({"metric": "orders"}, 1, "1 order to Gold by 31 December", (499000, 500000)),
        ({"metric": "orders"}, 12, "12 orders to Gold by 31 December", (488000, 500000)),
    ],
)
def test_the_way_to_the_next_tier_is_said_and_drawn(
    settings: Json, missing: Any, words: str, bar: tuple[int, int]
) -> None:
    next_tier = {"id": "gold", "name": "Gold", "missing": missing, "by": f"{YEAR}-12-31"}
    next_tier["metric"] = settings.get("metric", "spend")
    standing = {**MEMBER, "next_tier": next_tier}
    for block in ("tiers", "rewards-section", "loyalty-embed"):
        page = rendered(block, standing=standing, **settings)
        (found,) = re.findall(r"<p data-loyalty-next-tier>(.*?)</p>", page)
        assert read(found) == words
        drawn = re.search(r'<progress[^>]*max="(\d+)" value="(\d+)" aria-label="([^"]*)"', page)
        assert drawn is not None
        assert (int(drawn[2]), int(drawn[1]), read(drawn[3])) == (*bar, words)


def test_without_a_day_or_a_known_threshold_there_is_less_to_say() -> None:
    next_tier = {"id": "gone", "name": "Old <one>", "metric": "spend", "missing": "5.00", "by": None}
    page = rendered("tiers", standing={**MEMBER, "next_tier": next_tier})
    assert "$5.00 to Old &lt;one&gt;</p>" in page
    assert "<progress" not in page
    german = rendered("tiers", standing={**MEMBER, "next_tier": next_tier}, language="de")
    assert "Noch $5.00 bis Old <one>" in read(german)


def test_a_program_without_tiers_says_nothing_of_them() -> None:
    for block in ("tiers", "rewards-section", "loyalty-embed"):
        assert "loyalty-tier" not in re.sub(r"data-loyalty-tier hidden", "", rendered(block, levels=[]))
