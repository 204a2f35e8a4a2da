"""Admins who sign in at an issuer, and have the role `intarsia:admin` there.

Their access token is verified with each request, in the same way as the tokens of MCP requests. So an admin who loses
the role or the session at the issuer loses access here too, and no role is stored.
"""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_urlsafe
from time import monotonic

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from intarsia.server.admin.access import ADMIN, Admin
from intarsia.server.admin.issuer_client import IssuerClient, SignInDeniedError
from intarsia.server.admin.routes import SWITCH_FORM_PATHS, admin_routes
from intarsia.server.audit.log import AuditEntry
from intarsia.server.auth.resource_server.cache import TtlCache
from intarsia.server.auth.resource_server.claims import Bearer
from intarsia.server.auth.resource_server.errors import TokenError
from intarsia.server.auth.resource_server.issuer_http import IssuerError
from intarsia.server.auth.resource_server.middleware import RETRY_SECONDS
from intarsia.server.auth.resource_server.settings import AdminSignIn, ResourceServer
from intarsia.server.auth.resource_server.verifier import Verifier
from intarsia.server.catalog import Catalog
from intarsia.server.pages.browsers import Browser, BrowserCookies, CsrfError
from intarsia.server.pages.forms import Fields, read_form, read_query
from intarsia.server.pages.oauth_errors import OAuthError
from intarsia.server.pages.templates import (
    BASE_PATH,
    HEADERS,
    STYLE_PATH,
    expired_page,
    redirect_to,
    render_page,
    serve_style,
)

logger = logging.getLogger(__name__)

MAX_SESSIONS = 1_000
CALLBACK, SIGN_IN_AGAIN = "/admin/callback", "/admin/sign-in"

_BROWSER = "intarsia.browser"
"""The key of the browser in a request's scope."""


@dataclass(frozen=True)
class AdminPages:
    """The settings of cookies on the admin pages.

    Args:
        public_url: The URL where browsers find the pages.
        session_seconds: How long an admin stays signed in.
    """

    public_url: str
    session_seconds: int

    @property
    def is_https(self) -> bool:
        """Whether browsers connect over TLS, so that cookies can be marked as secure."""
        return self.public_url.startswith("https:")


