"""Widgets to markup and text.

A widget is rendered to a frame with holes, parts and lists (`docs/on-the-wire.md`), so that later only what changed is
sent. Comparing two renderings is not done here: see `intarsia.server.wire.diff`.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Hashable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Generic, Protocol, TypeVar
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from intarsia.errors import WidgetError
from intarsia.ui_templates.filters import FILTERS
from intarsia.widgets import Widget
from intarsia.widgets.places import Held
from intarsia.widgets.tree import ids_of
from intarsia.widgets.widget import are_plain

FOLDER = Path(__file__).parent
ROOT_ID = "w"


T = TypeVar("T")

Macro = Callable[..., str]
"""A macro of a template that sees nothing but its arguments: one that is imported without context."""

MAX_KEPT = 4_000
"""How many drawn things each of two generations keeps; a card takes about a kilobyte."""


class RenderCache(Generic[T]):
    """Remembers what was drawn lately, and forgets what was not asked for in a long time.

    Args:
        finish: What is made of the drawn text before it is kept.
        most: How many things each of two generations keeps. When the younger is full, it becomes the older one, and
            what was in the older one is forgotten.
    """

    def __init__(self, finish: Callable[[str], T], most: int = MAX_KEPT) -> None:
        self._finish = finish
        self._most = most
        self._young: dict[Hashable, T] = {}
        self._old: dict[Hashable, T] = {}

    def get(self, thing: object, macro: Macro, also: tuple[Hashable, ...] = ()) -> T:
        """Return a thing as a macro draws it.

        Args:
            thing: Data whose fields can be compared, and do not change.
            macro: It is called with the thing and `also`, unless what it made of them is remembered.
            also: What else the macro must know.
        """
        cause = (macro, also, *vars(thing).values())
        found = self._young.get(cause)
        if found is None:
            found = self._old.get(cause) or self._finish(macro(thing, *also))
            self._keep(cause, found)
        return found

    def _keep(self, cause: Hashable, found: T) -> None:
        if len(self._young) >= self._most:
            self._young, self._old = {}, self._young
        self._young[cause] = found

    def __len__(self) -> int:
        return len(self._young) + len(self._old)


@dataclass(frozen=True)
class Part:
    """One element that is replaced on its own."""

    html: str
    hash: str


@dataclass(frozen=True)
class ListPart:
    """An ordered list of elements that can move, change, come and go."""

    prefix: str
    """What stands before a key in an item's DOM id."""
    items: dict[str, Part] = field(default_factory=dict[str, Part])
    """Key to item, in order."""


class Identified(Protocol):
    """Data with an id, none of it changeable."""

    @property
    def id(self) -> str:
        """Names it in its list."""
        ...


@dataclass
class Rendering:
    """A widget as markup: a frame with holes, and what fills them."""

    frame: Part = field(default_factory=lambda: Part("", ""))
    parts: dict[str, Part] = field(default_factory=dict[str, Part])
    lists: dict[str, ListPart] = field(default_factory=dict[str, ListPart])

    @property
    def html(self) -> str:
        """The whole markup with every hole filled, as the View puts it together."""
        html = self.frame.html
        for name, part in self.parts.items():
            html = html.replace(_hole(name), part.html)
        for name, items in self.lists.items():
            html = html.replace(_hole(name), "".join(item.html for item in items.items.values()))
        return html


class Tree:
    """The widgets that may be drawn as parts of one: those that its fields hold, and those in turn.

    What is redacted, and decided about, are these. A template that draws any other, such as one that a property makes,
    would draw what nobody was asked about.

    Args:
        root: The widget that is drawn.
    """

    def __init__(self, root: Widget) -> None:
        self._root = root

    @cached_property
    def _known(self) -> set[int]:
        return ids_of(self._root)

    def check(self, parts: Collection[object]) -> None:
        """Check that parts are among them, or say nothing that would have to be asked about.

        Raises:
            WidgetError: One is a widget that no field holds.
        """
        if are_plain(parts):
            return
        for part in [each for each in parts if id(each) not in self._known]:
            if isinstance(part, Held) and not are_plain([part]):
                message = (
                    f"{type(self._root).__name__} draws a {type(part).__name__} that no field holds, so nothing of it "
                    "was redacted and nothing decided about it. Hold it in a field, and draw it as it stands there."
                )
                raise WidgetError(message)


