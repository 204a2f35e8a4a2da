"""Rendering of widgets to markup and text.

A widget renders to a frame with holes, parts and lists (`docs/on-the-wire.md`), so that an update sends only what
changed. `intarsia.server.wire.diff` compares renderings.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, cached_property
from hashlib import blake2b
from math import inf
from pathlib import Path
from typing import Generic, Protocol, TypeVar
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from intarsia.errors import WidgetError
from intarsia.ui_templates.filters import FILTERS
from intarsia.ui_templates.text_markdown import TEXT_FILTERS, Markdown, TextCodeGenerator, escape_data, markdown_macro
from intarsia.widgets import Widget
from intarsia.widgets.characters import without_surrogates
from intarsia.widgets.places import Held
from intarsia.widgets.tree import ids_of
from intarsia.widgets.widget import are_plain

FOLDER = Path(__file__).parent
ROOT_ID = "w"


T = TypeVar("T")

Macro = Callable[..., str]
"""A macro imported without context: its result depends on its arguments only, so it can be cached."""

MAX_KEPT = 4_000
"""The maximum number of entries in each of the two generations of a cache; a card takes about 1 KB."""


class RenderCache(Generic[T]):
    """A cache of rendered items with two generations, which evicts entries that were not used recently.

    Args:
        finish: Converts the rendered text into the value to store.
        most: The maximum number of entries of one generation. When the younger generation is full, it becomes the
            older one, and the entries of the older one are evicted.
    """

    def __init__(self, finish: Callable[[str], T], most: int = MAX_KEPT) -> None:
        self._finish = finish
        self._most = most
        self._young: dict[Hashable, T] = {}
        self._old: dict[Hashable, T] = {}

    def get(self, thing: object, macro: Macro, also: tuple[Hashable, ...] = ()) -> T:
        """Return an item as rendered by a macro.

        Args:
            thing: The item. Its fields must be hashable and immutable.
            macro: Called with the item and `also` on a cache miss.
            also: Further arguments of the macro.
        """
        # The macro is part of the key: templates may render equal items differently.
        cause = (macro, also, *vars(thing).values())
        found = self._young.get(cause)
        if found is None:
            found = self._old.get(cause) or self._finish(macro(thing, *also))
            # A hit in the older generation moves to the younger one, and so survives the next eviction.
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
    """One element that an update can replace independently."""

    html: str
    """The markup of the element."""
    hash: str
    """The hash of the markup, see `hash_of`."""


@dataclass(frozen=True)
class ListPart:
    """An ordered list of elements that an update can insert, move, replace and remove."""

    prefix: str
    """The prefix of the items' ids in the DOM, before the key."""
    items: dict[str, Part] = field(default_factory=dict[str, Part])
    """The items by key, in order."""


class Identified(Protocol):
    """An immutable item with an id."""

    @property
    def id(self) -> str:
        """The item's identifier, unique in its list."""
        ...


_PIECE_CHARACTERS = 20
"""What a piece takes in JSON beside its markup and its key, in sixths: the hash, and the punctuation."""


@dataclass
class Rendering:
    """A rendered widget: a frame with holes, and the parts and lists that fill them."""

    frame: Part = field(default_factory=lambda: Part("", ""))
    parts: dict[str, Part] = field(default_factory=dict[str, Part])
    lists: dict[str, ListPart] = field(default_factory=dict[str, ListPart])

    def pieces(self) -> dict[str, Part]:
        """Return the frame, the parts and the items of the lists, by the id of their element."""
        items = {each.prefix + key: part for each in self.lists.values() for key, part in each.items.items()}
        return {ROOT_ID: self.frame, **self.parts, **items}

    @cached_property
    def max_json_bytes(self) -> int:
        """An upper bound of the size of all pieces in JSON, which takes no serialization."""
        items = [(key, part.html) for each in self.lists.values() for key, part in each.items.items()]
        pieces = [("", self.frame.html), *((name, part.html) for name, part in self.parts.items()), *items]
        is_ascii = all(name.isascii() and html.isascii() for name, html in pieces)
        # A character takes at most six bytes, as `\u0000`, and twice as many if it is not in the first plane.
        characters = sum([2 * len(name) + len(html) + _PIECE_CHARACTERS for name, html in pieces])
        return (6 if is_ascii else 12) * characters

    def check_places(self, places: Iterable[str]) -> None:
        """Check that each list of which only a window is rendered has the buttons that show the rest.

        Args:
            places: The places of these lists.

        Raises:
            WidgetError: A template does not render them with the macro `more`.
        """
        for place in places:
            mark = f'data-place="{Markup.escape(place)}"'
            if not any(mark in html for html in (self.frame.html, *(part.html for part in self.parts.values()))):
                message = (
                    f"The list {place!r} is too long to be sent whole, and its template renders no buttons that show "
                    "the rest: add the macro `more` of _macros.html."
                )
                raise WidgetError(message)

    @property
    def html(self) -> str:
        """The complete markup with all holes filled, as the View assembles it."""
        html = self.frame.html
        for name, part in self.parts.items():
            html = html.replace(_hole(name), part.html)
        for name, items in self.lists.items():
            html = html.replace(_hole(name), "".join(item.html for item in items.items.values()))
        return html


