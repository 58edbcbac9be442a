import base64
from io import StringIO

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from pytest_django import Settings

from shopify_bridge import vault
from shopify_bridge.models import Shop

KEYS = {name: f"{name}:{base64.b64encode(name.encode() * 16).decode()}" for name in ("k1", "k2")}


@pytest.fixture(autouse=True)
def first_key(settings: Settings) -> None:
    settings.TOKEN_KEYS = KEYS["k1"]


def test_what_is_sealed_opens_and_never_looks_alike() -> None:
    sealed = vault.seal("shpat_x", "access", "a.myshopify.com")
    assert vault.unseal(sealed, "access", "a.myshopify.com") == "shpat_x"
    assert sealed.startswith("k1:")
    assert "shpat" not in sealed
    assert sealed != vault.seal("shpat_x", "access", "a.myshopify.com")


@pytest.mark.parametrize(
    ("purpose", "domain"), [("refresh", "a.myshopify.com"), ("access", "b.myshopify.com")]
)
def test_a_ciphertext_opens_in_its_own_place_only(purpose: str, domain: str) -> None:
    sealed = vault.seal("shpat_x", "access", "a.myshopify.com")
    with pytest.raises(vault.Unopenable):
        vault.unseal(sealed, purpose, domain)


@pytest.mark.parametrize("spoilt", ["", "k1:", "k1:AAAA", "k9:AAAA", "k1:é", "no colon", "k1:" + "A" * 80])
def test_spoilt_ciphertexts(spoilt: str) -> None:
    with pytest.raises(vault.Unopenable):
        vault.unseal(spoilt, "access", "a.myshopify.com")


def test_a_changed_bit_is_noticed() -> None:
    sealed = vault.seal("shpat_x", "access", "a.myshopify.com")
    raw = bytearray(base64.b64decode(sealed[3:]))
    raw[-1] ^= 1
    with pytest.raises(vault.Unopenable):
        vault.unseal("k1:" + base64.b64encode(raw).decode(), "access", "a.myshopify.com")


@pytest.mark.parametrize(
    "keys", ["", ",", "a:AAAA", "a:!!!", ":" + "A" * 43 + "=", f"{KEYS['k1']},{KEYS['k1']}"]
)
def test_bad_keys_are_a_sentence(keys: str, settings: Settings) -> None:
    settings.TOKEN_KEYS = keys
    with pytest.raises(ImproperlyConfigured, match="TOKEN_KEYS"):
        vault.seal("x", "access", "a.myshopify.com")


def make_shop(number: int, key: str, settings: Settings) -> Shop:
    settings.TOKEN_KEYS = KEYS[key]
    domain = f"shop{number}.myshopify.com"
    return Shop.objects.create(
        program_id=number,
        domain=domain,
        currency="USD",
        access_token=vault.seal(f"access{number}", "access", domain),
        refresh_token=vault.seal(f"refresh{number}", "refresh", domain) if number % 2 else "",
    )


@pytest.mark.django_db
def test_rotation_in_batches(settings: Settings) -> None:
    for number in range(1, 8):
        make_shop(number, "k1", settings)
    settings.TOKEN_KEYS = f"{KEYS['k2']},{KEYS['k1']}"
    out = StringIO()
    call_command("rotate_keys", "--batch", "3", stdout=out)
    assert "6 of 7 shops" in out.getvalue()
    assert "7 shops sealed with the first key, 0 can't be opened" in out.getvalue()
    settings.TOKEN_KEYS = KEYS["k2"]  # the old key may go now
    for shop in Shop.objects.all():
        assert vault.unseal(shop.access_token, "access", shop.domain) == f"access{shop.program_id}"


@pytest.mark.django_db
def test_rotation_names_a_row_whose_token_is_another_shops(settings: Settings) -> None:
    one, two = (make_shop(number, "k1", settings) for number in (1, 2))
    Shop.objects.filter(pk=two.pk).update(access_token=one.access_token)
    settings.TOKEN_KEYS = f"{KEYS['k2']},{KEYS['k1']}"
    with pytest.raises(CommandError, match=r"shop2\.myshopify\.com"):
        call_command("rotate_keys", stdout=StringIO())
    one.refresh_from_db()
    assert one.access_token.startswith("k2:")
