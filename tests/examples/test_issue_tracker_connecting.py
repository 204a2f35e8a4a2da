"""Connecting a tracker account: from the link in the chat over the tracker's own page and back, for one person only."""

import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from examples.issue_tracker import tools
from examples.issue_tracker.app import make_app
from examples.issue_tracker.service.seed import PASSWORD
from examples.issue_tracker.settings import Sealer
from intarsia import Grant, ResourceServer
from tests.examples.tracker_system import EMIL, SCOPES, World

NEWCOMER = Grant("newcomer", scopes=SCOPES, claims={"name": "Emil <S>"}, issuer="https://sign-in.example")
ALLOW = {"email": "emil@example.com", "password": PASSWORD, "answer": "allow"}


class Browser:
    """Follows addresses between the connector and the tracker, as one browser with its cookies."""

    def __init__(self, tracker: World) -> None:
        own = httpx2.ASGITransport(make_app())
        theirs = httpx2.ASGITransport(tracker.service)
        mounts = {tools.settings.public: own, tools.settings.tracker: theirs}
        self._http = httpx2.AsyncClient(mounts=mounts, follow_redirects=False)

    async def get(self, address: str) -> httpx2.Response:
        return await self._http.get(address)

    async def post(self, address: str, form: dict[str, str] | None = None) -> httpx2.Response:
        return await self._http.post(address, data=form or {})

    async def follow(self, link: str, form: dict[str, str] | None = None) -> httpx2.Response:
        """Say yes on the connector's page, sign in at the tracker, and come back."""
        asked = await self.post(link)
        allowed = await self.post(asked.headers["location"], form or ALLOW)
        return await self.get(allowed.headers["location"])

    async def close(self) -> None:
        await self._http.aclose()


@pytest.fixture
async def browser(tracker: World) -> AsyncIterator[Browser]:
    opened = Browser(tracker)
    yield opened
    await opened.close()


async def link_of(tracker: World, person: Grant = NEWCOMER) -> str:
    text = (await tracker.call("issue_board", person, project="webshop")).text
    found = re.search(r"http://\S+", text)
    assert found is not None
    return found[0]


async def test_a_person_follows_the_link_signs_in_and_the_widget_is_theirs(tracker: World, browser: Browser) -> None:
    link = await link_of(tracker)
    page = await browser.get(link)
    done = await browser.follow(link)
    board = await tracker.call("issue_board", NEWCOMER, project="webshop")

    assert "Emil &lt;S&gt;" in page.text
    assert "The tracker is connected as Emil Sørensen." in done.text
    assert "`WEB-8`" in board.text
    assert (await tracker.move(NEWCOMER)).text == "Moved WEB-8 to In review."
    assert (await tracker.issue("WEB-8"))["changed_by"] == "Emil Sørensen"


async def test_the_pages_hold_no_token_and_cannot_be_framed_or_kept(tracker: World, browser: Browser) -> None:
    link = await link_of(tracker)
    pages = [await browser.get(link), await browser.follow(link)]
    held = await tools.grants.held(NEWCOMER.person)
    assert held is not None

    for page in pages:
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert held.access not in page.text


async def test_a_link_ends_when_its_person_is_connected_and_a_new_one_is_another(
    tracker: World, browser: Browser
) -> None:
    link = await link_of(tracker)
    await browser.follow(link)
    again = await browser.post(link)
    await tracker.call("disconnect_tracker", NEWCOMER)

    assert again.status_code == 400
    assert "This link is no longer good." in again.text
    assert await link_of(tracker) != link


async def test_a_state_that_comes_back_late_connects_nobody_anew(tracker: World, browser: Browser) -> None:
    asked = await browser.post(await link_of(tracker))
    allowed = await browser.post(asked.headers["location"], ALLOW)
    await browser.get(allowed.headers["location"])
    await tracker.call("disconnect_tracker", NEWCOMER)
    again = await browser.get(allowed.headers["location"])

    assert "The tracker did not take it." in again.text
    assert await tools.grants.held(NEWCOMER.person) is None


@pytest.mark.parametrize("ticket", ["", "nonsense", "é", "gAAAAAB"])
@pytest.mark.usefixtures("tracker")
async def test_a_link_that_nobody_made_opens_nothing(browser: Browser, ticket: str) -> None:
    response = await browser.get(f"{tools.settings.public}/connect/tracker?ticket={ticket}")

    assert response.status_code == 400
    assert "This link is no longer good." in response.text


async def test_a_link_of_another_day_opens_nothing(
    tracker: World, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examples.issue_tracker.connecting.LINK_SECONDS", -1)
    link = await link_of(tracker)

    assert (await browser.get(link)).status_code == 400


async def test_another_browser_cannot_bring_the_code_back(tracker: World, browser: Browser) -> None:
    """An attacker who signs in as themselves must not get a victim's browser to finish it, nor the other way round."""
    asked = await browser.post(await link_of(tracker))
    allowed = await browser.post(asked.headers["location"], ALLOW)
    other = Browser(tracker)
    response = await other.get(allowed.headers["location"])
    await other.close()

    assert response.status_code == 400
    assert await tools.grants.held(NEWCOMER.person) is None


async def test_a_code_is_of_no_use_with_another_verifier(tracker: World, browser: Browser) -> None:
    asked = await browser.post(await link_of(tracker))
    allowed = await browser.post(asked.headers["location"], ALLOW)
    code = parse_qs(urlsplit(allowed.headers["location"]).query)["code"][0]
    callback = f"{tools.settings.public}/connect/tracker/callback"
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": "x" * 64}

    assert await tools.grants.ask(form) is None
    assert "The tracker did not take it." in (await browser.get(allowed.headers["location"])).text


async def test_who_says_no_at_the_tracker_has_connected_nothing(tracker: World, browser: Browser) -> None:
    back = await browser.follow(await link_of(tracker), {"answer": "deny"})

    assert "Nothing was connected" in back.text
    assert await tools.grants.held(NEWCOMER.person) is None


async def test_the_tracker_lets_nobody_in_with_a_wrong_password_or_sends_them_elsewhere(
    tracker: World, browser: Browser
) -> None:
    asked = await browser.post(await link_of(tracker))
    wrong = await browser.post(asked.headers["location"], {**ALLOW, "password": "wrong"})
    elsewhere = asked.headers["location"].replace("callback", "elsewhere")

    assert wrong.status_code == 403
    assert "No account has this address and this password." in wrong.text
    assert (await browser.post(elsewhere, ALLOW)).status_code == 400


async def test_a_sealed_text_serves_its_own_purpose_alone(tracker: World) -> None:
    sealer = Sealer()
    sealer.open("", tracker.connector.store.path.with_suffix(".key"))
    sealed = sealer.seal("state", {"person": EMIL.person})

    assert sealer.unseal("grant", sealed) is None
    assert sealer.unseal("state", sealed, 60) == {"person": EMIL.person}
    assert sealer.unseal("state", "é") is None


async def test_where_people_sign_in_browsers_need_no_token_for_the_pages_and_everybody_needs_one_for_mcp(
    tracker: World,
) -> None:
    auth = ResourceServer("https://tracker.example/mcp", issuers=["https://sign-in.example"])
    link = await link_of(tracker)
    carrier = httpx2.ASGITransport(make_app(auth))
    async with httpx2.AsyncClient(transport=carrier, base_url="https://tracker.example") as browser:
        page = await browser.get(link.removeprefix(tools.settings.public))
        called = await browser.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})

    assert page.status_code == 200
    assert called.status_code == 401