@dataclass
class Page:
    """What templates see as `page`: makes parts, lists, outlets and ids while one widget is rendered."""

    tree: Tree
    rendering: Rendering = field(default_factory=Rendering)
    is_inside_part: bool = False
    offered: set[frozenset[str]] = field(default_factory=set[frozenset[str]])
    """The scopes that a button offers to grant already."""

    def may_offer(self, scopes: frozenset[str]) -> bool:
        """Whether to offer to grant scopes here: where that helps, and once in what is drawn and replaced together."""
        if not scopes or scopes in self.offered:
            return False
        self.offered.add(scopes)
        return True

    def part(self, name: str, caller: Callable[[], str]) -> Markup:
        """Render what a `{% call %}` block holds as the part `name`; it must be one element with that id."""
        html = self._whole(caller)
        if self.is_inside_part:
            return Markup(html)  # noqa: S704  # made by our own autoescaped template
        _check_id(html, name)
        if name in self.rendering.parts or name in self.rendering.lists:
            message = f"Two parts are named {name!r}; give each its own name."
            raise WidgetError(message)
        self.rendering.parts[name] = Part(html, hash_of(html))
        return Markup(_hole(name))  # noqa: S704  # a comment with an id that the template made

    def items(self, name: str, prefix: str, things: Iterable[Identified], macro: Macro, *also: Hashable) -> Markup:
        """Draw the list `name`: each thing by a macro that sees nothing but the thing and `also`.

        A thing that was drawn before, and is as it was, is not drawn again.
        """
        things = list(things)
        self.tree.check(things)
        return self._take_list(name, ListPart(prefix, {thing.id: _PARTS.get(thing, macro, also) for thing in things}))

    def rows(self, name: str, prefix: str, rows: Iterable[tuple[str, Markup]]) -> Markup:
        """Take markup by key, none of which holds parts, as the list `name`."""
        if self.is_inside_part:
            return Markup().join(row for _key, row in rows)
        return self._take_list(name, ListPart(prefix, {key: _part(row) for key, row in rows}))

    def _take_list(self, name: str, items: ListPart) -> Markup:
        if self.is_inside_part:
            return Markup("".join(item.html for item in items.items.values()))  # noqa: S704  # from our own template
        self.rendering.lists[name] = items
        return Markup(_hole(name))  # noqa: S704  # a comment with an id that the template made

    def child(self, widget: Widget, name: str) -> Markup:
        """Render a widget inside this one; `name` becomes the id of its root.

        Raises:
            WidgetError: No field holds it.
        """
        self.tree.check([widget])
        return self.draw(widget, name)

    def draw(self, widget: Widget, name: str) -> Markup:
        """Render the widget itself, or one of its parts; `name` becomes the id of its root."""
        template = _environment().get_template(f"{widget.kind}/view.html")
        return Markup(template.render(widget=widget, id=name, page=self).strip())  # noqa: S704  # autoescaped

    def _whole(self, caller: Callable[[], str]) -> str:
        was, self.is_inside_part = self.is_inside_part, True
        # A part stands for itself: which button it has must not depend on which other parts are drawn.
        offered, self.offered = self.offered, set(self.offered) if was else set()
        try:
            return str(caller()).strip()
        finally:
            self.is_inside_part, self.offered = was, offered


def render_widget(widget: Widget, refresh_seconds: float | None = None, *, waits: bool = False) -> Rendering:
    """Render a widget to markup.

    Args:
        widget: What to show; tiles must have been read.
        refresh_seconds: How often an open View reads the whole of it again.
        waits: Whether an open View keeps asking for changes of it.
    """
    page = Page(Tree(widget))
    html = str(page.draw(widget, ROOT_ID))
    marks = "" if refresh_seconds is None else f' data-refresh="{refresh_seconds:g}"'
    marks += " data-live" if waits else ""
    html = html.replace(f' id="{ROOT_ID}"', f' id="{ROOT_ID}"{marks}', 1)
    page.rendering.frame = Part(html, hash_of(html))
    return page.rendering


def render_text(widget: Widget) -> str:
    """Render a widget to its text form: Markdown with everything that matters and the ids needed to act."""
    known = _TREE.set(Tree(widget))
    try:
        return _text_of(widget).strip() + "\n"
    finally:
        _TREE.reset(known)


def _lines(things: Iterable[object], macro: Macro, *also: Hashable) -> str:
    """Draw things as lines of a text form, each by a macro that sees nothing but the thing and `also`."""
    things = list(things)
    _TREE.get().check(things)
    return "\n".join(_LINES.get(thing, macro, also) for thing in things)


def _as_text(widget: Widget) -> str:
    _TREE.get().check([widget])
    return _text_of(widget)


def _text_of(widget: Widget) -> str:
    return _texts().get_template(f"{widget.kind}/text.md").render(widget=widget).strip()


_TREE: ContextVar[Tree] = ContextVar("tree")
"""What the text form that is being drawn may show."""


def hash_of(html: str) -> str:
    """Return the 8 characters that stand for some markup."""
    return urlsafe_b64encode(blake2b(html.encode(), digest_size=6).digest()).decode()


def _part(html: str) -> Part:
    text = str(html)
    return Part(text, hash_of(text))


_PARTS = RenderCache(_part)
_LINES = RenderCache(str)


def _hole(name: str) -> str:
    # Percent-encoded, because an id may come from data, and `-->` in it would end the comment.
    return f"<!--intarsia:{quote(name, safe='')}-->"


def _check_id(html: str, name: str) -> None:
    opening = html[: html.find(">") + 1]
    if f' id="{Markup.escape(name)}"' not in opening:
        message = f"The part {name!r} must be one element with that id; it starts {opening[:80]!r}."
        raise WidgetError(message)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(FILTERS)
    return environment


@cache
def _texts() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=False,  # noqa: S701  # Markdown, not HTML: data goes through the filter `plain`
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(FILTERS)
    environment.filters["as_text"] = _as_text
    environment.filters.update(dict[str, Callable[..., str]](lines=_lines))
    return environment
