"""A 2xx is a promise: what was acknowledged while PostgreSQL died under it has its row."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import requests

from tests.smoke.shop import expect
from tests.soak.kills import Killer
from tests.soak.state import Soak

SENDERS = 4
PAUSE_SECONDS = 0.02
"""Between two deliveries of a sender: the point is what happens at a kill, not how many pass."""
ANSWER_SECONDS = 5
CHUNK = 10_000


def keep_what_was_acknowledged(soak: Soak) -> str:
    killer, chance = Killer(soak), soak.chance("acknowledged")
    over = Event()
    began = time.monotonic()
    with ThreadPoolExecutor(SENDERS) as senders:
        sending = [senders.submit(_send, soak, over) for _ in range(SENDERS)]
        try:
            for number in range(soak.size.postgres_kills):
                time.sleep(chance.uniform(0.1, 0.6))
                killer.kill("postgres" if number % 2 == 0 else "backend")
                killer.wait_until_all_is_back()
        finally:
            over.set()
    results = [result for sender in sending for result in sender.result()]
    acknowledged = [webhook_id for webhook_id, status in results if 200 <= status < 300]
    statuses = Counter(status for _, status in results)
    expect(set(statuses) <= {0, 200, 503}, f"deliveries were answered {dict(statuses)}")
    expect(statuses[200], "no delivery was acknowledged")
    parts = [acknowledged[start : start + CHUNK] for start in range(0, len(acknowledged), CHUNK)]
    kept = sum(soak.books.kept(part) for part in parts)
    lost = len(acknowledged) - kept
    expect(not lost, f"{lost} of {len(acknowledged)} acknowledged deliveries have no row")
    return (
        f"{soak.size.postgres_kills} kills in {time.monotonic() - began:.0f} s; {statuses[200]} deliveries "
        f"acknowledged, all kept; {statuses[503]} answered 503, {statuses[0]} not at all"
    )


def _send(soak: Soak, over: Event) -> list[tuple[str, int]]:
    """(delivery id, status) of each delivery; status 0 where no answer came."""
    session, results = requests.Session(), []
    headers, body = _signed(soak)
    while not over.is_set():
        webhook_id = str(uuid.uuid4())
        sent = {**headers, "X-Shopify-Webhook-Id": webhook_id}
        try:
            url = f"{soak.run.demo.app}/webhooks"
            status = session.post(url, body, headers=sent, timeout=ANSWER_SECONDS).status_code
        except requests.RequestException:
            status = 0
        results.append((webhook_id, status))
        over.wait(PAUSE_SECONDS)
    return results


def _signed(soak: Soak) -> tuple[dict[str, str], bytes]:
    """A change of a customer who is a member already: it is handled and changes nothing."""
    customer = next(iter(soak.run.owed))
    moment = "2026-01-01T00:00:00Z"
    body = json.dumps({"id": customer, "created_at": moment, "updated_at": moment}).encode()
    digest = hmac.new(soak.run.demo.client_secret().encode(), body, hashlib.sha256).digest()
    headers = {
        "Content-Type": "application/json",
        "X-Shopify-Topic": "customers/update",
        "X-Shopify-Shop-Domain": soak.run.demo.shop,
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
    }
    return headers, body
