"""Built from the list of addresses: a route without a door, or one that shows another's things, fails."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from rewards import actions, advocates, draws, people, programs, promotions, redemptions, reservations
from rewards.models import Advocate, Claim, Movement, Order, Redemption, Referral
from shopify_bridge.models import Credit, DataRequest, Gap, InboxRow, Shop
from tests.rewards.test_own_rewards import EVENING, RAFFLE, TREES
from tests.shopify_bridge import signing

pytestmark = pytest.mark.django_db
OPEN_TO_ALL = {"health/live", "health/ready", "app/token"}
METHODS = ("get", "post")
BUYERS = ("/extensions/customer-account/", "/extensions/checkout/")


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, list[str]]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route, list(pattern.pattern.converters)


ROUTES = list(routes(get_resolver("loyalty_app.urls").url_patterns))


@dataclass
class Tenant:
    """A shop with a member, a redemption and a parked delivery."""

    shop: Shop
    ids: dict[str, object]


def make_tenant(domain: str, customer_id: int) -> Tenant:
    program = programs.start(domain, "USD", "UTC")
    own_rule = domain.partition(".")[0]
    rule = {"id": own_rule, "kind": "social", "points": 1, "url": "https://social.example/"}
    challenge = {"id": f"by-{own_rule}", "kind": "orders", "title": "x", "count": 3, "points": 5}
    gift = {"id": f"gift-{own_rule}", "kind": "win_back", "title": "x", "reward": "five-off", "days": 30}
    document = programs.document(program)
    reward = {**document["rewards"][0], "id": f"of-{own_rule}"}
    photo = {"id": "photo", "kind": "content", "points": 1}
    earning = {**document["earning"], "rules": [rule, photo]}
    programs.apply(
        program,
        {
            **document,
            "earning": earning,
            "challenges": [challenge],
            "gifts": [gift],
            "referrals": {"active": True, "points": 5},
            "rewards": [*document["rewards"], reward, *own_rewards(own_rule)],
        },
        "test",
    )
    shop = Shop.objects.create(
        program_id=program.pk, domain=domain, currency="USD", access_token="1:x", refresh_token="1:x"
    )
    ref = (shop.pk, customer_id)
    now = datetime.now(UTC)
    other_ref = (shop.pk, customer_id + 1)
    found = people.enrol(program, {ref: now, other_ref: now})
    member_id = found[ref]
    request = reservations.Request(
        member_id=member_id,
        source_id=shop.pk,
        customer_id=customer_id,
        reward_id="choose",
        points=20,
        key="k",
    )
    redemption, _ = reservations.reserve(program, request)
    plan = promotions.Plan(shop.pk, "secret of the neighbour", reward, 1, "", None, "4711")
    promotion = promotions.start(program, plan)
    task, entry = (
        reservations.reserve(program, replace(request, reward_id=f"{id}-{own_rule}", points=None, key=id))[0]
        for id in ("evening", "raffle")
    )
    redemptions.issued(program.pk, task.pk, "own")
    redemptions.delivered(program.pk, entry.pk, "own")
    draws.draw(program, f"raffle-{own_rule}", "ann", now=datetime(2101, 1, 1, tzinfo=UTC))
    waiting, _ = actions.earn(program, member_id, "photo", "one", data={"text": "secret of the neighbour"})
    body = b'{"id": 1}'
    row = InboxRow.objects.create(
        program_id=program.pk,
        shop_id=shop.pk,
        shop_domain=domain,
        webhook_id="w",
        topic="orders/paid",
        body=body,
        body_hash=sha256(body).digest(),
        state=InboxRow.State.PARKED,
        reason="secret of the neighbour",
    )
    Credit.objects.create(
        program_id=program.pk, redemption=redemption, shop_id=shop.pk, customer_id=customer_id, parked_at=now
    )
    gap = Gap.objects.create(
        program_id=program.pk, shop_id=shop.pk, external_id=1, kind=Gap.Kind.MISSING, changed_at=now
    )
    asked = DataRequest.objects.create(
        program_id=program.pk, shop_id=shop.pk, external_id=1, customer_id=customer_id, asked_at=now
    )
    advocate = advocates.made(program, member_id)
    ids = {
        "member_id": member_id,
        "data_request_id": asked.pk,
        "id": redemption.pk,
        "redemption_id": redemption.pk,
        "promotion_id": promotion.pk,
        "row_id": row.pk,
        "gap_id": gap.pk,
        "rule_id": own_rule,
        "name": own_rule,
        "app/earning entry_id": own_rule,
        "app/challenges entry_id": challenge["id"],
        "app/rewards entry_id": reward["id"],
        "app/gifts entry_id": gift["id"],
        "task_id": task.pk,
        "donation_id": f"trees-{own_rule}",
        "draw_id": f"raffle-{own_rule}",
        "reward_id": f"evening-{own_rule}",
        "action_id": waiting.pk,
        "code": advocates.made(program, found[other_ref]).code,
        "referral_id": held(advocate, member_id, now).pk,
        # These name things that every program has.
        "app/earning kind": "bonus",
        "app/rewards kind": "fixed",
        "app/gifts kind": "milestone",
        "template": "tiers",
        "step": "stop",
        "number": 1,
    }
    return Tenant(shop, ids)


def held(advocate: Advocate, friend: int, now: datetime) -> Referral:
    """A first order that waits to be looked at."""
    own = {"program_id": advocate.program_id}
    claim = Claim.objects.create(
        **own, advocate=advocate, source_id=1, version=1, state=Claim.State.USED, created_at=now
    )
    order = Order.objects.create(**own, source_id=1, external_id=1)
    return Referral.objects.create(
        **own,
        advocate=advocate,
        claim=claim,
        order=order,
        member_id=friend,
        known_by="code",
        version=1,
        points=5,
        state=Referral.State.HELD,
        happened_at=now,
        pay_at=now,
    )


def own_rewards(suffix: str) -> list[dict[str, object]]:
    """One of each kind that the merchant looks after."""
    return [{**known, "id": f"{known['id']}-{suffix}", "points": 1} for known in (EVENING, TREES, RAFFLE)]


SHARED_NAMES = {"kind", "number", "step", "template"}


@pytest.fixture
def victim() -> Tenant:
    return make_tenant("victim.myshopify.com", 7)


@pytest.fixture
def stranger() -> Tenant:
    return make_tenant("stranger.myshopify.com", 7)


def path_of(route: str, names: list[str], ids: dict[str, object]) -> str:
    """`app/earning kind`: what a name stands for under one address only."""
    place = "/".join(route.split("/")[:2])
    for name in names:
        known = ids.get(f"{place} {name}", ids.get(name))
        for converter in ("int", "slug", "str"):
            route = route.replace(f"<{converter}:{name}>", str(known))
    return f"/{route}"


def call(method: str, path: str, shop: str, customer: str = "7") -> HttpResponse:
    """As this shop's staff or customer, with everything in order."""
    client = Client(enforce_csrf_checks=True)
    if path.startswith(BUYERS):
        token = signing.buyer_token(int(customer or 0), dest=shop)
    else:
        token = signing.id_token(iss=f"https://{shop}/admin", dest=f"https://{shop}")
    if path.startswith("/storefront/"):
        path += "?" + signing.proxy_query(shop=shop, logged_in_customer_id=customer)
    body = {"data": "{}", "content_type": "application/json"} if method == "post" else {}
    answer: HttpResponse = getattr(client, method)(path, headers={"Authorization": f"Bearer {token}"}, **body)
    return answer