class Tree:
    """The widgets that may be rendered inside a root widget: those in its fields, recursively.

    Redaction and access decisions cover exactly these. A template that renders any other widget, such as one that a
    property creates, would bypass both.

    Args:
        root: The widget to render.
    """

    def __init__(self, root: Widget) -> None:
        self._root = root

    @cached_property
    def _known(self) -> set[int]:
        return ids_of(self._root)

    def check(self, parts: Collection[object]) -> None:
        """Check that values are in the tree, or hold no data or controls that need redaction or decisions.

        Raises:
            WidgetError: One of them is a widget that no field holds.
        """
        if are_plain(parts):
            return
        for part in [each for each in parts if id(each) not in self._known]:
            if isinstance(part, Held) and not are_plain([part]):
                message = (
                    f"{type(self._root).__name__} renders a {type(part).__name__} that no field holds, so neither "
                    "redaction nor access decisions cover it. Hold it in a field, and render it unchanged."
                )
                raise WidgetError(message)


class RenderingTooLargeError(Exception):
    """The items of a widget's lists are longer than a rendering may be; rendering stopped there."""


@dataclass
class Page:
    """The object `page` of templates. It collects the parts and lists of one rendering."""

    tree: Tree
    characters_left: float = inf
    """How long the items of all lists may still be. Far longer ones are not sent anyway, and take time to render."""
    rendering: Rendering = field(default_factory=Rendering)
    is_inside_part: bool = False
    offered: set[frozenset[str]] = field(default_factory=set[frozenset[str]])
    """The sets of scopes for which a "Grant access" button is already rendered."""

    def may_offer(self, scopes: frozenset[str]) -> bool:
        """Return whether to render a "Grant access" button: once for each set of scopes in a part or frame."""
        if not scopes or scopes in self.offered:
            return False
        self.offered.add(scopes)
        return True

    def part(self, name: str, caller: Callable[[], str]) -> Markup:
        """Render the content of a `{% call %}` block as the part `name`.

        Args:
            name: The part's name: the id of its element.
            caller: Renders the content, which must be one element with that id.

        Raises:
            WidgetError: The element has another id, or the name is used twice.
        """
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
        """Render the list `name`. Unchanged items come from a cache.

        Args:
            name: The list's name: the id of its element.
            prefix: The prefix of the items' ids in the DOM.
            things: The items.
            macro: Renders one item, called with the item and `also`.
            also: Further arguments of the macro.
        """
        things = list(things)
        self.tree.check(things)
        parts = ((thing.id, _PARTS.get(thing, macro, also)) for thing in things)
        return self._take_list(name, ListPart(prefix, dict(self._counted(parts))))

    def rows(self, name: str, prefix: str, rows: Iterable[tuple[str, Markup]]) -> Markup:
        """Add rendered rows, by key and without parts, as the list `name`."""
        return self._take_list(name, ListPart(prefix, dict(self._counted((key, _part(row)) for key, row in rows))))

    def _counted(self, items: Iterable[tuple[str, Part]]) -> Iterator[tuple[str, Part]]:
        for key, part in items:
            self.characters_left -= len(part.html)
            if self.characters_left < 0:
                raise RenderingTooLargeError
            yield key, part

    def _take_list(self, name: str, items: ListPart) -> Markup:
        if self.is_inside_part:
            return Markup("".join(item.html for item in items.items.values()))  # noqa: S704  # from our own template
        self.rendering.lists[name] = items
        return Markup(_hole(name))  # noqa: S704  # a comment with an id that the template made

    def child(self, widget: Widget, name: str) -> Markup:
        """Render a widget inside the current one.

        Args:
            widget: The widget, which a field of the root widget's tree must hold.
            name: The id of its root element.

        Raises:
            WidgetError: No field holds the widget.
        """
        self.tree.check([widget])
        return self.draw(widget, name)

    def draw(self, widget: Widget, name: str) -> Markup:
        """Render a widget without checking that it is in the tree; `name` is the id of its root element."""
        template = _environment().get_template(f"{widget.kind}/view.html")
        return Markup(template.render(widget=widget, id=name, page=self).strip())  # noqa: S704  # autoescaped

    def _whole(self, caller: Callable[[], str]) -> str:
        was, self.is_inside_part = self.is_inside_part, True
        # A part is replaced independently, so its buttons must not depend on other parts.
        offered, self.offered = self.offered, set(self.offered) if was else set()
        try:
            return without_surrogates(str(caller()).strip())
        finally:
            self.is_inside_part, self.offered = was, offered


