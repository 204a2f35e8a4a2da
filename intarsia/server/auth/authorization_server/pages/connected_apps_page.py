"""The page of connected apps, where users see and remove the access of each app."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from intarsia.server.auth.authorization_server.errors import OAuthError
from intarsia.server.auth.authorization_server.pages.login_page import expired_page
from intarsia.server.auth.authorization_server.scope_descriptions import ScopeDescription, describe_scopes
from intarsia.server.pages.browser_sessions import CsrfError
from intarsia.server.pages.forms import read_form
from intarsia.server.pages.templates import redirect_to, render_page

if TYPE_CHECKING:
    from intarsia.server.auth.authorization_server.server import AuthorizationServer
    from intarsia.server.connector import Connector


@dataclass(frozen=True)
class ConnectedApp:
    """The access that an app has to an account, as it is shown.

    Args:
        id: The client ID.
        name: The name of the app.
        site: The host of its metadata document; empty for other clients.
        scopes: The granted scopes.
        since: The date of the first grant.
        renewed: The date of the newest token; empty if it is the same.
        offline: Whether the app stays connected while the user is away.
    """

    id: str
    name: str
    site: str
    scopes: list[ScopeDescription]
    since: str
    renewed: str
    offline: bool


class ConnectedAppsPage:
    """The page of connected apps, `/apps`.

    Args:
        connector: The connector that apps have access to.
        services: The authorization server, with its sessions, clients and grants.
    """

    def __init__(self, connector: "Connector", services: "AuthorizationServer") -> None:
        self._connector = connector
        self._services = services

    async def show(self, request: Request) -> Response:
        """Return the page of the signed-in user, or the sign-in page."""
        browser = await self._services.sessions.load(request)
        if browser.account is None:
            return self._services.login_page.show(browser)
        page = render_page(
            "apps", connector=self._connector.name, account=browser.account, csrf_token=browser.csrf_token,
            apps=await self.of(browser.account),
        )  # fmt: skip
        return self._services.sessions.set_cookie(page, browser)

    async def of(self, account: str) -> list[ConnectedApp]:
        """Return the connected apps of an account."""
        grants, clients = await self._services.grants.active_grants(account), await self._services.clients.by_id()
        apps: list[ConnectedApp] = []
        for client_id in dict.fromkeys(grant.client for grant in grants):
            own = [grant for grant in grants if grant.client == client_id]
            scopes = sorted(frozenset[str]().union(*(grant.scopes for grant in own)) & self._connector.scopes)
            since = _day(min(grant.at for grant in own))
            renewed = _day(max(grant.used_at or grant.at for grant in own))
            apps.append(ConnectedApp(
                client_id, clients[client_id].name, clients[client_id].site,
                describe_scopes(self._connector, scopes, frozenset()), since, renewed if renewed != since else "",
                any(grant.offline for grant in own),
            ))  # fmt: skip
        return apps

    async def revoke(self, request: Request) -> Response:
        """Revoke the access of an app, and return to the page."""
        browser = await self._services.sessions.load(request)
        try:
            form = await read_form(request)
            self._services.sessions.verify_csrf(request, form, browser)
            client = form.required("app")
        except (OAuthError, CsrfError):
            return expired_page(self._connector.name)
        if browser.account is None:
            return expired_page(self._connector.name)
        await self._services.grants.revoke_client(browser.account, client)
        return redirect_to("/apps")


def _day(at: float) -> str:
    day = datetime.fromtimestamp(at, UTC)
    return f"{day.day} {day:%B %Y}"
