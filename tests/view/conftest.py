"""The View in real Chromium against the official AppBridge: bundled here, served by routes, without a network."""

import json
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, FrameLocator, Page, Route, expect

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
VIEW = ROOT / "intarsia" / "ui_templates" / "view"

Flavor = Literal["same", "opaque", "loose"]

LOOSE_CSP = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:"
SANDBOXES: dict[Flavor, dict[str, str]] = {
    "same": {"sandbox": "allow-scripts allow-same-origin"},
    "opaque": {"sandbox": "allow-scripts"},
    "loose": {"sandbox": "allow-scripts allow-same-origin allow-forms", "csp": LOOSE_CSP},
}


def bundle(source: Path | str, *options: str, root: Path = ROOT) -> str:
    """Bundle TypeScript, a path or an entry's text, into one script; of a copy, if another root is given."""
    (esbuild,) = (ROOT / "node_modules" / "@esbuild").glob("*/bin/esbuild")
    arguments = ["--bundle", "--format=iife", "--target=es2022", "--log-level=error", *options]
    entry = source if isinstance(source, str) else f'import "./{source.relative_to(ROOT).as_posix()}";'
    finished = subprocess.run(
        [esbuild, "--loader=ts", *arguments], cwd=root, input=entry, capture_output=True, text=True, check=True
    )
    return finished.stdout.strip()


def put_together(script: str) -> str:
    """Fill the holes of the View's document as the server does."""
    style = "".join((VIEW / name).read_text() for name in ("base.css", "shell.css"))
    script_hash = "sha256-" + b64encode(sha256(script.encode()).digest()).decode()
    document = (VIEW / "document.html").read_text()
    for name, value in {"title": "Lab", "style": style, "script": script, "script_hash": script_hash}.items():
        document = document.replace("{{ " + name + " }}", value)
    return document


@dataclass
class Lab:
    """The page with the host, and the View inside it."""

    page: Page
    document: str
    console: list[str] = field(default_factory=list[str])

    @property
    def view(self) -> FrameLocator:
        return self.page.frame_locator("iframe").frame_locator("iframe")

    async def open(self, flavor: Flavor = "same", **opening: Any) -> None:
        """Open a View; it shows the board unless told otherwise."""
        await self.page.evaluate(
            "([view, opening]) => lab.open(view, opening)", [self.document, {**SANDBOXES[flavor], **opening}]
        )

    async def open_html(self, html: str, flavor: Flavor = "same", **opening: Any) -> None:
        """Open a View on a widget of this HTML."""
        await self.serve("given", html)
        await self.open(flavor, tool="given", args={}, **opening)

    async def serve(self, tool: str, html: str) -> None:
        """Let the server's widget tool of that name answer with this HTML from now on."""
        await self.run("([tool, frame]) => lab.server.widgets.set(tool, () => ({frame}))", [tool, html])

    async def run(self, script: str, argument: object = None) -> Any:
        """Evaluate in the host page."""
        return await self.page.evaluate(script, argument)

    async def inside(self, script: str, argument: object = None) -> Any:
        """Evaluate in the View's document."""
        return await self.view.locator("html").evaluate(f"(_html, argument) => ({script})(argument)", argument)

    async def until(self, condition: str, argument: object = None) -> None:
        """Wait until a condition holds in the host page."""
        await self.page.wait_for_function(condition, arg=argument, timeout=10_000)

    async def calls(self, name: str | None = None) -> list[dict[str, Any]]:
        """List the calls that reached the server."""
        calls: list[dict[str, Any]] = await self.run("() => lab.server.calls")
        return [call for call in calls if name in (None, call["name"])]

    async def shows(self, texts: Sequence[str], selector: str) -> None:
        """Wait until elements hold these texts, in order."""
        await expect(self.view.locator(selector)).to_have_text(list(texts))

    async def order(self, column: str, cards: Sequence[str]) -> None:
        """Wait until a column of the board holds these cards, in order."""
        ids = [f"w-card-{card}" for card in cards]
        items = self.view.locator(f"#w-cards-{column} > li")
        await expect(items).to_have_count(len(ids))
        for index, element_id in enumerate(ids):
            await expect(items.nth(index)).to_have_id(element_id)

    async def settle(self) -> None:
        """Wait until the View has dealt with everything that the host has sent it."""
        await self.run("() => lab.ping()")

    async def pass_time(self, seconds: float) -> None:
        """Let time pass in every frame, and the View deal with what is due."""
        await self.page.context.clock.fast_forward(int(seconds * 1000))
        await self.settle()

    def forget_refusals(self) -> int:
        """Forget what the browser said of code that the policy refused, and count it; it speaks before cleaning."""
        said = [line for line in self.console if "Content Security Policy" in line]
        self.console = [line for line in self.console if line not in said]
        return len(said)

    def status(self) -> Any:
        """Look at the line under the widget."""
        return expect(self.view.locator(".intarsia-status__message"))


