"""What happens to people, to the queue and at the door; and the books at the end."""

from __future__ import annotations

import json
import time

import requests

from tests.smoke.shop import expect, gid, wait_until
from tests.smoke.state import Run

WITHOUT_QUEUE_SECONDS = 20
ORDERS_WITHOUT_QUEUE = 5


def merge(run: Run) -> str:
    one, two = run.by_wealth()[4:6]
    total = run.owed[one] + run.owed[two]
    result = run.shop.admin(CUSTOMER_MERGE, one=gid("Customer", one), two=gid("Customer", two))
    kept = int(result["customerMerge"]["resultingCustomerId"].rsplit("/", 1)[1])
    lost = two if kept == one else one
    parts = f"{run.owed[one]} + {run.owed[two]}"
    del run.owed[lost]
    run.owed[kept] = total
    browser = run.shop.browser(kept)
    wait_until(10, f"customer {kept} has {total} points", lambda: browser.available() == total)
    run.check_balance(kept)
    return f"{parts} = {total} points"


def forget(run: Run) -> str:
    """Neither the erasure nor a later order leaves a member behind."""
    customer = run.by_wealth()[6]
    browser = run.shop.browser(customer)
    run.shop.drive("privacy/customer_redact", customer=str(customer))
    wait_until(10, "the member is gone", lambda: browser.me()["member"] is None)
    del run.owed[customer]
    members = run.demo.metric("loyalty_members")
    run.shop.order(customer, "80.00")
    witness = run.by_wealth()[7]
    _order_and_wait(run, witness, "30.00", 10)  # sent later: by now the first one was handled too
    run.shop.drive("idle", seconds=20)
    expect(browser.me()["member"] is None, "an order brought the forgotten member back")
    expect(run.demo.metric("loyalty_members") == members, "an order made a new member of the forgotten one")
    return "no member after the erasure, none after a later order"


def forge(run: Run) -> str:
    """401, and nothing is stored: a row of an unknown topic would be parked."""
    customer = run.by_wealth()[0]
    forged = json.dumps({"id": 1, "customer": {"id": customer}, "line_items": []})
    signatures = [None, "", "AAAA", "x" * 44, "é" * 10]
    for signature in signatures:
        headers = {"X-Shopify-Topic": "no/such_topic", "X-Shopify-Shop-Domain": run.demo.shop}
        if signature is not None:
            headers["X-Shopify-Hmac-Sha256"] = signature.encode("latin-1")  # type: ignore[assignment]
        answer = requests.post(f"{run.demo.app}/webhooks", forged, headers=headers, timeout=10)
        expect(answer.status_code == 401, f"signature {signature!r} was answered {answer.status_code}")
    expect(run.demo.parked() == 0, "a forged delivery was stored")
    run.check_balance(customer)
    return f"{len(signatures)} wrong signatures, all 401, nothing stored"


def stop_the_queue(run: Run) -> str:
    """Without it nobody is told to look, and points come all the same."""
    server = run.demo.queue_server()
    if server is None:
        return "left alone: it isn't the demo's own"
    health = f"{run.demo.app}/health/ready"
    with run.demo.unsupervised():
        server.terminate()
        wait_until(
            10, "the queue is down", lambda: requests.get(health, timeout=10).json()["queue"] == "down"
        )
        wealthy = run.by_wealth()[:ORDERS_WITHOUT_QUEUE]
        waits = [_order_and_wait(run, customer, "12.34", WITHOUT_QUEUE_SECONDS) for customer in wealthy]
        expect(_queue_at(health) == "down", "the queue came back meanwhile")
    return f"{len(waits)} orders were awarded all the same, the slowest {max(waits):.1f} s later"


def _queue_at(health: str) -> str:
    return str(requests.get(health, timeout=10).json()["queue"])


def audit(run: Run) -> str:
    wait_until(20, "no delivery waits or is parked", lambda: run.demo.waiting() + run.demo.parked() == 0)
    for command in ("audit", "check"):
        done = run.demo.manage(command)
        expect(done.returncode == 0, f"manage.py {command}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    audited = run.demo.manage("audit").stdout.strip().splitlines()
    return f"{len(audited) - 1} promises kept; {audited[-1]}"


def _order_and_wait(run: Run, customer: int, amount: str, seconds: float) -> float:
    """How long an order of this amount takes to become points."""
    browser = run.shop.browser(customer)
    run.shop.order(customer, amount)
    began = time.monotonic()
    run.owed[customer] += int(float(amount))
    owed = run.owed[customer]
    wait_until(seconds, f"customer {customer} has {owed} points", lambda: browser.available() == owed)
    return time.monotonic() - began


CUSTOMER_MERGE = """
mutation($one: ID!, $two: ID!) {
  customerMerge(customerOneId: $one, customerTwoId: $two) {
    resultingCustomerId userErrors { field message }
  }
}"""
