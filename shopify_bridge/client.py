"""Calls to the Admin GraphQL API.

`AdminClient(shop).run("operation", variables)` gives the data of a wholly successful answer, or raises
`TryAgain` or `NeedsHuman`. User errors are part of the data: see `user_errors`.
https://shopify.dev/docs/api/admin-graphql
"""

import json
import logging
import random
import re
from dataclasses import dataclass
from decimal import Decimal
from time import monotonic, sleep
from typing import Any

import requests
from django.conf import settings
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from shopify_bridge import budget, transport
from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.models import Shop
from shopify_bridge.queries import document, repeated
from shopify_bridge.tokens import access_token, ask_to_reopen

__all__ = ["AdminClient", "NeedsHuman", "TryAgain", "ask", "user_errors"]

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 10.0
THROTTLED_JITTER_SECONDS = (0.2, 0.6)
ANSWER_BYTES_MAX = 20_000_000
CHUNK_BYTES = 65_536
# https://shopify.dev/docs/api/usage/response-codes
PAUSED_BECAUSE = {
    402: "Shopify says that the shop is frozen.",
    403: "Shopify refuses the app's calls for this shop.",
    404: "Shopify doesn't find this shop.",
    423: "Shopify says that the shop is locked.",
}
_odd_versions: set[str] = set()


@dataclass(frozen=True)
class Answer:
    """An HTTP answer that was read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes


class Unauthorised(NeedsHuman):
    """HTTP 401: the token is dead."""

    def __init__(self) -> None:
        super().__init__("Shopify refuses the app's token", "reopen")


class ShopUnavailable(NeedsHuman):
    """The shop can't be called at all for now; says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "paused")


class AdminClient:
    """The Admin API of one shop, with its tokens and its cost budget. Make one where it is needed.

    `spare`: the share of the cost bucket that this work leaves to more urgent calls.
    """

    def __init__(self, shop: Shop, *, spare: float = 0.0) -> None:
        self.shop = shop
        self.spare = spare

    def __repr__(self) -> str:
        return f"AdminClient({self.shop.domain})"

    def run(
        self,
        operation: str,
        variables: dict[str, Any] | None = None,
        *,
        within: float = PATIENCE_SECONDS,
        times: int | None = None,
    ) -> dict[str, Any]:
        """The data of one operation. All waiting and trying together end after `within` seconds.

        `times`: it is `queries.repeated` so often.
        """
        deadline = monotonic() + within
        token = access_token(self.shop)
        try:
            try:
                data = ask(self.shop.domain, token, operation, variables, deadline, self.spare, times)
            except Unauthorised:
                token = access_token(self.shop, rejected=token)
                data = ask(self.shop.domain, token, operation, variables, deadline, self.spare, times)
        except Unauthorised:
            ask_to_reopen(self.shop)
            raise
        except ShopUnavailable as error:
            self._pause(str(error))
            raise
        if self.shop.state == Shop.State.PAUSED:
            self._resume()
        return data

    def _pause(self, reason: str) -> None:
        Shop.objects.filter(pk=self.shop.pk, state=Shop.State.ACTIVE).update(
            state=Shop.State.PAUSED, state_reason=reason
        )
        self.shop.refresh_from_db(fields=["state", "state_reason"])
        log.warning("shop paused", extra={"shop": self.shop.domain, "why": reason})

    def _resume(self) -> None:
        # What changed meanwhile may count as published, in another shop of the program: all is sent again.
        Shop.objects.filter(pk=self.shop.pk, state=Shop.State.PAUSED).update(
            state=Shop.State.ACTIVE, state_reason="", published_program_version=0
        )
        self.shop.refresh_from_db(fields=["state", "state_reason"])
        log.info("shop resumed", extra={"shop": self.shop.domain})


