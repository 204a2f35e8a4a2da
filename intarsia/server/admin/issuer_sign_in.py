"""Admins who sign in at an issuer that is not part of the connector, and have the role `intarsia:admin` there.

The issuer is asked about their token with every request, as far as the verifier asks it about tokens of calls. So who
is turned away there is turned away here, and no role is remembered.
"""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_urlsafe
from time import monotonic
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from intarsia.server.admin.access import ADMIN, Admin
from intarsia.server.admin.issuer_client import IssuerClient, NotSignedInError
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
from intarsia.server.pages.browsers import Browser, Cookies, ForgeryError
from intarsia.server.pages.forms import Fields, read_form, read_query
from intarsia.server.pages.oauth_errors import OAuthError
from intarsia.server.pages.templates import HEADERS, STYLE_PATH, draw, draw_stale, show_style

logger = logging.getLogger(__name__)

MAX_SESSIONS = 1_000
CALLBACK, AGAIN = "/admin/callback", "/admin/sign-in"

_BROWSER = "intarsia.browser"
"""Where in a request's scope the browser is that sent it."""


@dataclass(frozen=True)
class AdminPages:
    """Where the pages are, and how long somebody stays signed in there.

    Args:
        public_url: Where browsers find them, without a path.
        session_seconds: How long that is.
    """

    public_url: str
    session_seconds: int

    @property
    def is_https(self) -> bool:
        """Whether browsers come over TLS, so that cookies may be bound to it."""
        return self.public_url.startswith("https:")


