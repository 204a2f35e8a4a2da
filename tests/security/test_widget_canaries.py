"""What a widget holds is redacted, and decided about, wherever it holds it: in every field of every class of widgets.

The cases are made from the examples of all widgets, and of widgets that are written by the steps of CONTRIBUTING alone.
Where widgets stand in them is found here by looking at every value, not by the walker that is tested.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, cast

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from intarsia import Connector, Done, Grant
from intarsia.errors import IntarsiaError
from intarsia.permissions import ALLOWED
from intarsia.server.tools.tool import TileFunction
from intarsia.testing import Reply, Tools
from intarsia.testing.replace_text import reword
from intarsia.ui_templates import render_widget
from intarsia.widgets import (
    WIDGETS,
    BoardColumn,
    BoundAction,
    Button,
    Dashboard,
    Option,
    PendingTile,
    Select,
    Stack,
    TableColumn,
    Text,
    Widget,
)
from tests.security.new_widgets import NEW_WIDGETS, installed
from tests.security.new_widgets.report import Ending, Finding
from tests.security.rendered_controls import Drawn

CANARY = "canary-7f3a"
ISSUER = "https://id.example"
SCOPES = frozenset({"see", "secret", "do"})
EVERYTHING = Grant("ada", "chat", SCOPES, {"lead"}, issuer=ISSUER)
SEES_LESS = replace(EVERYTHING, scopes=SCOPES - {"secret"})
KEPT = {
    "Tile": ("name", "title"),
    "BoardColumn": ("id", "title"),
    "Select": ("name", "label"),
    "TableColumn": ("key", "label"),
}
"""What stays of a widget whose data are hidden, so that it can be seen that something is hidden, and where."""
REFUSED = {
    "scope": ("forbidden", replace(EVERYTHING, scopes=SCOPES - {"do"})),
    "role": ("unheard_of", replace(EVERYTHING, roles=frozenset[str]())),
    "rule": ("ruled", replace(EVERYTHING, subject="bob")),
}
"""Tools, each with somebody who may not call it."""

Step = str | int
Path = tuple[Step, ...]


@dataclass
class House:
    """A connector that shows whatever a test says."""

    connector: Connector
    shown: Widget
    read: list[str]
    """The tiles that were read."""
    tiles: Mapping[str, TileFunction[[]]]

    def tools(self, grant: Grant) -> Tools:
        """Call its tools as somebody."""
        return Tools(self.connector, grant, [])


def _build(store: Any) -> House:
    connector = Connector("House", store=store)
    house = House(connector, Text("Nothing yet."), [], {})

    @connector.widget(scopes={"see"})
    async def show(assignee: str | None = None, period: str | None = None) -> Widget:  # noqa: ARG001 - filters
        """Show it."""
        return house.shown

    @connector.action(scopes={"see"})
    async def touch() -> Done:
        """Touch it, which changes nothing."""
        return Done("Touched.")

    @connector.action(scopes={"see", "do"}, title="Unlock the gate")
    async def forbidden() -> Done:
        """Do it."""
        return Done("Done.")

    @connector.action(scopes={"see"}, roles={"lead"}, title="Unlock the gate")
    async def unheard_of() -> Done:
        """Do it."""
        return Done("Done.")

    @connector.action(
        scopes={"see"}, title="Unlock the gate", allow=lambda grant, _: grant.subject == "ada" or "Ada's."
    )
    async def ruled() -> Done:
        """Do it."""
        return Done("Done.")

    @connector.tile(scopes={"secret"})
    async def secret_tile() -> Text:
        """Read what is hidden."""
        house.read.append("secret")
        return Text(CANARY)

    @connector.tile(topics="world")
    async def open_tile() -> Text:
        """Read what everybody sees."""
        house.read.append("open")
        return Text("open-7f3a")

    house.tiles = {"secret": secret_tile, "open": open_tile}
    return house


@pytest.fixture(scope="module")
async def house(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:  # noqa: ARG001 - an async fixture of a module must name it
    built = _build(tmp_path_factory.mktemp("house") / "house.db")
    with installed():
        async with built.connector.running():
            yield built


def _inside(value: object) -> Iterator[tuple[Step, object]]:
    """Look at what a value is made of, whatever it is."""
    if isinstance(value, BaseModel):
        yield from ((name, getattr(value, name)) for name in type(value).model_fields)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from ((field.name, getattr(value, field.name)) for field in fields(value))
    elif isinstance(value, Mapping):
        yield from cast("Mapping[str, object]", value).items()
    elif isinstance(value, list | tuple):
        yield from enumerate(cast("Sequence[object]", value))


def _find(value: object, wanted: type, path: Path = ()) -> Iterator[Path]:
    for step, inner in _inside(value):
        if isinstance(inner, wanted):
            yield (*path, step)
        yield from _find(inner, wanted, (*path, step))


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = getattr(value, str(step)) if isinstance(value, BaseModel) or is_dataclass(value) else value[step]
    return value


def _put(value: Any, path: Path, new: object) -> Any:
    """Build a value anew with something else at a place, checked as a developer's would be."""
    if not path:
        return new
    step, *rest = path
    inner: Any = _put(_at(value, (step,)), tuple(rest), new)
    if isinstance(value, BaseModel):
        given = {name: getattr(value, name) for name in type(value).model_fields}
        return type(value)(**{**given, str(step): inner})
    if is_dataclass(value):
        return replace(cast("Any", value), **{str(step): inner})
    items: Any = dict(value) if isinstance(cast("object", value), Mapping) else list(value)
    items[step] = inner
    return tuple(items) if isinstance(value, tuple) else items