class IssuerAdmins:
    """Authenticates admins by an issuer, and serves the pages to sign in and out.

    Args:
        catalog: The catalog of the connector that is administered.
        server: The accepted issuers.
        sign_in: The OAuth client that is registered with the issuer.
        verifier: The connector's verifier of access tokens.
    """

    def __init__(self, catalog: Catalog, server: ResourceServer, sign_in: AdminSignIn, verifier: Verifier) -> None:
        self.settings = AdminPages(server.public_url, sign_in.session_seconds)
        self._catalog = catalog
        self._verifier = verifier
        self._issuer = sign_in.check_issuer(server.addresses)
        self._cookies = BrowserCookies(self.settings)
        self._client = IssuerClient(
            sign_in, self._issuer, server.resource, self.settings.public_url + CALLBACK,
            metadata=verifier.metadata_of(self._issuer), fetcher=verifier.fetcher,
        )  # fmt: skip
        # In memory only, keyed by the digest of the cookie: neither a file nor a backup ever holds a token.
        self._tokens: TtlCache[str] = TtlCache(MAX_SESSIONS)
        self.routes = [
            Route(CALLBACK, self.callback, methods=["GET"]),
            Route(SIGN_IN_AGAIN, self.sign_in_again, methods=["GET"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
            Route(STYLE_PATH, serve_style, methods=["GET"]),
            *admin_routes(catalog, self),
        ]

    @property
    def form_paths(self) -> frozenset[str]:
        """The paths that accept forms and nothing else."""
        return SWITCH_FORM_PATHS | {"/sign-out"}

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep sessions while the block runs, and end all of them with it."""
        try:
            yield
        finally:
            self._tokens.clear()

    async def authenticate(self, request: Request) -> Admin | Response:
        """Return the admin who sent a request, a redirect to the issuer, or an error page."""
        browser = self._browser(request)
        token = self._tokens.get(browser.session)
        if token is None:
            return await self._redirect_to_issuer(request, browser)
        try:
            bearer = await self._verifier.verify(token)
        except TokenError as error:
            logger.info("The access token of an admin is no longer valid: %s.", error)
            self._tokens.take(browser.session)
            return await self._redirect_to_issuer(request, browser)
        except IssuerError:
            return self._unavailable()
        if ADMIN not in bearer.roles:
            self._tokens.take(browser.session)
            return self._forbidden(bearer)
        request.scope[_BROWSER] = browser
        return Admin(bearer.grant.person, bearer.subject, browser.csrf_token)

    def verify_csrf(self, request: Request, form: Fields, admin: Admin) -> None:  # noqa: ARG002 - of the protocol
        """Check that a form was sent from one of our pages in this browser.

        Raises:
            CsrfError: It was not.
        """
        self._cookies.verify_csrf(request, form, request.scope[_BROWSER])

    def set_cookie(self, request: Request, response: Response) -> Response:
        """Set the cookie of the browser on a response. This does not extend the session, which ends at a fixed time."""
        return self._cookies.set_cookie(response, request.scope[_BROWSER])

    async def users(self) -> Sequence[tuple[str, frozenset[str]]] | None:
        """Return `None`, because only the issuer knows its users."""
        return None

    async def roles(self) -> Sequence[str]:
        """Return the roles of tools and switches."""
        roles = {role for tool in self._catalog.tools.values() for role in tool.roles}
        return sorted(roles | {row.role for row in await self._catalog.switches.rows() if row.role})

    async def callback(self, request: Request) -> Response:
        """Handle the authorization response of the issuer, and sign the admin in."""
        before = self._browser(request)
        try:
            token = await self._client.redeem(read_query(request), before)
            bearer = await self._verifier.verify(token)
        except (OAuthError, CsrfError):
            text = "You were not signed in. Start again in this browser."
            return expired_page(self._catalog.name, text, "/admin")
        except SignInDeniedError:
            return self._notice(403, "Not signed in", f"{self._issuer} did not sign you in.")
        except TokenError as error:
            logger.info("The access token of an admin was rejected after sign-in: %s.", error)
            return self._notice(403, "Not signed in", f"The access token from {self._issuer} is not valid here.")
        except IssuerError as error:
            logger.warning("An admin could not be signed in. %s", error)
            return self._unavailable()
        if bearer.issuer != self._issuer:
            return self._notice(403, "Not signed in", f"The access token is not from {self._issuer}.")
        if ADMIN not in bearer.roles:
            # Another user signed in with this browser: the session of the previous one must not continue.
            self._tokens.take(before.session)
            await self._catalog.audit.write_refusal(
                AuditEntry("refusal", bearer.grant.person, bearer.client, what="sign_in", result="not an admin")
            )
            return self._forbidden(bearer)
        return await self._start(bearer, token, before)

    async def _start(self, bearer: Bearer, token: str, before: Browser) -> Response:
        """Start a session with a new cookie, and end the one that the browser had before."""
        person = bearer.grant.person
        browser = Browser(token_urlsafe(32), person)
        self._tokens.take(before.session)
        await self._catalog.audit.write(AuditEntry("sign_in", person, bearer.client))
        self._tokens.keep(browser.session, token, monotonic() + self.settings.session_seconds)
        return self._cookies.set_cookie(redirect_to("/admin", HEADERS), browser)

    async def sign_in_again(self, request: Request) -> Response:
        """Redirect to the issuer, which must ask for credentials even if the user is signed in there."""
        return await self._redirect_to_issuer(request, self._browser(request), force_login=True)

    async def sign_out(self, request: Request) -> Response:
        """End the session. The user may still be signed in at the issuer."""
        browser = self._browser(request)
        try:
            self._cookies.verify_csrf(request, await read_form(request), browser)
        except (OAuthError, CsrfError):
            return expired_page(self._catalog.name, "You are still signed in. Go back and try again.", "/admin")
        token = self._tokens.take(browser.session)
        if token is not None:
            await self._log_sign_out(token)
        text = f"You may still be signed in at {self._issuer}."
        return self._cookies.delete_cookie(self._notice(200, "Signed out", text, label="Sign in again"))

    async def _log_sign_out(self, token: str) -> None:
        try:
            bearer = await self._verifier.verify(token)
        except (TokenError, IssuerError):
            return  # the user of an invalid token is unknown
        await self._catalog.audit.write(AuditEntry("sign_out", bearer.grant.person, bearer.client))

    def _browser(self, request: Request) -> Browser:
        return Browser(self._cookies.read_cookie(request) or token_urlsafe(32), None)

    async def _redirect_to_issuer(self, request: Request, browser: Browser, *, force_login: bool = False) -> Response:
        """Redirect to the issuer. A form or a script cannot follow to another site, and gets an error page."""
        if request.method != "GET" or "hx-request" in request.headers:
            response = self._notice(401, "Sign in again", "Your session has ended.", label="Sign in")
            # htmx then loads this address as a whole page, which redirects to the issuer.
            response.headers["HX-Redirect"] = BASE_PATH.get() + "/admin"
            return response
        try:
            address = await self._client.authorization_url(browser, force_login=force_login)
        except IssuerError as error:
            logger.warning("An admin could not be redirected to the issuer. %s", error)
            return self._unavailable()
        return self._cookies.set_cookie(RedirectResponse(address, 303, HEADERS), browser)

    def _forbidden(self, bearer: Bearer) -> Response:
        text = f"{bearer.subject} is not an admin. An administrator of {self._issuer} can assign the role {ADMIN}."
        return self._notice(403, "Admins only", text)

    def _notice(self, status: int, title: str, text: str, label: str = "Use another account") -> Response:
        return render_page(
            "notice", status=status, connector=self._catalog.name, title=title, text=text, link=SIGN_IN_AGAIN,
            label=label,
        )  # fmt: skip

    def _unavailable(self) -> Response:
        return render_page(
            "notice", status=503, headers={"Retry-After": str(RETRY_SECONDS)}, connector=self._catalog.name,
            title="Try again in a moment", link="/admin", label="Try again",
            text=f"Your sign-in cannot be verified right now, because {self._issuer} did not respond correctly.",
        )  # fmt: skip
