"""Access to the admin pages. It is checked with each request, so that removing the role takes effect at once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from intarsia.errors import ConflictError, SettingError
from intarsia.server.catalog import Catalog
from intarsia.server.pages.browsers import CsrfError
from intarsia.server.pages.forms import Fields, read_form
from intarsia.server.pages.oauth_errors import OAuthError
from intarsia.server.pages.templates import expired_page, render_page

ADMIN = "intarsia:admin"
"""The role of admins."""


@dataclass(frozen=True)
class Admin:
    """The signed-in admin of a request.

    Args:
        user: The user, as named in the audit log.
        name: The name that is shown on pages.
        csrf_token: The CSRF token of forms in this browser.
    """

    user: str
    name: str
    csrf_token: str


class Admins(Protocol):
    """Authenticates admins: by the accounts of this server, or by an issuer."""

    async def authenticate(self, request: Request) -> Admin | Response:
        """Return the admin who sent a request, or the response for everyone else."""
        ...

    def verify_csrf(self, request: Request, form: Fields, admin: Admin) -> None:
        """Check that a form was sent from one of our pages in this browser.

        Raises:
            CsrfError: It was not.
        """
        ...

    def set_cookie(self, request: Request, response: Response) -> Response:
        """Set the cookie of the browser on a response."""
        ...

    async def users(self) -> Sequence[tuple[str, frozenset[str]]] | None:
        """Return all users with their roles; `None` if only the issuer knows them."""
        ...

    async def roles(self) -> Sequence[str]:
        """Return all known roles."""
        ...


PageHandler = Callable[[Request, Admin], Awaitable[Response]]
FormHandler = Callable[[Fields, Admin], Awaitable[Response]]


class AdminAccess:
    """Restricts pages and forms to admins.

    Args:
        catalog: The catalog of the connector that is administered.
        admins: Authenticates admins.
        has_people: Whether there is a page of people.
    """

    def __init__(self, catalog: Catalog, admins: Admins, *, has_people: bool) -> None:
        self.catalog = catalog
        self.admins = admins
        self.has_people = has_people

    def page(self, handler: PageHandler) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint of a page, which only admins can open."""

        async def endpoint(request: Request) -> Response:
            admin = await self.admins.authenticate(request)
            if isinstance(admin, Response):
                return admin
            try:
                response = await handler(request, admin)
            except OAuthError:
                return self.refuse(400, "Page not found", "The address is wrong, or the item no longer exists.")
            return self.admins.set_cookie(request, response)

        return endpoint

    def form(self, handler: FormHandler) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint of a form, which only admins can submit."""

        async def endpoint(request: Request) -> Response:
            admin = await self.admins.authenticate(request)
            if isinstance(admin, Response):
                # A submitted form cannot continue after sign-in, so it gets an error page rather than a redirect.
                return admin if admin.status_code in (403, 503) else self._expired()
            try:
                form = await read_form(request)
                self.admins.verify_csrf(request, form, admin)
                return await handler(form, admin)
            except (OAuthError, CsrfError):
                return self._expired()
            except ConflictError as error:
                return self.refuse(409, "Someone else made a change", error.reason)
            except SettingError as error:
                return self.refuse(400, "Nothing was changed", str(error))

        return endpoint

    def refuse(self, status: int, title: str, text: str) -> Response:
        """Return an error page with a link to the switches."""
        return render_page(
            "notice", status=status, connector=self.catalog.name, title=title, text=text, link="/admin",
            label="Back to switches",
        )  # fmt: skip

    def _expired(self) -> Response:
        return expired_page(self.catalog.name, "Nothing was changed. Go back and try again.", "/admin")
