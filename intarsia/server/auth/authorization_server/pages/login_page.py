"""The sign-in page, and signing out."""

import logging
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from intarsia.server.audit.log import AuditEntry
from intarsia.server.auth.authorization_server.accounts.accounts import MAX_PASSWORD_LENGTH, Account
from intarsia.server.auth.authorization_server.accounts.password_queue import PasswordQueue, QueueFullError
from intarsia.server.auth.authorization_server.accounts.sign_in_limits import SignInAttempt, SignInLimits
from intarsia.server.auth.authorization_server.oauth.services import AuthServices
from intarsia.server.pages.browsers import Browser, CsrfError
from intarsia.server.pages.forms import fields_of, read_form
from intarsia.server.pages.oauth_errors import OAuthError
from intarsia.server.pages.templates import expired_page, redirect_to, render_page
from intarsia.server.wire.peers import is_known_host, network_of

logger = logging.getLogger(__name__)

_MAX_NAME_LENGTH = 64
_BUSY_SECONDS = 5
"""When to try again, in seconds, if too many passwords wait to be verified."""


@dataclass(frozen=True)
class _Entered:
    """What a user entered into the form of the sign-in page."""

    browser: Browser
    authorize_query: str
    next_path: str
    account: str
    password: str


class LoginPage:
    """The page where users sign in.

    Args:
        name: The display name of the connector.
        services: The services of the authorization server, with its accounts, sessions and audit log.
    """

    def __init__(self, name: str, services: AuthServices) -> None:
        self._name = name
        self._accounts = services.accounts
        self._sessions = services.sessions
        self._known_browsers = services.known_browsers
        self._audit = services.audit
        self._limits = SignInLimits()
        self._queue = PasswordQueue()

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
            entered = await self._read(request)
        except (OAuthError, CsrfError):
            return expired_page(self._name)
        if len(entered.password) > MAX_PASSWORD_LENGTH:
            return self._again(entered, 400, f"A password has at most {MAX_PASSWORD_LENGTH:,} characters.")
        known_browser = self._known_browsers.find(request, entered.account)
        attempt = SignInAttempt(entered.account, network_of(request.scope), is_known_host(request.scope), known_browser)
        if wait := self._limits.wait_seconds(attempt):
            return self._again(entered, 429, f"Too many attempts. Try again in {wait} seconds.", wait)
        try:
            account = await self._authenticate(attempt, entered.password)
        except QueueFullError:
            return self._again(entered, 503, "Many people are signing in. Try again in a moment.", _BUSY_SECONDS)
        if account is None:
            logger.info("A sign-in failed: wrong name or password.")
            # Without the name: users sometimes type their password into the wrong field.
            await self._audit.write_refusal(AuditEntry("refusal", "", what="sign_in", result="wrong name or password"))
            return self._again(entered, 401, "Wrong name or password.")
        # Never an open redirect: the form only contributes the query of our own page.
        response = redirect_to(
            f"/authorize?{entered.authorize_query}" if entered.authorize_query else entered.next_path
        )
        self._known_browsers.remember(response, account.name)
        return self._sessions.set_cookie(response, await self._sessions.start(account.name, entered.browser))

    async def _read(self, request: Request) -> "_Entered":
        """Parse the form of the sign-in page.

        Raises:
            OAuthError: The form is malformed.
            CsrfError: It was not sent from our page in this browser.
        """
        form = await read_form(request)
        browser = await self._sessions.load(request)
        self._sessions.verify_csrf(request, form, browser)
        authorize_query = form.one("authorize_query") or ""
        fields_of(authorize_query)
        # Only these two: a free choice would be an open redirect.
        next_path = "/admin" if form.one("next_path") == "/admin" else "/apps"
        account = (form.one("account") or "").strip().lower()[:_MAX_NAME_LENGTH]
        return _Entered(browser, authorize_query, next_path, account, form.one("password") or "")

    async def _authenticate(self, attempt: SignInAttempt, password: str) -> Account | None:
        """Verify a password, and count the attempt if it fails.

        Raises:
            QueueFullError: Too many passwords wait to be verified. The attempt does not count.
        """
        with self._queue.place(attempt, is_known=self._limits.is_known(attempt)) as limiter:
            counted = self._limits.count(attempt)
            account = await self._accounts.authenticate(attempt.account, password, limiter)
        if account is not None:
            self._limits.succeed(attempt, counted)
        return account

    def _again(self, entered: "_Entered", status: int, problem: str, wait: int = 0) -> Response:
        """Return the sign-in page after an attempt that failed."""
        return self.show(
            entered.browser, authorize_query=entered.authorize_query, account=entered.account, problem=problem,
            status=status, wait=wait, next_path=entered.next_path,
        )  # fmt: skip

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
