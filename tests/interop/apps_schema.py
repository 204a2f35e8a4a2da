"""The schema of MCP Apps, as the official package ships it, applied to what goes over the bridge.

Some places are read as the official runtime reads them, not as the generated schema says:

* a message has `jsonrpc` and an `id` around what the schema describes;
* a host may send some of the 76 style variables;
* a tool result may come without `content`;
* where the schema refers to a part that it lacks, any JSON value may stand;
* an object that must be of two kinds at once may have the properties of both (`containerDimensions`).
"""

import copy
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from jsonschema import Draft202012Validator
from mcp_types import CallToolRequest, CallToolResult, CancelledNotification, ReadResourceRequest
from pydantic import BaseModel, ValidationError

Json = Mapping[str, Any]
Generation = Literal["1", "2"]

ROOT = Path(__file__).resolve().parents[2]
PACKAGES: dict[Generation, str] = {"1": "ext-apps-1", "2": "@modelcontextprotocol/ext-apps"}

STYLE_VARIABLES = 76

_OF_MCP: dict[str, type[BaseModel]] = {
    "tools/call": CallToolRequest,
    "resources/read": ReadResourceRequest,
    "notifications/cancelled": CancelledNotification,
}
"""Messages that MCP itself defines, and Apps only lets through."""


class AppsSchema:
    """What one generation of the official package says about messages and metadata.

    Args:
        generation: The major version of the package.
    """

    def __init__(self, generation: Generation) -> None:
        path = ROOT / "node_modules" / PACKAGES[generation] / "dist" / "src" / "generated" / "schema.json"
        self._schema = json.loads(path.read_text(encoding="utf-8"))
        self._as_the_runtime_reads_it()
        self._names = {_method_of(part): name for name, part in self.definitions.items() if _method_of(part)}

    @property
    def definitions(self) -> dict[str, Any]:
        """The parts of the schema by name."""
        parts: dict[str, Any] = self._schema["$defs"]
        return parts

    def complain(self, name: str, value: Any) -> list[str]:
        """Check a value against a part of the schema; one sentence for each thing that is wrong."""
        validator = Draft202012Validator({**self._schema, "$ref": f"#/$defs/{name}"})
        found: Iterable[Any] = validator.iter_errors(value)  # pyright: ignore[reportUnknownMemberType] - half typed
        return [f"{name}{error.json_path[1:]}: {error.message[:300]}" for error in found]

    def complain_about_message(self, message: Json) -> list[str]:
        """Check a request or a notification; one sentence for each thing that is wrong."""
        method = message.get("method")
        if message.get("jsonrpc") != "2.0":
            return [f"{method} is no JSON-RPC message."]
        if "id" in message and not isinstance(message["id"], int | str):
            return [f"{method} has an id of the wrong type."]
        inside = {name: value for name, value in message.items() if name not in ("jsonrpc", "id")}
        if method in self._names:
            return self.complain(self._names[method], inside)
        if method in _OF_MCP:
            return _complain_as_mcp(_OF_MCP[method], inside)
        return [] if method == "ping" and "id" in message else [f"{method} is in no schema."]

    def complain_about_answer(self, method: str, message: Json) -> list[str]:
        """Check the answer to a request; one sentence for each thing that is wrong."""
        if "error" in message:
            error = message["error"]
            is_right = isinstance(error.get("code"), int) and isinstance(error.get("message"), str)
            return [] if is_right else [f"The error that answers {method} lacks its code or message."]
        name = self._names.get(method, "").removesuffix("Request") + "Result"
        if name in self.definitions:
            return self.complain(name, message["result"])
        if method == "tools/call":
            return _complain_as_mcp(CallToolResult, message["result"])
        return [] if isinstance(message["result"], dict) else [f"The answer to {method} is no object."]

    def _as_the_runtime_reads_it(self) -> None:
        for part in _objects(self._schema):
            if len(part.get("required", ())) >= STYLE_VARIABLES:
                del part["required"]
            _let_halves_know_each_other(part.get("allOf", []))
        self.definitions["__schema0"] = {}
        result = self.definitions["McpUiToolResultNotification"]["properties"]["params"]
        result["required"] = [name for name in result.get("required", ()) if name != "content"]


@cache
def apps_schema(generation: Generation) -> AppsSchema:
    """Return the schema of a generation."""
    return AppsSchema(generation)


def _objects(value: object) -> Iterable[dict[str, Any]]:
    inside: list[object] = []
    if isinstance(value, dict):
        part = cast("dict[str, Any]", value)
        yield part
        inside = list(part.values())
    elif isinstance(value, list):
        inside = cast("list[object]", value)
    for inner in inside:
        yield from _objects(inner)


def _let_halves_know_each_other(halves: list[dict[str, Any]]) -> None:
    """Add the properties of each half of an object to the choices that the other halves have."""
    own = [
        {name: rule for choice in half.get("anyOf", ()) for name, rule in choice.get("properties", {}).items()}
        for half in halves
    ]
    for place, half in enumerate(halves):
        others = {name: rule for other, rules in enumerate(own) if other != place for name, rule in rules.items()}
        for choice in half.get("anyOf", ()):
            choice["properties"] = {**others, **choice.get("properties", {})}


def _method_of(part: Json) -> str:
    return str(part.get("properties", {}).get("method", {}).get("const", ""))


def _complain_as_mcp(model: type[BaseModel], value: Json) -> list[str]:
    try:
        model.model_validate(copy.deepcopy(value), by_name=False)
    except ValidationError as error:
        return [f"{model.__name__}: {error}"]
    return []
