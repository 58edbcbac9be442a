import base64
import hashlib
import hmac
import itertools
import json
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shopify import session_token

from shopify_bridge import signatures
from shopify_bridge.signatures import Refused
from tests.shopify_bridge import signing
from tests.shopify_bridge.signing import CLIENT_ID, SECRET, SHOP

pytestmark = pytest.mark.filterwarnings("ignore:The HMAC key is")  # our secrets have Shopify's length
OLD = "shpss_" + "1" * 32
BODY = b'{"id": 1}'
GOOD = signing.webhook_hmac(BODY)


# --- webhooks


@pytest.mark.parametrize(
    ("header", "body", "secrets", "ok"),
    [
        (GOOD, BODY, (SECRET, ""), True),
        (GOOD, BODY, (OLD, SECRET), True),
        (GOOD, BODY, (OLD, ""), False),
        (GOOD, BODY, ("", ""), False),
        (GOOD, BODY + b" ", (SECRET, ""), False),
        (GOOD[:-1], BODY, (SECRET, ""), False),
        (GOOD + "=", BODY, (SECRET, ""), False),
        (" " + GOOD, BODY, (SECRET, ""), False),
        (GOOD.lower(), BODY, (SECRET, ""), False),
        (GOOD.upper(), BODY, (SECRET, ""), False),
        (f"{GOOD},{GOOD}", BODY, (SECRET, ""), False),
        (base64.b64decode(GOOD).hex(), BODY, (SECRET, ""), False),
        ("", BODY, (SECRET, ""), False),
        ("", b"", (SECRET, ""), False),
        ("é" * 44, BODY, (SECRET, ""), False),
        ("\udcff", BODY, (SECRET, ""), False),
        (signing.webhook_hmac(b""), b"", (SECRET, ""), True),
        (signing.webhook_hmac(b"\xff\xfe\x00"), b"\xff\xfe\x00", (SECRET, ""), True),
        (signing.webhook_hmac(BODY, ""), BODY, ("", ""), False),
    ],
)
def test_webhook_header(header: str, body: bytes, secrets: tuple[str, str], ok: bool) -> None:
    assert signatures.webhook_signature_ok(body, header, secrets) is ok


def test_ten_thousand_random_signatures_open_nothing() -> None:
    dice = random.Random(1)
    headers = (base64.b64encode(dice.randbytes(32)).decode() for _ in range(10_000))
    assert not any(signatures.webhook_signature_ok(BODY, header, (SECRET, OLD)) for header in headers)


# --- app proxy

DOCUMENTED = (
    "extra=1&extra=2&shop=shop-name.myshopify.com&logged_in_customer_id={}"
    "&path_prefix=%2Fapps%2Fawesome_reviews&timestamp=1317327555&signature={}"
)


@pytest.mark.parametrize(
    ("customer", "signature", "customer_id"),
    [
        ("1", "4c68c8624d737112c91818c11017d24d334b524cb5c2b8ba08daa056f7395ddb", 1),
        ("", "e072b6d7e6622d85912a5214b860d3100dc1e73d9bc29f43796ac8c9ff8093cb", None),
    ],
)
def test_known_answers_of_the_proxy(customer: str, signature: str, customer_id: int | None) -> None:
    found = signatures.proxy_query(DOCUMENTED.format(customer, signature), ("hush",), 1317327555)
    assert found == signatures.ProxyQuery("shop-name.myshopify.com", customer_id, "/apps/awesome_reviews")


def proxy(query: str) -> signatures.ProxyQuery:
    return signatures.proxy_query(query, (SECRET, OLD), time.time())


@pytest.mark.parametrize(
    "extra",
    [
        [],
        [("a", "1"), ("a1", "2"), ("a-b", "3")],  # one name is the start of another: pairs are sorted
        [("q", "a b+c&d=e"), ("spb", "1"), ("empty", "")],
        [("note", "naïve 日本語")],
    ],
)
def test_own_parameters_stay_in_the_signature(extra: list[tuple[str, str]]) -> None:
    assert proxy(signing.proxy_query(extra)).customer_id == 7


