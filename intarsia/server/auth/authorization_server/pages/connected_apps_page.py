"""The page of connected apps: what somebody granted, and a button that takes it back."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from intarsia.server.auth.authorization_server.oauth.scope_descriptions import ScopeDescription, meanings_of
from intarsia.server.auth.authorization_server.pages.login_page import draw_stale
from intarsia.server.auth.oauth_errors import OAuthError
from intarsia.server.pages.browser_sessions import ForgeryError
from intarsia.server.pages.forms import read_form
from intarsia.server.pages.templates import draw

if TYPE_CHECKING:
    from intarsia.server.auth.authorization_server.server import AuthorizationServer
    from intarsia.server.connector import Connector


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
        connector: What access was given to.
        sign_in: What it works with.
    """

    def __init__(self, connector: "Connector", sign_in: "AuthorizationServer") -> None:
        self._connector = connector
        self._of = sign_in

    async def show(self, request: Request) -> Response:
        """Answer with what the person who is signed in granted."""
        browser = await self._of.sessions.browser(request)
        if browser.account is None:
            return self._of.entrance.show(browser)
        page = draw(
            "apps", connector=self._connector.name, account=browser.account, form_token=browser.form_token,
            apps=await self.of(browser.account),
        )  # fmt: skip
        return self._of.sessions.remember(page, browser)

    async def of(self, account: str) -> list[ConnectedApp]:
        """Return the apps that an account has connected."""
        grants, clients = await self._of.ledger.grants_of(account), await self._of.clients.names()
        shown: list[ConnectedApp] = []
        for client_id in dict.fromkeys(grant.client for grant in grants):
            own = [grant for grant in grants if grant.client == client_id]
            scopes = sorted(frozenset[str]().union(*(grant.scopes for grant in own)) & self._connector.scopes)
            since = _day(min(grant.at for grant in own))
            renewed = _day(max(grant.used_at or grant.at for grant in own))
            shown.append(ConnectedApp(
                client_id, clients[client_id].name, clients[client_id].home,
                meanings_of(self._connector, scopes, frozenset()), since, renewed if renewed != since else "",
                any(grant.stays for grant in own),
            ))  # fmt: skip
        return shown

    async def withdraw(self, request: Request) -> Response:
        """Answer to the button that takes back what an app holds."""
        browser = await self._of.sessions.browser(request)
        try:
            form = await read_form(request)
            self._of.sessions.check_form(request, form, browser)
            client = form.required("app")
        except (OAuthError, ForgeryError):
            return draw_stale(self._connector.name)
        if browser.account is None:
            return draw_stale(self._connector.name)
        await self._of.ledger.withdraw(browser.account, client)
        return RedirectResponse("/apps", 303, {"Cache-Control": "no-store"})


def _day(at: float) -> str:
    day = datetime.fromtimestamp(at, UTC)
    return f"{day.day} {day:%B %Y}"
