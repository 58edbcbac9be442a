"""The app's configuration file as Shopify reads it: scopes, proxy and webhook subscriptions."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Topics that need a scope which the configuration file doesn't ask everybody for.
SCOPES_OF_TOPICS = dict.fromkeys(("disputes/create", "disputes/update"), "read_shopify_payments_disputes")


@dataclass(frozen=True)
class Subscription:
    topic: str
    uri: str  # relative, such as /webhooks, or https
    include_fields: tuple[str, ...] = ()  # empty: the whole payload
    name: str | None = None


@dataclass(frozen=True)
class AppConfig:
    name: str
    scopes: tuple[str, ...]
    optional_scopes: tuple[str, ...]
    api_version: str
    subscriptions: tuple[Subscription, ...]
    proxy_prefix: str = "apps"
    proxy_subpath: str = ""
    proxy_path: str = ""  # where the app serves the proxy, such as /storefront
    metafields: dict[tuple[str, str], str] = field(default_factory=dict)  # owner's type, key -> type

    def of_topic(self, topic: str) -> list[Subscription]:
        return [subscription for subscription in self.subscriptions if subscription.topic == topic]


def read_app_config(path: Path) -> AppConfig:
    with path.open("rb") as file:
        toml = tomllib.load(file)
    proxy = toml.get("app_proxy", {})
    access = toml.get("access_scopes", {})
    scopes = access.get("scopes", "")
    webhooks = toml.get("webhooks", {})
    return AppConfig(
        name=toml.get("name", "App"),
        scopes=tuple(sorted(scope.strip() for scope in scopes.split(",") if scope.strip())),
        optional_scopes=tuple(access.get("optional_scopes", ())),
        api_version=webhooks.get("api_version", "2026-10"),
        subscriptions=tuple(_subscriptions(webhooks)),
        proxy_prefix=proxy.get("prefix", "apps"),
        proxy_subpath=proxy.get("subpath", ""),
        proxy_path=_path(proxy.get("url", "")),
        metafields=_metafields(toml),
    )


def _path(url: str) -> str:
    """`https://host/storefront` and `/storefront` are the same place of the app."""
    return "/" + url.split("://", 1)[-1].split("/", 1)[-1].strip("/") if "/" in url else ""


def _metafields(toml: dict[str, Any]) -> dict[tuple[str, str], str]:
    """`[customer.metafields.app.standing]` declares one of the namespace $app."""
    owners = {"customer": "Customer", "order": "Order", "product": "Product", "shop": "Shop"}
    return {
        (kind, key): declared["type"]
        for owner, kind in owners.items()
        for key, declared in toml.get(owner, {}).get("metafields", {}).get("app", {}).items()
    }


def _subscriptions(webhooks: dict[str, Any]) -> list[Subscription]:
    return [
        Subscription(topic, entry["uri"], tuple(entry.get("include_fields", ())), entry.get("name"))
        for entry in webhooks.get("subscriptions", [])
        for topic in [*entry.get("topics", []), *entry.get("compliance_topics", [])]
    ]


def reduce_payload(payload: Any, include: tuple[str, ...]) -> Any:
    """`include_fields`: dots reach into objects and into every element of a list."""
    if not include or not isinstance(payload, dict):
        return payload
    whole = {path for path in include if "." not in path}
    nested: dict[str, list[str]] = {}
    for path in include:
        head, _, tail = path.partition(".")
        if tail and head not in whole:
            nested.setdefault(head, []).append(tail)
    reduced = {name: value for name, value in payload.items() if name in whole}
    for head, tails in nested.items():
        if head in payload:
            reduced[head] = _reduce_value(payload[head], tuple(tails))
    return reduced


def _reduce_value(value: Any, include: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [reduce_payload(item, include) for item in value]
    return reduce_payload(value, include)
