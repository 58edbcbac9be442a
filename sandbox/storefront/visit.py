"""Who is looking at which shop: what every page of the storefront starts from."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, current_app, g, request
from werkzeug.exceptions import NotFound

from sandbox import commerce
from sandbox.api.context import app_number
from sandbox.config import Config
from sandbox.model import Customer, Session
from sandbox.world import ShopState, World

SESSION_COOKIE = "sandbox_session"
LOCALE_COOKIE = "sandbox_locale"
RIGHT_TO_LEFT = {"ar", "fa", "he", "ur"}


@dataclass
class Visit:
    world: World
    config: Config
    state: ShopState
    session: Session | None
    locale: str

    @property
    def customer(self) -> Customer | None:
        return commerce.customer_of(self.state, self.session)

    @property
    def direction(self) -> str:
        return "rtl" if self.locale.split("-")[0] in RIGHT_TO_LEFT else "ltr"

    @property
    def app_namespace(self) -> str:
        """What `$app` means in the app's own extension."""
        return f"app--{app_number(self.config)}"

    @property
    def codes(self) -> list[str]:
        return self.session.codes if self.session else []

    def known_session(self) -> Session:
        """The session, made now for a visitor who does something worth remembering."""
        if self.session is None:
            with self.world.change():
                self.session = self.world.new_session(self.state)
        return self.session


def visit() -> Visit:
    """The visit of this request."""
    if "visit" not in g:
        world: World = current_app.extensions["world"]
        state = world.shop_for_host(request.host)
        if state is None:
            raise NotFound("there is no such shop")
        session = world.session(state, request.cookies.get(SESSION_COOKIE))
        g.visit = Visit(world, current_app.extensions["config"], state, session, _locale())
    found: Visit = g.visit
    return found


def _locale() -> str:
    wanted = request.args.get("locale") or request.cookies.get(LOCALE_COOKIE) or "en"
    return wanted if wanted.replace("-", "").isalnum() and len(wanted) <= 10 else "en"


def remember(response: Response) -> Response:
    """Keep session and language in cookies; the session's token is all that the browser holds."""
    if "visit" not in g:
        return response
    found: Visit = g.visit
    if found.session is not None and request.cookies.get(SESSION_COOKIE) != found.session.token:
        response.set_cookie(SESSION_COOKIE, found.session.token, httponly=True, samesite="Lax")
    if request.args.get("locale"):
        response.set_cookie(LOCALE_COOKIE, found.locale, samesite="Lax", max_age=365 * 24 * 3600)
    return response
