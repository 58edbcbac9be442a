"""Links and friends, through the app proxy: contract, permissions, and what each wrong input gets."""

import json
from typing import Any

import pytest

from rewards import advocates, people, programs
from rewards.models import Advocate, Claim, Member
from shopify_bridge import vault
from tests.loyalty_app.test_storefront import Storefront
from tests.shopify_bridge.conftest import Scripted, json_answer, scripted  # noqa: F401

pytestmark = pytest.mark.django_db
SAYS = {"active": True, "points": 100, "minimum": "20.00"}
MADE = {"codeDiscountNode": {"id": "gid://shopify/DiscountCodeNode/1"}, "userErrors": []}
NOTHING = (404, "not_found")


class Inviting(Storefront):
    """A shop whose members can invite; Shopify makes every code, and knows everybody's e-mail address."""

    def __init__(self, client: Any, server: Scripted, domain: str = "shop.myshopify.com") -> None:
        super().__init__(client, domain)
        self.shop.access_token = vault.seal("shpat_1", "access", domain)
        self.shop.access_token_expires_at = None
        self.shop.save()
        self.says(**SAYS)
        server.answer = self.answer
        self.server = server
        self.mail: str | None = "advocate@example.com"

    def answer(self, asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if asked["operationName"] == "customer_mail":
            found = {"defaultEmailAddress": self.mail and {"emailAddress": self.mail}}
            return json_answer({"data": {"customer": found}})
        return json_answer({"data": {"discountCodeBasicCreate": MADE}})

    def says(self, **said: Any) -> None:
        document = {**programs.document(self.program), "referrals": said}
        programs.apply(self.program, document, "test")

    def link(self, customer: str = "7001") -> str:
        answer = self.post("referral/link", {}, customer)
        assert answer.status_code == 200, answer.content
        code: str = answer.json()["code"]
        return code

    def visit(self, code: str, customer: str = "") -> Any:
        return self.post(f"referrals/{code}/visits", {}, customer)

    def claim(self, code: str, customer: str = "", address: str = "", **body: Any) -> Any:
        body = {"email": "friend@example.com", "key": "k", **body}
        return self.client.post(
            self.signed(f"referrals/{code}/claims", customer),
            json.dumps(body),
            content_type="application/json",
            headers={"X-Forwarded-For": address},
        )


@pytest.fixture
def inviting(client, scripted):  # noqa: F811
    return Inviting(client, scripted)


def test_a_member_s_link_is_made_when_it_is_asked_for(inviting):
    told = inviting.get("referral").json()
    reward = {"kind": "percentage", "title": "10% off", "percent": "10", "valid_days": 30}
    assert told.pop("reward").items() >= reward.items()
    assert told == {"points": 100, "minimum": "20.00", "code": None, "blocked": False, "friends": []}
    code = inviting.link()
    assert inviting.link() == code == inviting.get("referral").json()["code"]
    advocate = Advocate.objects.get()
    mail = advocates.traces(inviting.program, advocates.Mail.of("advocate@example.com"), "").mail
    assert bytes(advocate.mail_digest) == mail
    asked = [name for _, _, body in inviting.server.asked for name in [body["operationName"]]]
    assert asked == ["customer_mail"], "once"


def test_without_the_right_to_see_addresses_a_link_works_too(inviting):
    inviting.mail = None
    assert inviting.link()
    inviting.server.answer = lambda _: json_answer(
        {"errors": [{"message": "no", "extensions": {"code": "ACCESS_DENIED"}}]}
    )
    assert inviting.link("7002")
    assert set(Advocate.objects.values_list("mail_digest", flat=True)) == {None}


def test_a_guest_gets_a_code_for_anybody_and_a_customer_one_of_their_own(inviting):
    code = inviting.link()
    assert inviting.visit(code).json() == {"reward": inviting.get("referral").json()["reward"]}
    answer = inviting.claim(code)
    claim = Claim.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "state": "issued",
        "code": claim.code,
        "reward": inviting.get("referral").json()["reward"],
        "expires_at": claim.expires_at.isoformat(),
    }
    inviting.claim(code, "7002", key="other", email=None)
    bound = [
        body["variables"]["discount"]["context"]
        for _, _, body in inviting.server.asked
        if "discount" in body["variables"]
    ]
    assert bound == [{"all": "ALL"}, {"customers": {"add": ["gid://shopify/Customer/7002"]}}]


def test_the_same_key_gets_the_same_answer(inviting):
    code = inviting.link()
    first, again = inviting.claim(code), inviting.claim(code.lower())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Claim.objects.count() == 1


