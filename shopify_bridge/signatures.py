"""Who is speaking: webhook, app-proxy and ID-token signatures, as pure functions.

Nothing here reads settings, the clock or the database. The official package verifies ID tokens;
the checks it lacks stand around it. Webhooks and the app proxy have thin verifiers of our own,
because that package wants the body as text and accepts re-split proxy queries.
"""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from shopify_app import ShopifyApp

SHOP_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\.myshopify\.com")

# https://shopify.dev/docs/apps/build/online-store/app-proxies/authenticate-app-proxies
PROXY_WINDOW_SECONDS = 90
PROXY_QUERY_BYTES_MAX = 8_192
PROXY_FIELDS_MAX = 100
PROXY_SHAPES = {
    "shop": SHOP_DOMAIN,
    "timestamp": re.compile(r"[1-9][0-9]{8,10}"),
    "path_prefix": re.compile(r"(?:/[A-Za-z0-9_-]{1,60}){1,4}"),
    "logged_in_customer_id": re.compile(r"(?:[1-9][0-9]{0,18})?"),
    "signature": re.compile(r"[0-9a-f]{64}"),
}

# https://shopify.dev/docs/apps/build/authentication-authorization/session-tokens
ID_TOKEN_BYTES_MAX = 4_096
ID_TOKEN_HEADER_BYTES_MAX = 200
ID_TOKEN_LIFE_SECONDS_MAX = 300
ID_TOKEN_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
STAFF_CLAIMS = ("iss", "dest", "aud", "sub", "exp", "nbf", "iat", "jti", "sid")
BUYER_CLAIMS = ("dest", "aud", "exp", "nbf", "iat", "jti")
STAFF_SUBJECT = re.compile(r"[1-9][0-9]{0,18}")
BUYER_SUBJECT = re.compile(r"gid://shopify/Customer/([1-9][0-9]{0,18})")
ID_MAX = 2**63 - 1


class Refused(Exception):
    """A signature, or something it should cover, doesn't hold. The reason is a short code for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class ProxyQuery:
    """What Shopify vouches for in a storefront request. No customer: a guest."""

    shop: str
    customer_id: int | None
    path_prefix: str


@dataclass(frozen=True)
class IdToken:
    """A verified ID token: of a staff user (admin, POS) or of a buyer (checkout, customer account)."""

    shop: str
    user_id: str
    customer_id: int | None
    token: str
    claims: dict[str, Any]

    def __repr__(self) -> str:
        return f"IdToken(shop={self.shop!r})"  # the token itself is a credential for a minute


def is_shop_domain(text: str) -> bool:
    """Refuse, never repair: a mended domain may be somebody else's shop."""
    return SHOP_DOMAIN.fullmatch(text) is not None


def webhook_signature_ok(raw: bytes, header: str, secrets: Sequence[str]) -> bool:
    """Whether the header is the HMAC of the raw body under the current or the old secret."""
    try:
        given = header.encode("ascii")
    except UnicodeEncodeError:
        return False
    for secret in filter(None, secrets):
        expected = base64.b64encode(hmac.digest(secret.encode(), raw, "sha256"))
        if hmac.compare_digest(expected, given):
            return True
    return False


def proxy_query(query: str, secrets: Sequence[str], now: float) -> ProxyQuery:
    """The verified parameters of an app-proxy request, or `Refused`.

    Shopify signs `name=value` pairs glued together with nothing between, so one signature fits many
    splits of the same text. Three rules leave only one reading: each reserved parameter once, each in
    its strict shape, and each reserved `name=` only once in the signed text.
    """
    pairs = _parse_query(query)
    reserved = {name: _the_only(pairs, name) for name in PROXY_SHAPES}
    for name, shape in PROXY_SHAPES.items():
        if not shape.fullmatch(reserved[name]):
            raise Refused(f"bad_{name}")

    signed = canonical_proxy_text([(name, value) for name, value in pairs if name != "signature"])
    if signed.count(b"signature=") or any(
        signed.count(f"{name}=".encode()) != 1 for name in PROXY_SHAPES if name != "signature"
    ):
        raise Refused("ambiguous")
    if not _hex_signature_ok(signed, reserved["signature"], secrets):
        raise Refused("bad_signature")
    if abs(now - int(reserved["timestamp"])) > PROXY_WINDOW_SECONDS:
        raise Refused("stale")

    customer = int(reserved["logged_in_customer_id"] or 0)
    if customer > ID_MAX:
        raise Refused("bad_logged_in_customer_id")
    return ProxyQuery(reserved["shop"], customer or None, reserved["path_prefix"])


