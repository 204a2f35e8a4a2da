"""Only addresses of the administrator's ranges come in, and nobody writes themselves another address."""

import logging
import os
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Scope

from intarsia.errors import SettingError
from intarsia.host.server import running_server
from intarsia.server.http import ip_allow_list
from intarsia.server.http.ip_allow_list import AllowList, Ranges, RangesFile, asking_address, range_of, read_ranges

PROXIES = Ranges([ip_network("10.0.0.0/8"), ip_network("2001:db8:f::/48")])


async def whoami(scope: Scope, receive: Callable[[], Any], send: Callable[[Message], Any]) -> None:
    """Answer with what is known of who asks."""
    request = Request(scope)
    client = request.client.host if request.client else None
    await PlainTextResponse(f"{client} over {request.url.scheme}")(scope, receive, send)


def asking(peer: str | None, *headers: tuple[str, str]) -> str | None:
    """Return who asks, as text."""
    scope = {
        "type": "http",
        "client": (peer, 5000) if peer is not None else None,
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
    }
    found = asking_address(scope, PROXIES)
    return None if found is None else str(found)


def test_every_address_of_a_range_is_in_it_and_its_neighbors_are_not() -> None:
    ranges = read_ranges(
        "\ufeff# Offices\n203.0.113.0/24  # the one by the sea\n\n198.51.100.7\r\n2001:db8:a::/48\n203.0.113.64/26\n",
        "f",
    )
    for inside in ("203.0.113.0", "203.0.113.255", "203.0.113.70", "198.51.100.7", "2001:db8:a:ffff::1"):
        assert ip_address(inside) in ranges
    for outside in ("203.0.112.255", "203.0.114.0", "198.51.100.6", "198.51.100.8", "2001:db8:b::", "0.0.0.0"):  # noqa: S104 - asked for
        assert ip_address(outside) not in ranges
    # The same number in the other version is another address.
    assert ip_address(int(ip_address("203.0.113.1"))) in ranges
    assert ip_address("::cb00:7101") not in ranges