def user_errors(payload: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The user errors of one mutation's payload; a payload that is null counts as one."""
    if payload is None:
        return [{"field": None, "message": "Shopify gave no payload", "code": "NO_PAYLOAD"}]
    errors: list[dict[str, Any]] = payload.get("userErrors") or []
    return errors


def ask(
    shop_domain: str,
    token: str,
    operation: str,
    variables: dict[str, Any] | None = None,
    deadline: float | None = None,
    spare: float = 0.0,
    times: int | None = None,
) -> dict[str, Any]:
    """Like `AdminClient.run` for a token in hand; waits while Shopify throttles, until the deadline."""
    deadline = deadline or monotonic() + PATIENCE_SECONDS
    while True:
        _wait(budget.wait_seconds(shop_domain, operation, spare), deadline)
        answer = _post(shop_domain, token, operation, variables, deadline, times)
        _watch_version(answer, shop_domain)
        _check_status(answer)
        content = _content(answer)
        budget.learn(shop_domain, operation, content.get("extensions"))
        throttled = _check_errors(content, operation)
        if not throttled:
            return _data(content)
        # The rest is waited for above. Jitter, so that callers who waited together come back apart.
        _wait(random.uniform(*THROTTLED_JITTER_SECONDS), deadline)


def _wait(seconds: float, deadline: float) -> None:
    if seconds <= 0:
        return
    if monotonic() + seconds > deadline:
        raise TryAgain("Shopify's cost limit of this shop is used up", after=seconds)
    sleep(seconds)


def _post(
    shop_domain: str,
    token: str,
    operation: str,
    variables: dict[str, Any] | None,
    deadline: float,
    times: int | None,
) -> Answer:
    url, headers = transport.address(shop_domain, f"/admin/api/{settings.SHOPIFY_API_VERSION}/graphql.json")
    headers |= {"X-Shopify-Access-Token": token, "Accept": "application/json"}
    left = deadline - monotonic()
    if left <= 0:
        raise TryAgain("no time left")
    limits = (min(transport.CONNECT_SECONDS, left), min(settings.SHOPIFY_READ_SECONDS, left))
    text = document(operation) if times is None else repeated(operation, times)
    body = {"query": text, "variables": variables or {}, "operationName": operation}
    try:
        with transport.session().post(
            url, json=body, headers=headers, timeout=limits, allow_redirects=False, stream=True
        ) as response:
            return Answer(
                response.status_code, dict(response.headers.lower_items()), _read(response, deadline)
            )
    except requests.ConnectionError as error:
        raise TryAgain("no connection to Shopify", sent=_was_connected(error)) from error
    except requests.RequestException as error:
        raise TryAgain(f"no whole answer from Shopify: {type(error).__name__}", sent=True) from error


def _was_connected(error: requests.ConnectionError) -> bool:
    """Unless the connection was never made, Shopify may have read and done what we asked."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return not isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _read(response: requests.Response, deadline: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(CHUNK_BYTES):
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise NeedsHuman("Shopify's answer is bigger than we take", "too_big")
        if monotonic() > deadline:
            raise TryAgain("Shopify's answer trickles", sent=True)
    return bytes(body)


def _watch_version(answer: Answer, shop_domain: str) -> None:
    """A retired version is served silently by another one; that must not go unnoticed."""
    served = answer.headers.get("x-shopify-api-version", "")
    if served and served != settings.SHOPIFY_API_VERSION and served not in _odd_versions:
        _odd_versions.add(served)
        log.warning(
            "Shopify serves another API version",
            extra={"asked": settings.SHOPIFY_API_VERSION, "served": served, "shop": shop_domain},
        )


def _check_status(answer: Answer) -> None:
    status = answer.status
    if status == 200:
        return
    if status == 401:
        raise Unauthorised
    if status in PAUSED_BECAUSE:
        raise ShopUnavailable(PAUSED_BECAUSE[status])
    if status in (429, 430):
        raise TryAgain(f"HTTP {status}", after=_retry_after(answer))
    if status >= 500:
        raise TryAgain(f"HTTP {status}", after=_retry_after(answer), sent=True)
    # Redirects are never followed: they would carry the token to another host.
    raise NeedsHuman(f"Shopify answers HTTP {status}", f"http_{status}")


def _retry_after(answer: Answer) -> float:
    text = answer.headers.get("retry-after", "")
    return min(float(text), 300.0) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) else 2.0


def _content(answer: Answer) -> dict[str, Any]:
    try:
        content = json.loads(answer.body, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise TryAgain("Shopify's answer is no JSON", sent=True) from error
    if not isinstance(content, dict):
        raise TryAgain("Shopify's answer is no object", sent=True)
    return content


def _check_errors(content: dict[str, Any], operation: str) -> bool:
    """Whether we were throttled; any other error is raised. Partial data is never a success."""
    errors = content.get("errors")
    if not errors:
        return False
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
    codes = {_code(error) for error in errors if isinstance(error, dict)} if first else set()
    if "THROTTLED" in codes:
        return True
    code = next(iter(sorted(codes - {""})), "graphql")
    if code == "SHOP_INACTIVE":
        raise ShopUnavailable(PAUSED_BECAUSE[402])
    if code in ("INTERNAL_SERVER_ERROR", "TIMEOUT") or (not codes and not isinstance(errors, list)):
        raise TryAgain(f"{operation}: {code}", sent=True)
    raise NeedsHuman(f"{operation}: {str(first.get('message', errors))[:300]}", code.lower())


def _code(error: dict[str, Any]) -> str:
    extensions = error.get("extensions")
    return str(extensions.get("code") or "") if isinstance(extensions, dict) else ""


def _data(content: dict[str, Any]) -> dict[str, Any]:
    data = content.get("data")
    if not isinstance(data, dict):
        raise TryAgain("Shopify's answer has no data", sent=True)
    return data
