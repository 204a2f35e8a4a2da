"""What a View would keep of an answer, for tests that play the View."""

from typing import Any

PARTS, DONE, PROBLEM = "dev.intarsia/parts", "dev.intarsia/done", "dev.intarsia/problem"


class Shown:
    """The hashes of what is shown."""

    def __init__(self, parts: dict[str, Any]) -> None:
        self.tool, self.arguments = parts["tool"], parts["arguments"]
        self.frame = ""
        self.parts: dict[str, str] = {}
        self.lists: dict[str, list[str]] = {}
        self.html: dict[str, str] = {}
        self.take(parts)

    def take(self, parts: dict[str, Any]) -> None:
        hashes = {mark[8:]: mark[:8] for marks in self.lists.values() for mark in marks}
        self.frame = parts.get("frame", {}).get("hash", self.frame)
        self.parts.update({name: part["hash"] for name, part in parts.get("parts", {}).items()})
        for name, change in parts.get("lists", {}).items():
            hashes.update({key: item["hash"] for key, item in change.get("items", {}).items()})
            self.html.update({key: item["html"] for key, item in change.get("items", {}).items()})
            self.lists[name] = [hashes[key] + key for key in change["order"]]

    def meta(self, **more: Any) -> dict[str, Any]:
        seen = {"tool": self.tool, "arguments": self.arguments, "frame": self.frame, "parts": self.parts}
        return {"dev.intarsia/seen": {**seen, "lists": self.lists, **more}}

    def keys(self, name: str) -> list[str]:
        return [mark[8:] for mark in self.lists[name]]
