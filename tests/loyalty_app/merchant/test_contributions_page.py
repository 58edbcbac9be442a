"""What shoppers handed in: shown as it was said, approved or refused once."""

import pytest

from rewards import actions, people, programs
from rewards.models import Action
from tests.loyalty_app.merchant.conftest import Merchant

PATH = "/app/contributions"
PHOTO = {"id": "photo", "kind": "content", "title": "Your photo", "points": 100}
NAV = '<s-link href="/app/contributions">'


@pytest.fixture
def asking(merchant: Merchant) -> Merchant:
    merchant.apply(rules=[PHOTO])
    return merchant


def handed_in(merchant: Merchant, text: str = "Look!", key: str = "one", **more: str) -> Action:
    member = merchant.member()
    action, _ = actions.earn(merchant.program, member.pk, "photo", key, data={"text": text, **more})
    return action


def test_the_panel_leads_there_where_there_is_something_to_judge(merchant: Merchant) -> None:
    assert NAV not in merchant.page("/app/")
    merchant.apply(rules=[PHOTO])
    assert NAV in merchant.page("/app/")
    waiting = handed_in(merchant)
    merchant.apply(rules=[{**PHOTO, "archived": True}])
    assert NAV in merchant.page("/app/")
    merchant.post(f"{PATH}/{waiting.pk}/approve", {})
    assert NAV not in merchant.page("/app/")


def test_approving_gives_once(asking: Merchant) -> None:
    waiting = handed_in(asking)
    html = asking.page(PATH)
    assert "Look!" in html
    assert "Your photo" in html
    answer = asking.post(f"{PATH}/{waiting.pk}/approve", {})
    assert (answer["toast"], answer["go"]) == ("100 points given", PATH)
    assert asking.errors(f"{PATH}/{waiting.pk}/approve", {}) == {"": "This was decided already."}
    assert asking.member().available == 100
    html = asking.page(PATH)
    assert "Nothing waits" in html
    assert "Given" in html


def test_refusing_needs_a_reason_that_the_shopper_reads(asking: Merchant) -> None:
    waiting = handed_in(asking)
    path = f"{PATH}/{waiting.pk}/refuse"
    for reason in ("", "  ", None, "x" * 301, "\0"):
        assert "reason" in asking.errors(path, {"reason": reason} if reason is not None else {})
    asking.post(path, {"reason": "Too dark"})
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason, waiting.author) == ("refused", "Too dark", "42")
    assert asking.errors(path, {"reason": "Again"}) == {"": "This was decided already."}
    assert "Too dark" in asking.page(PATH)
    assert asking.member().available == 0


def test_what_shoppers_say_stays_text(asking: Merchant) -> None:
    handed_in(asking, "<script>alert(1)</script>", link="https://x.example/?a=1&b='")
    html = asking.page(PATH)
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert 'rel="noopener noreferrer nofollow ugc"' in html
    assert "https://x.example/?a=1&amp;b=&#x27;" in html


def test_who_is_forgotten_has_nothing_waiting(asking: Merchant) -> None:
    handed_in(asking, "My face")
    people.forget(asking.program, (asking.shop.pk, 7001))
    html = asking.page(PATH)
    assert "Nothing waits" in html
    assert "My face" not in html


def test_a_member_s_badges_and_birthday_are_shown(merchant: Merchant) -> None:
    one = {"id": "first", "kind": "orders", "title": "First", "count": 1, "points": 5, "badge": "Pioneer"}
    programs.apply(merchant.program, {**merchant.document(), "challenges": [one]}, "test")
    merchant.program.versions.update(created_at=programs.BEGINNING)
    merchant.order(10)
    member = merchant.member()
    member.birthday, member.birthday_since = 229, member.joined_at.date()
    member.save()
    html = merchant.page(f"/app/members/{member.pk}")
    assert "Pioneer" in html
    assert "29 February" in html
    assert "“First” achieved: 5 points." in html