def test_everybody_is_a_range_too() -> None:
    assert ip_address("8.8.8.8") in read_ranges("0.0.0.0/0", "f")
    assert ip_address("2001:db8::1") not in read_ranges("0.0.0.0/0", "f")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("203.0.113.0/33", "is no range"),
        ("203.0.113/24", "is no range"),
        ("203.0.113.0/255.255.255.0", "is no range"),
        ("203.0.113.0/0.0.0.255", "is no range"),
        ("203.0.113.0/", "is no range"),
        ("203.0.113.0/٢٤", "is no range"),
        ("203.0.113.0-203.0.113.9", "is no range"),
        ("0203.0.113.1", "is no range"),
        ("3405803777", "is no range"),
        ("office.example.com", "is no range"),
        ("203.0.113.0/24 198.51.100.0/24", "is no range"),
        ("203.0.113.5/24", "the range is 203.0.113.0/24"),
        ("2001:db8::1/32", "the range is 2001:db8::/32"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_a_broken_line_is_named(line: str, said: str) -> None:
    with pytest.raises(SettingError, match=r"ranges\.txt, line 3: ") as refused:
        read_ranges(f"# one\n10.0.0.0/8\n{line}\n", "ranges.txt")

    assert said in str(refused.value)


@pytest.mark.parametrize("text", ["", "\n\n", "# nobody yet\n"])
def test_a_file_without_a_range_is_broken(text: str) -> None:
    with pytest.raises(SettingError, match="holds no range"):
        read_ranges(text, "ranges.txt")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be read"):
        RangesFile(tmp_path / "never-there")
    with pytest.raises(SettingError, match="cannot be read"):
        RangesFile(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe1")
    with pytest.raises(SettingError, match="is not UTF-8"):
        RangesFile(tmp_path / "binary")


def test_a_file_is_read_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is broken changes nothing, and is told once."""
    caplog.set_level(logging.INFO, "intarsia.server.http.ip_allow_list")
    now = 100.0
    monkeypatch.setattr(ip_allow_list, "monotonic", lambda: now)
    path = tmp_path / "ranges.txt"
    path.write_text("203.0.113.0/24\n")
    file = RangesFile(path)
    first, second = ip_address("203.0.113.1"), ip_address("198.51.100.1")

    def write(text: str) -> None:
        """Change the file as editors do: the new one takes the place of the old."""
        (tmp_path / "new").write_text(text)
        os.replace(tmp_path / "new", path)  # noqa: PTH105 - said as it is

    write("198.51.100.0/24\n")
    assert first in file.current()  # not looked at yet
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
        assert "stay as they were" in caplog.text
        assert ("line 2: '300.0.0.0/8'" in caplog.text) == bool(broken)

    write("203.0.113.0/24\n")
    now += 1
    assert first in file.current()


def test_without_a_proxy_the_peer_counts_whatever_it_says() -> None:
    for name, value in (("X-Forwarded-For", "203.0.113.1"), ("Forwarded", "for=203.0.113.1"), ("X-Real-IP", "1.1.1.1")):
        assert asking("192.0.2.1", (name, value)) == "192.0.2.1"
    assert asking("::ffff:192.0.2.1") == "192.0.2.1"
    assert asking("fe80::1%eth0") == "fe80::1"
    for nobody in (None, "", "testclient", "unix:"):
        assert asking(nobody) is None


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
        ("::ffff:203.0.113.1", "203.0.113.1"),
        ("1.1.1.1, ::ffff:10.0.0.2", "1.1.1.1"),
        ("garbage, 203.0.113.1", "203.0.113.1"),
        ("203.0.113.1, garbage", None),
        ("203.0.113.1, garbage, 10.0.0.2", None),
        ("203.0.113.1, unknown", None),
        ("203.0.113.1,", None),
        ("", None),
        ("203.0.113.1, 0x7f.1", None),
        ("203.0.113.1 1.1.1.1", None),
    ],
)
def test_the_rightmost_address_that_is_no_proxys_counts(value: str, found: str | None) -> None:
    """However many the client wrote before: proxies write behind them."""
    assert asking("10.0.0.1", ("X-Forwarded-For", value)) == found


@pytest.mark.parametrize("count", [1, 2, 5, 50, 500])
def test_no_number_of_made_up_hops_moves_it(count: int) -> None:
    made_up = ["198.51.100.1", "10.0.0.3", "garbage"] * count
    in_one = ", ".join([*made_up, "203.0.113.1", "10.0.0.2"])
    assert asking("10.0.0.1", ("X-Forwarded-For", in_one)) == "203.0.113.1"

    lines = [("X-Forwarded-For", hop) for hop in [*made_up, "203.0.113.1", "10.0.0.2"]]
    assert asking("10.0.0.1", *lines) == "203.0.113.1"

    elements = [("Forwarded", f"for={hop};proto=https") for hop in [*made_up, "203.0.113.1", "10.0.0.2"]]
    assert asking("10.0.0.1", *elements) == "203.0.113.1"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("for=203.0.113.1", "203.0.113.1"),
        ("For=1.1.1.1, FOR=203.0.113.1;proto=https;by=10.0.0.1", "203.0.113.1"),
        ('for="203.0.113.1:4711";host=tasks.example.com', "203.0.113.1"),
        ('for=1.1.1.1, for="[2001:db8:a::1]:4711"', "2001:db8:a::1"),
        ('for=203.0.113.1, for="[2001:db8:f::1]"', "203.0.113.1"),
        ('for=203.0.113.1;host="a,for=1.1.1.1"', "203.0.113.1"),
        ('for=1.1.1.1;host="a\\"", for=203.0.113.1', "203.0.113.1"),
        ("for=unknown", None),
        ("for=1.1.1.1, for=_hidden", None),
        ("for=1.1.1.1, proto=https", None),
        ("for=1.1.1.1;for=203.0.113.1", None),
        ('for="1.1.1.1', None),
        ("203.0.113.1", None),
        ("for=1.1.1.1, ", None),
        ("", None),
    ],
)
def test_the_standard_header_is_read_alike(value: str, found: str | None) -> None:
    assert asking("10.0.0.1", ("Forwarded", value)) == found


def test_two_headers_at_once_are_believed_neither() -> None:
    """A proxy that writes one of them passes the other on as the client wrote it."""
    for ours, theirs in (("X-Forwarded-For", "Forwarded"), ("Forwarded", "X-Forwarded-For")):
        headers = [(ours, "203.0.113.1"), (theirs, "for=203.0.113.1")]
        assert asking("10.0.0.1", *headers) is None


def test_a_proxy_that_says_nothing_is_who_asks() -> None:
    assert asking("10.0.0.1") == "10.0.0.1"
    assert asking("::ffff:10.0.0.1", ("X-Forwarded-For", "203.0.113.1")) == "203.0.113.1"


async def test_who_is_not_in_gets_403_and_plain_text(tmp_path: Path) -> None:
    """Over a real connection, with and without a proxy, and through headers that others would believe."""
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
            assert refused.text == "Your network address is not allowed here. Ask whoever runs this server.\n"
        assert (await http.get(proxied, headers=spoofed)).text == "203.0.113.1 over https"
        for value in ("203.0.113.1, 192.0.2.1", "192.0.2.1", "203.0.113.1, unknown"):
            assert (await http.get(proxied, headers={"X-Forwarded-For": value})).status_code == 403
        assert (await http.get(proxied)).status_code == 403


async def test_a_web_socket_is_refused_before_it_opens(tmp_path: Path) -> None:
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
