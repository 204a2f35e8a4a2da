"""Admins who sign in with an account of this server and have the role `intarsia:admin`."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from intarsia.server.admin.access import ADMIN, Admin
from intarsia.server.auth.authorization_server.oauth.services import AuthServices
from intarsia.server.auth.authorization_server.pages.login_page import LoginPage
from intarsia.server.pages.browsers import Browser
from intarsia.server.pages.forms import Fields
from intarsia.server.pages.templates import render_page

_BROWSER = "intarsia.browser"
"""The key of the browser in a request's scope."""


class AccountAdmins:
    """Authenticates admins by the accounts of this server.

    Args:
        connector: The display name of the connector.
        services: The services of the authorization server, with its accounts and sessions.
        login_page: The page where users sign in.
    """

    def __init__(self, connector: str, services: AuthServices, login_page: LoginPage) -> None:
        self._connector = connector
        self._services = services
        self._login_page = login_page

    async def authenticate(self, request: Request) -> Admin | Response:
        """Return the admin who sent a request, the sign-in page, or an error page."""
        browser: Browser = await self._services.sessions.load(request)
        request.scope[_BROWSER] = browser
        if browser.account is None:
            return self._login_page.show(browser, next_path="/admin")
        account = await self._services.accounts.get(browser.account)
        if account is None or account.state != "active" or ADMIN not in account.roles:
            return self._forbidden(browser.account)
        return Admin(account.name, account.name, browser.csrf_token)

    def verify_csrf(self, request: Request, form: Fields, admin: Admin) -> None:  # noqa: ARG002 - of the protocol
        """Check that a form was sent from one of our pages in this browser.

        Raises:
            CsrfError: It was not.
        """
        self._services.sessions.verify_csrf(request, form, request.scope[_BROWSER])

    def set_cookie(self, request: Request, response: Response) -> Response:
        """Set the cookie of the browser on a response."""
        return self._services.sessions.set_cookie(response, request.scope[_BROWSER])

    async def users(self) -> Sequence[tuple[str, frozenset[str]]] | None:
        """Return all active accounts with their roles."""
        return [(each.name, each.roles) for each in await self._services.accounts.list() if each.state == "active"]

    async def roles(self) -> Sequence[str]:
        """Return the roles of all accounts."""
        return sorted(frozenset[str]().union(*(account.roles for account in await self._services.accounts.list())))

    def _forbidden(self, account: str) -> Response:
        text = f"{account} is not an admin. To make it one, run: intarsia users roles {account} --add {ADMIN}"
        return render_page(
            "notice", status=403, connector=self._connector, title="Admins only", text=text, link="/apps",
            label="Connected apps",
        )  # fmt: skip