@pytest.mark.parametrize(
    "why", ["unknown", "guessed", "off", "blocked", "repeated", "own", "somebody else's key"]
)
def test_references_that_aren_t_open_get_404_and_nothing_else(inviting, why):
    code, customer, more = inviting.link(), "", {}
    if why == "unknown":
        code = "AAAAAAAA"
    elif why == "guessed":
        code = "x" * 500
    elif why == "off":
        inviting.says(**SAYS | {"active": False})
    elif why == "blocked":
        Advocate.objects.update(blocked_at="2026-01-01T00:00:00Z")
    elif why == "repeated":
        inviting.claim(code)
        more = {"key": "another"}
    elif why == "somebody else's key":
        inviting.claim(code)
        more = {"email": "else@example.com"}
    else:
        customer = "7001"
    before = Claim.objects.count()
    answer = inviting.claim(code, customer, **more)
    if why == "own":
        assert inviting.error(answer) == (409, "not_for_you")
        assert inviting.error(inviting.visit(code, customer)) == NOTHING
        return
    assert inviting.error(answer) == NOTHING
    assert answer.json()["error"]["message"] == "There is nothing here."
    assert Claim.objects.count() == before
    if why not in ("repeated", "somebody else's key"):
        assert inviting.error(inviting.visit(code)) == NOTHING


def test_another_shop_s_link_is_not_there(inviting, client):
    code = inviting.link()
    other = Inviting(client, inviting.server, "other.myshopify.com")
    assert inviting.error(other.visit(code)) == NOTHING
    assert inviting.error(other.claim(code)) == NOTHING


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"email": "friend"}, "invalid_email"),
        ({"email": None}, "invalid_email"),
        ({"email": ["a@example.com"]}, "invalid_email"),
        ({"email": "a@example.com\n"+"x" * 300}, "invalid_email"),
        ({"key": ""}, "invalid_key"),
        ({"key": 5}, "invalid_key"),
        ({"key": "x" * 101}, "invalid_key"),
        ({"key": "a\0"}, "invalid_key"),
        ({"points": 5}, "unknown_field"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_claim_is_named(inviting, body, code):
    assert inviting.error(inviting.claim(inviting.link(), **body)) == (422, code)
    assert not Claim.objects.exists()


def test_no_json_is_no_claim(inviting):
    path = f"referrals/{inviting.link()}/claims"
    for raw in (b"", b"[]", b"{", b"[" * 9000, b" " * 10_001):
        assert inviting.post(path, raw, "").status_code == 422


def test_who_cheats_reads_the_same_whatever_was_found(inviting):
    code = inviting.link()
    answers = {
        inviting.claim(code, key=mail, email=mail).content
        for mail in ("advo.cate+1@example.com", "x@mailinator.com")
    }
    assert [json.loads(answer)["error"]["code"] for answer in answers] == ["not_for_you"]
    assert sorted(Claim.objects.values_list("reasons", flat=True)) == [["disposable_mail"], ["own_mail"]]


def test_the_address_is_the_one_that_the_proxy_names(inviting):
    inviting.says(**SAYS, claims_per_day=1)
    code = inviting.link()
    assert inviting.claim(code, address="192.0.2.7, 10.0.0.1").status_code == 201
    second = {"key": "b", "email": "b@example.com"}
    assert inviting.claim(code, address="192.0.2.7", **second).status_code == 409
    third = {"key": "c", "email": "c@example.com"}
    assert inviting.claim(code, address="<script>", **third).status_code == 201


def test_a_code_that_is_being_made_isn_t_shown(inviting):
    code = inviting.link()
    inviting.server.answer = lambda _: (503, {}, b"")
    answer = inviting.claim(code)
    assert (answer.status_code, answer.json()["state"], answer.json()["code"]) == (201, "reserved", None)


def test_guests_have_no_link(inviting):
    assert inviting.error(inviting.get("referral", customer="")) == (401, "sign_in")
    assert inviting.error(inviting.post("referral/link", {}, "")) == (401, "sign_in")
    people.forget(inviting.program, (inviting.shop.pk, 7001))
    assert inviting.error(inviting.post("referral/link", {})) == (403, "forgotten")
    assert inviting.error(inviting.visit(inviting.link("7002"), "7001")) == NOTHING


def test_where_nobody_can_invite_there_is_nothing(inviting):
    inviting.says(active=False)
    assert inviting.error(inviting.get("referral")) == NOTHING
    assert inviting.error(inviting.post("referral/link", {})) == NOTHING
    assert inviting.get("program", customer="").json()["referrals"] is None


def test_the_link_of_somebody_blocked_is_no_longer_theirs_to_share(inviting):
    inviting.link()
    Advocate.objects.update(blocked_at="2026-01-01T00:00:00Z")
    answer = inviting.get("referral").json()
    assert (answer["code"], answer["blocked"]) == (None, True)


def test_a_new_customer_who_follows_a_link_is_remembered(inviting):
    code = inviting.link()
    assert inviting.visit(code, "7999").status_code == 200
    claim = Claim.objects.get()
    assert claim.state == "visited"
    assert claim.member == Member.objects.get(identities__external_id=7999)
