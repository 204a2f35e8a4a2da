"""A connector that shows two persons the same things, each with a canary of theirs that the other must never get."""

import asyncio
import json
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from intarsia import Connector, Done, Grant
from intarsia.server.changes.access_watch import ACCESS_WATCH
from intarsia.server.tools.tool import TileFunction
from intarsia.server.wire.messages import ID, PARTS, PROBLEM, UNCHANGED, VIEW, CallResponse
from intarsia.widgets import BoardColumn, Card, Dashboard, DesignPanel, Metric, Slider, TaskBoard, Text
from tests.server.view_state import Shown

NAMES = ("ada", "bob")
ISSUER = "https://id.example"
KINDS = ("tile", "card", "column", "grant", "rule", "draft", "done")
"""Where canaries stand: behind a mark, in what a function made for its Grant, in a rule's reason, in a draft."""
BY_SCOPE = frozenset({"tile", "card", "column"})


def canary(name: str, kind: str) -> str:
    """Return what only one person may get; a draft holds numbers alone."""
    return str(90_210_001 + NAMES.index(name)) if kind == "draft" else f"{kind}-of-{name}-7f3a"


def scope_of(name: str) -> str:
    """Return the scope that only this person can grant."""
    return f"of:{name}"


def is_mine(grant: Grant, arguments: Mapping[str, Any]) -> bool | str:
    """Let nobody finish what everybody sees, and say so to each in their own words."""
    return arguments["card"] != "C-all" or canary(grant.subject, "rule")


class Office:
    """The connector. What it shows is another with each change."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        self.number = 0
        self._chance = chance
        self.connector = Connector("Office", store=path)
        self._add_dashboard(self.connector)
        self._add_board(self.connector)
        self._add_personal(self.connector)

    async def read(self) -> int:
        """Read the number, which may take a moment."""
        for _ in range(self._chance.randrange(3)):
            await asyncio.sleep(0)
        return self.number

    def change(self) -> None:
        """Change it, as the world does."""
        self.number += 1
        self.connector.changed("world")

    def _add_dashboard(self, office: Connector) -> None:
        def tile_of(name: str) -> TileFunction[[]]:
            async def tile() -> Text:
                """Read a tile."""
                return Text(f"{canary(name, 'tile')} {await self.read()}")

            tile.__name__ = f"tile_{name}"
            return office.tile(scopes={scope_of(name)}, topics="world")(tile)

        tiles = [tile_of(name) for name in NAMES]

        @office.widget(scopes={"read"})
        async def overview() -> Dashboard:
            """Show tiles."""
            return Dashboard(title="Overview", tiles=[tile() for tile in tiles])

    def _add_board(self, office: Connector) -> None:
        @office.action(scopes={"read"}, allow=is_mine)
        async def finish(card: str) -> Done:
            """Finish a card."""
            return Done(f"Finished {card}.")

        @office.widget(scopes={"read"}, topics="world")
        async def board() -> TaskBoard:
            """Show cards for everybody and cards for some."""
            number = await self.read()
            own = [Card(f"C-{name}", f"{canary(name, 'card')} {number}", scopes={scope_of(name)}) for name in NAMES]
            lists = [
                BoardColumn(
                    name, name, [Card(f"L-{name}", f"{canary(name, 'column')} {number}")], scopes={scope_of(name)}
                )
                for name in NAMES
            ]
            everybody = BoardColumn("all", "All", [Card("C-all", f"Number {number}"), *own])
            return TaskBoard(columns=[everybody, *lists], on_complete=finish.bind())

    def _add_personal(self, office: Connector) -> None:
        @office.widget(scopes={"read"}, topics="world")
        async def mine(grant: Grant) -> Metric:
            """Show one's own."""
            return Metric(canary(grant.subject, "grant"), await self.read())

        @office.widget(scopes={"read"}, topics="world")
        async def panel() -> DesignPanel:
            """Adjust a size."""
            other = Slider("other", min=0, max=99_999_999, value=await self.read())
            return DesignPanel([Slider("size", min=0, max=99_999_999, value=1), other], draft=True)

        @office.action(scopes={"read"}, changes="world")
        async def touch(thing: str, grant: Grant) -> Done:
            """Touch a thing."""
            self.number += 1
            return Done(f"{canary(grant.subject, 'done')} {thing}")


