"""Reading a widget: its tiles side by side, its filters, its draft."""

import asyncio
from typing import Any, Literal

import anyio
import pytest

from intarsia import Connector
from intarsia.widgets import Dashboard, DesignPanel, Metric, Select, Slider, Stack
from tests.server.conftest import call
from tests.server.view_state import PARTS


async def test_a_tile_that_gives_up_by_itself_takes_nothing_with_it(tmp_path: Any) -> None:
    connector = Connector("Ops", store=tmp_path / "ops.db")

    @connector.tile
    async def upstream() -> Metric:
        raise TimeoutError

    @connector.tile
    async def cancelled() -> Metric:
        raise asyncio.CancelledError

    @connector.tile
    async def fine() -> Metric:
        return Metric("Fine", 1)

    @connector.tile(timeout_seconds=0.01)
    async def slow() -> Metric:
        await anyio.sleep_forever()
        return Metric("Slow", 1)

    @connector.widget
    async def ops() -> Stack:
        """Show dashboards in a stack."""
        return Stack([Dashboard(title="Ops", tiles=[upstream(), cancelled(), fine(), slow()])])

    async with connector.running():
        text = (await call(connector, "ops")).text

    assert text.count("Could not be read.") == 2
    assert text.count("Took longer than 0.01 seconds.") == 1
    assert "**Fine**: **1**" in text


async def test_a_call_that_is_cancelled_while_tiles_are_read_ends(tmp_path: Any) -> None:
    connector = Connector("Ops", store=tmp_path / "ops.db")

    @connector.tile
    async def slow() -> Metric:
        scope.cancel()
        await anyio.sleep_forever()
        return Metric("Slow", 1)

    @connector.widget
    async def ops() -> Dashboard:
        """Show."""
        return Dashboard(title="Ops", tiles=[slow()])

    async with connector.running():
        with anyio.CancelScope() as scope:
            await call(connector, "ops")

    assert scope.cancelled_caught


async def test_a_dashboard_that_nobody_reads_is_no_empty_one(tmp_path: Any, caplog: pytest.LogCaptureFixture) -> None:
    connector = Connector("Ops", store=tmp_path / "ops.db")

    @connector.tile
    async def inner() -> Metric:
        return Metric("In", 1)

    @connector.tile
    async def outer() -> Dashboard:
        return Dashboard(title="Inner", tiles=[inner()])

    @connector.widget
    async def ops() -> Dashboard:
        """Show."""
        return Dashboard(title="Outer", tiles=[outer()])

    async with connector.running():
        assert (await call(connector, "ops")).is_error

    assert "Dashboard 'Inner' has tiles that are not loaded." in caplog.text


async def test_a_filter_that_could_only_be_refused_is_not_offered(
    tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    connector = Connector("Filters", store=tmp_path / "filters.db")

    @connector.widget
    async def board(project: str) -> Dashboard:
        """Show."""
        return Dashboard(title=project, tiles=[], filters=[Select("project", options=["a", "b"])])

    @connector.widget
    async def years(years: list[int]) -> Dashboard:
        """Show."""
        return Dashboard(title=str(years), tiles=[], filters=[Select("years", options=["2025", "2026"])])

    async with connector.running():
        head = (await call(connector, "board", project="a")).meta[PARTS]["parts"]["w-head"]["html"]
        assert (await call(connector, "years", years=[2026])).is_error

    assert 'value="b"' in head
    assert "Any" not in head
    assert "the filter 'years' sends text, but the parameter takes array." in caplog.text


async def test_a_filter_may_set_a_number(tmp_path: Any) -> None:
    connector = Connector("Filters", store=tmp_path / "filters.db")

    @connector.widget
    async def year(year: int = 2026, half: Literal[1, 2] | None = None, all: bool = False) -> Dashboard:  # noqa: A002, FBT001, FBT002
        """Show."""
        named: list[Select | str] = [
            Select("year", options=["2025", "2026"]),
            "half",
            Select("all", options=["true", "false"]),
        ]
        return Dashboard(title=repr((year, half, all)), tiles=[], filters=named)

    async with connector.running():
        answer = await call(connector, "year", year="2025", half="2", all="true")

    head = answer.meta[PARTS]["parts"]["w-head"]["html"]
    assert "(2025, 2, True)" in head
    for chosen in ("2025", "2", "true"):
        assert f'value="{chosen}" selected' in head


async def test_a_draft_inside_another_widget_is_an_error_and_not_lost(
    tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    connector = Connector("Panels", store=tmp_path / "panels.db")

    @connector.widget
    async def two() -> Stack:
        """Show."""
        return Stack([DesignPanel([Slider("radius", min=0, max=9, value=1)], draft=True)])

    async with connector.running():
        assert (await call(connector, "two")).is_error

    assert "keeps a draft, so the tool must return it alone" in caplog.text