@pytest.mark.parametrize(("route", "names"), ROUTES, ids=[route for route, _ in ROUTES])
def test_nobody_comes_in_unsigned(route: str, names: list[str], victim: Tenant) -> None:
    if route in OPEN_TO_ALL:
        return
    path = path_of(route, names, victim.ids)
    for method in ("get", "post", "put", "patch", "delete", "head"):
        for extra in ("", f"?shop={victim.shop.domain}&id_token=abc&signature=abc&logged_in_customer_id=7"):
            answer = getattr(Client(), method)(path + extra)
            assert answer.status_code in (302, 400, 401, 403, 405), (method, path)
            if answer.status_code == 302:
                assert answer["Location"].startswith("/app/token?")
            assert b"secret of the neighbour" not in answer.content


PERSONAL = [(route, names) for route, names in ROUTES if set(names) - SHARED_NAMES]


@pytest.mark.parametrize(("route", "names"), PERSONAL, ids=[route for route, _ in PERSONAL])
def test_what_is_another_shops_is_not_there(
    route: str, names: list[str], victim: Tenant, stranger: Tenant
) -> None:
    before = (Movement.objects.count(), Redemption.objects.get(pk=victim.ids["id"]).state)
    path = path_of(route, names, victim.ids)
    for method in METHODS:
        answer = call(method, path, stranger.shop.domain)
        assert answer.status_code in (404, 405), (method, path)
    assert (Movement.objects.count(), Redemption.objects.get(pk=victim.ids["id"]).state) == before
    reached = {call(method, path, victim.shop.domain).status_code for method in METHODS}
    assert reached - {404, 405}, "the address itself works for its own shop"


@pytest.mark.parametrize(("route", "names"), ROUTES, ids=[route for route, _ in ROUTES])
def test_what_is_another_customers_is_not_there(route: str, names: list[str], victim: Tenant) -> None:
    if "id" not in names:
        return
    for method in METHODS:
        for customer in ("8", ""):
            answer = call(method, path_of(route, names, victim.ids), victim.shop.domain, customer)
            assert answer.status_code in (401, 404, 405), (method, customer)
    assert Redemption.objects.get(pk=victim.ids["id"]).state == Redemption.State.RESERVED


@pytest.mark.parametrize(("route", "names"), ROUTES, ids=[route for route, _ in ROUTES])
def test_no_address_redirects_for_a_slash(route: str, names: list[str], victim: Tenant) -> None:
    path = path_of(route, names, victim.ids)
    other = path.rstrip("/") if path.endswith("/") else path + "/"
    answer = Client().get(f"{other}?signature=canary&hmac=canary")
    assert answer.status_code in (400, 401, 404)
    assert b"canary" not in answer.content
