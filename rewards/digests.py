"""Addresses as digests: keyed, so that whoever has the database alone can't try out addresses."""

from ipaddress import IPv4Address, ip_address, ip_network

from django.utils.crypto import salted_hmac

from rewards.models import Program

HOME_OF_V6 = 64
"""Bits that a household has in common."""


def digest(program: Program, kind: str, text: str) -> bytes:
    """HMAC-SHA256 by the app's secret key; programs, and kinds of things, have nothing in common."""
    return salted_hmac(f"{kind}:{bytes(program.salt).hex()}", text, algorithm="sha256").digest()


def network(address: str) -> str | None:
    """What all of one connection have in common, in one way of writing; None: this is no IP address."""
    try:
        found = ip_address(address.strip())
    except ValueError:
        return None
    if isinstance(found, IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, HOME_OF_V6), strict=False))
