"""A connector with two admins and somebody who is none, in this process."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from intarsia.server.admin.access import ADMIN
from intarsia.server.audit.log import AuditLog, AuditQuery, AuditRow
from intarsia.server.auth.authorization_server.accounts.accounts import Accounts
from intarsia.server.auth.authorization_server.accounts.tables import accounts_store
from intarsia.server.storage.store import Store
from tests.authorization_server.accounts import with_accounts
from tests.authorization_server.browser import Browser, Page
from tests.authorization_server.sign_in_site import ORIGIN, Place, running_sign_in_site

BOARD = "tool:task_board"


@dataclass
class Office:
    """The connector, and who comes to it."""

    place: Place

    async def come(self, account: str = "root", to: str = "/admin") -> tuple[Browser, Page]:
        """Sign somebody in in a new browser, and open a page."""
        browser = self.place.browser(account)
        page = await browser.arrive("/admin")
        return browser, page if to == "/admin" else await browser.get(to)

    async def positions(self) -> dict[str, str]:
        """Say where the switches stand that were ever set."""
        assert self.place.switches is not None
        rows = await self.place.switches.rows()
        return {f"{row.what} {row.role}".strip(): row.position.value for row in rows}

    async def noted(self, event: str) -> list[AuditRow]:
        """Return rows of the connector's audit log."""
        async with Store(self.place.folder / "store.db").open() as store:
            return list(await AuditLog(store).rows(AuditQuery(event=event), 100_000))

    @asynccontextmanager
    async def accounts(self) -> AsyncGenerator[Accounts]:
        """Open the accounts as the command does, from another process."""
        async with accounts_store(self.place.folder / "accounts.db").open() as store:
            yield Accounts(store)


def turning(page: Page, position: str, what: str = BOARD) -> list[tuple[str, str]]:
    """Return what a press of one position of a switch sends."""
    form = next(form for form in page.forms if form.action == "/admin/switches" and ("tool", what) in form.fields)
    assert ("position", position) in form.buttons
    return [*form.fields, ("position", position)]


def token_of(page: Page) -> str:
    """Return what the forms of a page carry."""
    return dict(page.form("/sign-out").fields)["csrf_token"]


@asynccontextmanager
async def running_admin_site(folder: Path, origin: str = ORIGIN) -> AsyncGenerator[Office]:
    """Open it while the block runs."""
    file = folder / "accounts.db"
    await with_accounts(file, {"root": [ADMIN], "ruth": [ADMIN, "editor"], "ada": ["editor"]})
    async with running_sign_in_site(folder, origin, accounts=file) as place:
        yield Office(place)
