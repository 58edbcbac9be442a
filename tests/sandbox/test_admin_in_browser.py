"""The stand-ins at work in a real browser: an app of two pages in the admin's frame."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from playwright.sync_api import Browser, FrameLocator, Page, Route, expect
from werkzeug.serving import BaseWSGIServer, make_server

from sandbox.seed import seed_demo_shop
from sandbox.store import Store
from sandbox.world import World

from .shop import REAL_EXTENSION, open_shop

pytestmark = pytest.mark.slow
AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
RETRY = {"X-Shopify-Retry-Invalid-Session-Request": "1"}
NAV = """
<s-app-nav>
  <s-link href="/app/" rel="home">Home</s-link><s-link href="/app/program">Program</s-link>
</s-app-nav>"""
HOME = """
<s-page heading="Home"><s-section heading="Week">
  <s-link href="/app/program">To the program</s-link> <a href="/app/program">A plain link</a>
  <s-button id="ask">Ask</s-button><s-text id="answer"></s-text>
</s-section></s-page>
<script>
document.getElementById('ask').addEventListener('click', async () => {
  const answer = await (await fetch('/app/data')).json();
  const [widget] = await shopify.app.extensions();
  document.getElementById('answer').textContent = `${answer.bearer} ${widget.activations[0].status}`;
});
</script>"""
PROGRAM = """
<s-page heading="Program"><s-section heading="Rate"><form id="form" data-save-bar data-discard-confirmation>
  <s-text-field label="Name" name="name" value="Demo"></s-text-field>
  <s-checkbox label="With tax" name="tax"></s-checkbox>
  <s-choice-list label="Award on" name="award"><s-choice value="paid" selected>Paid</s-choice><s-choice value="sent">Sent</s-choice></s-choice-list>
  <s-select label="Rounding" name="rounding" value="up"><s-option value="down">Down</s-option><s-option value="up">Up</s-option></s-select>
