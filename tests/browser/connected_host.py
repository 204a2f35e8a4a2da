"""A host page, a connector elsewhere that people sign in to, and one person's browser with both."""

import re
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from examples.team_tasks import connector as team_tasks
from intarsia import Connector, Done, EmbeddedIssuer, Introspection, Issuer, ResourceServer
from intarsia.host import running_host
from intarsia.host.server import Listener, open_socket, running
from intarsia.testing import View
from intarsia.testing.console import Console
from intarsia.testing.fixtures import isolated
from intarsia.testing.page import HostPage, patient
from tests.authorization_server.accounts import with_account
from tests.authorization_server.browser import PASSWORD
from tests.browser.story_support import Board, server_order
from tests.security.issuer import ASKING, CLIENT_SECRET, RunningIssuer

NAME = "Team tasks elsewhere"
WRITE = "tasks:write"
STOPS_MS = 5_000
"""Within which an open widget must stop after a withdrawal, in milliseconds."""


class SignInPages(Protocol):
    """Pages on which people sign in, choose what they grant, and take it back."""

    given: dict[str, str]
    """What a person enters into the host's form for the connector, beside its address."""

    async def sign_in(self, tab: Page) -> None:
        """Sign in on a page that was opened for that."""

    async def withdraw(self, desk: "Desk") -> None:
        """Take back what the host was granted."""


class OwnPages:
    """Those of the connector itself."""

    def __init__(self) -> None:
        self.given: dict[str, str] = {}

    async def sign_in(self, tab: Page) -> None:
        await tab.get_by_label("Name").fill("ada")
        await tab.get_by_label("Password").fill(PASSWORD)
        await tab.get_by_role("button", name="Sign in").click()

    async def withdraw(self, desk: "Desk") -> None:
        apps = await desk.context.new_page()
        await apps.goto(f"{desk.remote}/apps")
        await apps.get_by_role("button", name="Remove access").click()


class CompanyPages(OwnPages):
    """Those of an issuer that is not ours. It takes back what somebody granted when it is told to."""

    def __init__(self, issuer: RunningIssuer) -> None:
        self.given = {"Client_ID": "opaque-chat", "Client_secret": CLIENT_SECRET}
        self._issuer = issuer

    async def withdraw(self, desk: "Desk") -> None:  # noqa: ARG002 - the issuer knows who it is about
        await self._issuer.tell("withdraw", account="ada")


class Stopwatch:
    """Notes how many seconds each step took.

    Args:
        note: Takes the name of a step and its seconds.
    """

    def __init__(self, note: Callable[[str, object], None]) -> None:
        self._note = note
        self._last = time.monotonic()

    def lap(self, step: str) -> None:
        """Note the step that ends now."""
        now = time.monotonic()
        self._note(step, round(now - self._last, 2))
        self._last = now


