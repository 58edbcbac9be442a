"""Delivery of webhooks: signed, at least once, retried with growing gaps, surviving a restart."""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
import http.client
import json
import threading
import time
import uuid
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from sandbox.config import Config
from sandbox.faults import Faults
from sandbox.model import Delivery
from sandbox.subscriptions import SCOPES_OF_TOPICS, AppConfig, Subscription, reduce_payload
from sandbox.world import ShopState, World


class Outbox:
    def __init__(self, world: World, config: Config, app: AppConfig, faults: Faults) -> None:
        self._world, self._config, self._app, self._faults = world, config, app, faults
        self._due: list[tuple[float, int, ShopState, Delivery]] = []  # a heap by time
        self._ticket = 0
        self._wake = threading.Condition()
        self._stopped = False
        self.delivered = 0
        self.given_up = 0
        self.dropped = 0
        self.duplicated = 0
        world.listen(self._on_event)

    # -- from event to queue ---------------------------------------------------------------------------

    def _on_event(self, state: ShopState, topic: str, payload: dict[str, Any], event_id: str) -> None:
        """Only an installed app hears of the shop; uninstalling and erasing are told all the same."""
        if not state.installation.installed and topic not in ("app/uninstalled", "shop/redact"):
            return
        for subscription in self._subscriptions(state, topic):
            body = json.dumps(reduce_payload(payload, subscription.include_fields), separators=(",", ":"))
            delays = self._faults.copies()
            if not delays:
                self.dropped += 1
                continue
            delivery = Delivery(
                id=self._world.new_id(),
                topic=topic,
                uri=subscription.uri,
                body=body,
                webhook_id=str(uuid.uuid4()),
                event_id=event_id,
                triggered_at=self._world.now().isoformat(timespec="seconds"),
                name=subscription.name,
            )
            self._accept(state, delivery, delays)

    def _subscriptions(self, state: ShopState, topic: str) -> list[Subscription]:
        """The app's, and the shop's own as long as the merchant grants what they need."""
        if topic in SCOPES_OF_TOPICS and SCOPES_OF_TOPICS[topic] not in state.installation.scopes:
            return []
        own = (one for one in state.hook_subscriptions.values() if one.topic == topic)
        return [
            *self._app.of_topic(topic),
            *(Subscription(topic, one.uri, tuple(one.include_fields)) for one in own),
        ]

    def _accept(self, state: ShopState, delivery: Delivery, delays: list[float]) -> None:
        self._world.save(state, delivery)
        twins = [delivery]
        self.duplicated += len(delays) - 1
        for _ in delays[1:]:
            # The same delivery once more: same bytes, and mostly the same ids.
            new = {"webhook_id": str(uuid.uuid4()), "event_id": str(uuid.uuid4())}
            ids = {"id": self._world.new_id(), **(new if self._faults.renames() else {})}
            twins.append(Delivery(**{**vars(delivery), **ids}))
            self._world.save(state, twins[-1])
        for twin, delay in zip(twins, delays, strict=True):
            self._world.after_commit(partial(self._push, state, twin, delay))

    def _push(self, state: ShopState, delivery: Delivery, delay: float) -> None:
        with self._wake:
            self._ticket += 1
            heapq.heappush(self._due, (time.monotonic() + delay, self._ticket, state, delivery))
            self._wake.notify()

    # -- from queue to app -----------------------------------------------------------------------------

    def start(self) -> None:
        """What was under way at the last stop goes out again."""
        with self._world.change():
            for state in self._world.shops.values():
                for delivery in state.deliveries.values():
                    self._push(state, delivery, 0)
        for number in range(self._config.delivery_threads):
            threading.Thread(target=self._work, name=f"delivery-{number}", daemon=True).start()

    def stop(self) -> None:
        with self._wake:
            self._stopped = True
            self._wake.notify_all()

    def pending(self) -> int:
        """Deliveries that wait or are under way."""
        with self._world.change():
            return sum(len(state.deliveries) for state in self._world.shops.values())

    def _work(self) -> None:
        sender = _Sender(self._config)
        while (item := self._take()) is not None:
            state, delivery = item
            if sender.send(self._headers(state, delivery), delivery):
                self._finish(state, delivery, delivered=True)
            else:
                self._retry(state, delivery)

    def _take(self) -> tuple[ShopState, Delivery] | None:
        with self._wake:
            while not self._stopped:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    _, _, state, delivery = heapq.heappop(self._due)
                    return state, delivery
                self._wake.wait(wait)
        return None

    def _finish(self, state: ShopState, delivery: Delivery, delivered: bool) -> None:
        with self._world.change():
            self._world.remove(state, delivery)
            self.delivered += delivered
            self.given_up += not delivered

    def _retry(self, state: ShopState, delivery: Delivery) -> None:
        gaps = self._config.retry_seconds
        if delivery.tries >= len(gaps):
            self._finish(state, delivery, delivered=False)
            return
        with self._world.change():
            gap = gaps[delivery.tries]
            delivery.tries += 1
            self._world.save(state, delivery)
        self._push(state, delivery, gap)

    def _headers(self, state: ShopState, delivery: Delivery) -> dict[str, str]:
        secret = self._config.client_secret.encode()
        digest = hmac.new(secret, delivery.body.encode(), hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": delivery.topic,
            "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
            "X-Shopify-Shop-Domain": state.domain,
            "X-Shopify-API-Version": self._app.api_version,
            "X-Shopify-Webhook-Id": delivery.webhook_id,
            "X-Shopify-Event-Id": delivery.event_id,
            "X-Shopify-Triggered-At": delivery.triggered_at,
        }
        return headers | ({"X-Shopify-Name": delivery.name} if delivery.name else {})


class _Sender:
    """One connection to the app, kept open from delivery to delivery."""

    def __init__(self, config: Config) -> None:
        self._base = urlsplit(config.app_url)
        self._seconds = config.delivery_seconds
        self._connection: http.client.HTTPConnection | None = None

    def send(self, headers: dict[str, str], delivery: Delivery) -> bool:
        """True: the app answered 2xx. A redirect is a failure, as at Shopify."""
        kept_open = self._connection is not None
        try:
            return self._post(headers, delivery)
        except (OSError, http.client.HTTPException):
            self._close()
        if not kept_open:
            return False
        try:  # the app may have closed an idle connection: that is no failure
            return self._post(headers, delivery)
        except (OSError, http.client.HTTPException):
            self._close()
            return False

    def _post(self, headers: dict[str, str], delivery: Delivery) -> bool:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._base.scheme == "https" else http.client.HTTPConnection
            self._connection = kind(self._base.netloc, timeout=self._seconds)
        # A shop's own subscriptions name the whole address of the app, whose path it is that counts here.
        path = (
            urlsplit(delivery.uri).path
            if "://" in delivery.uri
            else self._base.path.rstrip("/") + delivery.uri
        )
        self._connection.request("POST", path, delivery.body.encode(), headers)
        answer = self._connection.getresponse()
        answer.read()
        return 200 <= answer.status < 300

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