</form></s-section></s-page>
<script>
form.addEventListener('submit', (event) => {
  event.preventDefault();
  shopify.toast.show(new URLSearchParams(new FormData(form)).toString());
});
</script>
<script type="module" src="/app/late.js"></script>"""  # noqa: E501


def pages(sandbox: str) -> Flask:
    """The app: pages want a token in the address, data wants it in the header and refuses the first time."""
    app = Flask("app")
    refused: list[str] = []
    head = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>App</title>'
        f'<script src="{sandbox}/cdn/shopifycloud/app-bridge.js" data-api-key="key"></script>'
        f'<script src="{sandbox}/cdn/shopifycloud/polaris.js"></script>'
    )

    def framed(body: str) -> ResponseReturnValue:
        if "id_token" not in request.args:
            return redirect(f"/app/token?shopify-reload={request.path}")
        # No inline styles are allowed: the stand-ins have to do without.
        policy = f"style-src 'self'; frame-ancestors {sandbox}"
        return Response(f"{head}{NAV}{body}", headers={"Content-Security-Policy": policy})

    app.add_url_rule("/app/", "home", lambda: framed(HOME))
    app.add_url_rule("/app/program", "program", lambda: framed(PROGRAM))
    app.add_url_rule("/app/token", "token", lambda: head)
    app.add_url_rule("/app/late.js", "late", lambda: Response("", mimetype="text/javascript"))

    @app.get("/app/data")
    def data() -> ResponseReturnValue:
        token = request.headers.get("Authorization", "")
        if not refused:
            refused.append(token)
            return Response("", 401, RETRY)
        return jsonify(bearer=token.startswith("Bearer ey") and token != refused[0])

    return app


def serve(app: object, running: list[BaseWSGIServer]) -> str:
    server = make_server("127.0.0.1", 0, app, threaded=True)  # type: ignore[arg-type]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    running.append(server)
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    running: list[BaseWSGIServer] = []
    # The app needs the sandbox's address and the other way round: the app's comes first.
    holder = Flask("holder")
    app_url = serve(lambda environ, start: holder.wsgi_app(environ, start), running)
    world = World(Store(None))
    shop = open_shop(world, seed_demo_shop(world), app_url=app_url, extension=REAL_EXTENSION)
    url = serve(shop.application, running)
    holder.wsgi_app = pages(url).wsgi_app  # type: ignore[method-assign]
    yield url
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(10_000)
    yield page
    page.close()


@pytest.fixture
def app(sandbox: str, tab: Page) -> FrameLocator:
    tab.goto(f"{sandbox}/admin")
    return tab.frame_locator("iframe")


def test_fetch_carries_a_token_and_tries_once_more(app: FrameLocator) -> None:
    app.get_by_role("button", name="Ask").click()
    expect(app.locator("#answer")).to_have_text("true active")


@pytest.mark.parametrize("link", ["To the program", "A plain link"])
def test_links_arrive_and_the_address_follows(app: FrameLocator, tab: Page, link: str) -> None:
    app.get_by_role("link", name=link).click()
    expect(app.get_by_role("heading", name="Program")).to_be_visible()
    expect(tab).to_have_url(re.compile("/admin/apps/loyalty/program$"))
    expect(tab.get_by_role("link", name="Program")).to_have_attribute("aria-current", "page")


def test_save_bar_keeps_saves_and_discards(app: FrameLocator, tab: Page) -> None:
    tab.get_by_role("link", name="Program").click()
    bar = tab.get_by_role("region", name="Unsaved changes")
    app.get_by_label("Name").fill("Points")
    expect(bar).to_be_visible()
    tab.get_by_role("link", name="Loyalty app").click()
    tab.get_by_role("button", name="Stay").click()
    app.get_by_label("With tax").check()
    app.get_by_label("Sent").check()
    app.get_by_label("Rounding").select_option("down")
    tab.get_by_role("button", name="Save").click()
    expect(tab.get_by_text("name=Points&tax=on&award=sent&rounding=down")).to_be_visible()
    expect(bar).to_be_hidden()
    app.get_by_label("Name").fill("Lost")
    tab.get_by_role("button", name="Discard").click()
    tab.get_by_role("button", name="Leave").click()
    expect(app.get_by_label("Name")).to_have_value("Demo")


def test_what_is_typed_before_the_scripts_came_is_saved_and_discarded(app: FrameLocator, tab: Page) -> None:
    late: list[Route] = []
    tab.route("**/app/late.js", lambda route: late.append(route), times=1)
    with tab.expect_request("**/app/late.js"):
        tab.get_by_role("link", name="Program").click()
    bar = tab.get_by_role("region", name="Unsaved changes")
    app.get_by_label("Name").fill("Early")
    late[0].continue_()
    expect(bar).to_be_visible()
    tab.get_by_role("button", name="Save").click()
    expect(tab.get_by_text("name=Early&award=paid&rounding=up")).to_be_visible()
    expect(bar).to_be_hidden()
    app.get_by_label("Name").fill("Lost")
    tab.get_by_role("button", name="Discard").click()
    tab.get_by_role("button", name="Leave").click()
    expect(app.get_by_label("Name")).to_have_value("Demo")


def test_error_at_a_field_is_read_out_and_does_not_stop_who_types(app: FrameLocator, tab: Page) -> None:
    tab.get_by_role("link", name="Program").click()
    field = app.get_by_label("Name")
    field.fill("a")
    app.locator("s-text-field").evaluate("field => field.setAttribute('error', 'Too short')")
    tab.keyboard.type("b")
    expect(field).to_have_value("ab")
    expect(field).to_have_accessible_description("Too short")


def test_app_opened_alone_goes_into_the_admin(sandbox: str, app: FrameLocator, tab: Page) -> None:
    source = tab.locator("iframe").get_attribute("src")
    assert source is not None
    tab.goto(source.replace("/app/?", "/app/program?"))
    expect(tab).to_have_url(f"{sandbox}/admin/apps/loyalty/program")
    expect(app.get_by_role("heading", name="Program")).to_be_visible()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/products/dune-mug",
        "/cart",
        "/account/login",
        "/pages/rewards?locale=ar",
        "/admin",
        "/admin/gift-cards",
        "/admin/theme",
        "/checkout",
    ],
)
def test_no_page_has_a_barrier(sandbox: str, tab: Page, path: str) -> None:
    if path == "/checkout":
        tab.goto(f"{sandbox}/products/dune-mug?locale=en")
        tab.get_by_label("Buy").select_option("Every month")
        tab.get_by_role("button", name="Add to cart").click()
    tab.goto(f"{sandbox}{path}")
    tab.wait_for_load_state("networkidle")
    tab.evaluate(AXE.read_text())
    assert tab.evaluate("axe.run().then((found) => found.violations.map((one) => one.id))") == []
