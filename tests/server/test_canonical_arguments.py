"""Equal calls are equal, however a client writes the arguments: for keys, confirmations, Views and bound actions."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

from intarsia import Connector
from intarsia.permissions import Grant
from intarsia.server.calls.handler import CallHandler
from intarsia.server.wire.messages import CallResponse
from intarsia.widgets import Button, Done
from tests.server.view_state import DONE, PARTS, PROBLEM, Shown

ADA = Grant("ada", "chat", frozenset({"*"}))
KEY = "0123456789abcdef"
HANDLE, CONFIRM = "dev.intarsia/view", "dev.intarsia/confirm"


@pytest.fixture
async def shelves(tmp_path: Path) -> AsyncIterator[Connector]:
    connector = Connector("Shelves", store=tmp_path / "shelves.db")

    @connector.action(changes="shelf:{shelf}")
    async def fill(shelf: Annotated[int, Field(alias="from")], amount: float = 1) -> Done:
        """Fill a shelf."""
        return Done(f"Filled {shelf!r} with {amount!r}.")

    @connector.action(destructive=True, confirm="Empty shelf {shelf}?")
    async def empty(shelf: int) -> Done:
        """Empty a shelf."""
        return Done(f"Emptied {shelf!r}.")

    @connector.widget(topics="shelf:{shelf}")
    async def shown(shelf: Annotated[int, Field(alias="from")] = 1) -> Button:
        """Show a shelf."""
        return Button("Fill", on_click=partial(fill, shelf=shelf, amount=2.5))

    async with connector.running():
        yield connector


async def call(connector: Connector, tool: str, arguments: dict[str, Any], **meta: Any) -> CallResponse:
    named = {f"dev.intarsia/{name}": value for name, value in meta.items() if value is not None}
    return await CallHandler(connector.catalog).answer(tool, arguments, named, ADA)


async def test_a_retry_that_writes_a_number_as_text_is_the_same_call(shelves: Connector) -> None:
    first = await call(shelves, "fill", {"from": 5, "amount": None}, id=KEY)
    again = await call(shelves, "fill", {"from": "5"}, id=KEY)
    other = await call(shelves, "fill", {"from": "6"}, id=KEY)

    assert (first.text, again.meta[DONE]) == ("Filled 5 with 1.", {**first.meta[DONE], "replayed": True})
    assert other.meta[PROBLEM]["kind"] == "refused"


async def test_a_confirmation_holds_for_the_same_values_and_no_others(shelves: Connector) -> None:
    view = (await call(shelves, "shown", {})).meta[HANDLE]
    asked = await call(shelves, "empty", {"shelf": 5.0}, view=view)
    token = asked.meta[CONFIRM]["confirmation"]

    other = await call(shelves, "empty", {"shelf": "6"}, view=view, confirmation=token)
    done = await call(shelves, "empty", {"shelf": "5"}, view=view, confirmation=token)

    assert asked.meta[CONFIRM]["question"] == "Empty shelf 5?"
    assert other.is_error
    assert done.text == "Emptied 5."


async def test_a_widget_that_was_opened_with_text_is_refreshed_with_the_value(shelves: Connector) -> None:
    opened = await call(shelves, "shown", {"from": "7"})
    view = Shown(opened.meta[PARTS])

    assert view.arguments == {"from": 7}
    refreshed = await call(shelves, "intarsia_view", {}, **_meta(view), view=opened.meta[HANDLE])
    assert not refreshed.is_error


async def test_bound_arguments_are_sent_by_their_alias_and_taken(shelves: Connector) -> None:
    opened = await call(shelves, "shown", {"from": "7"})
    tool: Any = shelves.catalog.tools["fill"]
    bound = tool.bind_partial(partial(tool, shelf=7, amount=2.5))

    assert (bound.arguments, bound.parameters) == ({"from": 7, "amount": 2.5}, {})
    done = await call(shelves, "fill", dict(bound.arguments), view=opened.meta[HANDLE])
    assert done.text == "Filled 7 with 2.5."


def _meta(view: Shown) -> dict[str, Any]:
    return {name.removeprefix("dev.intarsia/"): value for name, value in view.meta().items()}
