"""Who gets to the pages of an admin: looked up with every request, so that who is demoted is out with the next one."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from intarsia.errors import ConflictError, SettingError
from intarsia.server.catalog import Catalog
from intarsia.server.pages.browsers import ForgeryError
from intarsia.server.pages.forms import Fields, read_form
from intarsia.server.pages.oauth_errors import OAuthError
from intarsia.server.pages.templates import draw, draw_stale

ADMIN = "intarsia:admin"
"""The role that makes an admin."""


@dataclass(frozen=True)
class Admin:
    """Who is signed in, in one browser.

    Args:
        person: Who it is, as the audit log names them.
        name: What they are called.
        form_token: What forms of pages in this browser carry.
    """

    person: str
    name: str
    form_token: str


class Admins(Protocol):
    """Knows who is an admin: by the accounts of this server, or by another issuer."""

    async def admit(self, request: Request) -> Admin | Response:
        """Return the admin who sends a request, or what to answer somebody else."""
        ...

    def check_form(self, request: Request, form: Fields, admin: Admin) -> None:
        """Check that a form comes from a page of ours in this browser.

        Raises:
            ForgeryError: It does not.
        """
        ...

    def remember(self, request: Request, response: Response) -> Response:
        """Let the browser keep its session."""
        ...

    async def people(self) -> Sequence[tuple[str, frozenset[str]]] | None:
        """Return everybody who may sign in, with their roles; `None` where only the issuer knows."""
        ...

    async def roles(self) -> Sequence[str]:
        """Return the roles that somebody has, as far as they are known here."""
        ...


Shown = Callable[[Request, Admin], Awaitable[Response]]
Changed = Callable[[Fields, Admin], Awaitable[Response]]


class AdminAccess:
    """Lets admins through, and nobody else.

    Args:
        catalog: Whose pages they are.
        admins: Knows who they are.
        has_people: Whether there is a page of people.
    """

    def __init__(self, catalog: Catalog, admins: Admins, *, has_people: bool) -> None:
        self.catalog = catalog
        self.admins = admins
        self.has_people = has_people

    def page(self, show: Shown) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint of a page."""

        async def answer(request: Request) -> Response:
            admin = await self.admins.admit(request)
            if isinstance(admin, Response):
                return admin
            try:
                response = await show(request, admin)
            except OAuthError:
                return self.refuse(
                    400, "There is no such page", "The address is not one of a page that you were shown."
                )
            return self.admins.remember(request, response)

        return answer

    def form(self, change: Changed) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint of a form."""

        async def answer(request: Request) -> Response:
            admin = await self.admins.admit(request)
            if isinstance(admin, Response):
                # A form cannot go where people sign in; whoever may not, or cannot be checked now, is told so.
                return admin if admin.status_code in (403, 503) else self._too_old()
            try:
                form = await read_form(request)
                self.admins.check_form(request, form, admin)
                return await change(form, admin)
            except (OAuthError, ForgeryError):
                return self._too_old()
            except ConflictError as error:
                return self.refuse(409, "Somebody was faster", error.reason)
            except SettingError as error:
                return self.refuse(400, "Nothing was changed", str(error))

        return answer

    def refuse(self, status: int, title: str, text: str) -> Response:
        """Answer that something was not done, with a way back."""
        return draw(
            "notice", status=status, connector=self.catalog.name, title=title, text=text, link="/admin",
            label="Back to the switches",
        )  # fmt: skip

    def _too_old(self) -> Response:
        return draw_stale(self.catalog.name, "Nothing was changed. Go back to the pages, and try again.", "/admin")
