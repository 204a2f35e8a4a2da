"""The page of switches, and the review of changes to several of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from intarsia.server.admin.switch_rows import ALL_POSITIONS, general_rows, title_of, tool_rows
from intarsia.server.admin.templates import render_admin_page
from intarsia.server.pages.forms import Fields, read_query
from intarsia.server.pages.oauth_errors import Code, OAuthError
from intarsia.server.pages.templates import redirect_to
from intarsia.server.switches.positions import Position
from intarsia.server.switches.service import Change, Switch

if TYPE_CHECKING:
    from intarsia.server.admin.access import Admin, AdminAccess

_KINDS = (("", "any"), ("widget", "widgets"), ("action", "actions"))
_MAX_NAMES = 20


@dataclass(frozen=True)
class RequestedChange:
    """A requested change of a switch, with its current state."""

    what: str
    title: str
    before: Position
    version: int


class SwitchPage:
    """The page of switches, `/admin`.

    Args:
        access: Restricts the page to admins.
    """

    def __init__(self, access: "AdminAccess") -> None:
        self._access = access

    async def show(self, request: Request, admin: "Admin") -> Response:
        """Return the page. The query filters the tools."""
        query = read_query(request)
        find, kind, at = (query.one("find") or "").strip(), query.one("kind") or "", query.one("at") or ""
        catalog = self._access.catalog
        rows = await catalog.switches.rows()
        counts = await catalog.counts.last_day()
        tools = tool_rows(catalog.tools.values(), rows, counts, catalog.scope_descriptions)
        return render_admin_page(
            "switches", connector=catalog.name, account=admin.name, csrf_token=admin.csrf_token, section="switches",
            has_people=self._access.has_people, general=general_rows(rows),
            tools=[line for line in tools if line.matches(find, kind, at)],
            count=len(tools), find=find, kind=kind, at=at, kinds=_KINDS, positions=ALL_POSITIONS,
            known_roles=await self._access.admins.roles(), message=self._message(query, rows),
        )  # fmt: skip

    def _message(self, query: Fields, rows: Sequence[Switch]) -> str:
        """Return a message about the last change. The query only names the switch, so that a link cannot forge it."""
        catalog, what, role = self._access.catalog, query.one("changed"), query.one("role") or ""
        row = next((row for row in rows if (row.what, row.role) == (what, role)), None)
        if row is None:
            return ""
        audience = f" for {role}" if role else ""
        others = query.one("others") or ""
        more = f" and {others} more" if others.isdecimal() and len(others) < 4 and others != "0" else ""
        return f"{title_of(row.what, catalog.tools)}{more}: {row.position.label}{audience}."

    async def review(self, form: Fields, admin: "Admin") -> Response:
        """Return a page that shows what a change of several switches does, and who is affected."""
        selected, position, role = sorted(form.many("tool")), _position(form), _role(form)
        catalog = self._access.catalog
        rows = {(row.what, row.role): row for row in await catalog.switches.rows()}
        changes = [_change(title_of(what, catalog.tools), what, rows.get((what, role))) for what in selected]
        if not changes:
            return self._access.refuse(400, "No tool selected", "Select the tools to change, and try again.")
        catalog.switches.check(Change(what, position, role) for what in selected)
        return render_admin_page(
            "review", connector=catalog.name, account=admin.name, csrf_token=admin.csrf_token, section="switches",
            has_people=self._access.has_people, role=role, position=position,
            why=form.one("why") or "", affected=await self._affected(role),
            changes=changes,
        )  # fmt: skip

    async def set(self, form: Fields, admin: "Admin") -> Response:
        """Set the switches of a form. Each must still have the version that the page showed."""
        role, why, position = _role(form), form.one("why") or "", _position(form)
        changes = [Change(what, position, role, _version(form, what)) for what in sorted(form.many("tool"))]
        if not changes:
            raise OAuthError(Code.INVALID_REQUEST, "No switch is given.")
        await self._access.catalog.switches.set(changes, who=admin.user, by="admin", why=why)
        query = {"changed": changes[0].what, "role": role, "others": str(len(changes) - 1)}
        return redirect_to(f"/admin?{urlencode(query)}")

    async def _affected(self, role: str) -> str:
        users = await self._access.admins.users()
        if users is None:
            return "everyone who can sign in at the issuer" + (" and has this role" if role else "")
        return _names([name for name, roles in users if not role or role in roles])


def _change(title: str, what: str, row: Switch | None) -> RequestedChange:
    return (
        RequestedChange(what, title, row.position, row.version) if row else RequestedChange(what, title, Position.ON, 0)
    )


def _names(names: Sequence[str]) -> str:
    if not names:
        return "no account at the moment"
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    accounts = "account" if len(names) == 1 else "accounts"
    return f"{len(names)} {accounts}: {', '.join(names[:_MAX_NAMES])}{more}"


def _role(form: Fields) -> str:
    return (form.one("role") or "").strip()


def _position(form: Fields) -> Position:
    try:
        return Position(form.required("position"))
    except ValueError:
        raise OAuthError(Code.INVALID_REQUEST, "There is no such position.") from None


def _version(form: Fields, what: str) -> int:
    version = form.required(f"version {what}")
    if not version.isdecimal() or len(version) > 15:
        raise OAuthError(Code.INVALID_REQUEST, "The version is not a number.")
    return int(version)
