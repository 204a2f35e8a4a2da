"""The catalog of a connector: its tools, and the store, switches and audit log that they share."""

import re
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from sqlalchemy import MetaData

from intarsia.errors import SettingError, ToolError
from intarsia.permissions import Grant, is_offered
from intarsia.server.audit.heads import HeadShipper, HeadSink
from intarsia.server.audit.log import AuditLog
from intarsia.server.rendering.control_permissions import Rights
from intarsia.server.rendering.shared_renders import SharedRenders
from intarsia.server.storage.call_counts import CallCounts
from intarsia.server.storage.shared_lifetime import SharedLifetime, background
from intarsia.server.storage.store import Store, default_path
from intarsia.server.switches.service import Switches
from intarsia.server.tools.access_rules import checked_scopes
from intarsia.server.tools.tool import TileFunction, Tool, WidgetTool
from intarsia.server.views.results import ResultStore
from intarsia.server.views.view_handles import Signer
from intarsia.server.wire.size import DEFAULT_MAX_RESULT_BYTES, MIN_MAX_RESULT_BYTES

Lifespan = Callable[[], AbstractAsyncContextManager[object]]

InlineHeight = Literal["host", "directory"] | int
"""The height that widgets may take in the conversation: what the host allows, what directories list, or pixels."""

DIRECTORY_HEIGHT = 500
"""The height in CSS pixels that the directory of Claude allows a listed connector."""
_HEIGHTS = range(240, 801)


class Catalog:
    """The tools of a connector and of the connectors that it includes, with their store and shared services.

    Args:
        name: The display name, such as "Team tasks".
        instructions: Instructions for the model, which it gets before it calls tools.
        store: The SQLite file; by default a file in the user's state folder.
        tables: The author's own tables.
        lifespan: Returns an async context manager that is entered before the first call and exited after the last one.
        scopes: Scopes that no tool requires, and that only protect parts of widgets.
        scope_descriptions: The descriptions of scopes that users read when they consent.
        inline_height: The height that widgets may take in the conversation; see `Connector`.
        shared_store: Whether other processes may serve from the store at the same time.
        audit_heads: Where the heads of the audit log are shipped to.

    Raises:
        SettingError: The name contains no letter from a to z and no digit, the store is not the path of a file,
            `audit_heads` is neither a path nor a function, or `inline_height` is not valid.
    """

    def __init__(  # noqa: PLR0913 - the settings of a connector, all of them by name
        self,
        name: str,
        *,
        instructions: str = "",
        store: str | Path | None = None,
        tables: MetaData | None = None,
        lifespan: Lifespan | None = None,
        scopes: AbstractSet[str] = frozenset(),
        scope_descriptions: Mapping[str, str] = MappingProxyType({}),
        inline_height: InlineHeight = "host",
        shared_store: bool = False,
        audit_heads: HeadSink | None = None,
        max_result_bytes: int = DEFAULT_MAX_RESULT_BYTES,
    ) -> None:
        if max_result_bytes < MIN_MAX_RESULT_BYTES:
            message = f"max_result_bytes must be at least {MIN_MAX_RESULT_BYTES:,}, not {max_result_bytes:,}."
            raise SettingError(message)
        self.max_result_bytes = max_result_bytes
        self.name = name
        self.slug = slug_of(name)
        self.instructions = instructions
        self.inline_height = _checked_height(inline_height)
        self.tools: dict[str, Tool] = {}
        self.owners: dict[str, Catalog] = {}
        self.scope_descriptions = dict(scope_descriptions)
        self._marks: set[str] = set(checked_scopes(name, scopes))
        self.tiles: list[TileFunction[...]] = []
        self.store = Store(store_path(store, self.slug), tables, is_shared=shared_store)
        self.results = ResultStore(self.store)
        self.audit = AuditLog(self.store)
        self.heads = HeadShipper(self.slug, self.audit, audit_heads)
        self.switches = Switches(self.store, self.audit, lambda: self.tools)
        self.counts = CallCounts(self.store)
        self.renders = SharedRenders()
        self.signer = Signer(self.slug)
        self._lifespan = lifespan
        self._included: list[Catalog] = []
        self._lifetime = SharedLifetime(f"The connector {name!r}", self._opened)

    def add(self, tool: Tool) -> None:
        """Add a tool.

        Raises:
            ToolError: The name is in use or reserved.
        """
        self.check_free(tool.name)
        self.tools[tool.name] = tool
        self.owners[tool.name] = self

    def include(self, other: "Catalog") -> None:
        """Add the tools and the instructions of another catalog. Its tools keep using their own store.

        Raises:
            ToolError: Both catalogs have a tool with the same name.
        """
        # All names are checked before anything is added, so that an error leaves the catalog unchanged.
        for tool in other.tools:
            self.check_free(tool)
        self.tools.update(other.tools)
        self.owners.update(other.owners)
        self._marks |= other.scopes
        self.scope_descriptions = {**other.scope_descriptions, **self.scope_descriptions}
        self.tiles += other.tiles
        self.instructions = "\n".join(text for text in (self.instructions, other.instructions) if text)
        self._included.append(other)

    def check_free(self, name: str) -> None:
        """Check that the name of a tool is available.

        Raises:
            ToolError: The name is in use or reserved.
        """
        check_tool_name(name, self.tools)

    @property
    def scopes(self) -> frozenset[str]:
        """All scopes that a tool requires, or that protect parts of widgets."""
        tools = (tool.scopes for tool in self.tools.values())
        return frozenset(self._marks).union(*tools, *(tile.scopes for tile in self.tiles))

    @property
    def names_topics(self) -> bool:
        """Whether any widget or tile declares topics."""
        tools = self.tools.values()
        return any(isinstance(each, WidgetTool | TileFunction) and bool(each.topics) for each in (*tools, *self.tiles))

    @property
    def local(self) -> Grant:
        """The permissions of the local user, for servers without sign-in: every scope and every role."""
        roles = frozenset[str]().union(*(tool.roles for tool in self.tools.values()))
        return Grant("local", scopes=self.scopes, roles=roles)

    @property
    def rights(self) -> Rights:
        """The tools and the current switch positions, on which decisions are based."""
        return Rights(self.tools, self.switches.positions)

    def offered(self, name: str, grant: Grant) -> Tool | None:
        """Return a tool that is visible to a user by its roles and the switches, or `None`."""
        tool, positions = self.tools.get(name), self.switches.positions
        is_on = positions.all_on or positions.is_available(name, grant)
        return tool if tool and is_offered(grant, tool) and is_on else None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Open the store and enter `lifespan`, for this catalog and the catalogs that it includes.

        Nested and concurrent uses share one lifetime, which ends with the last of them.

        Raises:
            StoreError: The store cannot be opened, or it is open in another event loop of this process.
        """
        async with self._lifetime.shared():
            yield

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[None]:
        async with self._started(), AsyncExitStack() as stack:
            for catalog in self._included:
                await stack.enter_async_context(catalog.running())
            yield

    @asynccontextmanager
    async def _started(self) -> AsyncGenerator[None]:
        async with self.store.open(), self.heads.running():
            await self.results.forget_old()
            await self.audit.load()
            await self.signer.load(self.store)
            await self.switches.load()
            self.renders.begin()
            lifespan = self._lifespan() if self._lifespan else nullcontext()
            following, counting = background(self.switches.follow()), background(self.counts.keep())
            async with self.results.writing_late(), following, counting, lifespan:
                yield


def slug_of(name: str) -> str:
    """Return the slug of a connector's name, for file names and URLs.

    Raises:
        SettingError: The name contains no letter from a to z and no digit.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not slug:
        message = f"A connector's name must hold a letter from a to z or a digit; {name!r} does not."
        raise SettingError(message)
    return slug