def test_bytes_that_are_no_text_are_signed_as_they_came() -> None:
    pairs = signing.proxy_pairs()
    signed = signatures.canonical_proxy_text([*pairs, ("x", "\udcff")])
    signature = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert proxy(f"{urlencode(pairs)}&x=%FF&signature={signature}").shop == SHOP


NOW = int(time.time())


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: signing.proxy_query(shop=None), "missing_shop"),
        (lambda: signing.proxy_query(logged_in_customer_id=None), "missing_logged_in_customer_id"),
        (lambda: signing.proxy_query(path_prefix=None), "missing_path_prefix"),
        (lambda: signing.proxy_query(timestamp=None), "missing_timestamp"),
        (lambda: urlencode(signing.proxy_pairs()), "missing_signature"),
        (lambda: signing.proxy_query([("shop", SHOP)]), "repeated_shop"),
        (lambda: signing.proxy_query([("logged_in_customer_id", "8")]), "repeated_logged_in_customer_id"),
        (lambda: signing.proxy_query([("timestamp", str(NOW))]), "repeated_timestamp"),
        (lambda: signing.proxy_query() + "&signature=" + "0" * 64, "repeated_signature"),
        (lambda: signing.proxy_query(shop="demo.myshopify.com.evil.example"), "bad_shop"),
        (lambda: signing.proxy_query(shop="Demo.myshopify.com"), "bad_shop"),
        (lambda: signing.proxy_query(logged_in_customer_id="07"), "bad_logged_in_customer_id"),
        (lambda: signing.proxy_query(logged_in_customer_id="٧"), "bad_logged_in_customer_id"),
        (lambda: signing.proxy_query(logged_in_customer_id="7\n"), "bad_logged_in_customer_id"),
        (lambda: signing.proxy_query(logged_in_customer_id="-7"), "bad_logged_in_customer_id"),
        (
            lambda: signing.proxy_query(logged_in_customer_id="9223372036854775808"),
            "bad_logged_in_customer_id",
        ),
        (lambda: signing.proxy_query(timestamp="soon"), "bad_timestamp"),
        (lambda: signing.proxy_query(timestamp=str(NOW - 100_000)), "stale"),
        (lambda: signing.proxy_query(timestamp=str(NOW + 100_000)), "stale"),
        (lambda: signing.proxy_query(path_prefix="//evil.example"), "bad_path_prefix"),
        (lambda: signing.proxy_query([("myshop", "x")]), "ambiguous"),
        (lambda: signing.proxy_query([("q", "logged_in_customer_id=8")]), "ambiguous"),
        (lambda: signing.proxy_query([("q", "signature=1")]), "ambiguous"),
        (lambda: signing.proxy_query().replace("=7", "=8"), "bad_signature"),
        (lambda: signing.proxy_query().replace("signature=", "signature=A"), "bad_signature"),
        (lambda: signing.proxy_query() + "&more=1", "bad_signature"),
        (lambda: signing.proxy_query([("x", "y" * 9_000)]), "too_long"),
        (lambda: signing.proxy_query([(f"x{n}", "") for n in range(200)]), "unreadable"),
        (lambda: "", "missing_shop"),
    ],
)
def test_proxy_refuses(make: Callable[[], str], reason: str) -> None:
    with pytest.raises(Refused) as refused:
        proxy(make())
    assert refused.value.reason == reason


NAMES = ["shop", "timestamp", "path_prefix", "logged_in_customer_id", "a", "m", "z", "signature", ""]
VALUES = ["7", "8", "", SHOP, "evil.myshopify.com", "/apps/loyalty", str(NOW), "logged_in_customer_id=8"]


