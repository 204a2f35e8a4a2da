"""Settings that cannot work, or that would let somebody in by mistake, are refused with what to do."""

from collections.abc import Callable
from typing import Any

import pytest

from intarsia import Introspection, Issuer, ResourceServer
from intarsia.errors import SettingError

LOGIN, TASKS = "https://login.example.com", "https://tasks.example.com/mcp"


def as_resource(address: str) -> object:
    return ResourceServer(address, [LOGIN])


def as_issuer(address: str) -> object:
    return ResourceServer(TASKS, [address])


def as_keys(address: str) -> object:
    return Issuer(LOGIN, jwks_uri=address)


def as_endpoint(address: str) -> object:
    return asks(endpoint=address)


def asks(**changed: Any) -> Introspection:
    settings: dict[str, Any] = {"client_id": "intarsia", "client_secret": "made-up", **changed}
    return Introspection(**settings)


@pytest.mark.parametrize(
    "address",
    [
        "", "tasks", "tasks.example.com/mcp", "//tasks.example.com/mcp", "ftp://tasks.example.com", "https://", "https:///mcp",
        "http://tasks.example.com/mcp", "http://127.0.0.1.example.com/mcp", "https://tasks.example.com/mcp?a=1",
        "https://tasks.example.com/mcp#a", "https://tasks.example.com/mcp?", "https://ada@tasks.example.com/mcp",
        "https://Tasks.example.com/mcp", "HTTPS://tasks.example.com/mcp", "https://tasks.example.com:443/mcp",
        "http://127.0.0.1:80/mcp", "https://tasks.example.com:port/mcp", "https://tasks.example.com/m cp",
        "https://tasks.example.com\\mcp", "https://täsks.example.com/mcp", "https://[::1/mcp", "https://tasks.example.com/\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "use",
    [
        as_resource,
        as_issuer,
        as_keys,
        as_endpoint,
    ],
)
def test_an_address_that_could_be_read_in_two_ways_is_refused(use: Callable[[str], object], address: str) -> None:
    with pytest.raises(SettingError, match="must"):
        use(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://tasks.example.com/mcp", "https://tasks.example.com", "https://tasks.example.com:8443/a/b/mcp",
        "http://127.0.0.1:8484/mcp", "http://localhost:8484/mcp", "http://[::1]:8484/mcp", "https://[2001:db8::1]/mcp",
    ],
)  # fmt: skip
def test_an_address_in_its_plain_form_is_welcome(address: str) -> None:
    assert ResourceServer(address, [LOGIN]).resource == address


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ResourceServer(TASKS, []), "at least one issuer"),
        (lambda: ResourceServer(TASKS, [LOGIN, Issuer(LOGIN)]), "each issuer only once"),
        (lambda: ResourceServer(TASKS, LOGIN), "not a string"),
        (lambda: Issuer(LOGIN, algorithms=("HS256",)), r"and not \['HS256'\]"),
        (lambda: Issuer(LOGIN, algorithms=("none",)), "must be some of"),
        (lambda: Issuer(LOGIN, algorithms=()), "and not empty"),
        (lambda: Issuer(LOGIN, algorithms="RS256"), "not a string"),  # type: ignore[arg-type]
        (lambda: Issuer(LOGIN, audience=""), "empty audience"),
        (lambda: asks(client_secret=""), "client_secret"),
        (lambda: asks(client_id=""), "client_id"),
        (lambda: asks(opaque_tokens=False, signed_tokens=False), "omit it to use neither"),
        (lambda: ResourceServer(TASKS, [LOGIN], leeway_seconds=61), "from 0 to 60, and is 61"),
        (lambda: ResourceServer(TASKS, [LOGIN], leeway_seconds=-1), "from 0 to 60"),
        (lambda: ResourceServer(TASKS, [LOGIN], keys_seconds=3600), "from 1 to 300"),
        (lambda: ResourceServer(TASKS, [LOGIN], lifetime_seconds=10**9), "from 60 to"),
        (lambda: ResourceServer(TASKS, [LOGIN], leeway_seconds=True), "leeway_seconds must be"),
    ],
)
def test_what_cannot_work_is_named(make: Callable[[], object], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        make()


def test_only_one_issuer_may_have_opaque_tokens() -> None:
    second = Issuer("https://other.example.com", introspection=asks())

    with pytest.raises(SettingError, match="do not name their issuer: https://login"):
        ResourceServer(TASKS, [Issuer(LOGIN, introspection=asks()), second])
    ResourceServer(TASKS, [Issuer(LOGIN, introspection=asks(opaque_tokens=False)), second])


def test_a_secret_is_in_no_text_that_is_printed() -> None:
    assert "made-up" not in repr(ResourceServer(TASKS, [Issuer(LOGIN, introspection=asks())]))
