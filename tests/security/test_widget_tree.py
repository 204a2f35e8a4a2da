"""Ways round the walker that redaction and permissions rest on, where a class by itself is in order."""

from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any, cast

import pytest

from intarsia import Grant
from intarsia.errors import WidgetError
from intarsia.permissions import Decision
from intarsia.server.rendering.control_permissions import ControlAuthorizer, Rights
from intarsia.server.rendering.redact import redact
from intarsia.ui_templates import render_text, render_widget
from intarsia.widgets import BoundAction, Button, Metric, Sparkline, Stack, Table, TableColumn, Text, Widget
from intarsia.widgets.action import Sends
from intarsia.widgets.tree import children_of, walk
from tests.security.new_widgets import Cabinet, Pile, installed

SECRET = Text("canary-7f3a", scopes={"secret"})


def test_nothing_is_built_unchecked() -> None:
    with pytest.raises(WidgetError, match="call the class"):
        Text.model_construct(text="a")
    with pytest.raises(WidgetError, match="Text has no field 'text' that could hold Text"):
        Text("a").model_copy(update={"text": SECRET})
    with pytest.raises(WidgetError, match="Text has no field 'footer' that could hold str"):
        Text("a").model_copy(update={"footer": "canary"})
    with pytest.raises(WidgetError, match="has no field 'rows' that could hold list"):
        _table().model_copy(update={"rows": [{"id": SECRET}]})


def _table() -> Table:
    return Table(columns=[TableColumn("id", "Id")], rows=[{"id": 1}], row_key="id", caption="Things")


def test_what_comes_into_a_list_later_is_visited_or_refused() -> None:
    inside: list[Widget] = [Text("a")]
    pile, metric = Pile(inside), Metric("a", 1)
    assert isinstance(pile.children, list)
    pile.children.append(SECRET)
    table = _table()
    assert isinstance(table.columns, list)
    cast("list[Widget]", table.columns).append(SECRET)

    assert children_of(pile)[-1] is SECRET
    assert redact(pile, set()) == Pile([Text("a"), Text("Hidden: needs secret.", tone="muted")])
    walks: list[Callable[[Widget], Any]] = [lambda thing: list(walk(thing)), lambda thing: redact(thing, set())]
    for walked in walks:
        with pytest.raises(WidgetError, match="A Text stands where TableColumn belong"):
            walked(Stack([table, metric]))


def test_what_was_made_of_the_fields_before_is_forgotten_with_them() -> None:
    class Summed(Pile):
        """Remembers all that it says."""

        @cached_property
        def summary(self) -> str:
            """What stands in it."""
            return " ".join(child.text for child in self.children if isinstance(child, Text))

    whole = Summed([Text("a"), SECRET])
    assert "canary" in whole.summary

    assert "canary" not in redact(whole, set()).summary  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - the same class


class Showing(Pile):
    """Shows what no field holds."""

    @property
    def made_up(self) -> Widget:
        """A widget that is made when it is asked for."""
        return Button("Press", on_click=BoundAction("forbidden", "Do it"), scopes={"secret"})

    @property
    def lines(self) -> list[Metric]:
        """Widgets that are drawn by a macro."""
        return [Metric("canary-7f3a", 1, scopes={"secret"})]


TEMPLATES = {
    "a child": ("{{ page.child(widget.made_up, id ~ '-x') }}", "Showing renders a Button that no field holds"),
    "items": (
        "{% macro item(thing, id) %}{{ thing.label }}{% endmacro %}{{ page.items('x', 'y', widget.lines, item) }}",
        "Showing renders a Metric that no field holds",
    ),
    "a word": ("<p>{{ widget.made_up }}</p>", "A Button is drawn by `page.child"),
    "a list of words": ("<p>{{ widget.made_up|string }}</p>", None),
}
TEXTS = {
    "a child": ("{{ widget.made_up|as_text }}", "Showing renders a Button that no field holds"),
    "lines": (
        "{% macro line(thing) %}{{ thing.label }}{% endmacro %}{{ widget.lines|lines(line) }}",
        "Showing renders a Metric that no field holds",
    ),
    "in a macro": (
        "{% macro line(thing) %}{{ thing|as_text }}{% endmacro %}{{ line(widget.made_up) }}",
        "Showing renders a Button that no field holds",
    ),
    "a word": ("{{ widget.made_up|plain }}", None),
}


@pytest.mark.parametrize("how", TEMPLATES)
def test_a_template_draws_nothing_that_no_field_holds(how: str) -> None:
    source, complaint = TEMPLATES[how]
    with installed({"showing/view.html": source, "showing/text.md": "x"}):
        if complaint is None:
            html = render_widget(Showing([])).html
            assert ("forbidden" in html, "Button" in html) == (False, True)
        else:
            with pytest.raises(WidgetError, match=complaint):
                render_widget(Showing([]))


@pytest.mark.parametrize("how", TEXTS)
def test_a_text_form_draws_nothing_that_no_field_holds(how: str) -> None:
    source, complaint = TEXTS[how]
    with installed({"showing/text.md": source}):
        if complaint is None:
            assert "forbidden" not in render_text(Showing([]))
        else:
            with pytest.raises(WidgetError, match=complaint):
                render_text(Showing([]))


def test_what_cannot_be_without_a_hidden_part_is_hidden_with_it() -> None:
    class Needy(Widget):
        """A widget with a line that it cannot be without."""

        title: str
        line: Sparkline

    class Pairs(Widget):
        """Rows of two lines."""

        pairs: list[tuple[Sparkline, Sparkline]]

    secret, free = (Sparkline([1], label="canary-7f3a", scopes={"secret"}), Sparkline([1], label="free"))
    needy = Needy(title="canary-7f3a", line=secret)
    note = Text("Hidden: needs secret.", tone="muted")

    assert redact(needy, set()) == note
    assert redact(Cabinet({"a": needy}), set()) == Cabinet({"a": note})
    assert redact(needy, {"secret"}) is needy
    assert redact(Pairs(pairs=[(free, secret), (free, free)]), set()) == Pairs(pairs=[(free, free)])


async def test_a_widget_that_may_not_offer_its_only_action_goes_with_it() -> None:
    class Holder(Widget):
        """Holds one button."""

        button: Button

    class Asking(Widget):
        """Has an action that it cannot be without, and one that it can."""

        on_yes: Annotated[BoundAction, Sends({})]
        on_no: Annotated[BoundAction | None, Sends({})] = None

    action = BoundAction("unheard_of", "Do it")

    class Nobodys(Rights):
        """Offers nothing to anybody."""

        def offered(self, name: str, grant: Any) -> bool:
            del name, grant
            return False

    tools = {"unheard_of": cast("Any", None)}  # only whether it is there is asked
    decider = ControlAuthorizer(Grant("ada", "chat", {"see"}, issuer="https://id.example"), Nobodys(tools))
    nothing = Text("Nothing here is offered to you.", tone="muted")

    assert await decider.apply(Pile([Holder(button=Button("a", on_click=action)), Text("b")])) == Pile([Text("b")])
    assert await decider.apply(Asking(on_yes=action, on_no=action)) == nothing
    other = BoundAction("free", "Do it")
    assert await decider.apply(Asking(on_yes=other, on_no=action)) == Asking(on_yes=other)


def test_a_refusal_is_kept_by_copies() -> None:
    refused = BoundAction("go", "Go").with_decision(Decision(allowed=False, reason="No."))

    assert Button("a", on_click=refused).model_copy(update={"label": "b"}).on_click.is_refused
