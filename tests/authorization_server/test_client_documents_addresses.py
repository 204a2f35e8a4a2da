"""T48: nobody makes the server ask an address that is not public. Somebody listens, and nobody comes."""

from collections.abc import AsyncIterator
from ipaddress import ip_address
from itertools import chain

import pytest

from intarsia.server.auth.authorization_server.clients.client_metadata import (
    ClientMetadataError,
    ClientMetadataReader,
    look_up,
)
from intarsia.server.auth.authorization_server.clients.public_addresses import IPAddress, is_public, public_target
from tests.authorization_server.document_site import HOST, Names, Site, is_anywhere, read_document, running_site

NOT_PUBLIC = {
    "loopback": ("127.0.0.1", "127.1.2.3", "::1"),
    "unspecified": ("0.0.0.0", "0.1.2.3", "::"),  # noqa: S104 - refused, not bound to
    "private": ("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1"),
    "carrier": ("100.64.0.1", "100.127.255.255"),
    "link-local": ("169.254.1.1", "fe80::1", "fe80::1%1", "fec0::1"),
    "metadata": ("169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254"),
    "multicast": ("224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"),
    "reserved": ("192.0.0.8", "198.18.0.1", "198.19.255.255", "240.0.0.1", "255.255.255.255", "100::1", "4000::1"),
    "documentation": ("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"),
    "mapped": ("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1"),
    "nat64": ("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1", "64:ff9b:1::808:808"),
    "6to4": ("2002:7f00:1::1", "2002:a9fe:a9fe::1", "2002:808:808::1", "192.88.99.1"),
    "teredo": ("2001:0:7f00:1::1", "2001::80ff:fffe"),
    "isatap": ("2a00:1450::5efe:7f00:1", "2a00:1450::200:5efe:a9fe:a9fe", "fe80::5efe:127.0.0.1"),
}
PUBLIC = (
    "8.8.8.8",
    "1.1.1.1",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "2a00:1450:4001::200e",
    "64:ff9b::808:808",
)

# Every one leads to the site on this machine, if anybody follows it; {port} is where it listens.
HOSTILE = (
    "http://app.example.com:{port}/app.json",
    "HTTPS://app.example.com:{port}/app.json",
    "ftp://app.example.com:{port}/app.json",
    "file:///etc/hosts",
    "//app.example.com:{port}/app.json",
    "https://app.example.com:{port}",
    "https://app.example.com:{port}/",
    "https://app.example.com:{port}?a=/b",
    "https://app.example.com:{port}/app.json#there",
    "https://app.example.com:{port}/app.json#",
    "https://me@app.example.com:{port}/app.json",
    "https://me:secret@app.example.com:{port}/app.json",
    "https://@app.example.com:{port}/app.json",
    "https://app.example.com:{port}/./app.json",
    "https://app.example.com:{port}/a/../app.json",
    "https://app.example.com:{port}/a/..",
    "https://app.example.com:{port}/%2e/app.json",
    "https://app.example.com:{port}/a/%2E./app.json",
    "https://app.example.com:{port}/a%2f..%2fapp.json",
    "https://app.example.com:{port}/a%5c..%5capp.json",
    "https://app.example.com:{port}/app.json%00",
    "https://app.example.com:{port}/app.json%0d%0aX:1",
    "https://app.example.com:{port}/app.json%",
    "https://app.example.com:{port}\\@public.example.org/app.json",
    "https://app.example.com:{port}/app .json",
    "https://app.example.com:{port}/app.json\r\nX: 1",
    "https://app.example.com:{port}/app.json\n",
    " https://app.example.com:{port}/app.json",
    "https:/app.example.com:{port}/app.json",
    "https:///app.example.com:{port}/app.json",
    "https://app.example.com:0{port}/app.json",
    "https://app.example.com:+{port}/app.json",
    "https://app.example.com:/app.json",
    "https://app.example.com:0/app.json",
    "https://app.example.com:22/app.json",
    "https://app.example.com:443/app.json",
    "https://app.example.com:65536/app.json",
    "https://app.example.com:99999/app.json",
    "https://App.example.com:{port}/app.json",
    "https://app.example.com.:{port}/app.json",
    "https://app..example.com:{port}/app.json",
    "https://-app.example.com:{port}/app.json",
    "https://app_1.example.com:{port}/app.json",
    "https://äpp.example.com:{port}/app.json",
    "https://app。example。com:{port}/app.json",
    "https://app%2eexample.com:{port}/app.json",
    "https://localhost:{port}/app.json",
    "http://localhost:{port}/app.json",
    "https://ip6-localhost:{port}/app.json",
    "https://127.0.0.1:{port}/app.json",
    "http://127.0.0.1:{port}/app.json",
    "https://127.1:{port}/app.json",
    "https://2130706433:{port}/app.json",
    "https://0x7f000001:{port}/app.json",
    "https://0x7f.0x0.0x0.0x1:{port}/app.json",
    "https://0177.0.0.01:{port}/app.json",
    "https://017700000001:{port}/app.json",
    "https://127.0.0.0x1:{port}/app.json",
    "https://①②⑦.⓪.⓪.①:{port}/app.json",
    "https://[::1]:{port}/app.json",
    "https://[::ffff:127.0.0.1]:{port}/app.json",
    "https://[::ffff:7f00:1]:{port}/app.json",
    "https://[64:ff9b::7f00:1]:{port}/app.json",
    "https://[fe80::1%25lo]:{port}/app.json",
    "https://[::1%25lo]:{port}/app.json",
    "https://[v1.fe80::1]:{port}/app.json",
    "https://8.8.8.8:{port}/app.json",
    "https://app.example.com:{port}/" + "a" * 1024,
)  # fmt: skip


