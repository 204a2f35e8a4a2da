"""Plays the View for the server: remembers what it would show, so that answers are differences, as in real use."""

from typing import Any
from uuid import uuid4

PARTS = "dev.intarsia/parts"

Json = dict[str, Any]


class PlayedView:
    """What a View holds after the answers that it was given.

    Args:
        parts: The `dev.intarsia/parts` of a full answer.
    """

    def __init__(self, parts: Json) -> None:
        self._widget = {"tool": parts["tool"], "arguments": parts["arguments"]}
        self._frame = ""
        self._parts: dict[str, str] = {}
        self._lists: dict[str, list[str]] = {}
        self.take(parts)

    def take(self, parts: Json) -> None:
        """Lay an answer over what is held."""
        hashes = {mark[8:]: mark[:8] for marks in self._lists.values() for mark in marks}
        self._frame = parts.get("frame", {}).get("hash", self._frame)
        self._parts.update({name: part["hash"] for name, part in parts.get("parts", {}).items()})
        for change in parts.get("lists", {}).values():
            hashes.update({key: item["hash"] for key, item in change.get("items", {}).items()})
        for name, change in parts.get("lists", {}).items():
            self._lists[name] = [hashes[key] + key for key in change["order"]]

    def seen(self) -> Json:
        """Return what the View says it holds, as request metadata."""
        return {"dev.intarsia/seen": {**self._widget, "frame": self._frame, "parts": self._parts, "lists": self._lists}}

    def action(self) -> Json:
        """Return the request metadata of an action: what is held, and a new key."""
        return {**self.seen(), "dev.intarsia/id": uuid4().hex}
