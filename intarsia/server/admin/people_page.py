"""The page of people: who has an account, which roles, and which apps act for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from intarsia.errors import ConflictError
from intarsia.server.admin.access import ADMIN
from intarsia.server.admin.templates import draw_admin
from intarsia.server.auth.authorization_server.oauth.services import AuthServices
from intarsia.server.auth.authorization_server.pages.connected_apps_page import ConnectedApp, connected_apps
from intarsia.server.pages.forms import Fields

if TYPE_CHECKING:
    from intarsia.server.admin.access import Admin, AdminAccess


@dataclass(frozen=True)
class AppRow:
    """An app that acts for somebody."""

    id: str
    name: str
    home: str
    scopes: str
    since: str


@dataclass(frozen=True)
class PersonRow:
    """An account, as it is shown."""

    name: str
    roles: str
    is_disabled: bool
    apps: Sequence[AppRow]


class PeoplePage:
    """The page.

    Args:
        guarding: Whose page it is, and who may see it.
        services: Know accounts, and take back what they granted.
    """

    def __init__(self, guarding: "AdminAccess", services: AuthServices) -> None:
        self._of = guarding
        self._services = services

    async def show(self, request: Request, admin: "Admin") -> Response:
        """Answer with all accounts, and the apps that each has connected."""
        said = {"roles": "The roles were saved.", "app": "The access was withdrawn; it ends within five seconds."}
        people = [
            PersonRow(
                account.name, ", ".join(sorted(account.roles)), account.state != "active",
                [_app(app) for app in await connected_apps(self._of.catalog, self._services, account.name)],
            )
            for account in await self._services.accounts.list()
        ]  # fmt: skip
        return draw_admin(
            "people", connector=self._of.catalog.name, account=admin.name, form_token=admin.form_token,
            here="people", has_people=True, people=people, admin=ADMIN,
            said=said.get(request.query_params.get("changed", ""), ""),
        )  # fmt: skip

    async def set_roles(self, form: Fields, admin: "Admin") -> Response:
        """Give an account other roles, unless they are no longer those that the page showed."""
        person, accounts = form.required("person"), self._services.accounts
        account = await accounts.get(person)
        if account is not None and account.roles != frozenset(_roles(form, "before")):
            message = f"{person} has other roles by now. Nothing was changed."
            raise ConflictError(message)
        await accounts.set_roles(person, _roles(form, "roles"), who=admin.person, by="admin", keeps=ADMIN)
        return _back("roles")

    async def withdraw(self, form: Fields, admin: "Admin") -> Response:
        """Take back what a person granted an app."""
        await self._services.grants.withdraw(form.required("person"), form.required("app"), by=admin.person)
        return _back("app")


def _app(app: ConnectedApp) -> AppRow:
    scopes = ", ".join(meaning.scope for meaning in app.scopes) or "only who they are"
    return AppRow(app.id, app.name, app.home, scopes, app.since)


def _roles(form: Fields, name: str) -> list[str]:
    return [role.strip() for role in (form.one(name) or "").split(",") if role.strip()]


def _back(changed: str) -> Response:
    return RedirectResponse(f"/admin/people?{urlencode({'changed': changed})}", 303, {"Cache-Control": "no-store"})
