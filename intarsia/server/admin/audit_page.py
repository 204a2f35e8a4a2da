"""The page of the audit log: filters, pages, whether it is whole, and all of it as CSV."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from intarsia.server.admin.templates import ADMIN_HEADERS, draw_admin
from intarsia.server.audit.export import as_csv, moment
from intarsia.server.audit.log import AuditLog, AuditQuery
from intarsia.server.audit.verify import verify
from intarsia.server.pages.forms import Fields, read_query
from intarsia.server.storage.store import Store

if TYPE_CHECKING:
    from intarsia.server.admin.access import Admin, AdminAccess

EVENTS = ("action", "refusal", "switch", "sign_in", "sign_out", "grant", "withdrawal", "account", "role")
_ON_A_PAGE = 50
_FILTERS = ("log", "event", "who", "what", "from", "to")


class AuditPage:
    """The page.

    Args:
        guarding: Whose page it is, and who may see it.
        people: The store of accounts with a log of its own, where there are accounts.
    """

    def __init__(self, guarding: "AdminAccess", people: Store | None) -> None:
        self._of = guarding
        self._people = people

    async def show(self, request: Request, admin: "Admin") -> Response:
        """Answer with the newest rows that match, or those before a row."""
        query = read_query(request)
        wanted, store = _wanted(query), self._store(query)
        rows = await AuditLog(store).rows(wanted, _ON_A_PAGE)
        verdict = await verify(store) if query.one("verify") else None
        return draw_admin(
            "log", connector=self._of.catalog.name, account=admin.name, form_token=admin.form_token, here="log",
            rows=[(row, moment(row.at)) for row in rows], wanted=wanted, log=query.one("log") or "", events=EVENTS,
            has_people=self._people is not None, verdict=verdict, first_day=query.one("from") or "",
            last_day=query.one("to") or "", query=urlencode({name: query.one(name) or "" for name in _FILTERS}),
            older=rows[-1].n if len(rows) == _ON_A_PAGE else None,
        )  # fmt: skip

    async def export(self, request: Request, _admin: "Admin") -> Response:
        """Answer with all rows that match, as CSV."""
        query = read_query(request)
        pages = AuditLog(self._store(query)).pages(_wanted(query))
        headers = {**ADMIN_HEADERS, "Content-Disposition": 'attachment; filename="audit.csv"'}
        return StreamingResponse(as_csv(pages), media_type="text/csv; charset=utf-8", headers=headers)

    def _store(self, query: Fields) -> Store:
        return self._people if self._people and query.one("log") == "people" else self._of.catalog.store


def _wanted(query: Fields) -> AuditQuery:
    before = query.one("before") or ""
    return AuditQuery(
        query.one("who") or "",
        query.one("what") or "",
        query.one("event") or "",
        since=_start_of(query.one("from"), timedelta()),
        until=_start_of(query.one("to"), timedelta(days=1)),
        before=int(before) if before.isdecimal() and len(before) < 16 else None,
    )


def _start_of(day: str | None, later: timedelta) -> float | None:
    """Return when a day begins in UTC, or the one after it; a day that is none narrows nothing down."""
    try:
        start = date.fromisoformat(day or "") + later
    except (ValueError, OverflowError):
        return None
    return datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp()
