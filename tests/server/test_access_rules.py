"""Who may call a tool: what the desk does with a Grant."""

from pathlib import Path
from typing import Any

import pytest

from intarsia import Connector, Done, Grant
from intarsia.errors import ToolError
from intarsia.server.views.view_handles import make_handle
from intarsia.widgets import DesignPanel, Slider, Text

ADA = Grant("ada", scopes={"notes:read", "notes:write"}, issuer="https://id.example")
RITA = Grant("rita", scopes={"notes:read"}, issuer="https://id.example")
EVE = Grant("eve", issuer="https://id.example")


class Notes:
    """A connector whose tools remember who called them."""

    def __init__(self, store: Path) -> None:
        self.connector = connector = Connector("Notes", store=store)
        self.callers: list[Grant] = []

        @connector.action(scopes={"notes:write"}, allow=lambda _grant, given: given["text"] != "no" or "Not that.")
        async def write(text: str, who: Grant) -> Done:
            """Write a note."""
            self.callers.append(who)
            return Done(f"{who.subject} wrote {len(text)} letters.")

        @connector.widget(scopes={"notes:read"})
        async def note(who: Grant) -> Text:
            """Show the note."""
            return Text(f"For {who.subject}.")

        @connector.widget(scopes={"notes:read"})
        async def panel() -> DesignPanel:
            """Adjust the size."""
            return DesignPanel([Slider("size", min=0, max=9, value=3)], draft=True, on_save=save.bind())

        @connector.action(scopes={"notes:write"})
        async def save(values: dict[str, float]) -> Done:
            """Save the size."""
            return Done(f"Saved {values}.")

    async def call(self, grant: Grant, name: str, /, **arguments: Any) -> Any:
        """Call a tool as somebody."""
        return await self.connector.calls.answer(name, arguments, {}, grant)

    async def draft(self, grant: Grant, **values: int) -> Any:
        """Keep a draft as the View of somebody does."""
        handle = make_handle(self.connector.catalog.signer, grant, "panel", {})
        arguments = {"tool": "panel", "arguments": {}, "values": values}
        return await self.connector.calls.answer("intarsia_draft", arguments, {"dev.intarsia/view": handle}, grant)


@pytest.fixture
async def notes(tmp_path: Path) -> Any:
    built = Notes(tmp_path / "notes.db")
    async with built.connector.running():
        yield built


async def test_a_function_is_told_who_calls_and_no_caller_can_say_it(notes: Notes) -> None:
    answer = await notes.call(ADA, "write", text="hello")
    forged = await notes.call(ADA, "write", text="hello", who={"subject": "root"})

    assert answer.text == "ada wrote 5 letters."
    assert notes.callers == [ADA]
    assert forged.meta["dev.intarsia/problem"]["kind"] == "invalid"
    assert "who" not in notes.connector.tools["write"].schema["properties"]


async def test_who_lacks_a_scope_is_told_which_and_nothing_runs(notes: Notes) -> None:
    answer = await notes.call(RITA, "write", text="hello")

    assert answer.is_error
    assert answer.text == "Write needs notes:write, a permission you don't have. Grant access to notes:write."
    assert answer.meta["dev.intarsia/problem"] == {
        "kind": "refused",
        "message": answer.text,
        "missing_scopes": ["notes:write"],
        "how_to_fix": "Grant access to notes:write.",
    }
    assert notes.callers == []


async def test_a_rule_refuses_in_its_own_words(notes: Notes) -> None:
    answer = await notes.call(ADA, "write", text="no")

    assert answer.meta["dev.intarsia/problem"] == {"kind": "refused", "message": "Not that."}
    assert notes.callers == []


async def test_an_action_brings_back_no_widget_that_its_caller_may_not_read(notes: Notes) -> None:
    seen: dict[str, Any] = {
        "dev.intarsia/seen": {"tool": "note", "arguments": {}, "frame": "", "parts": {}, "lists": {}}
    }
    writer = Grant("will", scopes={"notes:write"})

    allowed = await notes.connector.calls.answer("write", {"text": "x"}, seen, ADA)
    refused = await notes.connector.calls.answer("write", {"text": "x"}, seen, writer)

    assert "For ada." in str(allowed.meta["dev.intarsia/parts"])
    assert not refused.is_error
    assert "dev.intarsia/parts" not in refused.meta


async def test_a_draft_is_kept_for_one_person_and_only_where_they_may_read(notes: Notes) -> None:
    other = Grant("rita", scopes={"notes:read"}, issuer="https://other.example")
    kept = await notes.draft(RITA, size=7)
    denied = await notes.draft(EVE, size=8)

    assert not kept.is_error
    assert denied.meta["dev.intarsia/problem"]["missing_scopes"] == ["notes:read"]
    assert 'value="7"' in str((await notes.call(RITA, "panel")).meta)
    assert 'value="7"' not in str((await notes.call(other, "panel")).meta)
    assert 'value="7"' not in str((await notes.call(ADA, "panel")).meta)


async def test_the_local_person_may_do_everything(notes: Notes) -> None:
    assert notes.connector.scopes == {"notes:read", "notes:write"}
    assert notes.connector.local == Grant("local", scopes={"notes:read", "notes:write"})


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"scopes": "notes:write"}, "scopes must be a set of strings"),
        ({"roles": "admin"}, "roles must be a set of strings"),
        ({"scopes": {"notes write"}}, "'notes write' is not a scope"),
        ({"scopes": {""}}, "'' is not a scope"),
        ({"allow": True}, "allow must be a function"),
    ],
)
def test_what_no_caller_could_fulfill_is_refused_where_it_is_written(options: dict[str, Any], complaint: str) -> None:
    async def tool() -> Text:
        """Show nothing."""
        return Text("")

    with pytest.raises(ToolError, match=complaint):
        Connector("Notes").widget(**options)(tool)


def test_one_grant_is_enough() -> None:
    async def tool(one: Grant, other: Grant) -> Text:
        """Show nothing."""
        return Text(one.subject + other.subject)

    with pytest.raises(ToolError, match="takes the Grant twice: one and other"):
        Connector("Notes").widget(tool)