def store_path(store: str | Path | None, slug: str) -> Path:
    """Return the path of a store; by default a file in the user's state folder.

    Raises:
        SettingError: The value is a URL or a special name of SQLite, and not the path of a file.
    """
    if store is None or store == "":
        return default_path(slug)
    if str(store).startswith((":", "file:")) or "://" in str(store):
        message = f"The store must be the path of a file, such as 'tasks.db'; {str(store)!r} is none."
        raise SettingError(message)
    return Path(store).expanduser()


def check_tool_name(name: str, taken: Collection[str]) -> None:
    """Check that the name of a tool is available.

    Args:
        name: The name.
        taken: The names in use.

    Raises:
        ToolError: The name is in use, or reserved for Intarsia's own tools.
    """
    if name.startswith("intarsia_"):
        message = f"The tool name {name!r} is Intarsia's own; names that start with 'intarsia_' are."
        raise ToolError(message)
    if name in taken:
        message = f"The tool name {name!r} is taken; give the function another name."
        raise ToolError(message)


def _checked_height(value: InlineHeight) -> int | None:
    """Return a height in CSS pixels, or `None` if it is up to the host."""
    if value == "host":
        return None
    if value == "directory":
        return DIRECTORY_HEIGHT
    if type(value) is int and value in _HEIGHTS:
        return value
    message = (
        "inline_height must be 'host', 'directory' or a number of pixels "
        f"from {_HEIGHTS.start} to {_HEIGHTS.stop - 1}, not {value!r}."
    )
    raise SettingError(message)