class IssuerAdmins:
    """Those who have the role, and the pages where they come back from the issuer and sign out.

    Args:
        catalog: What they turn on and off.
        server: Whose tokens are taken.
        sign_in: The client that the pages are.
        verifier: The connector's own: it says what a token is worth, as it does for calls.
    """

    def __init__(self, catalog: Catalog, server: ResourceServer, sign_in: AdminSignIn, verifier: Verifier) -> None:
        parts = urlsplit(server.resource)
        self.settings = AdminPages(f"{parts.scheme}://{parts.netloc}", sign_in.session_seconds)
        self._catalog = catalog
        self._verifier = verifier
        self._issuer = sign_in.check_issuer(server.addresses)
        self._cookies = Cookies(self.settings)
        self._door = IssuerClient(
            sign_in, self._issuer, server.resource, self.settings.public_url + CALLBACK,
            metadata=verifier.metadata_of(self._issuer), fetcher=verifier.fetcher,
        )  # fmt: skip
        # By the digest of the cookie, and in no file: who reads what the server keeps finds no token.
        self._tokens: TtlCache[str] = TtlCache(MAX_SESSIONS)
        self.routes = [
            Route(CALLBACK, self.come_back, methods=["GET"]),
            Route(AGAIN, self.sign_in_again, methods=["GET"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
            Route(STYLE_PATH, show_style, methods=["GET"]),
            *admin_routes(catalog, self),
        ]

    @property
    def form_paths(self) -> frozenset[str]:
        """Where forms are sent, and nothing else."""
        return SWITCH_FORM_PATHS | {"/sign-out"}

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Forget everybody when the block ends."""
        try:
            yield
        finally:
            self._tokens.clear()

    async def admit(self, request: Request) -> Admin | Response:
        """Return the admin who sends a request, or what to answer somebody else."""
        browser = self._browser(request)
        token = self._tokens.get(browser.session)
        if token is None:
            return await self._send_away(request, browser)
        try:
            bearer = await self._verifier.verify(token)
        except TokenError as error:
            logger.info("The token of an admin is worth nothing any more: %s.", error)
            self._tokens.take(browser.session)
            return await self._send_away(request, browser)
        except IssuerError:
            return self._unavailable()
        if ADMIN not in bearer.roles:
            self._tokens.take(browser.session)
            return self._not_for_you(bearer)
        request.scope[_BROWSER] = browser
        return Admin(bearer.grant.person, bearer.subject, browser.form_token)

    def check_form(self, request: Request, form: Fields, admin: Admin) -> None:  # noqa: ARG002 - its session says who
        """Check that a form comes from a page of ours in this browser.

        Raises:
            ForgeryError: It does not.
        """
        self._cookies.check_form(request, form, request.scope[_BROWSER])

    def remember(self, request: Request, response: Response) -> Response:
        """Let the browser keep its session; how long it lasts was said at sign-in."""
        return self._cookies.remember(response, request.scope[_BROWSER])

    async def people(self) -> Sequence[tuple[str, frozenset[str]]] | None:
        """Return `None`: only the issuer knows."""
        return None

    async def roles(self) -> Sequence[str]:
        """Return the roles that tools and switches name."""
        named = {role for tool in self._catalog.tools.values() for role in tool.roles}
        return sorted(named | {row.role for row in await self._catalog.switches.rows() if row.role})

    async def come_back(self, request: Request) -> Response:
        """Answer to a browser that comes back from the issuer."""
        before = self._browser(request)
        try:
            token = await self._door.token_for(read_query(request), before)
            bearer = await self._verifier.verify(token)
        except (OAuthError, ForgeryError):
            text = "Nobody was signed in. Begin again, in this browser."
            return draw_stale(self._catalog.name, text, "/admin")
        except NotSignedInError:
            return self._notice(403, "Not signed in", f"{self._issuer} did not let you in.")
        except TokenError as error:
            logger.info("The token of somebody who signed in as an admin was refused: %s.", error)
            return self._notice(403, "Not signed in", f"What {self._issuer} says of you is not valid here.")
        except IssuerError as error:
            logger.warning("Somebody could not sign in as an admin. %s", error)
            return self._unavailable()
        if bearer.issuer != self._issuer:
            return self._notice(403, "Not signed in", f"What came back is not from {self._issuer}.")
        if ADMIN not in bearer.roles:
            self._tokens.take(before.session)  # somebody else is at this browser now
            await self._catalog.audit.refuse(
                AuditEntry("refusal", bearer.grant.person, bearer.client, what="sign_in", result="no admin")
            )
            return self._not_for_you(bearer)
        return await self._start(bearer, token, before)

    async def _start(self, bearer: Bearer, token: str, before: Browser) -> Response:
        """Sign somebody in, with a cookie that nobody knew before."""
        person = bearer.grant.person
        browser = Browser(token_urlsafe(32), person)
        self._tokens.take(before.session)
        await self._catalog.audit.write(AuditEntry("sign_in", person, bearer.client))
        self._tokens.keep(browser.session, token, monotonic() + self.settings.session_seconds)
        return self._cookies.remember(RedirectResponse("/admin", 303, HEADERS), browser)

    async def sign_in_again(self, request: Request) -> Response:
        """Answer with the way to the issuer, where whoever is known already is asked again."""
        return await self._send_away(request, self._browser(request), asks_again=True)

    async def sign_out(self, request: Request) -> Response:
        """Answer to the button that signs out."""
        browser = self._browser(request)
        try:
            self._cookies.check_form(request, await read_form(request), browser)
        except (OAuthError, ForgeryError):
            return draw_stale(self._catalog.name, "You are still signed in.", "/admin")
        token = self._tokens.take(browser.session)
        if token is not None:
            await self._note_end(token)
        text = f"Your session here has ended. At {self._issuer} you may still be signed in."
        return self._cookies.forget(self._notice(200, "Signed out", text, label="Sign in again"))

    async def _note_end(self, token: str) -> None:
        try:
            bearer = await self._verifier.verify(token)
        except (TokenError, IssuerError):
            return  # whose it was cannot be said any more
        await self._catalog.audit.write(AuditEntry("sign_out", bearer.grant.person, bearer.client))

    def _browser(self, request: Request) -> Browser:
        return Browser(self._cookies.sent(request) or token_urlsafe(32), None)

    async def _send_away(self, request: Request, browser: Browser, *, asks_again: bool = False) -> Response:
        """Send a person to the issuer; what a script or a form asks for cannot go there."""
        if request.method != "GET" or "hx-request" in request.headers:
            answer = self._notice(401, "Sign in again", "You are not signed in any more.", label="Sign in")
            answer.headers["HX-Redirect"] = "/admin"
            return answer
        try:
            address = await self._door.address_for(browser, asks_again=asks_again)
        except IssuerError as error:
            logger.warning("Somebody could not be sent to the issuer. %s", error)
            return self._unavailable()
        return self._cookies.remember(RedirectResponse(address, 303, HEADERS), browser)

    def _not_for_you(self, bearer: Bearer) -> Response:
        text = f"{bearer.subject} is no admin. Whoever runs {self._issuer} makes one with the role {ADMIN}."
        return self._notice(403, "Not for you", text)

    def _notice(self, status: int, title: str, text: str, label: str = "Sign in as somebody else") -> Response:
        return draw(
            "notice", status=status, connector=self._catalog.name, title=title, text=text, link=AGAIN, label=label,
        )  # fmt: skip

    def _unavailable(self) -> Response:
        return draw(
            "notice", status=503, headers={"Retry-After": str(RETRY_SECONDS)}, connector=self._catalog.name,
            title="Try again in a moment", link="/admin", label="Try again",
            text=f"Who you are cannot be checked now: {self._issuer} did not answer as it should.",
        )  # fmt: skip
