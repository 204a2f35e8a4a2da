"""The page of the audit log: filters, verification, and export as CSV."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from intarsia.server.admin.templates import ADMIN_HEADERS, render_admin_page
from intarsia.server.audit.export import csv_lines, iso_time
from intarsia.server.audit.log import AuditLog, AuditQuery
from intarsia.server.audit.verify import verify
from intarsia.server.pages.forms import Fields, read_query
from intarsia.server.storage.store import Store

if TYPE_CHECKING:
    from intarsia.server.admin.access import Admin, AdminAccess

EVENTS = ("action", "refusal", "switch", "sign_in", "sign_out", "grant", "revocation", "account", "role")
_ORIGINS = {
    "view": "in a widget", "model": "by the model", "admin": "on the admin pages", "shell": "on the command line",
    "server": "by the server",
}  # fmt: skip
_PAGE_ROWS = 50
_FILTERS = ("log", "event", "who", "what", "from", "to")


class AuditPage:
    """The page of the audit log, `/admin/log`.

    Args:
        access: Restricts the page to admins.
        accounts: The store of accounts, which has a log of its own; `None` if users sign in elsewhere.
    """

    def __init__(self, access: "AdminAccess", accounts: Store | None) -> None:
        self._access = access
        self._accounts = accounts

    async def show(self, request: Request, admin: "Admin") -> Response:
        """Return a page with the newest matching entries, or those before a given one."""
        query = read_query(request)
        audit_query, store = _audit_query(query), self._store(query)
        rows = await AuditLog(store).rows(audit_query, _PAGE_ROWS)
        check = await verify(store) if query.one("verify") else None
        return render_admin_page(
            "log", connector=self._access.catalog.name, account=admin.name, csrf_token=admin.csrf_token,
            section="log", rows=[(row, iso_time(row.at)) for row in rows], filter=audit_query, origins=_ORIGINS,
            log=query.one("log") or "", events=EVENTS, has_people=self._accounts is not None, check=check,
            first_day=query.one("from") or "", last_day=query.one("to") or "",
            query=urlencode({name: query.one(name) or "" for name in _FILTERS}),
            older=rows[-1].n if len(rows) == _PAGE_ROWS else None,
        )  # fmt: skip

    async def export(self, request: Request, _admin: "Admin") -> Response:
        """Return all matching entries as CSV, streamed so that a long log needs little memory."""
        query = read_query(request)
        pages = AuditLog(self._store(query)).pages(_audit_query(query))
        headers = {**ADMIN_HEADERS, "Content-Disposition": 'attachment; filename="audit.csv"'}
        return StreamingResponse(csv_lines(pages), media_type="text/csv; charset=utf-8", headers=headers)

    def _store(self, query: Fields) -> Store:
        return self._accounts if self._accounts and query.one("log") == "people" else self._access.catalog.store


def _audit_query(query: Fields) -> AuditQuery:
    before = query.one("before") or ""
    return AuditQuery(
        query.one("who") or "",
        query.one("what") or "",
        query.one("event") or "",
        since=_start_of(query.one("from"), timedelta()),
        until=_start_of(query.one("to"), timedelta(days=1)),
        before=int(before) if before.isdecimal() and len(before) < 16 else None,
    )


def _start_of(day: str | None, offset: timedelta) -> float | None:
    """Return when a day starts in UTC, plus an offset; `None` for an invalid day, which filters nothing."""
    try:
        start = date.fromisoformat(day or "") + offset
    except (ValueError, OverflowError):
        return None
    return datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp()
