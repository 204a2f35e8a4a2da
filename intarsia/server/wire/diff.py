"""Compares a rendering with what the View already shows (`docs/on-the-wire.md`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from intarsia.ui_templates import ListPart, Rendering

MARK_BYTES = 12
"""The size of a hash in JSON, with its punctuation."""

MAX_SEEN = 2_000
"""The limit of parts and items that are read from a request; no widget has more."""


@dataclass(frozen=True)
class Seen:
    """What a View reports to show. It is a hint: the widget that it names is read with the caller's permissions."""

    tool: str
    arguments: Mapping[str, Any]
    frame: str = ""
    parts: Mapping[str, str] = field(default_factory=dict[str, str])
    lists: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])
    tiles: frozenset[str] | None = None
    """The only tiles to run, or `None` for all."""
    revision_text: str = ""
    """The revision that the View shows, as it was sent. It may be forged, or of an earlier process."""
    revision: int = 0
    """The same after `RevisionClock.own_revision`; 0, which is older than every change, before that."""
    windows: object = None
    """The windows of the lists that the View shows, as they were sent; see `parse_windows`."""


def parse_seen(value: object) -> Seen | None:
    """Parse `dev.intarsia/seen`. Returns `None` for a value that is not valid, so that the View gets everything."""
    if not isinstance(value, Mapping):
        return None
    seen = cast("Mapping[str, Any]", value)
    tool, arguments = seen.get("tool"), seen.get("arguments")
    if not isinstance(tool, str) or not isinstance(arguments, Mapping):
        return None
    tiles: object = seen.get("tiles")
    return Seen(
        tool,
        cast("Mapping[str, Any]", arguments),
        frame=_text(seen.get("frame")),
        parts={name: _text(mark) for name, mark in _mapping(seen.get("parts")).items()},
        lists={name: _texts(marks) for name, marks in _mapping(seen.get("lists")).items()},
        tiles=None if tiles is None else frozenset(_texts(tiles)),
        revision_text=_text(seen.get("revision")),
        windows=seen.get("windows"),
    )


def difference(rendering: Rendering, seen: Seen | None, skipped: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return what the View must be sent to show a rendering.

    Args:
        rendering: The widget as it is now.
        seen: The state that the View reports, or `None` for a full response.
        skipped: Parts that were not read this time. The View keeps them.
    """
    old = seen or Seen("", {})
    answer: dict[str, Any] = {}
    if rendering.frame.hash != old.frame:
        answer["frame"] = {"hash": rendering.frame.hash, "html": rendering.frame.html}
        if gone := [name for name in [*old.parts, *old.lists] if name not in {**rendering.parts, **rendering.lists}]:
            answer["gone"] = gone
    parts = {
        name: {"hash": part.hash, "html": part.html}
        for name, part in rendering.parts.items()
        if name not in skipped and old.parts.get(name) != part.hash
    }
    # Items that moved between lists keep their hash, so they need not be sent again.
    known = {mark for marks in old.lists.values() for mark in marks}
    lists = {
        name: _list_difference(items, known)
        for name, items in rendering.lists.items()
        if name not in old.lists or _marks(items) != old.lists[name]
    }
    return answer | ({"parts": parts} if parts else {}) | ({"lists": lists} if lists else {})


def seen_bytes(rendering: Rendering) -> int:
    """Return the approximate size of what a View of a rendering sends with each call, in bytes."""
    items = [key for each in rendering.lists.values() for key in each.items]
    return 1 + sum(map(len, items)) + MARK_BYTES * (len(items) + len(rendering.parts))


def _list_difference(items: ListPart, known: set[str]) -> dict[str, Any]:
    changed = {
        key: {"hash": item.hash, "html": item.html} for key, item in items.items.items() if item.hash + key not in known
    }
    answer: dict[str, Any] = {"prefix": items.prefix, "order": list(items.items)}
    return {**answer, "items": changed} if changed else answer


def _marks(items: ListPart) -> list[str]:
    return [item.hash + key for key, item in items.items.items()]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return (
        [item for item in cast("list[object]", value) if isinstance(item, str)][:MAX_SEEN]
        if isinstance(value, list)
        else []
    )


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, Mapping):
        return {}
    return dict(list(cast("Mapping[str, object]", value).items())[:MAX_SEEN])