@given(
    guest_extra=st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=3),
    cuts=st.lists(st.integers(0, 400), max_size=1),
    equals=st.data(),
)
def test_no_other_split_of_a_signed_query_is_read(
    guest_extra: list[tuple[str, str]], cuts: list[int], equals: st.DataObject
) -> None:
    """A guest signs what they like, then cuts the signed text anew. No cut may say something else."""
    pairs = signing.proxy_pairs(logged_in_customer_id="", timestamp=str(NOW)) + guest_extra
    text = signatures.canonical_proxy_text(pairs).decode()
    signature = signing.proxy_signature(pairs)
    # Cuts at the names are the ones that matter; a few anywhere for what nobody thought of.
    starts = [match.start() for name in filter(None, NAMES) for match in re.finditer(re.escape(name), text)]
    chosen = equals.draw(st.sets(st.sampled_from(starts)))
    places = [0, *sorted(chosen | {cut % (len(text) + 1) for cut in cuts}), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(places) if start < end]
    split = []
    for piece in pieces:
        marks = [index for index, character in enumerate(piece) if character == "="]
        if marks:
            mark = equals.draw(st.sampled_from(marks))
            split.append((piece[:mark], piece[mark + 1 :]))
        else:
            split.append((piece, ""))
    try:
        found = signatures.proxy_query(urlencode([*split, ("signature", signature)]), (SECRET,), NOW)
    except Refused:
        return
    assert found == signatures.ProxyQuery(SHOP, None, "/apps/loyalty")


def test_the_forgery_that_the_once_only_rule_stops() -> None:
    """A guest's own two parameters, cut anew, make them customer 8: every other rule is satisfied."""
    guest = [*signing.proxy_pairs(logged_in_customer_id=""), ("a", "logged_in_customer_id=8"), ("m", "")]
    rest = [pair for pair in guest if pair[0] in ("path_prefix", "shop", "timestamp")]
    forged = [("a", ""), ("logged_in_customer_id", "8"), ("logged_in_customer_id=m", ""), *rest]
    assert signing.proxy_signature(forged) == signing.proxy_signature(guest)
    with pytest.raises(Refused) as refused:
        proxy(urlencode([*forged, ("signature", signing.proxy_signature(guest))]))
    assert refused.value.reason == "ambiguous"


# --- shops

HOSTILE_SHOPS = json.loads(Path(__file__).with_name("hostile_shops.json").read_text())


@pytest.mark.parametrize("shop", HOSTILE_SHOPS, ids=lambda shop: ascii(shop)[:40])
def test_hostile_shops_are_refused_not_repaired(shop: str) -> None:
    assert not signatures.is_shop_domain(shop)


def test_there_are_a_hundred_hostile_shops_and_real_ones_pass() -> None:
    assert len(set(HOSTILE_SHOPS)) >= 100
    for shop in ("demo.myshopify.com", "a.myshopify.com", "0-a.myshopify.com", "a" * 60 + ".myshopify.com"):
        assert signatures.is_shop_domain(shop)


# --- ID tokens


