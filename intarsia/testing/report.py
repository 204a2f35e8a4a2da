"""The report of a failed test: screenshots, traffic, the server's log and the console."""

import json
import logging
import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.async_api import Error

from intarsia.testing.host import Host
from intarsia.testing.page import HostPage, Json

FOLDER = ".intarsia-failures"
_PROOF = re.compile(r'("(?:dev\.intarsia/)?(?:view|confirmation)": ")[^"]+')
"""Handles and confirmations, which are redacted because reports are stored and shared."""

MAX_LINE_LENGTH = 300


class Lines(logging.Handler):
    """Collects log records, one line each."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Store one record."""
        self.lines.append(self.format(record))


@contextmanager
def kept_log() -> Generator[list[str]]:
    """Collect the log of the process, including the server, while the block runs."""
    handler, root, own = Lines(), logging.getLogger(), logging.getLogger("intarsia")
    level = own.level
    root.addHandler(handler)
    own.setLevel(logging.INFO)
    try:
        yield handler.lines
    finally:
        root.removeHandler(handler)
        own.setLevel(level)


async def report(host: Host, item: pytest.Item, folder: Path) -> None:
    """Add screenshots, traffic and console of the host pages to a failed test's report."""
    for number, page in enumerate(host.pages, start=1):
        name = "intarsia" if len(host.pages) == 1 else f"intarsia, user {number}"
        item.add_report_section("teardown", f"{name}: screenshot", await _picture(page, item, folder, number))
        item.add_report_section("teardown", f"{name}: traffic", await _traffic(page))
        item.add_report_section("teardown", f"{name}: console", "\n".join(page.console.lines) or "nothing")
    item.add_report_section("teardown", "intarsia: server log", "\n".join(host.log) or "nothing")


def emptied(folder: Path) -> Path:
    """Empty the folder of screenshots."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


async def _picture(page: HostPage, item: pytest.Item, folder: Path, number: int) -> str:
    stem = re.sub(r"[^A-Za-z0-9]+", "-", item.nodeid).strip("-")[-120:]
    path = folder / f"{stem}-{number}.png"
    try:
        await page.page.screenshot(path=path, full_page=True)
    except Error as error:
        return f"None could be taken: {error.message}"
    return str(path)


async def _traffic(page: HostPage) -> str:
    try:
        entries = await page.traffic()
    except Error as error:
        return f"It could not be read: {error.message}"
    return "\n".join(_line(entry) for entry in entries) or "nothing"


def _line(entry: Json) -> str:
    message: Json = entry["message"]
    said = json.dumps(message.get("params", message.get("result", message.get("error"))), ensure_ascii=False)
    said = _PROOF.sub(r"\1...", said)
    view = f" {entry['view']}" if entry["view"] else ""
    head = f"{entry['at']:>6} ms {entry['from']} -> {entry['to']}{view}: {entry['kind']} {entry['method']} "
    return head + (said if len(said) <= MAX_LINE_LENGTH else f"{said[:MAX_LINE_LENGTH]}... ({entry['bytes']} bytes)")
