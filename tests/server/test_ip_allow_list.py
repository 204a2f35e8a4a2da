"""Only addresses in the administrator's ranges get in, and no header can pretend to be one of them."""

import logging
import os
from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from intarsia.errors import SettingError
from intarsia.host.server import running_server
from intarsia.server.http import ip_allow_list
from intarsia.server.http.ip_allow_list import AllowList, IPNetwork, RangesFile, range_of, read_ranges

PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8:f::/48"))


async def whoami(scope: Scope, receive: Callable[[], Any], send: Callable[[Message], Any]) -> None:
    """Respond with the client's address and the scheme."""
    request = Request(scope)
    client = request.client.host if request.client else None
    await PlainTextResponse(f"{client} over {request.url.scheme}")(scope, receive, send)


@pytest.fixture
def everywhere(tmp_path: Path) -> RangesFile:
    path = tmp_path / "everywhere.txt"
    path.write_text("0.0.0.0/0\n::/0\n")
    return RangesFile(path)


async def client_of(
    ranges: RangesFile, peer: str | None, *headers: tuple[str, str], proxies: Iterable[IPNetwork] = PROXIES
) -> str | None:
    """Return the client that the application sees, or `None` if the request is refused."""
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["client"][0])

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        return None

    scope = {
        "type": "http",
        "client": (peer, 5000) if peer is not None else None,
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
    }
    await AllowList(app, ranges=ranges, proxies=proxies)(scope, receive, send)
    return seen[0] if seen else None


def test_every_address_of_a_range_is_in_it_and_its_neighbors_are_not() -> None:
    ranges = read_ranges(
        "\ufeff# Offices\n203.0.113.0/24  # the main one\n\n198.51.100.7\r\n2001:db8:a::/48\n203.0.113.64/26\n",
        "f",
    )
    for inside in ("203.0.113.0", "203.0.113.255", "203.0.113.70", "198.51.100.7", "2001:db8:a:ffff::1"):
        assert ip_address(inside) in ranges
    for outside in ("203.0.112.255", "203.0.114.0", "198.51.100.6", "198.51.100.8", "2001:db8:b::", "0.0.0.0"):  # noqa: S104 - looked up, not bound to
        assert ip_address(outside) not in ranges
    # The same number as an IPv6 address is another address.
    assert ip_address(int(ip_address("203.0.113.1"))) in ranges
    assert ip_address("::cb00:7101") not in ranges


