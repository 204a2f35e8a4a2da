"""The connector: the application object that a developer builds. It serves one MCP server."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, overload

from sqlalchemy import MetaData

from intarsia.permissions import Grant, Rule
from intarsia.server.audit.heads import HeadSink
from intarsia.server.audit.log import AuditLog
from intarsia.server.calls.handler import CallHandler
from intarsia.server.catalog import Catalog, InlineHeight
from intarsia.server.changes.change_log import CHANGE_LOG
from intarsia.server.storage.shared_lifetime import checked_lifespan, entered_lifespan
from intarsia.server.storage.store import ConnectionContext, Store
from intarsia.server.switches.service import Switches
from intarsia.server.tools.decorator_options import ActionDecorator, check_options, with_access
from intarsia.server.tools.tool import ActionTool, AsyncDone, P, Shown, TileFunction, Tool, WidgetTool
from intarsia.server.tools.visibility import Audience
from intarsia.server.views.idempotency import change, change_in_thread
from intarsia.server.wire.size import DEFAULT_MAX_RESULT_BYTES
from intarsia.widgets import Done, Widget

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer
    from starlette.applications import Starlette

    from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer
    from intarsia.server.auth.resource_server.settings import ResourceServer
    from intarsia.server.http.limits import Limits
    from intarsia.server.mcp_server.on_mcpserver import ExistingServer
    from intarsia.server.mcp_server.stdio import StandardStreams

Lifespan = Callable[["Connector"], AbstractAsyncContextManager[object]]


class Connector:
    """An MCP server whose tools return widgets.

    Args:
        name: The display name, such as "Team tasks". It must contain a letter a-z or a digit.
        instructions: Instructions for the model, sent when a client connects.
        store: Path of the SQLite file for idempotency keys, drafts and your own tables; by default a file in the
            operating system user's state folder.
        tables: Your own tables as a SQLAlchemy `MetaData`. Missing tables are created at startup; `change()` writes
            to them.
        lifespan: A function that takes the connector and returns an async context manager, as in Starlette. It is
            entered once the store is open, before the first call, and exited after the last call; for example to seed
            a new database.
        server: An existing `MCPServer` of the MCP SDK to add the tools to; you keep running it yourself. For FastMCP
            use `intarsia.attach`.
        scopes: Scopes that mark data in widgets only, and that no tool or tile requires. They become scopes that users
            can grant; the local user has all scopes.
        scope_descriptions: Scope to its plain meaning on the connector's own consent page, such as
            `{"tasks:write": "Move and edit cards"}`. A scope without a description is described from its name.
        inline_height: The height that widgets may take in the conversation; what does not fit is paged. `"host"`: what
            the host allows, at most 800 px, and 500 px where it states nothing. `"directory"`: at most 500 px, which
            the directory of Claude requires. Or a number of pixels from 240 to 800.
        shared_store: Whether other processes may serve from the same store at the same time; all of them must set it.
            Without it, a second process is refused, because open Views do not see the changes of another process.
        audit_heads: Where the hash of the audit log's last row is shipped to every minute and at the end: the path of a
            file on another machine or volume, to which lines are appended, or a function that takes an `AuditHead`.
            `intarsia audit verify --heads` finds with it what was cut off or rewritten.
        max_result_bytes: The size of a tool result at most, in bytes; hosts cut or refuse larger ones. Long lists are
            sent in windows that fit. At least 20,000.

    Raises:
        SettingError: `name` has no letter a-z and no digit, `store` is not the path of a file, `lifespan` does not
            accept the connector, `audit_heads` is neither a path nor a function, `inline_height` is not valid,
            `max_result_bytes` is too small, or `server` is not an `MCPServer` or already has a connector.
    """

    def __init__(  # noqa: PLR0913 - the settings of a connector, all of them by name
        self,
        name: str,
        *,
        instructions: str = "",
        store: str | Path | None = None,
        tables: MetaData | None = None,
        lifespan: Lifespan | None = None,
        server: "MCPServer[Any] | None" = None,
        scopes: AbstractSet[str] = frozenset(),
        scope_descriptions: Mapping[str, str] = MappingProxyType({}),
        inline_height: InlineHeight = "host",
        shared_store: bool = False,
        audit_heads: HeadSink | None = None,
        max_result_bytes: int = DEFAULT_MAX_RESULT_BYTES,
    ) -> None:
        checked = checked_lifespan(lifespan)
        self.catalog = Catalog(
            name,
            instructions=instructions,
            store=store,
            tables=tables,
            lifespan=partial(entered_lifespan, checked, self) if checked else None,
            scopes=scopes,
            scope_descriptions=scope_descriptions,
            inline_height=inline_height,
            shared_store=shared_store,
            audit_heads=audit_heads,
            max_result_bytes=max_result_bytes,
        )
        self._existing = self._join(server)

    @overload
    def widget(self, function: Callable[P, Shown], /) -> WidgetTool[P, Shown]: ...
    @overload
    def widget(
        self,
        *,
        title: str | None = None,
        scopes: AbstractSet[str] | None = None,
        roles: AbstractSet[str] = frozenset(),
        allow: Rule | None = None,
        refresh_seconds: float | None = None,
        topics: str | Sequence[str] = (),
    ) -> Callable[[Callable[P, Shown]], WidgetTool[P, Shown]]: ...
    def widget(self, function: Any = None, **options: Any) -> Any:
        """Register a function that returns a widget as a read-only tool.

        An `async def` function runs in the event loop and must not block it; a `def` function runs in a thread.

        Args:
            function: The function, if the decorator is used without parentheses.
            title: The display name; by default derived from the function's name.
            scopes: The scopes that a caller must have granted: all of them. An empty set allows every user. If omitted,
                a server with sign-in refuses all calls, unless `roles` or `allow` is given.
            roles: The accepted roles: a caller needs one of them. Empty accepts every role.
            allow: An access rule, sync or `async`, called with the `Grant` and the arguments by name. `True` allows the
                call; `False`, or a sentence to show to the user, refuses it.
            refresh_seconds: The interval in seconds at which an open View reads the widget again; at least 3.
            topics: One or several topics that the widget depends on, such as `"project:{project}"`, with the tool's
                parameters as placeholders. Open Views read the widget again when one of them changes.

        Returns:
            The tool. Calling it calls the function itself, without access rules.

        Raises:
            ToolError: The function cannot be a tool, its name is already in use, or an option is unknown or invalid.
        """
        check_options("widget", options)

        def decorate(decorated: Callable[..., Any]) -> Any:
            return self._add(WidgetTool(decorated, **with_access(decorated, options)))

        return decorate(function) if function else decorate

    @overload
    def action(self, function: Callable[P, AsyncDone], /) -> ActionTool[P, AsyncDone]: ...
    @overload
    def action(self, function: Callable[P, Done], /) -> ActionTool[P, Done]: ...
    @overload
    def action(
        self,
        *,
        title: str | None = None,
        scopes: AbstractSet[str] | None = None,
        roles: AbstractSet[str] = frozenset(),
        allow: Rule | None = None,
        destructive: bool = False,
        confirm: str | None = None,
        visibility: AbstractSet[Audience] | None = None,
        idempotent: bool = False,
        open_world: bool = False,
        changes: str | Sequence[str] = (),
    ) -> ActionDecorator: ...
    def action(self, function: Any = None, **options: Any) -> Any:
        """Register a function that changes data as a tool that widgets offer.

        Pass the action itself to a widget, or `functools.partial(action, name=value)` to bind arguments. An `async def`
        function runs in the event loop and must not block it; a `def` function runs in a thread.

        Args:
            function: The function, if the decorator is used without parentheses.
            title: The display name, also the label of its control; by default derived from the function's name.
            scopes: The scopes that a caller must have granted: all of them. An empty set allows every user. If omitted,
                a server with sign-in refuses all calls, unless `roles` or `allow` is given.
            roles: The accepted roles: a caller needs one of them. Empty accepts every role.
            allow: An access rule, sync or `async`, called with the `Grant` and the arguments by name. `True` allows the
                call; `False`, or a sentence to show to the user, refuses it.
            destructive: Whether the change cannot be undone (`destructiveHint` of MCP). By default only Views may then
                call the action, and the View asks the user to confirm.
            confirm: The confirmation question, with parameters as placeholders, such as "Delete {card}?".
            visibility: The callers it is listed for: `"model"`, `"app"` (the View, for the user), or both. If a
                destructive action is visible to the model and has no `confirm`, the host's own approval applies.
            idempotent: Whether repeating the call with the same arguments has no further effect (`idempotentHint`).
            open_world: Whether it interacts with other services or people (`openWorldHint`).
            changes: One or several topics that the action changes, with its parameters as placeholders.

        Returns:
            The action. Calling it calls the function itself, without access rules.

        Raises:
            ToolError: The function cannot be a tool, its name is already in use, or an option is unknown or invalid.
        """
        check_options("action", options)

        def decorate(decorated: Callable[..., Any]) -> Any:
            return self._add(ActionTool(decorated, **with_access(decorated, options)))

        return decorate(function) if function else decorate

    @overload
    def tile(self, function: Callable[P, Widget | Coroutine[Any, Any, Widget]], /) -> TileFunction[P]: ...
    @overload
    def tile(
        self,
        *,
        title: str | None = None,
        refresh_seconds: float | None = None,
        timeout_seconds: float = 10,
        width: Literal[1, 2] = 1,
        scopes: AbstractSet[str] = frozenset(),
        topics: str | Sequence[str] = (),
    ) -> Callable[[Callable[P, Widget | Coroutine[Any, Any, Widget]]], TileFunction[P]]: ...
    def tile(self, function: Any = None, **options: Any) -> Any:
        """Declare a function that loads one tile of a dashboard. Tiles load concurrently and fail independently.

        An `async def` function runs in the event loop and must not block it; a `def` function runs in a thread, whose
        slot in the pool is released after `timeout_seconds`.

        Args:
            function: The function, if the decorator is used without parentheses.
            title: The display name; by default derived from the function's name.
            refresh_seconds: The interval in seconds at which an open View reads the tile again; at least 3.
            timeout_seconds: The time in seconds after which loading fails.
            width: The number of grid columns that the tile spans.
            scopes: The scopes that a user must have granted to see the tile. Without them the function is not called,
                and the tile shows a note instead.
            topics: One or several topics that the tile depends on, with its parameters as placeholders. When one of
                them changes, open Views read this tile again, and no other.

        Returns:
            The tile function. Calling it returns a `PendingTile` for `Dashboard.tiles`.

        Raises:
            ToolError: The function cannot be a tile, or an option is unknown or invalid.
        """
        check_options("tile", options)

        def decorate(decorated: Callable[..., Any]) -> Any:
            made: TileFunction[...] = TileFunction(decorated, **options)
            self.catalog.tiles.append(made)
            return made

        return decorate(function) if function else decorate

    def include(self, other: "Connector") -> None:
        """Add another connector's tools and instructions to this one. The other connector keeps its own store.

        Args:
            other: The connector to include.

        Raises:
            ToolError: Both connectors have a tool with the same name.
        """
        if self._existing:
            for name in other.tools:
                self._existing.check_free(name)
        # After the checks above, so that a refused include changes nothing.
        self.catalog.include(other.catalog)
        if self._existing:
            self._existing.update()
            self._existing.add_instructions(other.catalog.instructions)

    def change(self) -> ConnectionContext:
        """Open a write transaction on your tables: it commits at the end of the block, or rolls back on an exception.

        `async with` returns an `AsyncConnection` in an `async def` function, `with` a `Connection` in a `def` function.

        Inside an action, the idempotency key of the call is written in the same transaction, so that a repeated call is
        applied once. Return the `Done` from inside the block, so that it is stored in that transaction too. The commit
        completes even if the client disconnects. Open one transaction per action: if the action fails after the first
        of two, a retry reports the call as done.

        Raises:
            BusyError: Others held the store for longer than the call may wait. Nothing was changed.
            SaveError: The change could not be saved, such as on a full disk. Nothing was changed.
            StoreError: The connector is not running, a transaction is already open in this context, or `with` is used
                in an `async def` function.
        """
        store = self.catalog.store
        return ConnectionContext(partial(change, store), partial(change_in_thread, store))

    def changed(self, *topics: str) -> None:
        """Publish a change that no action made, so that open Views with these topics read their widgets again.

        Returns immediately. Safe to call from any thread of this process.

        Args:
            topics: Topics as widgets and tiles declare them, with values filled in, such as `"project:apollo"`.
        """
        CHANGE_LOG.publish(frozenset(topics))

    def read(self) -> ConnectionContext:
        """Open a read-only connection to a consistent snapshot of your tables, with `async with` or `with`."""
        store = self.catalog.store
        return ConnectionContext(store.read, store.read_in_thread)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Connector"]:
        """Open the store and enter `lifespan`, for this connector and those it includes.

        Nested and concurrent uses share one lifetime, which ends with the last of them.

        Raises:
            StoreError: The store cannot be opened, or the connector runs in another event loop of this process.
        """
        async with self.catalog.running():
            yield self

    @property
    def name(self) -> str:
        """The display name."""
        return self.catalog.name

    @property
    def tools(self) -> Mapping[str, Tool]:
        """The tools by name, including those of included connectors."""
        return self.catalog.tools

    @property
    def scopes(self) -> frozenset[str]:
        """Every scope that a tool or tile requires, or that the connector declares for data in widgets."""
        return self.catalog.scopes

    @property
    def store(self) -> Store:
        """The store of this connector's data."""
        return self.catalog.store

    @property
    def audit(self) -> AuditLog:
        """The audit log of calls and sign-ins."""
        return self.catalog.audit

    @property
    def switches(self) -> Switches:
        """The switches by which an admin turns tools and widgets off."""
        return self.catalog.switches

    @property
    def local(self) -> Grant:
        """The grant of the local user, for use without sign-in: every scope and every role."""
        return self.catalog.local

    @property
    def calls(self) -> CallHandler:
        """The call handler, independent of the protocol."""
        return CallHandler(self.catalog)

    def app(
        self,
        *,
        auth: "ResourceServer | EmbeddedIssuer | None" = None,
        hosts: "tuple[str, ...] | None" = None,
        origins: "tuple[str, ...] | None" = None,
        limits: "Limits | None" = None,
    ) -> "Starlette":
        """Return the ASGI application that serves this connector at `/mcp`.

        Args:
            auth: A `ResourceServer` with the accepted token issuers, or an `EmbeddedIssuer` by which users sign in at
                the connector itself. Every request then needs an access token. Without it there is no sign-in, and
                every caller is the `local` user.
            hosts: Accepted values of the `Host` header, without port; by default the names of this machine, and with
                `auth` the host of its public URL.
            origins: Accepted values of the `Origin` header; by default the origins of `hosts`.
            limits: How many calls one person and all callers together may run at once, and whose addresses call for
                many people.

        Returns:
            The application. Its lifespan starts and stops the connector.
        """
        from intarsia.server.http.app import build_app  # noqa: PLC0415  # loading the protocol takes a second

        server = self._existing.server if self._existing else None
        return build_app(self.catalog, server=server, auth=auth, hosts=hosts, origins=origins, limits=limits)

    async def serve_stdio(self, streams: "StandardStreams") -> None:
        """Serve one client over standard input and output, as the local user, until it closes the input.

        `intarsia serve --stdio` calls this.

        Args:
            streams: The standard streams, from `intarsia.server.mcp_server.stdio.private_streams()`.
        """
        from intarsia.server.mcp_server.server import build_server  # noqa: PLC0415  # loading the protocol takes a second
        from intarsia.server.mcp_server.stdio import serve_stdio  # noqa: PLC0415  # as above

        if self._existing:  # its lifespan starts the connector
            await serve_stdio(self._existing.low_level, streams, nullcontext)
        else:
            await serve_stdio(build_server(self.catalog), streams, self.catalog.running)

    def mount_on(
        self,
        app: "Starlette",
        path: str,
        *,
        auth: "ResourceServer | EmbeddedIssuer | None" = None,
        hosts: "tuple[str, ...] | None" = None,
        origins: "tuple[str, ...] | None" = None,
        limits: "Limits | None" = None,
    ) -> None:
        """Mount this connector on a FastAPI or Starlette application, and start and stop it with that application.

        Args:
            app: The application; it must not have started. The OAuth metadata of `auth` is served at its root, where
                RFC 9728 and RFC 8414 make clients look for it.
            path: The mount path, such as `/tasks`; the MCP endpoint is then `/tasks/mcp`.
            auth: As in `Connector.app`; its public URL must include `path`.
            hosts: As in `Connector.app`.
            origins: As in `Connector.app`.
            limits: As in `Connector.app`.

        Raises:
            SettingError: `path` is malformed or in use, `app` has started, or the public URL of `auth` does not match.
        """
        from intarsia.server.http.mount import mount_on  # noqa: PLC0415  # loading the protocol takes a second

        server = self._existing.server if self._existing else None
        mount_on(self.catalog, app, path, server=server, auth=auth, hosts=hosts, origins=origins, limits=limits)

    def _add(self, tool: Tool) -> Tool:
        if self._existing:
            self._existing.check_free(tool.name)
        # After the check above, so that a refused tool is not registered in one place only.
        self.catalog.add(tool)
        if self._existing:
            self._existing.update()
        return tool

    def _join(self, server: "MCPServer[Any] | None") -> "ExistingServer | None":
        if server is None:
            return None
        from intarsia.server.mcp_server.on_mcpserver import ExistingServer  # noqa: PLC0415  # loading the protocol takes a second

        existing = ExistingServer(self.catalog, server)
        existing.add_instructions(self.catalog.instructions)
        return existing