def _names(path: Path) -> Path:
    return tuple(step for step in path if isinstance(step, str))


def _cases(wanted: type) -> dict[str, tuple[Widget, Path]]:
    """Return each place of each example where something stands; of many alike, the first two."""
    cases: dict[str, tuple[Widget, Path]] = {}
    for widget_type in (*WIDGETS, *NEW_WIDGETS):
        for name, example in widget_type.examples().items():
            seen: dict[Path, int] = {}
            for path in _find(example, wanted):
                seen[_names(path)] = seen.get(_names(path), 0) + 1
                if seen[_names(path)] <= 2:
                    cases[f"{widget_type.kind}, {name}: {'.'.join(str(step) for step in path)}"] = example, path
    return cases


def _secret(widget: Widget) -> Widget:
    """Return a widget full of canaries, but for what stays when it is hidden."""
    kept = {name: getattr(widget, name) for name in KEPT.get(type(widget).__name__, ())}
    said = reword(widget, lambda text: f"{CANARY} {text}")
    return said.model_copy(update={**kept, "scopes": frozenset({"secret"})})


def _with_canary(example: Widget, path: Path) -> Widget:
    target = _at(example, path)
    if isinstance(target, Option):
        return _with_option(example, path, cast("Option", _secret(target)))
    widget: Widget = _put(example, path, _secret(target))
    if isinstance(target, TableColumn):
        table = _at(widget, path[:-2])
        rows = [{name: CANARY if name == target.key else cell for name, cell in row.items()} for row in table.rows]
        widget = _put(widget, (*path[:-2], "rows"), rows)
    return widget


def _with_option(example: Widget, path: Path, option: Option) -> Widget:
    """Put an option into its select, and choose it there."""
    *above, _options, number = path
    select: Select = _at(example, tuple(above))
    options = [option if place == number else each for place, each in enumerate(select.options)]
    return cast(
        "Widget", _put(example, tuple(above), select.model_copy(update={"options": options, "value": option.value}))
    )


def _is_row_key(example: Widget, path: Path) -> bool:
    """Whether it is the column that names rows everywhere, which a table refuses to hide."""
    target = _at(example, path)
    return isinstance(target, TableColumn) and target.key == _at(example, path[:-2]).row_key


def _said(reply: Reply) -> str:
    return f"{reply.text} {reply.structured} {dict(reply.meta)}"


def _shows(example: Widget, path: Path) -> bool:
    """Whether it shows data that can be hidden; a list without cards shows none."""
    with installed():
        return not _is_row_key(example, path) and CANARY in render_widget(_with_canary(example, path)).html


HIDDEN = {name: case for name, case in _cases(Widget).items() if _shows(*case)}
ACTIONS = _cases(BoundAction)


def _places_for(widget: Widget) -> dict[str, tuple[Widget, Path]]:
    """Return the places, right in an example, that take a widget."""
    found: dict[str, tuple[Widget, Path]] = {}
    for name, (example, path) in _cases(Widget).items():
        if sum(isinstance(_at(example, path[:end]), Widget) for end in range(1, len(path))) == 0:
            try:
                _put(example, path, widget)
            except IntarsiaError:
                continue
            found[name] = example, path
    return found


ANYWHERE = _places_for(Text("x"))
"""The places in which any widget can stand."""


def _holders(cases: Mapping[str, tuple[Widget, Path]]) -> set[tuple[str, str]]:
    """Return the classes and fields in which something stands in an example, at any depth."""
    found: set[tuple[str, str]] = set()
    for example, path in cases.values():
        for end in range(len(path)):
            holder, field = _at(example, path[:end]), path[end]
            if isinstance(holder, Widget) and not any(
                isinstance(_at(example, path[:to]), Widget) for to in range(end + 1, len(path))
            ):
                found.add((type(holder).__name__, str(field)))
    return found


