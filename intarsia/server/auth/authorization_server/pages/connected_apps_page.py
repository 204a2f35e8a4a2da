"""The page of connected apps, where users see and remove the access of each app."""

from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from intarsia.server.auth.authorization_server.oauth.scope_descriptions import ScopeDescription, describe_scopes
from intarsia.server.auth.authorization_server.oauth.services import AuthServices
from intarsia.server.auth.authorization_server.pages.login_page import LoginPage
from intarsia.server.catalog import Catalog
from intarsia.server.pages.browsers import CsrfError
from intarsia.server.pages.forms import read_form
from intarsia.server.pages.oauth_errors import OAuthError
from intarsia.server.pages.templates import expired_page, redirect_to, render_page


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
        catalog: The catalog that apps have access to.
        services: The services of the authorization server, with its sessions, clients and grants.
        login_page: The page where users sign in.
    """

    def __init__(self, catalog: Catalog, services: AuthServices, login_page: LoginPage) -> None:
        self._catalog = catalog
        self._services = services
        self._login_page = login_page

    async def show(self, request: Request) -> Response:
        """Return the page of the signed-in user, or the sign-in page."""
        browser = await self._services.sessions.load(request)
        if browser.account is None:
            return self._login_page.show(browser)
        page = render_page(
            "apps", connector=self._catalog.name, account=browser.account, csrf_token=browser.csrf_token,
            apps=await connected_apps(self._catalog, self._services, browser.account),
        )  # fmt: skip
        return self._services.sessions.set_cookie(page, browser)

    async def revoke(self, request: Request) -> Response:
        """Revoke the access of an app, and return to the page."""
        browser = await self._services.sessions.load(request)
        try:
            form = await read_form(request)
            self._services.sessions.verify_csrf(request, form, browser)
            client = form.required("app")
        except (OAuthError, CsrfError):
            return expired_page(self._catalog.name)
        if browser.account is None:
            return expired_page(self._catalog.name)
        await self._services.grants.revoke_client(browser.account, client)
        return redirect_to("/apps")


async def connected_apps(catalog: Catalog, services: AuthServices, account: str) -> list[ConnectedApp]:
    """Return the connected apps of an account.

    Args:
        catalog: The catalog that apps have access to.
        services: The services of the authorization server, with its clients and grants.
        account: The name of the account.
    """
    grants = await services.grants.active_grants(account)
    clients = await services.clients.by_id({grant.client for grant in grants})
    apps: list[ConnectedApp] = []
    for client_id in dict.fromkeys(grant.client for grant in grants):
        own = [grant for grant in grants if grant.client == client_id]
        scopes = sorted(frozenset[str]().union(*(grant.scopes for grant in own)) & catalog.scopes)
        since = _day(min(grant.at for grant in own))
        renewed = _day(max(grant.used_at or grant.at for grant in own))
        apps.append(ConnectedApp(
            client_id, clients[client_id].name, clients[client_id].site,
            describe_scopes(catalog, scopes, frozenset()), since, renewed if renewed != since else "",
            any(grant.offline for grant in own),
        ))  # fmt: skip
    return apps


def _day(at: float) -> str:
    day = datetime.fromtimestamp(at, UTC)
    return f"{day.day} {day:%B %Y}"
