"""What the scan of the logs takes for a secret, and what not."""

import logging
from collections.abc import Iterator
from secrets import token_urlsafe

import jwt
import pytest

from intarsia import Connector, Grant
from intarsia.server.views.view_handles import make_handle
from tests.log_scan import LogScan, secrets_in


@pytest.mark.parametrize(
    "line",
    [
        f"An access token was rejected: {jwt.encode({'sub': 'ada'}, 'k' * 32)}",
        f"Authorization: Bearer {token_urlsafe(16)}",
        f"introspected {'aB3' + token_urlsafe(32)}",
        "client_secret='made-up-secret'",
        "POST /token?code=SplxlOBeZQQYbYS6WxSbIA",
        "Set-Cookie: session=1; Cookie: 31d4d96e407aad42",
    ],
    ids=["jwt", "bearer", "opaque", "secret", "code", "cookie"],
)
def test_a_secret_is_found(line: str) -> None:
    assert secrets_in(line)


async def test_a_handle_is_found(running_connector: Connector) -> None:
    handle = make_handle(running_connector.catalog.signer, Grant("ada"), "board", {})

    assert secrets_in(f"The call brought {handle}.")


@pytest.fixture
def connector() -> Connector:
    return Connector("Scanned")


@pytest.mark.parametrize(
    "line",
    [
        "A call was denied: tasks:write is missing.",
        "The call of 'task_board' failed.",
        f"key {'05c9' * 16} is not known",
        "/home/Ada/Projects2/intarsia-with-a-very-long-name-that-goes-on/tests/test_a_long_name_of_a_test_2.py",
        "GET /.well-known/oauth-protected-resource/mcp 200",
    ],
)
def test_what_is_no_secret_is_left_alone(line: str) -> None:
    assert secrets_in(line) == []


SECRET = "aB3" + "x7Y" * 12


@pytest.fixture
def unheard() -> Iterator[None]:
    """Keep what a test says from the scan of the whole run."""
    of_the_run = logging.getLogRecordFactory()
    logging.setLogRecordFactory(logging.LogRecord)
    yield
    logging.setLogRecordFactory(of_the_run)


@pytest.mark.usefixtures("unheard")
@pytest.mark.parametrize(
    "name", ["intarsia.server.auth.resource_server.middleware", "mcp.server", "uvicorn.access", "somebody.else"]
)
def test_what_is_said_in_a_low_voice_is_heard_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scan, logger = LogScan(), logging.getLogger(name)
    monkeypatch.setattr(logger, "propagate", False)
    # A server that ran in this process may have made it quieter, and given it a handler that reads other messages.
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "level", logging.NOTSET)
    logger.setLevel(logging.NOTSET)
    with scan.listening():
        logger.info("The call brought %s.", SECRET)
        try:
            raise ValueError(SECRET)
        except ValueError:
            logger.exception("It failed.")

    assert scan.heard == {f"INFO {name}", f"ERROR {name}"}
    assert len(scan.leaks) == 2


def test_after_a_scan_everybody_is_as_loud_as_before() -> None:
    before = (logging.getLogRecordFactory(), logging.getLogger().level, logging.getLogger("intarsia").level)
    with LogScan().listening():
        pass

    assert (logging.getLogRecordFactory(), logging.getLogger().level, logging.getLogger("intarsia").level) == before
