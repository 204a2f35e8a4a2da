"""A wrong option of a decorator, or a wrong lifespan, is named in the words that the developer wrote."""

import inspect
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast, get_overloads

import pytest

from intarsia import Connector
from intarsia.errors import SettingError, ToolError
from intarsia.server.tools.decorator_options import check_options
from intarsia.widgets import Metric

MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("widget", {"scope": {"x"}}, "widget() has no argument 'scope'. Did you mean 'scopes'?"),
    ("action", {"change": "x"}, "action() has no argument 'change'. Did you mean 'changes'?"),
    ("tile", {"timeout": 5}, "tile() has no argument 'timeout'. Did you mean 'timeout_seconds'?"),
    ("widget", {"destructive": True}, "widget() has no argument 'destructive'. It takes title, scopes, roles,"),
    ("widget", {"title": 5}, "widget(title=5): title must be a string, such as title='Team board'."),
    ("widget", {"title": " "}, "widget(title=' '): title must be a string"),
    (
        "widget",
        {"scopes": "a:b"},
        "widget(scopes='a:b'): scopes must be a set of strings, such as scopes={'tasks:write'}.",
    ),
    ("widget", {"scopes": 5}, "widget(scopes=5): scopes must be a set of strings"),
    ("action", {"roles": [5]}, "action(roles=[5]): roles must be a set of strings"),
    ("action", {"allow": True}, "action(allow=True): allow must be a function of the Grant and the arguments."),
    ("widget", {"refresh_seconds": "5"}, "widget(refresh_seconds='5'): refresh_seconds must be a number of seconds"),
    (
        "widget",
        {"topics": 5},
        "widget(topics=5): topics must be a string or a list of strings, such as topics='project:{project}'.",
    ),
    ("action", {"changes": [5]}, "action(changes=[5]): changes must be a string or a list of strings"),
    ("action", {"destructive": "no"}, "action(destructive='no'): destructive must be True or False"),
    ("action", {"confirm": 5}, "action(confirm=5): confirm must be a string, such as confirm='Delete {card}?'."),
    ("action", {"visibility": "app"}, "action(visibility='app'): visibility must be a set of 'model' and 'app'"),
    ("tile", {"timeout_seconds": 0}, "tile(timeout_seconds=0): timeout_seconds must be a number of seconds above 0"),
    ("tile", {"width": True}, "tile(width=True): width must be 1 or 2."),
    ("tile", {"width": 3}, "tile(width=3): width must be 1 or 2."),
]


@pytest.mark.parametrize(("decorator", "options", "said"), MISTAKES)
def test_a_wrong_option_is_named_before_there_is_a_function(decorator: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ToolError) as caught:
        getattr(Connector("Things"), decorator)(**options)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("decorator", ["widget", "action", "tile"])
def test_the_checks_know_every_option_that_type_checkers_know(decorator: Any) -> None:
    *_, with_options = get_overloads(getattr(Connector, decorator))
    parameters = inspect.signature(with_options).parameters.values()
    options = {each.name: each.default for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY}

    check_options(decorator, options)  # their defaults are right
    with pytest.raises(ToolError) as caught:
        check_options(decorator, {"zzz": 1})
    assert str(caught.value).endswith(f"It takes {', '.join(options)}.")


def test_a_title_where_the_function_belongs_says_how_options_go() -> None:
    with pytest.raises(ToolError, match="Pass options by name, such as title='Team board'"):
        Connector("Things").widget(cast("Any", "Team board"))


async def test_a_lifespan_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    @asynccontextmanager
    async def takes_nothing() -> AsyncGenerator[None]:
        yield

    async def is_not_decorated(_connector: Connector) -> AsyncIterator[None]:
        yield

    with pytest.raises(SettingError, match=r"The lifespan takes_nothing\(\).* must take the connector\. Write"):
        Connector("Things", lifespan=cast("Any", takes_nothing))
    with pytest.raises(SettingError, match=r"must be a function of the connector, not str\."):
        Connector("Things", lifespan=cast("Any", "start"))
    connector = Connector("Things", store=tmp_path / "store.db", lifespan=cast("Any", is_not_decorated))
    with pytest.raises(SettingError, match="'is_not_decorated' returned async_generator, not an async context manager"):
        async with connector.running():
            pass


async def test_a_lifespan_is_given_its_connector_with_the_store_open(tmp_path: Path) -> None:
    seen: list[object] = []

    @asynccontextmanager
    async def lifespan(connector: Connector) -> AsyncGenerator[None]:
        async with connector.read():
            seen.append(connector)
        yield
        seen.append("ended")

    connector = Connector("Things", store=tmp_path / "store.db", lifespan=lifespan)

    @connector.widget
    def number() -> Metric:
        """Show."""
        return Metric("x", 1)

    async with connector.running():
        assert seen == [connector]
    assert seen == [connector, "ended"]
    assert number.name in connector.tools
