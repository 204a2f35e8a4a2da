"""The fixture for tests in memory."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from intarsia.server.connector import Connector
    from intarsia.testing.tools import Tools


@pytest.fixture
def tools(running_connector: "Connector", intarsia_log: list[str]) -> "Tools":
    """The tools of the connector, called in memory as a user."""
    from intarsia.permissions import Grant  # noqa: PLC0415 - projects without these tests need none
    from intarsia.testing.tools import Tools  # noqa: PLC0415 - as above

    local = running_connector.local
    return Tools(running_connector, Grant("tester", scopes=local.scopes, roles=local.roles), intarsia_log)
