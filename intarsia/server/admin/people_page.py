"""The page of people: accounts with their roles and their connected apps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from intarsia.errors import ConflictError
from intarsia.server.admin.access import ADMIN
from intarsia.server.admin.templates import render_admin_page
from intarsia.server.auth.authorization_server.oauth.services import AuthServices
from intarsia.server.auth.authorization_server.pages.connected_apps_page import ConnectedApp, connected_apps
from intarsia.server.pages.forms import Fields
from intarsia.server.pages.templates import redirect_to

if TYPE_CHECKING:
    from intarsia.server.admin.access import Admin, AdminAccess


@dataclass(frozen=True)
class AppRow:
    """A connected app, as it is shown."""

    id: str
    name: str
    site: str
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
    """The page of people, `/admin/people`.

    Args:
        access: Restricts the page to admins.
        services: The services of the authorization server, with its accounts and grants.
    """

    def __init__(self, access: "AdminAccess", services: AuthServices) -> None:
        self._access = access
        self._services = services

    async def show(self, request: Request, admin: "Admin") -> Response:
        """Return the page with all accounts."""
        messages = {"roles": "Roles saved.", "app": "Access removed. It ends within five seconds."}
        people = [
            PersonRow(
                account.name, ", ".join(sorted(account.roles)), account.state != "active",
                [_app(app) for app in await connected_apps(self._access.catalog, self._services, account.name)],
            )
            for account in await self._services.accounts.list()
        ]  # fmt: skip
        return render_admin_page(
            "people", connector=self._access.catalog.name, account=admin.name, csrf_token=admin.csrf_token,
            section="people", has_people=True, people=people, admin=ADMIN,
            message=messages.get(request.query_params.get("changed", ""), ""),
        )  # fmt: skip

    async def set_roles(self, form: Fields, admin: "Admin") -> Response:
        """Replace the roles of an account, unless they changed since the page was shown."""
        person, accounts = form.required("person"), self._services.accounts
        account = await accounts.get(person)
        if account is not None and account.roles != frozenset(_roles(form, "before")):
            message = f"The roles of {person} have changed. Nothing was saved."
            raise ConflictError(message)
        # The last admin keeps the role: without it, nobody could open these pages again.
        await accounts.set_roles(person, _roles(form, "roles"), who=admin.user, by="admin", required_role=ADMIN)
        return _back("roles")

    async def revoke(self, form: Fields, admin: "Admin") -> Response:
        """Revoke the access of an app to an account."""
        await self._services.grants.revoke_client(form.required("person"), form.required("app"), by=admin.user)
        return _back("app")


def _app(app: ConnectedApp) -> AppRow:
    scopes = ", ".join(f"{scope.text} ({scope.scope})" for scope in app.scopes) or "only sees who they are"
    return AppRow(app.id, app.name, app.site, scopes, app.since)


def _roles(form: Fields, name: str) -> list[str]:
    return [role.strip() for role in (form.one(name) or "").split(",") if role.strip()]


def _back(changed: str) -> Response:
    return redirect_to(f"/admin/people?{urlencode({'changed': changed})}")
