"""Installing, renewing and going, over HTTP against the sandbox."""

import threading
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from rewards.models import Program
from shopify_bridge import install, tokens, vault
from shopify_bridge.client import AdminClient
from shopify_bridge.errors import NeedsHuman, TryAgain
from shopify_bridge.models import Shop
from shopify_bridge.signatures import staff_token
from tests.shopify_bridge import signing
from tests.shopify_bridge.conftest import Sandbox, Scripted, json_answer, take_in
from tests.shopify_bridge.signing import CLIENT_ID, SECRET, SHOP


def test_a_shop_comes_in(shop: Shop) -> None:
    assert (shop.domain, shop.currency, shop.state) == (SHOP, "USD", Shop.State.ACTIVE)
    assert shop.shopify_id
    assert shop.app_installation_gid.startswith("gid://shopify/AppInstallation/")
    assert shop.state_reason == ""
    assert Program.objects.get(pk=shop.program_id).currency == "USD"
    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token, refresh_token FROM shopify_bridge_shop WHERE id = %s", [shop.pk])
        access, refresh = cursor.fetchone()
    assert vault.unseal(access, "access", SHOP) == install.access_token(shop)
    assert vault.unseal(refresh, "refresh", SHOP)
    assert "shpat" not in access + refresh


def test_a_reinstall_finds_row_and_program_again(shop: Shop, sandbox: Sandbox) -> None:
    program = shop.program_id
    assert install.uninstalled(shop, timezone.now())
    assert (shop.state, shop.access_token, shop.refresh_token) == (Shop.State.UNINSTALLED, "", "")
    with pytest.raises(NeedsHuman, match="uninstalled"):
        install.access_token(shop)
    again = take_in(sandbox)
    assert (again.pk, again.program_id, again.state) == (shop.pk, program, Shop.State.ACTIVE)
    assert Program.objects.count() == 1


def test_news_of_an_uninstall_that_is_older_than_the_reinstall(shop: Shop) -> None:
    assert not install.uninstalled(shop, shop.installed_at - timedelta(seconds=10))
    shop.refresh_from_db()
    assert shop.state == Shop.State.ACTIVE


def test_an_uninstall_told_after_the_app_was_opened_again(shop: Shop, sandbox: Sandbox) -> None:
    """F57: Shopify delivers it late, when the merchant has long come back and renewed the dead token."""
    before = timezone.now() - timedelta(seconds=1)
    tokens.ask_to_reopen(shop)
    again = take_in(sandbox)
    assert not install.uninstalled(again, before)
    assert install.access_token(again)


def test_an_uninstall_in_the_very_second_of_the_installation_counts(shop: Shop) -> None:
    """Deliveries are dated in whole seconds, so it looks older than the installation."""
    assert install.uninstalled(shop, shop.installed_at.replace(microsecond=0))


def open_panel(sandbox: Sandbox, client: Client) -> int:
    return client.get("/app/", {"id_token": sandbox.token(), "shop": SHOP, "embedded": "1"}).status_code


def test_an_uninstall_told_after_a_return_that_needed_no_token_exchange(
    shop: Shop, sandbox: Sandbox, client: Client
) -> None:
    """F57: nobody noticed that the tokens were dead, so opening the app asked for none."""
    uninstalled_at = timezone.now() - timedelta(seconds=5)
    Shop.objects.filter(pk=shop.pk).update(installed_at=uninstalled_at - timedelta(days=9), opened_at=None)
    assert open_panel(sandbox, client) == 200
    assert not install.uninstalled(shop, uninstalled_at)
    assert (shop.state, shop.access_token) == (Shop.State.REOPEN, "")
    assert open_panel(sandbox, client) == 200
    shop.refresh_from_db()
    assert (shop.state, bool(shop.access_token)) == (Shop.State.ACTIVE, True)
    assert not install.uninstalled(shop, uninstalled_at)
    assert AdminClient(shop).run("installation")


def test_opening_the_app_before_the_uninstall_keeps_nothing(shop: Shop) -> None:
    Shop.objects.filter(pk=shop.pk).update(opened_at=timezone.now() - timedelta(seconds=5))
    assert install.uninstalled(shop, timezone.now())
    assert shop.state == Shop.State.UNINSTALLED


@pytest.mark.parametrize(("days_open", "erased"), [(3, True), (1, False)])
def test_an_erasure_although_nobody_told_of_the_uninstall(shop: Shop, days_open: int, erased: bool) -> None:
    """Shopify asks for it 48 hours after the uninstall, of which the dead tokens told first."""
    tokens.ask_to_reopen(shop)
    Shop.objects.filter(pk=shop.pk).update(
        installed_at=timezone.now() - timedelta(days=90),
        opened_at=timezone.now() - timedelta(days=days_open),
    )
    assert install.redact_shop(shop, timezone.now()) == erased
    shop.refresh_from_db()
    assert (shop.name == "", shop.state == Shop.State.UNINSTALLED) == (erased, erased)


