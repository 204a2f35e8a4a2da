"""Signing in and out, in a browser."""

import logging

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from intarsia.server.audit.log import AuditEntry, AuditLog
from intarsia.server.auth.authorization_server.accounts.accounts import MAX_PASSWORD_LENGTH, Accounts
from intarsia.server.auth.authorization_server.accounts.rate_limit import RateLimit
from intarsia.server.auth.authorization_server.accounts.sessions import Sessions
from intarsia.server.pages.browsers import Browser, ForgeryError
from intarsia.server.pages.forms import fields_of, read_form
from intarsia.server.pages.oauth_errors import OAuthError
from intarsia.server.pages.templates import draw, draw_stale

logger = logging.getLogger(__name__)

_MAX_NAME_LENGTH = 64
_BUSY_SECONDS = 10


class LoginPage:
    """The page where people sign in.

    Args:
        name: What the connector is called.
        accounts: Who may.
        sessions: Remembers who did.
        audit: Where tries that failed are counted.
    """

    def __init__(self, name: str, accounts: Accounts, sessions: Sessions, audit: AuditLog) -> None:
        self._name = name
        self._accounts = accounts
        self._sessions = sessions
        self._audit = audit
        self._attempts = RateLimit(most=5, seconds=20)

    def show(
        self,
        browser: Browser,
        *,
        back: str = "",
        account: str = "",
        problem: str = "",
        status: int = 200,
        wait: int = 0,
        goes_to: str = "/apps",
    ) -> Response:
        """Return the page.

        Args:
            browser: Who it is for.
            back: The query of `/authorize` to go on with; without it, the page with connected apps follows.
            account: What stands in the field for the name.
            problem: What went wrong before.
            status: The HTTP status.
            wait: After how many seconds it may be tried again.
            goes_to: The page of ours that follows, where no app asks: `/apps` or `/admin`.
        """
        headers = {"Retry-After": str(wait)} if wait else {}
        page = draw(
            "sign_in", status=status, headers=headers, connector=self._name, form_token=browser.form_token, back=back,
            account=account, problem=problem, goes_to=goes_to,
        )  # fmt: skip
        return self._sessions.remember(page, browser)

    async def sign_in(self, request: Request) -> Response:
        """Answer to a name and a password."""
        try:
            form = await read_form(request)
            browser = await self._sessions.browser(request)
            self._sessions.check_form(request, form, browser)
            back = form.one("back") or ""
            fields_of(back)
            goes_to = "/admin" if form.one("goes_to") == "/admin" else "/apps"
            name, password = form.one("account") or "", form.one("password") or ""
        except (OAuthError, ForgeryError):
            return draw_stale(self._name)
        account = name.strip().lower()[:_MAX_NAME_LENGTH]
        wait = self._attempts.wait_seconds(account) or (_BUSY_SECONDS if self._accounts.is_busy else 0)
        if wait:
            problem = f"Too many attempts. Try again in {wait} seconds."
            return self.show(
                browser, back=back, account=account, problem=problem, status=429, wait=wait, goes_to=goes_to
            )
        self._attempts.count(account)
        found = await self._accounts.check(account, password[: MAX_PASSWORD_LENGTH + 1])
        if found is None:
            logger.info("Somebody could not sign in: the name or the password was wrong.")
            # Nobody knows who it was: what was typed as a name may be anything, a password too.
            await self._audit.refuse(AuditEntry("refusal", "", what="sign_in", result="wrong name or password"))
            problem = "The name or the password is wrong."
            return self.show(browser, back=back, account=account, problem=problem, status=401, goes_to=goes_to)
        self._attempts.forget(account)
        # Always one of our own pages: what comes from the form is only its query.
        response = RedirectResponse(f"/authorize?{back}" if back else goes_to, 303, {"Cache-Control": "no-store"})
        return self._sessions.remember(response, await self._sessions.start(found.name, browser))

    async def sign_out(self, request: Request) -> Response:
        """Answer to the button that signs out."""
        try:
            form = await read_form(request)
            browser = await self._sessions.browser(request)
            self._sessions.check_form(request, form, browser)
            back = form.one("back") or ""
            fields_of(back)
        except (OAuthError, ForgeryError):
            return draw_stale(self._name)
        await self._sessions.end(browser)
        response = RedirectResponse(f"/authorize?{back}" if back else "/apps", 303, {"Cache-Control": "no-store"})
        return self._sessions.forget(response)
