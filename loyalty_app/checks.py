"""System checks: each misconfiguration has an id and a sentence. `manage.py check --deploy` runs them all.

E0xx hold everywhere and keep the processes from starting; E1xx are about production.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.utils import OperationalError

from loyalty_app.postgresql.base import assert_durable

CLIENT_ID = re.compile(r"[0-9a-f]{32}")
CLIENT_SECRET = re.compile(r"(shpss_)?[0-9a-f]{32}")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
JSON_SERIALIZER = "rq.serializers.JSONSerializer"


@register(Tags.security)
def secrets_are_set(**_: Any) -> Iterator[CheckMessage]:
    try:
        settings.SECRET_KEY  # noqa: B018 - Django raises when it is empty
    except ImproperlyConfigured:
        yield Error("DJANGO_SECRET_KEY is not set.", hint="50 or more random characters.", id="loyalty.E001")
    if not CLIENT_ID.fullmatch(settings.SHOPIFY_API_KEY):
        yield Error(
            "SHOPIFY_API_KEY is not a client id: 32 digits and letters a to f.",
            hint="Copy it from the app's settings in Shopify's Dev Dashboard.",
            id="loyalty.E002",
        )
    if not settings.SHOPIFY_API_SECRET:
        # An empty secret would accept every signature made with an empty secret.
        yield Error("SHOPIFY_API_SECRET is not set.", hint="It is beside the client id.", id="loyalty.E003")
    for name in ("SHOPIFY_API_SECRET", "SHOPIFY_API_SECRET_OLD"):
        value = getattr(settings, name)
        if value and not CLIENT_SECRET.fullmatch(value):
            yield Error(
                f"{name} is no client secret: 'shpss_' and 32 digits and letters a to f.",
                hint="Look for spaces or quotation marks that were copied along.",
                id="loyalty.E004",
            )


@register(Tags.security)
def token_keys_work(**_: Any) -> Iterator[CheckMessage]:
    if not settings.TOKEN_KEYS:
        yield Error(
            "TOKEN_KEYS is not set: the shops' tokens could not be encrypted.",
            hint="TOKEN_KEYS=1:$(openssl rand -base64 32)",
            id="loyalty.E005",
        )
        return
    ids = []
    for entry in settings.TOKEN_KEYS.split(","):
        identity, _colon, key = entry.strip().partition(":")
        ids.append(identity)
        if not identity or not _is_key(key):
            yield Error(
                f"TOKEN_KEYS: the key {identity!r} is not the base64 of 32 bytes.",
                hint="The form is id:base64[,older id:base64...], the first one encrypts.",
                id="loyalty.E006",
            )
    if len(set(ids)) != len(ids):
        yield Error("TOKEN_KEYS names an id twice.", hint="A new key needs a new id.", id="loyalty.E006")


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


@register
def addresses_are_right(**_: Any) -> Iterator[CheckMessage]:
    address = urlsplit(settings.APP_URL)
    if not settings.APP_URL:
        yield Error("APP_URL is not set.", hint="The public https address of the app.", id="loyalty.E007")
    elif address.scheme != "https" and address.hostname not in LOOPBACK:
        yield Error(
            f"APP_URL is {settings.APP_URL}: Shopify calls apps by https only.",
            hint="http is accepted for 127.0.0.1 and localhost, where the sandbox calls.",
            id="loyalty.E008",
        )
    if settings.SHOPIFY_SANDBOX and urlsplit(settings.SHOPIFY_SANDBOX).hostname not in LOOPBACK:
        # All calls go there, with the shops' tokens.
        yield Error(
            "SHOPIFY_SANDBOX must be an address of this machine.",
            hint="Remove it where the app talks to Shopify.",
            id="loyalty.E009",
        )


@register
def queue_is_configured(**_: Any) -> Iterator[CheckMessage]:
    queues = settings.RQ_QUEUES
    if list(queues) != ["default"] or not queues["default"].get("URL"):
        # A worker of several queues loses the job that it has just taken (rq#2079).
        yield Error("There must be one queue, named 'default', with its URL.", id="loyalty.E010")
    elif queues["default"].get("SERIALIZER") != JSON_SERIALIZER:
        yield Error(
            f"The queue's serializer must be {JSON_SERIALIZER}.",
            hint="Pickle would let whoever writes to Redis run code here.",
            id="loyalty.E011",
        )


@register(Tags.database)
def commits_are_durable(databases: Sequence[str] | None = None, **_: Any) -> Iterator[CheckMessage]:
    for alias in databases or ():
        try:
            with connections[alias].cursor() as cursor:
                assert_durable(cursor)
        except ImproperlyConfigured as error:
            yield Error(str(error), id="loyalty.E012")
        except OperationalError as error:
            # Not wrong, only away: the web answers 503 until it is back.
            yield Warning(f"PostgreSQL can't be reached: {error}", id="loyalty.W013")


@register(Tags.security, deploy=True)
def fit_for_production(**_: Any) -> Iterator[CheckMessage]:
    if settings.EMBEDDED_POSTGRES:
        yield Error("DATABASE_URL is not set: the embedded PostgreSQL has no backups.", id="loyalty.E101")
    if settings.EMBEDDED_VALKEY:
        yield Error("REDIS_URL is not set: the embedded Valkey serves one machine.", id="loyalty.E102")
    if settings.SHOPIFY_SANDBOX:
        yield Error("SHOPIFY_SANDBOX is set: the app would not talk to Shopify.", id="loyalty.E103")
    if settings.DEBUG:
        yield Error("DJANGO_DEBUG is on: error pages would show settings to visitors.", id="loyalty.E104")
    address = urlsplit(settings.APP_URL)
    if address.scheme != "https":
        yield Error("APP_URL is not an https address.", id="loyalty.E105")
    if address.hostname not in settings.ALLOWED_HOSTS:
        yield Error(
            f"ALLOWED_HOSTS lacks {address.hostname}, the host of APP_URL: each call would be refused.",
            id="loyalty.E106",
        )
