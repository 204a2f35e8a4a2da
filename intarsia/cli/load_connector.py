"""Finds connectors by name."""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from intarsia.errors import SettingError, near_miss

if TYPE_CHECKING:
    from intarsia.server.connector import Connector

EXAMPLES = ("examples.team_tasks", "examples.machine_monitor", "examples.brand_studio")


def demo_connector() -> "Connector":
    """Return one connector with the tools of the three examples.

    Raises:
        SettingError: The examples are not available.
    """
    from intarsia.server.connector import Connector  # noqa: PLC0415 - loading the server takes a second

    with_examples = Connector("Intarsia demo")
    for name in EXAMPLES:
        with_examples.include(only_connector(_example(name)))
    return with_examples


def _example(name: str) -> ModuleType:
    _find_modules_here()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and name.startswith(error.name):
            message = (
                f"The demo needs the examples, and {error.name!r} is not here. They are not part of the installed "
                "package: run `intarsia demo` in the folder of the repository, or `make demo` there."
            )
        else:
            message = f"{name} needs {error.name!r}. Install it with: pip install 'intarsia[examples]'"
        raise SettingError(message) from error


def load_connector(target: str) -> "Connector":
    """Load the connector that `MODULE:CONNECTOR` names, or `MODULE` if it has exactly one.

    Args:
        target: For example `app:tasks`. The current folder is searched too.

    Raises:
        SettingError: There is no such module or connector; the message lists those that exist.
    """
    module_name, _, attribute = target.partition(":")
    if not module_name or module_name.endswith(".py") or "/" in module_name:
        message = (
            f"{target!r} does not name a connector. Write MODULE:CONNECTOR, such as 'app:tasks' for `tasks` in app.py."
        )
        raise SettingError(message)
    module = _load_module(module_name)
    return _named_connector(module, attribute) if attribute else only_connector(module)


def _load_module(name: str) -> ModuleType:
    _find_modules_here()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            message = f"{name!r} cannot be loaded, because it imports {error.name!r}, which is not installed."
        else:
            here = {path.stem for path in Path.cwd().glob("*.py")}
            message = f"There is no module {name!r} in {Path.cwd()} or among what is installed.{near_miss(name, here)}"
        raise SettingError(message) from error


def _find_modules_here() -> None:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)


def _named_connector(module: ModuleType, attribute: str) -> "Connector":
    from intarsia.server.connector import Connector  # noqa: PLC0415 - loading the server takes a second

    found = getattr(module, attribute, None)
    if isinstance(found, Connector):
        return found
    names = set(_connectors(module))
    known = f" It has: {', '.join(sorted(names))}." if names else " It has none."
    what = "is no connector" if hasattr(module, attribute) else "does not exist"
    message = f"{attribute!r} in {module.__name__!r} {what}.{near_miss(attribute, names)}{known}"
    raise SettingError(message)


def only_connector(module: ModuleType) -> "Connector":
    """Return the only connector of a module.

    Raises:
        SettingError: The module has no connector, or several.
    """
    found = _connectors(module)
    if len({id(connector) for connector in found.values()}) == 1:
        return next(iter(found.values()))
    what = f"several connectors ({', '.join(sorted(found))})" if found else "no connector"
    message = f"{module.__name__!r} holds {what}; name one, such as '{module.__name__}:NAME'."
    raise SettingError(message)


def _connectors(module: ModuleType) -> "dict[str, Connector]":
    from intarsia.server.connector import Connector  # noqa: PLC0415 - loading the server takes a second

    return {name: value for name, value in vars(module).items() if isinstance(value, Connector)}
