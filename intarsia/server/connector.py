"""The connector: the app that a developer builds, and one MCP server."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, overload

from sqlalchemy import MetaData

from intarsia.permissions import Grant, Rule
from intarsia.server.audit.log import AuditLog
from intarsia.server.calls.handler import CallHandler
from intarsia.server.catalog import Catalog
from intarsia.server.changes.change_log import CHANGE_LOG
from intarsia.server.storage.shared_lifetime import checked_lifespan, entered_lifespan
from intarsia.server.storage.store import ConnectionContext, Store
from intarsia.server.switches.service import Switches
from intarsia.server.tools.decorator_options import ActionDecorator, check_options, with_access
from intarsia.server.tools.tool import ActionTool, AsyncDone, P, Shown, TileFunction, Tool, WidgetTool
from intarsia.server.tools.visibility import Audience
from intarsia.server.views.idempotency import change, change_in_thread
from intarsia.widgets import Done, Widget

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer
    from starlette.applications import Starlette

    from intarsia.server.auth.authorization_server.accounts.settings import EmbeddedIssuer
    from intarsia.server.auth.resource_server.settings import ResourceServer
    from intarsia.server.mcp_server.on_mcpserver import ExistingServer

Lifespan = Callable[["Connector"], AbstractAsyncContextManager[object]]


class Connector:
    """An MCP server whose tools return widgets.

    Args:
        name: What people read, such as "Team tasks".
        instructions: What a model should know before it calls the tools.
        store: The SQLite file for idempotency keys, drafts and your own tables; by default a file in the person's
            state folder.
        tables: Your own tables (SQLAlchemy `MetaData`), made when they are missing and written by `change()`.
        lifespan: Takes the connector and returns an async context manager, as in Starlette. It is entered before the
            first call, when the store is open, and left after the last; for example to fill a new database.
        server: A server that you have already, to which the tools are added; it stays yours, in every way that you
            run it. For one of FastMCP see `intarsia.attach`.
        scopes: Scopes that only mark data in widgets, so that no tool and no tile names them: people can grant them,
            and who is local has them.
        scope_descriptions: What scopes mean to people who are asked for them on the connector's own consent page, such
            as `{"tasks:write": "Move and edit cards"}`; without it, a scope is read as plainly as its name allows.

    Raises:
        SettingError: The name holds no letter from a to z and no digit, the store is no path of a file, `lifespan`
            does not take the connector, or the server is no `MCPServer` or has a connector already.
    """

    def __init__(
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
        """Make a function that returns a widget into a tool. The function only reads.

        An `async def` function runs in the event loop and must not block it; a `def` function runs in a thread.

        Args:
            function: The function, when the decorator stands without parentheses.
            title: What people read; made from the function's name if left out.
            scopes: What a caller must have granted: all of them. An empty set opens it to everybody; left out, it is
                refused wherever people sign in.
            roles: What a caller must be: one of them, if there are any.
            allow: A rule of the tool's own, asked with the Grant and the arguments: `True` allows, `False` or a reason
                for people refuses. It may be `async`.
            refresh_seconds: How often an open View reads it again, at least 3.
            topics: What it reads, such as `"project:{project}"` with the tool's arguments in places: open Views read
                it again as soon as one of these changes.

        Raises:
            ToolError: The function cannot be a tool, its name is taken, or an option is unknown or malformed.
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
        """Make a function that changes something into a tool, which widgets offer.

        A widget takes the action itself, or `functools.partial(action, name=value)`. An `async def` function runs in
        the event loop and must not block it; a `def` function runs in a thread.

        Args:
            function: The function, when the decorator stands without parentheses.
            title: What people read; made from the function's name if left out.
            scopes: What a caller must have granted: all of them. An empty set opens it to everybody; left out, it is
                refused wherever people sign in.
            roles: What a caller must be: one of them, if there are any.
            allow: A rule of the tool's own, asked with the Grant and the arguments: `True` allows, `False` or a reason
                for people refuses. It may be `async`.
            destructive: Whether what it changes cannot be brought back; hosts are told so. It is then for people alone,
                and the View asks before it is done.
            confirm: What is asked, with places for arguments, such as "Delete {card}?".
            visibility: Who may call it: `"model"`, `"app"` (the View, for people) or both. A destructive action that
                is opened to the model without `confirm` is left to the host's approval.
            idempotent: Whether doing it again with the same arguments changes nothing more; hosts are told so.
            open_world: Whether it reaches beyond this server, to other services or people; hosts are told so.
            changes: The topics that it changes, with the action's arguments in places.

        Raises:
            ToolError: The function cannot be a tool, its name is taken, or an option is unknown or malformed.
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
        """Make a function that reads one tile of a dashboard. Tiles are read side by side and fail alone.

        An `async def` function runs in the event loop and must not block it; a `def` function runs in a thread, which
        gives its place to others after `timeout_seconds`.

        Args:
            function: The function, when the decorator stands without parentheses.
            title: What people read; made from the function's name if left out.
            refresh_seconds: How often an open View reads it again, at least 3.
            timeout_seconds: After how long it counts as failed.
            width: How many places of the dashboard's grid it takes.
            scopes: What a person must have granted to see it. For others it is not read, and a note stands there.
            topics: What it reads, with the tile's arguments in places: when one of these changes, open Views read
                this tile again, and no other.

        Raises:
            ToolError: The function cannot be a tile, or an option is unknown or malformed.
        """
        check_options("tile", options)

        def decorate(decorated: Callable[..., Any]) -> Any:
            made: TileFunction[...] = TileFunction(decorated, **options)
            self.catalog.tiles.append(made)
            return made

        return decorate(function) if function else decorate

    def include(self, other: "Connector") -> None:
        """Offer another connector's tools too, with its instructions. They keep their own store.

        Raises:
            ToolError: Both have a tool of the same name.
        """
        if self._existing:
            for name in other.tools:
                self._existing.check_free(name)
        self.catalog.include(other.catalog)
        if self._existing:
            self._existing.update()
            self._existing.add_instructions(other.catalog.instructions)

    def change(self) -> ConnectionContext:
        """Begin a change of your tables: all of it is committed at the end of the block, or nothing if it raises.

        `async with` gives an `AsyncConnection` in an `async def` function, `with` a `Connection` in a `def` function.

        Inside an action, its idempotency key is written in the same transaction, so that an action that is sent twice
        is applied once. The commit is finished even if the caller goes away. Make one change in an action: if it fails
        after the first of two, its retry is told that it was done.

        Raises:
            StoreError: The connector does not run, a change is open here, or `with` stands in an `async def` function.
        """
        store = self.catalog.store
        return ConnectionContext(partial(change, store), partial(change_in_thread, store))

    def changed(self, *topics: str) -> None:
        """Say that something changed which did not change by an action; open Views that show it read it again.

        Any thread of this process may call it. It returns at once.

        Args:
            topics: As widgets and tiles name them, such as `"project:apollo"`.
        """
        CHANGE_LOG.publish(frozenset(topics))

    def read(self) -> ConnectionContext:
        """Give a connection that sees one moment of your tables and cannot write, by `async with` or `with`."""
        store = self.catalog.store
        return ConnectionContext(store.read, store.read_in_thread)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Connector"]:
        """Open the store and enter `lifespan`, for this connector and those it includes.

        Whoever runs it while it runs already shares it: it ends with the last of them.

        Raises:
            StoreError: The store cannot be opened, or it runs in another event loop of this process.
        """
        async with self.catalog.running():
            yield self

    @property
    def name(self) -> str:
        """What people read."""
        return self.catalog.name

    @property
    def tools(self) -> Mapping[str, Tool]:
        """The tools by name, those of included connectors too."""
        return self.catalog.tools

    @property
    def scopes(self) -> frozenset[str]:
        """Every scope that a tool of this connector asks for, or that its data are marked with."""
        return self.catalog.scopes

    @property
    def store(self) -> Store:
        """Where everything is kept."""
        return self.catalog.store

    @property
    def audit(self) -> AuditLog:
        """Where it is written down who did what."""
        return self.catalog.audit

    @property
    def switches(self) -> Switches:
        """What an admin turned on and off."""
        return self.catalog.switches

    @property
    def local(self) -> Grant:
        """Who calls where nobody signs in: one person with every scope and every role."""
        return self.catalog.local

    @property
    def calls(self) -> CallHandler:
        """What answers calls, without any protocol."""
        return CallHandler(self.catalog)

    def app(
        self,
        *,
        auth: "ResourceServer | EmbeddedIssuer | None" = None,
        hosts: "tuple[str, ...] | None" = None,
        origins: "tuple[str, ...] | None" = None,
    ) -> "Starlette":
        """Return the ASGI application that serves this connector at `/mcp`.

        Args:
            auth: Whose access tokens are taken, or, with an `EmbeddedIssuer`, where people sign in at the connector
                itself; then every request needs a token. Without it nobody signs in, and whoever reaches the server
                is `local`.
            hosts: Host names that requests may name, without port; by default this machine's own, and with `auth`
                that of the public address.
            origins: Origins that browsers may call from; by default pages of those hosts.
        """
        from intarsia.server.http.app import build_app  # noqa: PLC0415  # loading the protocol takes a second

        server = self._existing.server if self._existing else None
        return build_app(self.catalog, server=server, auth=auth, hosts=hosts, origins=origins)

    def mount_on(
        self,
        app: "Starlette",
        path: str,
        *,
        auth: "ResourceServer | EmbeddedIssuer | None" = None,
        hosts: "tuple[str, ...] | None" = None,
        origins: "tuple[str, ...] | None" = None,
    ) -> None:
        """Serve this connector at a path of an application of FastAPI or Starlette, and start and end with it.

        Args:
            app: The application, which has not started. Clients find metadata of `auth` at its root.
            path: Where, such as `/tasks`: then the server is at `/tasks/mcp`.
            auth: As for `Connector.app`, with this path in its address; `hosts` and `origins` likewise.

        Raises:
            SettingError: The path is malformed or in use, `app` has started, or the address of `auth` leads elsewhere.
        """
        from intarsia.server.http.mount import mount_on  # noqa: PLC0415  # loading the protocol takes a second

        mount_on(self.catalog, app, path, auth=auth, hosts=hosts, origins=origins)

    def _add(self, tool: Tool) -> Tool:
        if self._existing:
            self._existing.check_free(tool.name)
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