def bundled_view(root: Path = ROOT) -> str:
    """Bundle the View with the behavior that lets tests look inside; that of a copy, if another root is given."""
    entry = 'import "./tests/view/probe.ts";\nimport "./intarsia/ui_templates/view/main.ts";'
    return put_together(bundle(entry, "--minify", root=root))


@pytest.fixture(scope="session")
def view_document() -> str:
    """Bundle the View once."""
    return bundled_view()


async def _open_page(browser: Browser, ext_apps: str, *, has_clock: bool = False) -> Page:
    aliases = [] if ext_apps == "2" else ["--alias:@modelcontextprotocol/ext-apps=ext-apps-1"]
    script = bundle(HERE / "harness.ts", *aliases)
    context = await browser.new_context(has_touch=False, viewport={"width": 800, "height": 900})
    if has_clock:
        await context.clock.install()
    page = await context.new_page()

    async def serve(route: Route) -> None:
        address = urlsplit(route.request.url)
        if address.hostname == "sandbox.test":
            csp = parse_qs(address.query)["csp"][0]
            headers = {"content-type": "text/html", "content-security-policy": csp}
            await route.fulfill(body=(HERE / "sandbox.html").read_text(), headers=headers)
        elif address.path == "/harness.js":
            await route.fulfill(body=script, content_type="text/javascript")
        else:
            body = '<!doctype html><link rel="icon" href="data:,"><body><script src="/harness.js"></script>'
            await route.fulfill(body=body, content_type="text/html")

    await context.route("**/*", serve)
    await page.goto("https://host.test/")
    return page


@pytest.fixture(scope="session")
async def host_page(browser: Browser) -> AsyncIterator[Page]:
    """Keep one page for all tests; each opens a new View in it."""
    page = await _open_page(browser, "2")
    yield page
    await page.context.close()


@pytest.fixture(scope="session")
async def old_host_page(browser: Browser) -> AsyncIterator[Page]:
    """Keep one page with the previous AppBridge."""
    page = await _open_page(browser, "1")
    yield page
    await page.context.close()


@pytest.fixture(scope="session")
async def timed_host_page(browser: Browser) -> AsyncIterator[Page]:
    """Keep one page whose clock stands still until a test winds it on."""
    page = await _open_page(browser, "2", has_clock=True)
    await page.clock.pause_at(await page.evaluate("() => Date.now() + 1000"))
    yield page
    await page.context.close()


async def _watch(page: Page, view_document: str) -> AsyncIterator[Lab]:
    lab = Lab(page, view_document)

    def note(message: ConsoleMessage) -> None:
        if not message.location["url"].endswith("/harness.js"):  # the official transport logs each message
            lab.console.append(f"{message.type}: {message.text}")

    def note_error(error: object) -> None:
        lab.console.append(f"uncaught: {error}")

    page.on("console", note)
    page.on("pageerror", note_error)
    await page.evaluate("() => lab.reset()")
    yield lab
    errors = await page.evaluate("() => lab.errors")
    await page.evaluate("() => lab.close()")
    page.remove_listener("console", note)
    page.remove_listener("pageerror", note_error)
    assert lab.console == []
    assert errors == [], json.dumps(errors)


@pytest.fixture
async def lab(host_page: Page, view_document: str) -> AsyncIterator[Lab]:
    """Give a fresh host and server; the console must stay silent to the end."""
    async for each in _watch(host_page, view_document):
        yield each


@pytest.fixture
async def old_lab(old_host_page: Page, view_document: str) -> AsyncIterator[Lab]:
    """Give the same with the previous AppBridge."""
    async for each in _watch(old_host_page, view_document):
        yield each


@pytest.fixture
async def timed_lab(timed_host_page: Page, view_document: str) -> AsyncIterator[Lab]:
    """Give the same with a clock that stands still until `lab.pass_time`."""
    async for each in _watch(timed_host_page, view_document):
        yield each
