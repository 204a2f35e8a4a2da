"""Admins who are accounts of this server, with the role `intarsia:admin`."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from intarsia.server.admin.access import ADMIN, Admin
from intarsia.server.auth.authorization_server.oauth.services import AuthServices
from intarsia.server.auth.authorization_server.pages.login_page import LoginPage
from intarsia.server.pages.browsers import Browser
from intarsia.server.pages.forms import Fields
from intarsia.server.pages.templates import draw

_BROWSER = "intarsia.browser"
"""Where in a request's scope the browser is that sent it."""


class AccountAdmins:
    """Those accounts.

    Args:
        connector: What the connector is called.
        services: Know accounts and sessions.
        login_page: Where people sign in before.
    """

    def __init__(self, connector: str, services: AuthServices, login_page: LoginPage) -> None:
        self._connector = connector
        self._services = services
        self._login_page = login_page

    async def admit(self, request: Request) -> Admin | Response:
        """Return the admin who sends a request, or what to answer somebody else."""
        browser: Browser = await self._services.sessions.browser(request)
        request.scope[_BROWSER] = browser
        if browser.account is None:
            return self._login_page.show(browser, goes_to="/admin")
        account = await self._services.accounts.get(browser.account)
        if account is None or account.state != "active" or ADMIN not in account.roles:
            return self._not_for_you(browser.account)
        return Admin(account.name, account.name, browser.form_token)

    def check_form(self, request: Request, form: Fields, admin: Admin) -> None:  # noqa: ARG002 - its session says who
        """Check that a form comes from a page of ours in this browser.

        Raises:
            ForgeryError: It does not.
        """
        self._services.sessions.check_form(request, form, request.scope[_BROWSER])

    def remember(self, request: Request, response: Response) -> Response:
        """Let the browser keep its session."""
        return self._services.sessions.remember(response, request.scope[_BROWSER])

    async def people(self) -> Sequence[tuple[str, frozenset[str]]] | None:
        """Return everybody who may sign in, with their roles."""
        return [(each.name, each.roles) for each in await self._services.accounts.list() if each.state == "active"]

    async def roles(self) -> Sequence[str]:
        """Return the roles that somebody has."""
        return sorted(frozenset[str]().union(*(account.roles for account in await self._services.accounts.list())))

    def _not_for_you(self, account: str) -> Response:
        text = f"{account} is no admin. Whoever runs this makes one with: intarsia users roles {account} --add {ADMIN}"
        return draw(
            "notice", status=403, connector=self._connector, title="Not for you", text=text, link="/apps",
            label="Connected apps",
        )  # fmt: skip
