"""Admins who are accounts of this server, with the role `intarsia:admin`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from intarsia.server.admin.access import ADMIN, Admin
from intarsia.server.pages.browser_sessions import Browser
from intarsia.server.pages.forms import Fields
from intarsia.server.pages.templates import draw

if TYPE_CHECKING:
    from intarsia.server.auth.authorization_server.server import AuthorizationServer

_BROWSER = "intarsia.browser"
"""Where in a request's scope the browser is that sent it."""


class AccountAdmins:
    """Those accounts.

    Args:
        connector: What the connector is called.
        sign_in: Knows accounts and sessions.
    """

    def __init__(self, connector: str, sign_in: "AuthorizationServer") -> None:
        self._connector = connector
        self._of = sign_in

    async def admit(self, request: Request) -> Admin | Response:
        """Return the admin who sends a request, or what to answer somebody else."""
        browser: Browser = await self._of.sessions.browser(request)
        request.scope[_BROWSER] = browser
        if browser.account is None:
            return self._of.entrance.show(browser, goes_to="/admin")
        account = await self._of.accounts.get(browser.account)
        if account is None or account.state != "active" or ADMIN not in account.roles:
            return self._not_for_you(browser.account)
        return Admin(account.name, account.name, browser.form_token)

    def check_form(self, request: Request, form: Fields, admin: Admin) -> None:  # noqa: ARG002 - its session says who
        """Check that a form comes from a page of ours in this browser.

        Raises:
            ForgeryError: It does not.
        """
        self._of.sessions.check_form(request, form, request.scope[_BROWSER])

    def remember(self, request: Request, response: Response) -> Response:
        """Let the browser keep its session."""
        return self._of.sessions.remember(response, request.scope[_BROWSER])

    async def people(self) -> Sequence[tuple[str, frozenset[str]]] | None:
        """Return everybody who may sign in, with their roles."""
        return [(each.name, each.roles) for each in await self._of.accounts.list() if each.state == "active"]

    async def roles(self) -> Sequence[str]:
        """Return the roles that somebody has."""
        return sorted(frozenset[str]().union(*(account.roles for account in await self._of.accounts.list())))

    def _not_for_you(self, account: str) -> Response:
        text = f"{account} is no admin. Whoever runs this makes one with: intarsia users roles {account} --add {ADMIN}"
        return draw(
            "notice", status=403, connector=self._connector, title="Not for you", text=text, link="/apps",
            label="Connected apps",
        )  # fmt: skip