def canonical_proxy_text(pairs: Sequence[tuple[str, str]]) -> bytes:
    """What Shopify signs. The pair texts are sorted, not the names: they differ for `a` and `a-b`."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    texts = [f"{name}={','.join(parts)}".encode(errors="surrogateescape") for name, parts in values.items()]
    return b"".join(sorted(texts))


def _parse_query(query: str) -> list[tuple[str, str]]:
    if len(query) > PROXY_QUERY_BYTES_MAX:
        raise Refused("too_long")
    try:
        # Bytes that are no UTF-8 survive the round trip, as Shopify signed them.
        return parse_qsl(
            query, keep_blank_values=True, errors="surrogateescape", max_num_fields=PROXY_FIELDS_MAX
        )
    except ValueError as error:
        raise Refused("unreadable") from error


def _the_only(pairs: Sequence[tuple[str, str]], name: str) -> str:
    found = [value for key, value in pairs if key == name]
    if len(found) != 1:
        raise Refused(f"missing_{name}" if not found else f"repeated_{name}")
    return found[0]


def _hex_signature_ok(signed: bytes, given: str, secrets: Sequence[str]) -> bool:
    return any(
        hmac.compare_digest(hmac.digest(secret.encode(), signed, "sha256").hex(), given)
        for secret in filter(None, secrets)
    )


def staff_token(token: str, client_id: str, secrets: Sequence[str]) -> IdToken:
    """An ID token of the admin (panel, admin extension) or of POS, or `Refused`."""
    claims = _verified_claims(token, client_id, secrets, STAFF_CLAIMS)
    shop = _shop_of(claims["dest"], "https://")
    if claims["iss"] != f"https://{shop}/admin":
        raise Refused("iss_is_not_dest")
    if not isinstance(claims["sub"], str) or not STAFF_SUBJECT.fullmatch(claims["sub"]):
        raise Refused("bad_sub")
    return IdToken(shop, claims["sub"], None, token, claims)


def buyer_token(token: str, client_id: str, secrets: Sequence[str]) -> IdToken:
    """An ID token of checkout or customer accounts, or `Refused`. Without `sub`: nobody is signed in.

    https://shopify.dev/docs/api/checkout-ui-extensions/latest/target-apis/platform-apis/session-token-api
    These come with or without `iss`, and with `dest` as an address or as a bare domain.
    """
    claims = _verified_claims(token, client_id, secrets, BUYER_CLAIMS)
    bare = isinstance(claims["dest"], str) and not claims["dest"].startswith("https://")
    shop = _shop_of(claims["dest"], "" if bare else "https://")
    if "iss" in claims and claims["iss"] not in (f"https://{shop}/admin", f"https://{shop}", shop):
        raise Refused("iss_is_not_dest")
    return IdToken(shop, "", _customer_of(claims.get("sub")), token, claims)


def _verified_claims(
    token: str, client_id: str, secrets: Sequence[str], required: Sequence[str]
) -> dict[str, Any]:
    _check_token_form(token)
    current, *older = [secret for secret in secrets if secret] or [""]
    if not current:
        raise Refused("no_secret")
    app = ShopifyApp(client_id, current, older[0] if older else None)
    # The official verifiers differ only in their answers; the token is judged alike in all of them.
    request: Any = {
        "method": "POST",
        "url": "https://app.invalid/",
        "headers": {"authorization": f"Bearer {token}"},
        "body": "",
    }
    try:
        result = app.verify_admin_ui_ext_req(request)
    except (AttributeError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise Refused("bad_claims") from error  # it takes `dest` for text and `exp` for a finite number
    if not result.ok or result.id_token is None:
        raise Refused(result.log.code)
    claims = result.id_token.claims
    _check_claims(claims, client_id, required)
    return claims


def _check_token_form(token: str) -> None:
    """Before any library sees it: size, alphabet, and a header of one algorithm and nothing odd."""
    if len(token) > ID_TOKEN_BYTES_MAX:
        raise Refused("too_long")
    if not ID_TOKEN_SHAPE.fullmatch(token):
        raise Refused("no_jwt")
    head = token.partition(".")[0]
    if len(head) > ID_TOKEN_HEADER_BYTES_MAX:
        raise Refused("bad_header")
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, binascii.Error) as error:
        raise Refused("bad_header") from error
    if not isinstance(header, dict) or header.get("alg") != "HS256" or "crit" in header:
        raise Refused("bad_alg")


def _check_claims(claims: dict[str, Any], client_id: str, required: Sequence[str]) -> None:
    missing = [name for name in required if claims.get(name) in (None, "")]
    if missing:
        raise Refused(f"missing_{missing[0]}")
    if not isinstance(claims["aud"], str) or claims["aud"] != client_id:
        raise Refused("invalid_aud")
    times = [claims[name] for name in ("nbf", "iat", "exp")]
    if any(not isinstance(time, int) or isinstance(time, bool) for time in times):
        raise Refused("bad_times")
    nbf, iat, exp = times
    if not 0 < exp - min(nbf, iat) <= ID_TOKEN_LIFE_SECONDS_MAX:
        raise Refused("bad_lifetime")
    if any(not isinstance(claims[name], str) for name in ("jti", "sid") if name in claims):
        raise Refused("bad_claims")


def _shop_of(dest: object, scheme: str) -> str:
    if not isinstance(dest, str) or not is_shop_domain(dest.removeprefix(scheme)):
        raise Refused("bad_dest")
    if not dest.startswith(scheme):
        raise Refused("bad_dest")
    return dest.removeprefix(scheme)


def _customer_of(sub: object) -> int | None:
    if sub in (None, ""):
        return None
    match = BUYER_SUBJECT.fullmatch(sub) if isinstance(sub, str) else None
    if match is None or int(match[1]) > ID_MAX:
        raise Refused("bad_sub")
    return int(match[1])
