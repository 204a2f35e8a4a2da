"""The sign-in page, and signing out."""

import logging

from starlette.requests import Request
from starlette.responses import Response

from intarsia.server.audit.log import AuditEntry, AuditLog
from intarsia.server.auth.authorization_server.accounts.accounts import MAX_PASSWORD_LENGTH, Accounts
from intarsia.server.auth.authorization_server.accounts.rate_limit import RateLimit
from intarsia.server.auth.authorization_server.accounts.sessions import Sessions
from intarsia.server.pages.browsers import Browser, CsrfError
from intarsia.server.pages.forms import fields_of, read_form
from intarsia.server.pages.oauth_errors import OAuthError
from intarsia.server.pages.templates import expired_page, redirect_to, render_page

logger = logging.getLogger(__name__)

_MAX_NAME_LENGTH = 64
_BUSY_SECONDS = 10
"""When to try again, in seconds, if too many passwords wait to be verified."""


class LoginPage:
    """The page where users sign in.

    Args:
        name: The display name of the connector.
        accounts: Verifies passwords.
        sessions: Stores sessions.
        audit: The audit log for failed attempts.
    """

    def __init__(self, name: str, accounts: Accounts, sessions: Sessions, audit: AuditLog) -> None:
        self._name = name
        self._accounts = accounts
        self._sessions = sessions
        self._audit = audit
        self._attempts = RateLimit(burst=5, seconds=20)

    def show(
        self,
        browser: Browser,
        *,
        authorize_query: str = "",
        account: str = "",
        problem: str = "",
        status: int = 200,
        wait: int = 0,
        next_path: str = "/apps",
    ) -> Response:
        """Return the sign-in page.

        Args:
            browser: The browser that requests it.
            authorize_query: The query of the authorization request to continue after sign-in; empty for `next_path`.
            account: The value of the field for the name.
            problem: The error message of a failed attempt.
            status: The HTTP status.
            wait: When to try again, in seconds, for the header `Retry-After`.
            next_path: The page that follows sign-in: `/apps` or `/admin`.
        """
        headers = {"Retry-After": str(wait)} if wait else {}
        page = render_page(
            "sign_in", status=status, headers=headers, connector=self._name, csrf_token=browser.csrf_token,
            authorize_query=authorize_query, account=account, problem=problem, next_path=next_path,
        )  # fmt: skip
        return self._sessions.set_cookie(page, browser)

    async def sign_in(self, request: Request) -> Response:
        """Sign in with the name and password of the form, and redirect to the next page."""
        try:
            form = await read_form(request)
            browser = await self._sessions.load(request)
            self._sessions.verify_csrf(request, form, browser)
            authorize_query = form.one("authorize_query") or ""
            fields_of(authorize_query)
            # Only these two: a free choice would be an open redirect.
            next_path = "/admin" if form.one("next_path") == "/admin" else "/apps"
            name, password = form.one("account") or "", form.one("password") or ""
        except (OAuthError, CsrfError):
            return expired_page(self._name)
        account = name.strip().lower()[:_MAX_NAME_LENGTH]
        wait = self._attempts.wait_seconds(account) or (_BUSY_SECONDS if self._accounts.is_busy else 0)
        if wait:
            problem = f"Too many attempts. Try again in {wait} seconds."
            return self.show(
                browser, authorize_query=authorize_query, account=account, problem=problem, status=429, wait=wait,
                next_path=next_path,
            )  # fmt: skip
        # Counted before the password is verified, so that parallel requests cannot exceed the limit.
        self._attempts.count(account)
        found = await self._accounts.authenticate(account, password[: MAX_PASSWORD_LENGTH + 1])
        if found is None:
            logger.info("A sign-in failed: wrong name or password.")
            # Without the name: users sometimes type their password into the wrong field.
            await self._audit.write_refusal(AuditEntry("refusal", "", what="sign_in", result="wrong name or password"))
            return self.show(
                browser, authorize_query=authorize_query, account=account, problem="Wrong name or password.",
                status=401, next_path=next_path,
            )  # fmt: skip
        self._attempts.reset(account)
        # Never an open redirect: the form only contributes the query of our own page.
        response = redirect_to(f"/authorize?{authorize_query}" if authorize_query else next_path)
        return self._sessions.set_cookie(response, await self._sessions.start(found.name, browser))

    async def sign_out(self, request: Request) -> Response:
        """Sign out, and redirect to the sign-in page."""
        try:
            form = await read_form(request)
            browser = await self._sessions.load(request)
            self._sessions.verify_csrf(request, form, browser)
            authorize_query = form.one("authorize_query") or ""
            fields_of(authorize_query)
        except (OAuthError, CsrfError):
            return expired_page(self._name)
        await self._sessions.end(browser)
        response = redirect_to(f"/authorize?{authorize_query}" if authorize_query else "/apps")
        return self._sessions.delete_cookie(response)
