"""A person with a browser that runs no script, and what its pages say."""

from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2

PASSWORD = "correct horse battery"


@dataclass
class Form:
    """A form of a page, as a browser would send it."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    buttons: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    ticks: list[str] = field(default_factory=list[str])


class Page(HTMLParser):
    """A page that was answered."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__()
        self.response = response
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.words = ""
        self.tags: set[str] = set()
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        if tag == "form":
            self.forms.append(Form(given["action"]))
        if tag == "a":
            self.links.append(given["href"])
        if tag == "button" and "name" in given:
            self.forms[-1].buttons.append((given["name"], given["value"]))
        if tag == "input" and given.get("type") == "checkbox":
            self.forms[-1].ticks.append(given["value"])
        elif tag == "input":
            self.forms[-1].fields.append((given["name"], given.get("value", "")))

    def handle_data(self, data: str) -> None:
        self.words = f"{self.words} {data.strip()}" if data.strip() else self.words

    def form(self, action: str) -> Form:
        return next(form for form in self.forms if form.action == action)

    @property
    def told(self) -> dict[str, str]:
        """What the app is told, where the page leads."""
        target = self.response.headers["refresh"].partition("url=")[2]
        return dict(parse_qsl(urlsplit(target).query))


@dataclass
class Browser:
    """One browser of one person.

    Args:
        http: Keeps its cookies.
        account: Who signs in.
        base: The path that the pages are below.
    """

    http: httpx2.AsyncClient
    account: str = "ada"
    password: str = PASSWORD
    base: str = ""

    async def get(self, address: str) -> Page:
        return Page(await self.http.get(address))

    async def send(self, form: Form, *, headers: Mapping[str, str] | None = None, **changed: str) -> Page:
        """Send a form with some fields changed; an answer that leads on is followed within the site."""
        fields = [(name, changed.get(name, value)) for name, value in form.fields]
        extra = [(name, value) for name, value in changed.items() if name not in dict(form.fields)]
        return await self.post(form.action, [*fields, *extra], headers)

    async def post(self, action: str, fields: list[tuple[str, str]], headers: Mapping[str, str] | None = None) -> Page:
        kind = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        response = await self.http.post(action, content=urlencode(fields), headers=kind)
        while response.status_code == 303:
            response = await self.http.get(response.headers["location"])
        return Page(response)

    async def arrive(self, address: str) -> Page:
        """Open an address that an app shows, and sign in if that is asked first."""
        page = await self.get(address)
        if any(form.action == f"{self.base}/sign-in" for form in page.forms):
            page = await self.send(page.form(f"{self.base}/sign-in"), account=self.account, password=self.password)
        return page

    async def decide(self, page: Page, *, untick: Collection[str] = (), answer: str = "allow") -> Page:
        form = page.form(f"{self.base}/consent")
        ticked = [("scope", scope) for scope in form.ticks if scope not in untick]
        return await self.post(f"{self.base}/consent", [*form.fields, *ticked, ("decision", answer)])

    async def consent(self, address: str, *, untick: Collection[str] = ()) -> dict[str, str]:
        """Allow what is asked for, and return what the app is told."""
        page = await self.decide(await self.arrive(address), untick=untick)
        assert page.response.status_code == 200, page.words
        return page.told


@asynccontextmanager
async def opened(address: str, account: str = "ada") -> AsyncGenerator[Browser]:
    """Open a browser that starts at a server's address."""
    async with httpx2.AsyncClient(base_url=address, timeout=30) as http:
        yield Browser(http, account)