def render_widget(
    widget: Widget, refresh_seconds: float | None = None, *, waits: bool = False, max_characters: float = inf
) -> Rendering:
    """Render a widget to markup.

    Args:
        widget: The widget. Its tiles must be loaded.
        refresh_seconds: The interval in seconds at which an open View reads the whole widget again, if any.
        waits: Whether an open View polls for changes of the widget.
        max_characters: How long the items of all lists may be.

    Returns:
        The rendering.

    Raises:
        RenderingTooLargeError: They are longer.
    """
    page = Page(Tree(widget), max_characters)
    html = without_surrogates(str(page.draw(widget, ROOT_ID)))
    marks = "" if refresh_seconds is None else f' data-refresh="{refresh_seconds:g}"'
    marks += " data-live" if waits else ""
    html = html.replace(f' id="{ROOT_ID}"', f' id="{ROOT_ID}"{marks}', 1)
    page.rendering.frame = Part(html, hash_of(html))
    return page.rendering


def render_text(widget: Widget) -> str:
    """Render a widget to its text form: Markdown with the data, and the ids needed to call its actions."""
    known = _TREE.set(Tree(widget))
    try:
        return _text_of(widget).strip() + "\n"
    finally:
        _TREE.reset(known)


def _lines(things: Iterable[object], macro: Macro, *also: Hashable) -> Markdown:
    """Render items as lines of the text form. Unchanged items come from a cache."""
    things = list(things)
    _TREE.get().check(things)
    return Markdown("\n".join(_LINES.get(thing, macro, also) for thing in things))


def _as_text(widget: Widget) -> Markdown:
    _TREE.get().check([widget])
    return _text_of(widget)


def _text_of(widget: Widget) -> Markdown:
    return Markdown(text_environment().get_template(f"{widget.kind}/text.md").render(widget=widget).strip())


_TREE: ContextVar[Tree] = ContextVar("tree")
"""The tree of the widget whose text form is being rendered."""


def hash_of(html: str) -> str:
    """Return the hash of markup: 48 bits of BLAKE2b as 8 base64url characters. It detects changes, not forgery."""
    return urlsafe_b64encode(blake2b(html.encode(), digest_size=6).digest()).decode()


def _part(html: str) -> Part:
    text = without_surrogates(str(html))
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


class _TextEnvironment(Environment):
    """Escapes what text templates print for Markdown, as autoescape does for HTML."""

    code_generator_class = TextCodeGenerator
    markdown_macro = staticmethod(markdown_macro)


@cache
def text_environment() -> Environment:
    """Return the environment of text templates."""
    environment = _TextEnvironment(
        loader=FileSystemLoader(FOLDER),
        autoescape=False,  # Markdown, not HTML: `finalize` escapes
        finalize=escape_data,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(FILTERS | TEXT_FILTERS)
    environment.filters["as_text"] = _as_text
    environment.filters.update(dict[str, Callable[..., str]](lines=_lines))
    return environment