def test_redaction_erases_and_a_reinstall_starts_anew(shop: Shop, sandbox: Sandbox) -> None:
    assert not install.redact_shop(shop, timezone.now()), "an installed shop stays"
    program = shop.program_id
    install.uninstalled(shop, timezone.now())
    assert install.redact_shop(shop, timezone.now())
    assert (shop.name, shop.shopify_id) == ("", None)
    again = take_in(sandbox)
    assert again.pk == shop.pk
    assert again.program_id not in (0, program)


def test_the_id_token_of_another_shop_installs_nothing(sandbox: Sandbox, db: None) -> None:
    token = staff_token(sandbox.token(), CLIENT_ID, (SECRET,))
    with pytest.raises(NeedsHuman):
        install.installed("other.myshopify.com", token)


def test_an_id_token_that_shopify_refuses(sandbox: Sandbox, settings: Settings, db: None) -> None:
    token = staff_token(signing.id_token(secret="old" * 12), CLIENT_ID, ("old" * 12,))
    with pytest.raises(tokens.BadIdToken):
        install.installed(SHOP, token)
    assert not Shop.objects.exists()


def test_a_wrong_client_secret_is_for_a_human(sandbox: Sandbox, settings: Settings, db: None) -> None:
    token = staff_token(sandbox.token(), CLIENT_ID, (SECRET,))
    settings.SHOPIFY_API_SECRET = "shpss_" + "9" * 32
    with pytest.raises(NeedsHuman) as error:
        install.installed(SHOP, token)
    assert error.value.code == "invalid_client"


def soon_stale(shop: Shop, **changes: Any) -> None:
    """As after 55 minutes."""
    Shop.objects.filter(pk=shop.pk).update(
        access_token_expires_at=timezone.now() + timedelta(minutes=4), **changes
    )
    shop.refresh_from_db()


def test_a_token_is_renewed_before_its_end(shop: Shop) -> None:
    first, old_refresh = install.access_token(shop), shop.refresh_token
    soon_stale(shop)
    second = install.access_token(shop)
    assert second != first
    assert shop.refresh_token != old_refresh
    assert install.access_token(Shop.objects.get(pk=shop.pk)) == second
    assert AdminClient(shop).run("installation")["shop"]["myshopifyDomain"] == SHOP


def test_a_refresh_whose_commit_was_lost_is_done_again(shop: Shop) -> None:
    soon_stale(shop)
    with transaction.atomic():
        lost = install.access_token(shop)
        transaction.set_rollback(True)
    shop.refresh_from_db()
    assert install.access_token(shop) != lost
    assert AdminClient(shop).run("installation")["shop"]["myshopifyDomain"] == SHOP


def test_a_dead_refresh_token_asks_the_merchant_to_reopen(shop: Shop, sandbox: Sandbox) -> None:
    soon_stale(shop, refresh_token=vault.seal("shprt_dead", "refresh", SHOP))
    with pytest.raises(NeedsHuman) as error:
        install.access_token(shop)
    assert error.value.code == "reopen"
    shop.refresh_from_db()
    assert shop.state == Shop.State.REOPEN
    assert "Open the app" in shop.state_reason
    assert install.needs_opening(shop)
    assert take_in(sandbox).state == Shop.State.ACTIVE


@pytest.mark.parametrize(("days", "needed"), [(-1, True), (1, False), (None, False)])
def test_a_page_load_brings_new_tokens_once_the_old_ones_can_not_be_renewed(
    shop: Shop, days: int | None, needed: bool
) -> None:
    shop.refresh_token_expires_at = None if days is None else timezone.now() + timedelta(days=days)
    assert install.needs_opening(shop) is needed


def test_a_refresh_token_of_90_days_is_not_even_sent(shop: Shop, scripted: Scripted) -> None:
    soon_stale(shop, refresh_token_expires_at=timezone.now() - timedelta(days=1))
    with pytest.raises(NeedsHuman):
        install.access_token(shop)
    assert scripted.asked == []


def test_a_ciphertext_moved_from_another_shops_row_is_never_used(shop: Shop) -> None:
    Shop.objects.filter(pk=shop.pk).update(access_token=vault.seal("shpat_x", "access", "b.myshopify.com"))
    shop.refresh_from_db()
    with pytest.raises(NeedsHuman) as error:
        install.access_token(shop)
    assert error.value.code == "token_keys"


