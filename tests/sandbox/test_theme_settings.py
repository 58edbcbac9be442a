"""What the merchant sets in the theme stays, per shop."""

from __future__ import annotations

from pathlib import Path

from flask.testing import FlaskClient

from sandbox.storefront.theme_settings import ThemeSettings


def test_changes_name_only_what_they_change_and_survive_a_restart(tmp_path: Path) -> None:
    ThemeSettings(tmp_path).change("a.myshopify.com", {"embeds": {"one": False}})
    ThemeSettings(tmp_path).change("a.myshopify.com", {"embeds": {"two": True}, "blocks": {"product": ["x"]}})
    after = ThemeSettings(tmp_path)
    assert after.of("a.myshopify.com") == {
        "embeds": {"one": False, "two": True},
        "blocks": {"product": ["x"]},
        "settings": {},
    }
    assert after.of("b.myshopify.com") == {"embeds": {}, "blocks": {}, "settings": {}}


def test_wrong_shapes_are_refused(client: FlaskClient) -> None:
    for wrong in ([], {"embeds": 1}, "x"):
        assert client.post("/sandbox/theme", json=wrong).status_code == 422


def test_unknown_shop_and_unknown_page_are_not_found(client: FlaskClient) -> None:
    assert client.get("/", headers={"Host": "nobody.myshopify.com"}).status_code == 404
    page = client.get("/nowhere")
    assert page.status_code == 404
    assert "There is nothing at this address" in page.text
    assert "There is nothing at this address" not in client.get("/admin/nowhere").text
