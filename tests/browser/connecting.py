"""A host page, a connector elsewhere that people sign in to, and one person's browser with both."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from examples.team_tasks import connector as team_tasks
from inlay import Connector, Done, EmbeddedIssuer
from inlay.host import running_host
from inlay.host.serving import Listener, open_socket, running
from inlay.testing import View
from inlay.testing.console import Console
from inlay.testing.fixtures import isolated
from inlay.testing.page import HostPage, patient
from tests.browser.stories import Board
from tests.sign_in.accounts import with_account
from tests.sign_in.browser import PASSWORD

NAME = "Team tasks elsewhere"


@dataclass
class Desk:
    """A person at the host page."""

    host: HostPage
    context: BrowserContext
    remote: str
    connector: Connector
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
            await pane.get_by_label(label.replace("_", " ")).fill(text)
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
            await tab.get_by_label("Name").fill("ada")
            await tab.get_by_label("Password").fill(PASSWORD)
            await tab.get_by_role("button", name="Sign in").click()
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


@asynccontextmanager
async def opened_desk(browser: Browser, folder: Path, *, size: tuple[int, int] = (1600, 1000)) -> AsyncGenerator[Desk]:
    """Run a host, and the task board behind a sign-in elsewhere, while the block runs."""
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
        app = team_tasks.app(auth=EmbeddedIssuer(remote, accounts=folder / "accounts.db"))
        await stack.enter_async_context(running([Listener(app, bound)]))
        addresses = await stack.enter_async_context(running_host(own.app()))
        width, height = size
        context = patient(await browser.new_context(viewport={"width": width, "height": height}))
        console = Console()
        console.listen(context)
        console.expect("status of 40[0-9]")  # what the browser notes about each refusal
        host = HostPage(await context.new_page(), addresses, console, "", has_touch=False)
        await host.load({})
        yield Desk(host, context, remote, team_tasks)
        assert console.unexpected() == []
        await context.close()
