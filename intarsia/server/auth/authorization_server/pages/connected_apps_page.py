"""The page of connected apps: what somebody granted, and a button that takes it back."""

from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from intarsia.server.auth.authorization_server.oauth.scope_descriptions import ScopeDescription, meanings_of
from intarsia.server.auth.authorization_server.oauth.services import AuthServices
from intarsia.server.auth.authorization_server.pages.login_page import LoginPage
from intarsia.server.catalog import Catalog
from intarsia.server.pages.browsers import ForgeryError
from intarsia.server.pages.forms import read_form
from intarsia.server.pages.oauth_errors import OAuthError
from intarsia.server.pages.templates import draw, draw_stale


@dataclass(frozen=True)
class ConnectedApp:
    """What one app holds of a person."""

    id: str
    name: str
    home: str
    scopes: list[ScopeDescription]
    since: str
    renewed: str
    """When it got its newest token; empty when that was on the first day."""
    stays: bool
    """Whether it may go on while the person is away."""


class ConnectedAppsPage:
    """The page.

    Args:
        catalog: What access was given to.
        services: What it works with.
        login_page: Where people sign in before.
    """

    def __init__(self, catalog: Catalog, services: AuthServices, login_page: LoginPage) -> None:
        self._catalog = catalog
        self._services = services
        self._login_page = login_page

    async def show(self, request: Request) -> Response:
        """Answer with what the person who is signed in granted."""
        browser = await self._services.sessions.browser(request)
        if browser.account is None:
            return self._login_page.show(browser)
        page = draw(
            "apps", connector=self._catalog.name, account=browser.account, form_token=browser.form_token,
            apps=await connected_apps(self._catalog, self._services, browser.account),
        )  # fmt: skip
        return self._services.sessions.remember(page, browser)

    async def withdraw(self, request: Request) -> Response:
        """Answer to the button that takes back what an app holds."""
        browser = await self._services.sessions.browser(request)
        try:
            form = await read_form(request)
            self._services.sessions.check_form(request, form, browser)
            client = form.required("app")
        except (OAuthError, ForgeryError):
            return draw_stale(self._catalog.name)
        if browser.account is None:
            return draw_stale(self._catalog.name)
        await self._services.grants.withdraw(browser.account, client)
        return RedirectResponse("/apps", 303, {"Cache-Control": "no-store"})


async def connected_apps(catalog: Catalog, services: AuthServices, account: str) -> list[ConnectedApp]:
    """Return the apps that an account has connected."""
    grants, clients = await services.grants.grants_of(account), await services.clients.names()
    shown: list[ConnectedApp] = []
    for client_id in dict.fromkeys(grant.client for grant in grants):
        own = [grant for grant in grants if grant.client == client_id]
        scopes = sorted(frozenset[str]().union(*(grant.scopes for grant in own)) & catalog.scopes)
        since = _day(min(grant.at for grant in own))
        renewed = _day(max(grant.used_at or grant.at for grant in own))
        shown.append(ConnectedApp(
            client_id, clients[client_id].name, clients[client_id].home,
            meanings_of(catalog, scopes, frozenset()), since, renewed if renewed != since else "",
            any(grant.stays for grant in own),
        ))  # fmt: skip
    return shown


def _day(at: float) -> str:
    day = datetime.fromtimestamp(at, UTC)
    return f"{day.day} {day:%B %Y}"