@pytest.fixture
async def listener() -> AsyncIterator[Site]:
    """Listen without TLS: a connection counts before anybody says a word."""
    async with running_site(None) as site:
        yield site


@pytest.mark.parametrize("written", HOSTILE)
async def test_t48_an_id_in_another_form_is_not_asked(written: str, listener: Site) -> None:
    """Even a resolver that leads everything to this machine, and a rule that lets it, do not help."""
    names = Names(["127.0.0.1"])

    with pytest.raises(ClientMetadataError, match="plain https address"):
        await read_document(written.format(port=listener.port), resolve=names, may_ask=is_anywhere)

    assert names.asked == []
    assert listener.connections == 0


@pytest.mark.parametrize("kind", NOT_PUBLIC)
async def test_t48_a_name_of_a_place_that_is_not_public_is_not_asked(kind: str, listener: Site) -> None:
    """What leads to this machine in truth would come to the listener."""
    for address in NOT_PUBLIC[kind]:
        with pytest.raises(ClientMetadataError, match="not on the public internet"):
            await read_document(listener.client_id, resolve=Names([address]))

    assert listener.connections == 0


async def test_t48_one_address_that_is_not_public_is_enough(listener: Site) -> None:
    """The order in which a resolver lists them is nobody's guard."""
    for answer in (["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["2606:4700::1111", "::1"]):
        with pytest.raises(ClientMetadataError, match="not on the public internet"):
            await read_document(listener.client_id, resolve=Names(answer))

    assert listener.connections == 0


async def test_t48_the_first_answer_counts(listener: Site) -> None:
    """A name that is private first and public later is not asked for twice, within a request or right after it."""
    names = Names(["127.0.0.1"], ["8.8.8.8"])
    documents = ClientMetadataReader(resolve=names)

    for _ in range(3):
        with pytest.raises(ClientMetadataError, match="not on the public internet"):
            await documents.get(listener.client_id)

    assert names.asked == [HOST]
    assert listener.connections == 0


async def test_t48_the_resolver_of_this_machine_is_not_trusted(listener: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual resolver, with a name that leads here."""

    def leads_here(*_asked: object, **_how: object) -> list[object]:
        return [(2, 1, 6, "", ("127.0.0.1", listener.port))]

    monkeypatch.setattr("socket.getaddrinfo", leads_here)
    assert [str(address) for address in await look_up(HOST, 1)] == ["127.0.0.1"]

    with pytest.raises(ClientMetadataError, match="not on the public internet"):
        await read_document(listener.client_id)

    assert listener.connections == 0


async def test_a_name_without_an_address_is_refused() -> None:
    async def nowhere(_name: str, _port: int) -> list[IPAddress]:
        raise OSError

    for resolve in (Names([]), Names(["8.8.8.8"] * 17), nowhere):
        with pytest.raises(ClientMetadataError, match="no address"):
            await read_document(f"https://{HOST}/app.json", resolve=resolve)


@pytest.mark.parametrize("written", [*chain(*NOT_PUBLIC.values())])
def test_addresses_that_are_not_public(written: str) -> None:
    assert not is_public(ip_address(written))


@pytest.mark.parametrize("written", PUBLIC)
def test_addresses_that_are_public(written: str) -> None:
    assert is_public(ip_address(written))


@pytest.mark.parametrize(
    "written",
    [
        "https://app.example.com/app.json",
        "https://app.example.com:8443/oauth/client.json?version=1",
        "https://xn--pp-via.example.com/a;b=c/d,e/~f/%C3%A4",
    ],
)
def test_plain_ids_are_places(written: str) -> None:
    place = public_target(written)

    assert place is not None
    assert place.origin + place.target == written
