"""Names that a connector is given: its own, that of its store, and those of its tools."""

import re
from collections.abc import Collection
from pathlib import Path

from intarsia.errors import SettingError, ToolError
from intarsia.server.storage.store import default_path


def slug_of(name: str) -> str:
    """Return the name of a connector as files and addresses have it.

    Raises:
        SettingError: It holds no letter from a to z and no digit.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not slug:
        message = f"A connector's name must hold a letter from a to z or a digit; {name!r} does not."
        raise SettingError(message)
    return slug


def store_path(store: str | Path | None, slug: str) -> Path:
    """Return the file of a store; by default one in the person's state folder.

    Raises:
        SettingError: It is no path of a file.
    """
    if store is None or store == "":
        return default_path(slug)
    if str(store).startswith((":", "file:")) or "://" in str(store):
        message = f"The store must be the path of a file, such as 'tasks.db'; {str(store)!r} is none."
        raise SettingError(message)
    return Path(store).expanduser()


def check_tool_name(name: str, taken: Collection[str]) -> None:
    """Check that a tool may have a name.

    Raises:
        ToolError: It is one of ours, or taken.
    """
    if name.startswith("intarsia_"):
        message = f"The tool name {name!r} is Intarsia's own; names that start with 'intarsia_' are."
        raise ToolError(message)
    if name in taken:
        message = f"The tool name {name!r} is taken; give the function another name."
        raise ToolError(message)