def test_every_field_that_may_hold_widgets_is_tried() -> None:
    classes: list[type[Widget]] = [*WIDGETS, *NEW_WIDGETS, BoardColumn]
    named = {
        (each.__name__, name) for each in classes for name, field in each.model_fields.items() if _names_widget(field)
    }

    assert named - _holders(HIDDEN) == set()
    assert len(named) == 21
    assert {example.kind for example, _path in ANYWHERE.values()} == {
        "stack", "grid", "tile", "pile", "cabinet", "frame", "report"
    }  # fmt: skip


def _names_widget(field: FieldInfo) -> bool:
    """Whether an annotation names a class of widgets, or something that holds some."""
    words = set(re.findall(r"[A-Z]\w+", repr(field.annotation)))
    return bool(words & {each.__name__ for each in (*_all_classes(Widget), Finding, Ending, PendingTile)})


def _all_classes(found: type) -> Iterator[type]:
    yield found
    below: type
    for below in found.__subclasses__():
        yield from _all_classes(below)


@pytest.mark.parametrize("case", HIDDEN)
async def test_hidden_data_are_gone_wherever_they_stand(house: House, case: str) -> None:
    house.shown = _with_canary(*HIDDEN[case])

    everything = await house.tools(EVERYTHING).call("show")
    less = await house.tools(SEES_LESS).call("show")
    acted = await house.tools(SEES_LESS).act(everything, "touch")
    read_again = await house.tools(SEES_LESS).act(everything, "intarsia_view")

    assert CANARY in everything.html
    assert [CANARY in _said(reply) for reply in (less, acted, read_again)] == [False, False, False]
    assert [reply.problem for reply in (everything, less, acted)] == [None, None, None]
    assert CANARY not in less.html
    if acted.meta.get(
        "dev.intarsia/parts"
    ):  # a busy machine answers the action first, and the reading with the next call
        assert acted.html == less.html


@pytest.mark.parametrize("refusal", REFUSED)
@pytest.mark.parametrize("case", ANYWHERE)
async def test_a_button_that_would_be_refused_is_disabled_or_gone_wherever_it_stands(
    house: House, case: str, refusal: str
) -> None:
    tool, grant = REFUSED[refusal]
    button = Button("Press me", on_click=BoundAction(tool, "Unlock the gate"))
    house.shown = _put(*ANYWHERE[case], button)

    allowed = await house.tools(EVERYTHING).call("show")
    refused = await house.tools(grant).call("show")

    assert (f'hx-post="tool:{tool}"' in allowed.html, f"`{tool}`" in allowed.text) == (True, True)
    assert (f'hx-post="tool:{tool}"' in refused.html, f"`{tool}`" in refused.text) == (False, False)
    _assert_says_why(refusal, refused)


def _assert_says_why(refusal: str, reply: Reply) -> None:
    shown = Drawn(reply.html)
    if refusal == "role":
        assert "Press me" not in f"{shown.text} {reply.text}"
        assert "Unlock the gate" not in f"{shown.text} {reply.text}"
        return
    why = "Unlock the gate needs do," if refusal == "scope" else "Ada's."
    assert why in shown.text
    assert why in reply.text
    (button,) = [each for each in shown.tree.iter("button") if each.get("hx-post") is None]
    assert button.get("disabled") is not None
    assert shown.dangling == []


@pytest.mark.parametrize("refusal", REFUSED)
@pytest.mark.parametrize("case", ACTIONS)
async def test_an_action_that_would_be_refused_is_offered_nowhere(house: House, case: str, refusal: str) -> None:
    tool, grant = REFUSED[refusal]
    example, path = ACTIONS[case]
    action: BoundAction = _at(example, path)
    house.shown = _put(example, path, replace(action, tool=tool, title="Unlock the gate", decision=ALLOWED))

    allowed = await house.tools(EVERYTHING).call("show")
    refused = await house.tools(grant).call("show")

    assert f'hx-post="tool:{tool}"' in allowed.html
    assert (f'hx-post="tool:{tool}"' in refused.html, f"`{tool}`" in refused.text) == (False, False)
    if refusal == "role":
        assert "Unlock the gate" not in f"{Drawn(refused.html).text} {refused.text}"


@pytest.mark.parametrize("case", ANYWHERE)
async def test_tiles_are_read_wherever_their_dashboard_stands_and_only_for_those_who_may(
    house: House, case: str
) -> None:
    tiles = [tile() for tile in house.tiles.values()]
    house.shown = _put(*ANYWHERE[case], Stack([Dashboard(title="Inside", tiles=tiles)]))

    house.read.clear()
    less = await house.tools(SEES_LESS).call("show")
    read_for_less = list(house.read)
    everything = await house.tools(EVERYTHING).call("show")

    assert read_for_less == ["open"]
    assert (CANARY in _said(less), "open-7f3a" in less.html, "open-7f3a" in less.text) == (False, True, True)
    assert (CANARY in everything.html, CANARY in everything.text) == (True, True)
    assert "data-live" in less.html
