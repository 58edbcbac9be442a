"""Subscriptions of one shop, beside those of the configuration file."""

from __future__ import annotations

from typing import Any

from sandbox.api.mutation import MutationSet, Payload, mutation
from sandbox.api.views import View
from sandbox.model import HookSubscription
from sandbox.orders import Refused
from sandbox.subscriptions import SCOPES_OF_TOPICS


class WebhookSubscriptionView(View):
    kind = "WebhookSubscription"
    it: HookSubscription

    @property
    def topic(self) -> str:
        return self.it.topic.upper().replace("/", "_")

    @property
    def filter(self) -> str:
        return ""

    @property
    def name(self) -> None:
        return None

    @property
    def format(self) -> str:
        return "JSON"

    @property
    def updated_at(self) -> Any:
        return self.it.created_at


class WebhookMutations(MutationSet):
    @mutation()
    def webhook_subscription_create(self, topic: str, webhook_subscription: dict[str, Any]) -> Payload:
        found = next((t for t in SCOPES_OF_TOPICS if t.upper().replace("/", "_") == topic), None)
        if found is None:
            raise Refused(f"The sandbox has no shop's own subscriptions to {topic}", ["topic"])
        self.context.need("webhookSubscriptionCreate", SCOPES_OF_TOPICS[found])
        uri = webhook_subscription.get("uri") or ""
        if not uri.startswith(("http://", "https://")):
            raise Refused("Address is invalid", ["webhookSubscription", "uri"])
        fields = sorted(webhook_subscription.get("includeFields") or [])
        mine = self.here.hook_subscriptions.values()
        if any((one.topic, one.uri) == (found, uri) for one in mine):
            raise Refused(
                "Address for this topic has already been taken", ["webhookSubscription", "callbackUrl"]
            )
        made = HookSubscription(self.world.new_id(), found, uri, fields, self.world.now())
        self.world.save(self.here, made)
        return {"webhookSubscription": WebhookSubscriptionView(self.context, made)}
