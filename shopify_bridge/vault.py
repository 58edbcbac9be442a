"""Secrets at rest: AES-256-GCM with the key's id in the text, bound to a purpose and a shop.

A ciphertext copied to another shop's row, or to another column, doesn't open. The keys come from
TOKEN_KEYS (`id:base64,older:base64`): the first one seals, all of them open.
"""

import base64
import binascii
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

NONCE_BYTES = 12  # NIST SP 800-38D, section 8.2: 96 bits, random, far below 2^32 messages a key
KEY_BYTES = 32


class Unopenable(Exception):
    """A ciphertext that none of our keys opens for this purpose and shop."""


def seal(secret: str, purpose: str, shop_domain: str) -> str:
    """Encrypt with the first key."""
    key_id, key = next(iter(_keys(settings.TOKEN_KEYS).items()))
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, secret.encode(), _bound_to(key_id, purpose, shop_domain))
    return f"{key_id}:{base64.b64encode(nonce + sealed).decode()}"


def unseal(ciphertext: str, purpose: str, shop_domain: str) -> str:
    """Decrypt with the key that the text names."""
    key_id, _, packed = ciphertext.partition(":")
    key = _keys(settings.TOKEN_KEYS).get(key_id)
    if key is None:
        raise Unopenable(f"TOKEN_KEYS has no key {key_id!r}")
    try:
        raw = base64.b64decode(packed, validate=True)
        opened = AESGCM(key).decrypt(
            raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound_to(key_id, purpose, shop_domain)
        )
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise Unopenable(f"not sealed for {purpose} of {shop_domain}") from error
    return opened.decode()


def is_current(ciphertext: str) -> bool:
    """Whether it was sealed with the key that seals now."""
    return ciphertext.partition(":")[0] == next(iter(_keys(settings.TOKEN_KEYS)))


def _bound_to(key_id: str, purpose: str, shop_domain: str) -> bytes:
    return f"{key_id}|{purpose}|{shop_domain}".encode()


@lru_cache(maxsize=4)
def _keys(text: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        key_id, _, encoded = entry.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise ImproperlyConfigured(f"TOKEN_KEYS: key {key_id!r} is no base64") from error
        if not key_id or len(key) != KEY_BYTES or key_id in keys:
            raise ImproperlyConfigured(f"TOKEN_KEYS: key {key_id!r} must be unique and have 32 bytes")
        keys[key_id] = key
    if not keys:
        raise ImproperlyConfigured("TOKEN_KEYS is empty: set it to id:base64 of 32 random bytes")
    return keys
