"""The page of switches, and changes of several at once that are looked at first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from intarsia.server.admin.switch_rows import ALL_POSITIONS, general_lines, title_of, tool_lines
from intarsia.server.admin.templates import draw_admin
from intarsia.server.pages.forms import Fields, read_query
from intarsia.server.pages.oauth_errors import Code, OAuthError
from intarsia.server.switches.positions import Position
from intarsia.server.switches.service import Change, Switch

if TYPE_CHECKING:
    from intarsia.server.admin.access import Admin, AdminAccess

_KINDS = (("", "any"), ("widget", "widgets"), ("action", "actions"))
_MAX_NAMES = 20


@dataclass(frozen=True)
class RequestedChange:
    """One switch that is to be changed, as it is now."""

    what: str
    title: str
    before: Position
    version: int


class SwitchPage:
    """The page.

    Args:
        guarding: Whose page it is, and who may see it.
    """

    def __init__(self, guarding: "AdminAccess") -> None:
        self._of = guarding

    async def show(self, request: Request, admin: "Admin") -> Response:
        """Answer with all switches; those of tools are narrowed down by the query."""
        query = read_query(request)
        find, kind, at = (query.one("find") or "").strip(), query.one("kind") or "", query.one("at") or ""
        catalog = self._of.catalog
        rows = await catalog.switches.rows()
        tools = tool_lines(catalog.tools.values(), rows, await catalog.counts.last_day())
        return draw_admin(
            "switches", connector=catalog.name, account=admin.name, form_token=admin.form_token, here="switches",
            has_people=self._of.has_people, general=general_lines(rows),
            tools=[line for line in tools if line.matches(find, kind, at)],
            count=len(tools), find=find, kind=kind, at=at, kinds=_KINDS, positions=ALL_POSITIONS,
            known_roles=await self._of.admins.roles(), said=self._said(query, rows),
        )  # fmt: skip

    def _said(self, query: Fields, rows: Sequence[Switch]) -> str:
        """Say what was just changed; the query only names it."""
        catalog, what, role = self._of.catalog, query.one("changed"), query.one("role") or ""
        row = next((row for row in rows if (row.what, row.role) == (what, role)), None)
        if row is None:
            return ""
        whom = f" for {role}" if role else ""
        others = query.one("others") or ""
        more = f" and {others} more" if others.isdecimal() and len(others) < 4 and others != "0" else ""
        return f"{title_of(row.what, catalog.tools)}{more}: {row.position.words}{whom}."

    async def review(self, form: Fields, admin: "Admin") -> Response:
        """Answer with what a change of several switches would do, and to whom."""
        chosen, position, role = sorted(form.many("tool")), _position(form), _role(form)
        catalog = self._of.catalog
        rows = {(row.what, row.role): row for row in await catalog.switches.rows()}
        wanted = [_wanted(title_of(what, catalog.tools), what, rows.get((what, role))) for what in chosen]
        if not wanted:
            return self._of.refuse(400, "No tool was chosen", "Tick the tools that are to be changed, and try again.")
        catalog.switches.check(Change(what, position, role) for what in chosen)
        return draw_admin(
            "review", connector=catalog.name, account=admin.name, form_token=admin.form_token, here="switches",
            has_people=self._of.has_people, role=role, position=position,
            why=form.one("why") or "", affected=await self._affected(role),
            changes=wanted,
        )  # fmt: skip

    async def set(self, form: Fields, admin: "Admin") -> Response:
        """Set the switches of a form, each of the version that its page showed."""
        role, why, position = _role(form), form.one("why") or "", _position(form)
        changes = [Change(what, position, role, _version(form, what)) for what in sorted(form.many("tool"))]
        if not changes:
            raise OAuthError(Code.INVALID_REQUEST, "No switch is named.")
        await self._of.catalog.switches.set(changes, who=admin.person, by="admin", why=why)
        query = {"changed": changes[0].what, "role": role, "others": str(len(changes) - 1)}
        return RedirectResponse(f"/admin?{urlencode(query)}", 303, {"Cache-Control": "no-store"})

    async def _affected(self, role: str) -> str:
        people = await self._of.admins.people()
        if people is None:
            return "everybody whom the issuer lets in" + (" with this role" if role else "")
        return _names([name for name, roles in people if not role or role in roles])


def _wanted(title: str, what: str, row: Switch | None) -> RequestedChange:
    return (
        RequestedChange(what, title, row.position, row.version) if row else RequestedChange(what, title, Position.ON, 0)
    )


def _names(names: Sequence[str]) -> str:
    if not names:
        return "no account now"
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
        raise OAuthError(Code.INVALID_REQUEST, "The version is no number.")
    return int(version)