@dataclass
class Desk:
    """A person at the host page."""

    host: HostPage
    context: BrowserContext
    remote: str
    connector: Connector
    pages: SignInPages = field(default_factory=OwnPages)
    tabs: list[Page] = field(default_factory=list[Page])

    @property
    def page(self) -> Page:
        return self.host.page

    def card(self, name: str = NAME) -> Locator:
        """What the pane shows of one connector."""
        return self.page.locator("#connectors").get_by_role("region", name=name, exact=True)

    async def open_pane(self) -> None:
        if not await self.page.locator("#show-connectors").is_visible():
            await self.page.get_by_role("button", name="Tools", exact=True).click()
        await self.page.locator("#show-connectors").click()

    async def close_pane(self) -> None:
        await self.page.locator("#connectors").get_by_role("button", name="Close").click()

    async def add(self, url: str, **given: str) -> None:
        """Fill in the form."""
        pane = self.page.locator("#connectors")
        await pane.get_by_text("Add custom connector").click()
        await pane.get_by_label("Name").fill(NAME)
        await pane.get_by_label("Address").fill(url)
        if given:
            await pane.get_by_text("Advanced").click()
        for label, text in given.items():
            await pane.get_by_label(label.replace("_", " "), exact=True).fill(text)
        await pane.get_by_role("button", name="Add", exact=True).click()
        await expect(pane.get_by_text(f"Added {NAME}.")).to_be_visible()

    async def new_tab(self, press: Locator) -> Page:
        """Press something that opens a sign-in page, and go there."""
        async with self.context.expect_page() as opened:
            await press.click()
        tab = await opened.value
        await tab.wait_for_url(lambda url: url != "about:blank")
        self.tabs.append(tab)
        return tab

    async def consent(self, tab: Page, *, untick: tuple[str, ...] = (), signs_in: bool = True) -> None:
        """Sign in on the page if that is asked, and allow what is ticked."""
        if signs_in:
            await self.pages.sign_in(tab)
        for scope in untick:
            await tab.locator(f'input[value="{scope}"]').uncheck()
        await tab.get_by_role("button", name="Allow").click()
        await expect(tab.get_by_role("heading", name="Connected")).to_be_visible()
        await expect(tab.get_by_text("You can close this tab.")).to_be_visible()
        await tab.close()

    async def connect(self, *, untick: tuple[str, ...] = ()) -> None:
        tab = await self.new_tab(self.card().get_by_role("button", name="Connect", exact=True))
        await self.consent(tab, untick=untick)
        await expect(self.page.get_by_text(f"{NAME} is connected.")).to_be_visible()

    async def board(self) -> Board:
        return Board(await View(self.host, await self.host.call("task_board", {"project": "apollo"})).settled())

    async def move(self, board: Board, card: str, onto: str) -> None:
        """Bring a card from one column before a card of the next: by dragging, or with a finger by its buttons."""
        if not self.host.has_touch:
            await board.drag(card, onto=onto)
            return
        await board.handle(card).tap()
        await board.view.frame.get_by_role("button", name=re.compile("^To ")).last.tap()
        await board.view.frame.get_by_role("button", name="Drop", exact=True).tap()

    async def whole_story(self, watch: Stopwatch) -> Board:
        """Add, sign in, leave a scope out, meet the limit, grant it, act, withdraw; all along in one View."""
        await self.open_pane()
        await self.add(f"{self.remote}/mcp", **self.pages.given)
        await expect(self.card().get_by_role("button", name="Connect", exact=True)).to_be_focused()
        watch.lap("added")
        await self.connect(untick=(WRITE,))
        watch.lap("signed in")
        await self.close_pane()
        board = await self.board()
        frame = board.view.frame
        assert f"need {WRITE}," in board.view.text
        watch.lap("board is open")
        todo, review = await server_order(self.connector, "todo"), await server_order(self.connector, "review")

        await board.view.press(f"Grant access to {WRITE}")
        question = self.page.get_by_role("group", name=f"Allow {WRITE}?")
        await expect(question).to_contain_text(f"{NAME} will ask you in a new tab.")
        tab = await self.new_tab(question.get_by_role("button", name="Allow"))
        await self.consent(tab, signs_in=False)
        await expect(board.handle(todo[0])).to_be_visible()
        watch.lap("granted, and editable")
        await self.move(board, todo[0], review[0])
        await board.view.settled()
        assert todo[0] not in await server_order(self.connector, "todo")
        assert board.view.frame is frame
        watch.lap("moved")

        await self.pages.withdraw(self)
        stopped = re.compile("signed you out|withdrawn|signed out")
        await expect(board.view.locator("body")).to_contain_text(stopped, timeout=STOPS_MS)
        assert await board.view.locator('[id^="w-card-"]').count() == 0
        watch.lap("withdrawn, and stopped")
        await self.open_pane()
        await expect(self.card()).to_contain_text("Sign in again")
        return board


@asynccontextmanager
async def running_connected_host(
    browser: Browser,
    folder: Path,
    *,
    size: tuple[int, int] = (1600, 1000),
    issuer: RunningIssuer | None = None,
    has_touch: bool = False,
) -> AsyncGenerator[Desk]:
    """Run a host, and the task board behind a sign-in elsewhere, while the block runs.

    Args:
        browser: Where the host page is opened.
        folder: Where everything is kept.
        size: Of the window, in pixels.
        issuer: Where people sign in; left out, at the connector itself.
        has_touch: Whether the person has a phone.
    """
    own = Connector("Own", store=folder / "own.db")

    @own.action(scopes=set())
    async def say_hello() -> Done:  # pyright: ignore[reportUnusedFunction] - the decorator keeps it
        """Say hello."""
        return Done("Hello.")

    await with_account(folder / "accounts.db", "ada", roles=["editor"])
    async with AsyncExitStack() as stack:
        stack.enter_context(isolated(team_tasks, folder))
        bound = stack.enter_context(open_socket("127.0.0.1", 0))
        remote = f"http://127.0.0.1:{bound.getsockname()[1]}"
        app = team_tasks.app(auth=_auth(remote, folder, issuer))
        await stack.enter_async_context(running([Listener(app, bound)]))
        addresses = await stack.enter_async_context(running_host(own.app()))
        width, height = size
        options: dict[str, Any] = {"has_touch": True, "is_mobile": True} if has_touch else {}
        context = patient(await browser.new_context(viewport={"width": width, "height": height}, **options))
        console = Console()
        console.listen(context)
        console.expect("status of 40[0-9]")  # what the browser notes about each refusal
        host = HostPage(await context.new_page(), addresses, console, "", has_touch=has_touch)
        await host.load({"phone": True, "width": width} if has_touch else {})
        yield Desk(host, context, remote, team_tasks, CompanyPages(issuer) if issuer else OwnPages())
        assert console.unexpected() == [], "\n".join(console.unexpected())
        await context.close()


def _auth(remote: str, folder: Path, issuer: RunningIssuer | None) -> EmbeddedIssuer | ResourceServer:
    if issuer is None:
        return EmbeddedIssuer(remote, accounts=folder / "accounts.db")
    asks = Introspection(client_id=ASKING[0], client_secret=ASKING[1])
    return ResourceServer(f"{remote}/mcp", [Issuer(issuer.url, introspection=asks)])
