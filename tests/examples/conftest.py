"""The examples, each with a store of its own that is empty at first."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from examples import brand_studio, machine_monitor, team_tasks
from intarsia import Connector
from intarsia.server.wire.messages import CallResponse
from tests.examples.tracker_system import EMIL, LUCIA, NOOR, TOMAS, World, running_tracker_system


async def call(
    connector: Connector, name: str, meta: Mapping[str, Any] | None = None, **arguments: Any
) -> CallResponse:
    return await connector.calls.answer(name, arguments, meta or {}, connector.local)


@pytest.fixture
def stopped_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connector:
    monkeypatch.setattr(team_tasks.connector.store, "path", tmp_path / "tasks.db")
    return team_tasks.connector


@pytest.fixture
async def tasks(stopped_tasks: Connector) -> AsyncIterator[Connector]:
    async with stopped_tasks.running():
        yield stopped_tasks


@pytest.fixture
def stopped_brands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connector:
    monkeypatch.setattr(brand_studio.connector.store, "path", tmp_path / "brands.db")
    return brand_studio.connector


@pytest.fixture
async def brands(stopped_brands: Connector) -> AsyncIterator[Connector]:
    async with stopped_brands.running():
        yield stopped_brands


@pytest.fixture
async def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connector]:
    monkeypatch.setattr(machine_monitor.connector.store, "path", tmp_path / "machine.db")
    async with machine_monitor.connector.running():
        yield machine_monitor.connector


@pytest.fixture
async def stopped_tracker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with running_tracker_system(tmp_path, monkeypatch) as world:
        yield world


@pytest.fixture
async def tracker(stopped_tracker: World) -> AsyncIterator[World]:
    async with stopped_tracker.connector.running():
        for person in (NOOR, EMIL, LUCIA, TOMAS):
            await stopped_tracker.connect(person)
        yield stopped_tracker