def test_all_addresses_of_a_version_are_a_range() -> None:
    assert ip_address("8.8.8.8") in read_ranges("0.0.0.0/0", "f")
    assert ip_address("2001:db8::1") not in read_ranges("0.0.0.0/0", "f")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("203.0.113.0/33", "is not an address range"),
        ("203.0.113/24", "is not an address range"),
        ("203.0.113.0/255.255.255.0", "is not an address range"),
        ("203.0.113.0/0.0.0.255", "is not an address range"),
        ("203.0.113.0/", "is not an address range"),
        ("203.0.113.0/٢٤", "is not an address range"),
        ("203.0.113.0-203.0.113.9", "is not an address range"),
        ("0203.0.113.1", "is not an address range"),
        ("3405803777", "is not an address range"),
        ("office.example.com", "is not an address range"),
        ("203.0.113.0/24 198.51.100.0/24", "is not an address range"),
        ("203.0.113.5/24", "The range is 203.0.113.0/24"),
        ("2001:db8::1/32", "The range is 2001:db8::/32"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_an_invalid_line_is_reported_with_its_number(line: str, said: str) -> None:
    with pytest.raises(SettingError, match=r"ranges\.txt, line 3: ") as refused:
        read_ranges(f"# one\n10.0.0.0/8\n{line}\n", "ranges.txt")

    assert said in str(refused.value)


@pytest.mark.parametrize("text", ["", "\n\n", "# none yet\n"])
def test_a_file_without_a_range_is_invalid(text: str) -> None:
    with pytest.raises(SettingError, match="contains no address range"):
        read_ranges(text, "ranges.txt")


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be read"):
        RangesFile(tmp_path / "never-there")
    with pytest.raises(SettingError, match="cannot be read"):
        RangesFile(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe1")
    with pytest.raises(SettingError, match="is not encoded in UTF-8"):
        RangesFile(tmp_path / "binary")


def test_a_file_is_read_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An invalid file changes nothing, and is logged once."""
    caplog.set_level(logging.INFO, "intarsia.server.http.ip_allow_list")
    now = 100.0
    monkeypatch.setattr(ip_allow_list, "monotonic", lambda: now)
    path = tmp_path / "ranges.txt"
    path.write_text("203.0.113.0/24\n")
    file = RangesFile(path)
    first, second = ip_address("203.0.113.1"), ip_address("198.51.100.1")

    def write(text: str) -> None:
        """Change the file as editors do: by replacing it."""
        (tmp_path / "new").write_text(text)
        os.replace(tmp_path / "new", path)  # noqa: PTH105 - the call that editors make

    write("198.51.100.0/24\n")
    assert first in file.current()  # not checked yet
    now += 1
    assert first not in file.current()
    assert second in file.current()

    for broken in ("198.51.100.0/24\n300.0.0.0/8\n", "", None):
        caplog.clear()
        if broken is None:
            path.unlink()
        else:
            write(broken)
        for _ in range(3):
            now += 1
            assert second in file.current()
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert "are unchanged" in caplog.text
        assert ("line 2: '300.0.0.0/8'" in caplog.text) == bool(broken)

    write("203.0.113.0/24\n")
    now += 1
    assert first in file.current()


@pytest.mark.parametrize("proxies", [PROXIES, ()], ids=["other proxies", "no proxies"])
async def test_without_a_proxy_the_peer_counts_whatever_its_headers_say(
    everywhere: RangesFile, proxies: Iterable[IPNetwork]
) -> None:
    for name, value in (("X-Forwarded-For", "203.0.113.1"), ("X-Real-IP", "1.1.1.1")):
        assert await client_of(everywhere, "192.0.2.1", (name, value), proxies=proxies) == "192.0.2.1"
    assert await client_of(everywhere, "::ffff:192.0.2.1", proxies=proxies) == "192.0.2.1"
    assert await client_of(everywhere, "fe80::1%eth0", proxies=proxies) == "fe80::1"
    for unknown in (None, "", "testclient", "unix:"):
        assert await client_of(everywhere, unknown, proxies=proxies) is None


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("203.0.113.1", "203.0.113.1"),
        ("1.1.1.1, 203.0.113.1", "203.0.113.1"),
        ("1.1.1.1,2.2.2.2,203.0.113.1,10.0.0.2", "203.0.113.1"),
        ("203.0.113.1, 10.9.9.9, 10.0.0.2", "203.0.113.1"),
        ("10.0.0.7", "10.0.0.7"),
        ("10.0.0.7, 10.0.0.8", "10.0.0.7"),
        ("203.0.113.1:4711", "203.0.113.1"),
        ("2001:db8:a::1", "2001:db8:a::1"),
        ("[2001:db8:a::1]:4711", "2001:db8:a::1"),
        ("203.0.113.1, [2001:db8:f::1]:4711", "203.0.113.1"),
        ("::ffff:203.0.113.1", "203.0.113.1"),
        ("1.1.1.1, ::ffff:10.0.0.2", "1.1.1.1"),
        ("garbage, 203.0.113.1", "203.0.113.1"),
        ("203.0.113.1, garbage", None),
        ("203.0.113.1, garbage, 10.0.0.2", None),
        ("203.0.113.1, unknown", None),
        ("203.0.113.1, 0x7f.1", None),
        ("203.0.113.1 1.1.1.1", None),
        # A proxy that writes no address is itself the client; its own address is rarely in the ranges.
        ("203.0.113.1,", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
async def test_the_last_address_that_is_not_a_proxy_counts(
    everywhere: RangesFile, value: str, found: str | None
) -> None:
    """Whatever the client wrote before: proxies append to the header."""
    assert await client_of(everywhere, "10.0.0.1", ("X-Forwarded-For", value)) == found


@pytest.mark.parametrize("count", [1, 2, 5, 50, 500])
async def test_no_number_of_invented_hops_changes_the_client(everywhere: RangesFile, count: int) -> None:
    hops = [*["198.51.100.1", "10.0.0.3", "garbage"] * count, "203.0.113.1", "10.0.0.2"]

    assert await client_of(everywhere, "10.0.0.1", ("X-Forwarded-For", ", ".join(hops))) == "203.0.113.1"
    assert await client_of(everywhere, "10.0.0.1", *[("X-Forwarded-For", hop) for hop in hops]) == "203.0.113.1"


async def test_the_standard_header_behind_a_proxy_is_refused(everywhere: RangesFile) -> None:
    """A proxy that writes one of the two headers forwards the other as the client wrote it."""
    forwarded, simple = ("Forwarded", "for=203.0.113.1"), ("X-Forwarded-For", "203.0.113.1")

    assert await client_of(everywhere, "10.0.0.1", forwarded) is None
    assert await client_of(everywhere, "10.0.0.1", forwarded, simple) is None
    assert await client_of(everywhere, "192.0.2.1", forwarded, proxies=()) == "192.0.2.1"


async def test_a_proxy_without_the_header_is_the_client(everywhere: RangesFile) -> None:
    assert await client_of(everywhere, "10.0.0.1") == "10.0.0.1"
    assert await client_of(everywhere, "::ffff:10.0.0.1", ("X-Forwarded-For", "203.0.113.1")) == "203.0.113.1"


async def test_other_addresses_get_403_and_plain_text(tmp_path: Path) -> None:
    """Over a real connection, with and without a proxy, and with headers that name an allowed address."""
    path = tmp_path / "ranges.txt"
    path.write_text("203.0.113.0/24\n")
    ranges = RangesFile(path)
    spoofed = {"X-Forwarded-For": "203.0.113.1", "X-Forwarded-Proto": "https"}
    direct, behind = (
        AllowList(whoami, ranges=ranges),
        AllowList(whoami, ranges=ranges, proxies=[range_of("127.0.0.0/8", "--trusted-proxy")]),
    )
    async with (
        running_server(direct, proxy_headers=False) as alone,
        running_server(behind, proxy_headers=False) as proxied,
        httpx2.AsyncClient(trust_env=False) as http,
    ):
        for headers in ({}, spoofed, {"Forwarded": "for=203.0.113.1"}):
            refused = await http.get(alone, headers=headers)
            assert refused.status_code == 403
            assert refused.headers["content-type"] == "text/plain; charset=utf-8"
            assert refused.text == "Your network address is not allowed here. Ask this server's administrator.\n"
        assert (await http.get(proxied, headers=spoofed)).text == "203.0.113.1 over https"
        for value in ("203.0.113.1, 192.0.2.1", "192.0.2.1", "203.0.113.1, unknown"):
            assert (await http.get(proxied, headers={"X-Forwarded-For": value})).status_code == 403
        assert (await http.get(proxied)).status_code == 403


async def test_a_websocket_is_refused_before_it_opens(tmp_path: Path) -> None:
    path = tmp_path / "ranges.txt"
    path.write_text("203.0.113.0/24\n")
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    scope: Scope = {"type": "websocket", "client": ("192.0.2.1", 1), "headers": []}
    await AllowList(whoami, ranges=RangesFile(path))(scope, receive, send)

    assert [message["type"] for message in sent] == ["websocket.close"]