def test_idle_shops_are_renewed_by_the_clock(shop: Shop) -> None:
    assert install.refresh_idle() == 0
    Shop.objects.filter(pk=shop.pk).update(access_token_expires_at=timezone.now() - timedelta(days=46))
    assert install.refresh_idle() == 1
    shop.refresh_from_db()
    assert shop.access_token_expires_at
    assert shop.access_token_expires_at > timezone.now()
    assert install.refresh_idle() == 0


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (500, b"", TryAgain),
        (429, b"{}", TryAgain),
        (302, b"", TryAgain),
        (200, b"<html>", TryAgain),
        (200, b"[]", TryAgain),
        (200, b"{}", TryAgain),
        (200, b'{"access_token": "x", "expires_in": "soon"}', TryAgain),
        (200, b" " * 200_000, TryAgain),
        (408, b"", TryAgain),
        (400, b'{"error": "invalid_grant"}', NeedsHuman),
        (400, b'{"error": "app_not_installed"}', NeedsHuman),
        (404, b"", NeedsHuman),
        (401, b'{"error": "invalid_client"}', NeedsHuman),
    ],
)
def test_odd_answers_of_the_token_endpoint(
    shop: Shop, scripted: Scripted, status: int, content: bytes, expected: type[Exception]
) -> None:
    scripted.answer = lambda _: (status, {"Location": "http://127.0.0.1:9/"}, content)
    soon_stale(shop)
    with pytest.raises(expected):
        install.access_token(shop)
    assert Shop.objects.get(pk=shop.pk).access_token == shop.access_token


@pytest.mark.django_db(transaction=True)
def test_two_hundred_callers_refresh_once(scripted: Scripted) -> None:
    """F40: the hour ends for everybody at once."""
    scripted.delay = 0.3
    scripted.answer = lambda _: json_answer(
        {
            "access_token": f"shpat_{len(scripted.asked)}",
            "refresh_token": f"shprt_{len(scripted.asked)}",
            "expires_in": 3600,
            "refresh_token_expires_in": 7_776_000,
            "scope": "",
        }
    )
    stale = Shop.objects.create(
        program_id=1,
        domain=SHOP,
        currency="USD",
        access_token=vault.seal("shpat_0", "access", SHOP),
        access_token_expires_at=timezone.now(),
        refresh_token=vault.seal("shprt_0", "refresh", SHOP),
    )
    found: list[str] = []

    def call() -> None:
        try:
            found.append(install.access_token(Shop(pk=stale.pk, domain=SHOP)))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=call) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == ["shpat_1"] * 200
    assert len(scripted.asked) == 1


@pytest.mark.django_db(transaction=True)
def test_a_refresh_in_another_process_is_waited_for(scripted: Scripted) -> None:
    stale = Shop.objects.create(
        program_id=1,
        domain=SHOP,
        currency="USD",
        access_token=vault.seal("shpat_0", "access", SHOP),
        access_token_expires_at=timezone.now(),
    )
    holding, release = threading.Event(), threading.Event()

    def other_process() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [tokens.LOCK_SPACE, stale.pk])
                holding.set()
                release.wait(5)
                Shop.objects.filter(pk=stale.pk).update(
                    access_token=vault.seal("shpat_other", "access", SHOP),
                    access_token_expires_at=timezone.now() + timedelta(hours=1),
                )
        finally:
            connections.close_all()

    thread = threading.Thread(target=other_process)
    thread.start()
    assert holding.wait(5)
    threading.Timer(0.3, release.set).start()
    assert install.access_token(stale) == "shpat_other"
    thread.join(5)
    assert scripted.asked == []


def test_an_uninstall_nobody_told_of_is_not_asked_about_for_ever(shop: Shop, sandbox: Sandbox) -> None:
    sandbox.post("/sandbox/uninstall")
    with pytest.raises(NeedsHuman) as error:
        AdminClient(shop).run("installation")
    assert error.value.code == "reopen"
    shop.refresh_from_db()
    assert shop.state == Shop.State.REOPEN


def test_one_store_of_ones_own(sandbox: Sandbox, db: None) -> None:
    out = StringIO()
    call_command("connect_store", "--shop", SHOP, stdout=out)
    shop = Shop.objects.get(domain=SHOP)
    assert f"{SHOP} is connected" in out.getvalue()
    assert (shop.grant, shop.refresh_token) == ("client_credentials", "")
    first = install.access_token(shop)
    soon_stale(shop)
    assert install.access_token(shop) != first
    assert not install.needs_opening(shop)


@pytest.mark.parametrize("domain", ["demo", "https://demo.myshopify.com", "nobody.myshopify.com"])
def test_a_store_that_cannot_be_connected(domain: str, sandbox: Sandbox, db: None) -> None:
    with pytest.raises(CommandError, match="is not connected"):
        call_command("connect_store", "--shop", domain, stdout=StringIO())
    assert not Shop.objects.exists()


def test_scopes_are_judged(shop: Shop) -> None:
    assert install.scopes_changed(shop, install.needed_scopes())
    assert not install.scopes_changed(shop, "read_orders")
    assert "permissions" in shop.state_reason
    wider = install.needed_scopes() + ",read_products"
    assert install.scopes_changed(shop, wider)
    assert shop.state_reason == ""