class Person:
    """Somebody with a token, whose scopes are taken back and given again."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.grant = Grant(name, "chat", {"read", scope_of(name)}, issuer=ISSUER)
        self.seen: set[str] = set()
        """The kinds of their own canaries that they got."""
        self.turned = asyncio.Event()

    def turn(self) -> None:
        """Take the person's own scope back, or give it again."""
        self.grant = replace(self.grant, scopes=self.grant.scopes ^ {scope_of(self.name)})
        self.turned.set()
        self.turned = asyncio.Event()

    def take(self, answer: CallResponse, could: frozenset[str]) -> list[str]:
        """Search an answer; return what should not be in it.

        Args:
            answer: What the person got.
            could: The scopes that they had when they asked, or have now.
        """
        said = json.dumps([answer.text, answer.structured, answer.meta], default=str)
        self.seen |= {kind for kind in KINDS if canary(self.name, kind) in said}
        others = [canary(name, kind) for name in NAMES if name != self.name for kind in KINDS]
        lost = () if scope_of(self.name) in could else BY_SCOPE
        return [each for each in (*others, *(canary(self.name, kind) for kind in lost)) if each in said]


class Window:
    """An open View of one person, in one of the clients that they connected."""

    def __init__(self, office: Office, person: Person, client: str, tool: str, leaks: list[str]) -> None:
        self._office, self.person, self._leaks = office, person, leaks
        self._client, self.tool = client, tool
        self.meta: dict[str, Any] = {}
        self.shown: Shown | None = None
        self.revision = ""
        self.is_asking = False

    @property
    def grant(self) -> Grant:
        """What the token of its client says now."""
        return replace(self.person.grant, client=self._client)

    async def changed(self) -> Grant | None:
        """Wait until the token says something else; this is the access of its calls."""
        before = self.grant
        while self.grant == before:
            await self.person.turned.wait()
        return self.grant

    async def call(self, name: str, meta: Mapping[str, Any], /, **arguments: Any) -> CallResponse:
        """Make a call, as this person, and search its answer."""
        ACCESS_WATCH.set(self)  # each call is a task, as it is a request elsewhere
        before = self.grant
        answer = await self._office.connector.calls.answer(name, arguments, meta, before)
        could = frozenset(before.scopes | self.grant.scopes)
        self._leaks += [f"{name} told {self.person.name} {each}" for each in self.person.take(answer, could)]
        return answer

    async def open(self) -> None:
        """Open the widget anew, as a model does."""
        self.shown = None
        self._show(await self.call(self.tool, {}))

    async def ask(self, seconds: float, **more: Any) -> str:
        """Ask for changes; return what was the problem."""
        if self.shown is None:
            await self.open()
        answer = await self.call("intarsia_view", self.carried, wait_seconds=seconds, **more)
        self._show(answer)
        return str(answer.meta.get(PROBLEM, {}).get("kind", ""))

    async def act(self, number: int) -> None:
        """Do something that the other does under the same key."""
        self._show(await self.call("touch", {**self.carried, ID: f"key-{number:032}"}, thing=f"T-{number}"))

    async def draft(self) -> None:
        """Keep a draft."""
        values = {"size": int(canary(self.person.name, "draft"))}
        await self.call("intarsia_draft", self.meta, tool="panel", arguments={}, values=values)

    async def steal(self, window: "Window", tool: str) -> None:
        """Say that one is the View of somebody else."""
        arguments = {"wait_seconds": 0} if tool == "intarsia_view" else {}
        await self.call(tool, window.carried, **arguments)

    @property
    def carried(self) -> dict[str, Any]:
        """What comes with each call of the View."""
        return {**self.meta, **(self.shown.meta(revision=self.revision) if self.shown else {})}

    def _show(self, answer: CallResponse) -> None:
        parts = answer.meta.get(PARTS)
        if parts and parts.get("tool") == self.tool:
            if self.shown is None:
                self.shown = Shown(parts)
            else:
                self.shown.take(parts)
        told: dict[str, Any] = parts or answer.meta.get(UNCHANGED) or {}
        self.revision = max(self.revision, told.get("revision", ""))
        if handle := answer.meta.get(VIEW):
            self.meta = {VIEW: handle}