def resigned(payload: Any, header: Any = None, secret: str = SECRET) -> str:
    """A token with any JSON at all in it, signed well."""
    head = json.dumps(header or {"alg": "HS256", "typ": "JWT"}) if not isinstance(header, str) else header
    body = payload if isinstance(payload, str) else json.dumps(payload)
    parts = [base64.urlsafe_b64encode(text.encode()).rstrip(b"=") for text in (head, body)]
    signed = b".".join(parts)
    mac = base64.b64decode(signing.webhook_hmac(signed, secret))
    return (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


def at(**offsets: int) -> dict[str, int]:
    return {name: int(time.time()) + offset for name, offset in offsets.items()}


BAD_TOKENS: list[tuple[str, Callable[[], str], str]] = [
    ("empty", lambda: "", "no_jwt"),
    ("no jwt", lambda: "abc", "no_jwt"),
    ("two parts", lambda: "a.b", "no_jwt"),
    ("four parts", lambda: signing.id_token() + ".x", "no_jwt"),
    ("with a space", lambda: signing.id_token() + " ", "no_jwt"),
    ("two tokens", lambda: f"{signing.id_token()},{signing.id_token()}", "no_jwt"),
    ("non-ASCII", lambda: signing.id_token() + "é", "no_jwt"),
    ("1 MB", lambda: "a" * 1_000_000, "too_long"),
    ("1 MB in a claim", lambda: signing.id_token(jti="x" * 1_000_000), "too_long"),
    ("alg none", lambda: jwt.encode(signing.claims(), None, algorithm="none") + "AA", "bad_alg"),
    ("HS512", lambda: signing.id_token(algorithm="HS512"), "bad_alg"),
    ("HS384", lambda: signing.id_token(algorithm="HS384"), "bad_alg"),
    ("alg in lower case", lambda: resigned(signing.claims(), {"alg": "hs256"}), "bad_alg"),
    ("alg missing", lambda: resigned(signing.claims(), {"typ": "JWT"}), "bad_alg"),
    ("alg a list", lambda: resigned(signing.claims(), {"alg": ["HS256"]}), "bad_alg"),
    ("header no JSON", lambda: resigned(signing.claims(), "{"), "bad_header"),
    ("header a list", lambda: resigned(signing.claims(), "[1]"), "bad_alg"),
    ("deep header", lambda: resigned(signing.claims(), "[" * 3_000), "too_long"),
    ("header with crit", lambda: signing.id_token(headers={"crit": ["exp"]}), "bad_alg"),
    ("other key", lambda: signing.id_token(secret="shpss_" + "2" * 32), "invalid_id_token"),
    ("empty key", lambda: resigned(signing.claims(), secret=""), "invalid_id_token"),
    ("signature cut", lambda: signing.id_token()[:-2], "invalid_id_token"),
    ("other app", lambda: signing.id_token(aud="f" * 32), "invalid_aud"),
    ("aud missing", lambda: signing.id_token(aud=None), "invalid_aud"),
    ("aud a list", lambda: signing.id_token(aud=[CLIENT_ID]), "invalid_aud"),
    ("iss missing", lambda: signing.id_token(iss=None), "missing_iss"),
    (
        "iss of another shop",
        lambda: signing.id_token(iss="https://other.myshopify.com/admin"),
        "iss_is_not_dest",
    ),
    ("iss http", lambda: signing.id_token(iss=f"http://{SHOP}/admin"), "iss_is_not_dest"),
    ("iss with more path", lambda: signing.id_token(iss=f"https://{SHOP}/admin/x"), "iss_is_not_dest"),
    ("dest missing", lambda: signing.id_token(dest=None), "missing_dest"),
    (
        "dest foreign",
        lambda: signing.id_token(dest="https://evil.example", iss="https://evil.example/admin"),
        "bad_dest",
    ),
    ("dest http", lambda: signing.id_token(dest=f"http://{SHOP}"), "bad_dest"),
    ("dest with path", lambda: signing.id_token(dest=f"https://{SHOP}/x"), "bad_dest"),
    ("dest with port", lambda: signing.id_token(dest=f"https://{SHOP}:443"), "bad_dest"),
    ("dest a number", lambda: resigned(signing.claims(dest=7)), "bad_claims"),
    ("dest a list", lambda: resigned(signing.claims(dest=[f"https://{SHOP}"])), "bad_claims"),
    ("sub missing", lambda: signing.id_token(sub=None), "missing_sub"),
    ("sub a number", lambda: resigned(signing.claims(sub=42)), "invalid_id_token"),
    ("sub a customer", lambda: signing.id_token(sub="gid://shopify/Customer/7"), "bad_sub"),
    ("jti missing", lambda: signing.id_token(jti=None), "missing_jti"),
    ("jti a number", lambda: resigned(signing.claims(jti=7)), "invalid_id_token"),
    ("sid missing", lambda: signing.id_token(sid=None), "missing_sid"),
    ("exp missing", lambda: signing.id_token(exp=None), "missing_exp"),
    ("exp text", lambda: resigned(signing.claims(exp="soon")), "invalid_id_token"),
    (
        "exp infinite",
        lambda: resigned(json.dumps(signing.claims()).replace('"exp": ', '"exp": 1e999, "x": ')),
        "invalid_id_token",
    ),
    ("nbf missing", lambda: signing.id_token(nbf=None), "missing_nbf"),
    ("iat missing", lambda: signing.id_token(iat=None), "missing_iat"),
    ("expired for 15 s", lambda: signing.id_token(**at(exp=-15, nbf=-75, iat=-75)), "expired_id_token"),
    ("not before in 15 s", lambda: signing.id_token(**at(nbf=15, iat=15, exp=75)), "invalid_id_token"),
    ("issued in the future", lambda: signing.id_token(**at(iat=3_600, nbf=0, exp=3_660)), "invalid_id_token"),
    ("an hour's life", lambda: signing.id_token(**at(exp=3_600)), "bad_lifetime"),
    ("exp a fraction", lambda: resigned(signing.claims(exp=time.time() + 60)), "bad_times"),
    ("iat true", lambda: resigned(signing.claims(iat=True)), "bad_times"),
    ("sid a number", lambda: resigned(signing.claims(sid=7)), "bad_claims"),
    ("sid empty", lambda: resigned(signing.claims(sid="")), "missing_sid"),
    ("no life at all", lambda: resigned(signing.claims(**at(exp=0, nbf=0, iat=0))), "bad_lifetime"),
    ("header of nothing", lambda: resigned(signing.claims(), "null"), "bad_alg"),
    ("header of 400", lambda: resigned(signing.claims(), {"alg": "HS256", "kid": "x" * 400}), "bad_header"),
    ("dest bare", lambda: signing.id_token(dest=SHOP), "bad_dest"),
    ("payload a list", lambda: resigned("[]"), "invalid_id_token"),
    ("payload no JSON", lambda: resigned("{"), "invalid_id_token"),
]


@pytest.mark.parametrize(
    ("make", "reason"),
    [(make, reason) for _, make, reason in BAD_TOKENS],
    ids=[name for name, _, _ in BAD_TOKENS],
)
def test_bad_id_tokens(make: Callable[[], str], reason: str) -> None:
    """The reason is what the log shows of it, so that a person can tell an attack from a wrong clock."""
    with pytest.raises(Refused) as refused:
        signatures.staff_token(make(), CLIENT_ID, (SECRET, ""))
    assert (refused.value.reason, str(refused.value)) == (reason, reason)


def test_what_the_second_opinion_refuses_is_refused_here_too() -> None:
    """The table above is no invention: Shopify's other library judges most of it the same way."""
    refused = 0
    for _, make, _ in BAD_TOKENS:
        try:
            session_token.decode_from_header(f"Bearer {make()}", CLIENT_ID, SECRET)
        except (session_token.SessionTokenError, ValueError, AttributeError, TypeError, OverflowError):
            refused += 1
        except RecursionError:
            refused += 1
    assert len(BAD_TOKENS) >= 40
    assert refused >= 30


def test_an_app_without_a_secret_lets_nobody_in() -> None:
    with pytest.raises(Refused) as refused:
        signatures.staff_token(signing.id_token(), CLIENT_ID, ("", ""))
    assert refused.value.reason == "no_secret"
    with pytest.raises(Refused, match="bad_signature"):
        signatures.proxy_query(signing.proxy_query(), ("", ""), time.time())


@pytest.mark.parametrize(
    "changes",
    [{}, {"exp": -5, "nbf": -65, "iat": -65}, {"nbf": 8, "iat": 8, "exp": 68}, {"sig": "x"}, {"exp": 300}],
    ids=["fresh", "expired for 5 s", "not before in 8 s", "newer claim", "five minutes"],
)
def test_good_id_tokens(changes: dict[str, Any]) -> None:
    token = signing.id_token(**(changes if "sig" in changes else at(**changes)))
    found = signatures.staff_token(token, CLIENT_ID, (OLD, SECRET))
    assert (found.shop, found.user_id) == (SHOP, "42")
    assert token not in repr(found)
    assert session_token.decode_from_header(f"Bearer {token}", CLIENT_ID, SECRET)["sub"] == "42"


def test_a_second_is_a_life_and_any_length_of_header_is_read() -> None:
    """Base64 leaves out its padding, so each of the four lengths of its groups has to be tried."""
    tokens = [resigned(signing.claims(**at(exp=1, nbf=0, iat=0)))]
    tokens += [resigned(signing.claims(), {"alg": "HS256", "kid": "x" * n}) for n in range(4)]
    for token in tokens:
        found = signatures.staff_token(token, CLIENT_ID, (SECRET, ""))
        assert (found.token, found.claims["sub"]) == (token, "42")


def test_limits_are_the_longest_that_pass() -> None:
    """A header of 200 characters, a token of 4,096, a query of 8,192; one more is too much."""
    header = {"alg": "HS256", "kid": ""}
    room = 200 * 3 // 4 - len(json.dumps(header))
    full = resigned(signing.claims(), {**header, "kid": "x" * room})
    assert len(full.split(".")[0]) == 200
    assert signatures.staff_token(full, CLIENT_ID, (SECRET, "")).shop == SHOP
    long = {len(token): token for n in range(2_500, 3_100) if (token := resigned(signing.claims(x="y" * n)))}
    assert signatures.staff_token(long[4_096], CLIENT_ID, (SECRET, "")).shop == SHOP
    with pytest.raises(Refused, match="too_long"):
        signatures.staff_token(long[4_097], CLIENT_ID, (SECRET, ""))
    room = signatures.PROXY_QUERY_BYTES_MAX - len(signing.proxy_query([("x", "")]))
    assert proxy(signing.proxy_query([("x", "y" * room)])).shop == SHOP
    with pytest.raises(Refused, match="too_long"):
        proxy(signing.proxy_query([("x", "y" * (room + 1))]))


@pytest.mark.parametrize("offset", [-90, 90])
def test_ninety_seconds_are_the_proxys_window(offset: int) -> None:
    query = signing.proxy_query(timestamp=str(NOW))
    assert signatures.proxy_query(query, (SECRET,), NOW + offset).customer_id == 7
    with pytest.raises(Refused, match="stale"):
        signatures.proxy_query(query, (SECRET,), NOW + offset * 1.01)


def test_the_largest_id_is_a_customer() -> None:
    largest = 2**63 - 1
    assert proxy(signing.proxy_query(logged_in_customer_id=str(largest))).customer_id == largest


@pytest.mark.parametrize(
    ("make", "customer"),
    [
        (lambda: signing.buyer_token(), 7),
        (lambda: signing.buyer_token(None), None),
        (lambda: signing.buyer_token(sub=""), None),
        (lambda: signing.buyer_token(sub=f"gid://shopify/Customer/{2**63 - 1}"), 2**63 - 1),
        (lambda: signing.buyer_token(iss=SHOP), 7),
        (lambda: signing.buyer_token(iss=f"https://{SHOP}"), 7),
        (lambda: signing.buyer_token(dest=f"https://{SHOP}", iss=f"https://{SHOP}/admin", sid="s"), 7),
    ],
)
def test_buyers_tokens(make: Callable[[], str], customer: int | None) -> None:
    found = signatures.buyer_token(token := make(), CLIENT_ID, (SECRET, ""))
    assert (found.shop, found.customer_id, found.user_id) == (SHOP, customer, "")
    assert (found.token, found.claims["aud"]) == (token, CLIENT_ID)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: signing.id_token(), "bad_sub"),  # a staff user is no customer
        (lambda: signing.buyer_token(sub="gid://shopify/Order/7"), "bad_sub"),
        (lambda: signing.buyer_token(sub="7"), "bad_sub"),
        (lambda: signing.buyer_token(iss="https://other.myshopify.com/admin"), "iss_is_not_dest"),
        (lambda: signing.buyer_token(dest="evil.example"), "bad_dest"),
        (lambda: signing.buyer_token(dest=f"http://{SHOP}"), "bad_dest"),
        (lambda: signing.buyer_token(dest=""), "missing_dest"),
        (lambda: resigned(signing.claims(dest=7)), "bad_claims"),
        (lambda: signing.buyer_token(sid=7), "bad_claims"),
        (lambda: signing.buyer_token(jti=""), "missing_jti"),
        (lambda: signing.buyer_token(sub=f"gid://shopify/Customer/{2**63}"), "bad_sub"),
    ],
)
def test_bad_buyers_tokens(make: Callable[[], str], reason: str) -> None:
    with pytest.raises(Refused) as refused:
        signatures.buyer_token(make(), CLIENT_ID, (SECRET, ""))
    assert refused.value.reason == reason


def test_documented_vectors_are_signed_alike_by_the_helper() -> None:
    """The helper and the app sign by different code: both must say what Shopify documents."""
    pairs = [
        pair
        for pair in parse_qsl(DOCUMENTED.format("1", "x"), keep_blank_values=True)
        if pair[0] != "signature"
    ]
    assert (
        signing.proxy_signature(pairs, "hush")
        == "4c68c8624d737112c91818c11017d24d334b524cb5c2b8ba08daa056f7395ddb"
    )
