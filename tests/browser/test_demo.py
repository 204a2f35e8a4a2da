"""What somebody sees who starts `intarsia demo` and clicks on what is offered."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from intarsia.host import HostAddresses
from intarsia.testing import View
from intarsia.testing.console import Console
from intarsia.testing.page import HostPage
from tests.commands import running

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("offer", "shown"),
    [("Task board", "Apollo"), ("Machine monitor", "CPU"), ("Brand panel", "Accent")],
)
async def test_each_example_is_two_clicks_away(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offer: str, shown: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("INTARSIA_STATE", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with running("demo", "--port", "0") as (_, said):
        page, connector = re.findall(r"http://\S+", said)
        context = await browser.new_context()
        console = Console()
        console.listen(context)
        host = HostPage(await context.new_page(), HostAddresses(page, connector, ""), console, "", has_touch=False)
        await host.load({})
        await host.page.locator(".offer", has_text=offer).click()
        form = host.page.locator("details[open] form")
        if await form.count():
            await form.get_by_role("button", name="Call").click()
        await expect(View(host, 1).locator("#w")).to_contain_text(shown)
        assert console.unexpected() == []
        await context.close()
