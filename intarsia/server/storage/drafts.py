"""Drafts: a user's unsaved changes in a design panel."""

import time
from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import and_, delete, insert, or_, select

from intarsia.errors import ArgumentError
from intarsia.server.storage.store import Store
from intarsia.server.storage.tables import DRAFTS
from intarsia.server.wire.messages import digest_of

KEEP_SECONDS = 90 * 24 * 3600
"""How long a draft is kept after its last change."""

MAX_VALUES = 100
MAX_NAME_CHARACTERS = 200


async def load_draft(store: Store, person: str, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a user's draft of a widget as values by token name; empty if there is none."""
    wanted = select(DRAFTS.c["values"]).where(*_here(person, tool, arguments))
    async with store.read() as connection:
        row = (await connection.execute(wanted)).first()
    return row[0] if row else {}


async def save_draft(
    store: Store, person: str, tool: str, arguments: Mapping[str, Any], values: Mapping[str, Any] | None
) -> None:
    """Save a user's draft of a widget, or delete it if there are no values. Expired drafts are deleted as well."""
    async with store.write() as connection:
        is_old = DRAFTS.c.at < time.time() - KEEP_SECONDS
        await connection.execute(delete(DRAFTS).where(or_(is_old, and_(*_here(person, tool, arguments)))))
        if values:
            row = {"person": person, "widget": digest_of(tool, arguments), "values": dict(values), "at": time.time()}
            await connection.execute(insert(DRAFTS).values(row))


def checked_draft(arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
    """Check the arguments of `intarsia_draft`: tool, arguments, and values or `None`.

    Raises:
        ArgumentError: An argument is missing, unknown, or of the wrong type.
    """
    tool, of, values = arguments.get("tool"), arguments.get("arguments"), arguments.get("values")
    # A missing `values` must not delete a draft by accident; only null does.
    if set(arguments) != {"tool", "arguments", "values"} or not isinstance(tool, str) or not isinstance(of, Mapping):
        message = "intarsia_draft takes tool, arguments and values."
        raise ArgumentError(message)
    if values is not None and not _are_values(values):
        message = f"values must be an object of at most {MAX_VALUES} strings, numbers or booleans."
        raise ArgumentError(message)
    return tool, dict(cast("Mapping[str, Any]", of)), cast("dict[str, Any] | None", values)


def _are_values(values: object) -> bool:
    if not isinstance(values, dict) or len(cast("dict[str, Any]", values)) > MAX_VALUES:
        return False
    items = cast("dict[str, object]", values).items()
    return all(
        len(name) <= MAX_NAME_CHARACTERS and isinstance(item, str | int | float | bool) and len(str(item)) <= 1_000
        for name, item in items
    )


def _here(person: str, tool: str, arguments: Mapping[str, Any]) -> tuple[Any, ...]:
    return DRAFTS.c.person == person, DRAFTS.c.widget == digest_of(tool, arguments)
