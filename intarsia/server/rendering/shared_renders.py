"""Shares one render among all users that would see the same.

A shared render is made for permissions and not for a user: it is made with a Grant without subject, client and claims,
and outside of every request, so it contains no user's data. Reads of a widget function that takes a Grant are never
shared. Where a draft or a rule depends on the user, the data are shared and the render is not (decision 0025).
"""

from collections.abc import Hashable
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import cached_property, partial

from pydantic import BaseModel

from intarsia.permissions import Grant
from intarsia.server.changes.change_log import REVISIONS
from intarsia.server.rendering.control_permissions import (
    ControlAuthorizer,
    IdentityRequiredError,
    Rights,
    SharedControlAuthorizer,
)
from intarsia.server.rendering.load import (
    AnyWidgetTool,
    LoadedData,
    Reading,
    WatchedTopics,
    finish,
    read_data,
    topics_of,
    topics_shown,
)
from intarsia.server.rendering.shared_flight import PendingRenders, SharedFlights
from intarsia.server.storage.store import Store
from intarsia.ui_templates import Rendering, render_widget


@dataclass(frozen=True)
class RenderRequest:
    """A widget to render, and the user to render it for.

    Args:
        tool: The widget tool.
        checked: Its arguments.
        digest: The digest of the tool and of the arguments as they were sent. Equal digests mean equal checked
            arguments; the reverse need not be true.
        grant: The permissions of the user that sees it.
        store: The store of drafts.
        rights: What decisions are based on.
        waits: Whether an open View waits for changes of access, too.
    """

    tool: AnyWidgetTool
    checked: BaseModel
    digest: str
    grant: Grant
    store: Store
    rights: Rights
    waits: bool

    @cached_property
    def key(self) -> Hashable:
        """Requests with the same key have the same render, unless it depends on the user."""
        grant, positions = self.grant, self.rights.positions
        permissions = grant.issuer, grant.scopes, grant.roles, positions.key
        return self.digest, permissions, self.waits

    @cached_property
    def permissions(self) -> Grant:
        """The permissions without the user."""
        return Grant("", scopes=self.grant.scopes, roles=self.grant.roles, issuer=self.grant.issuer)


@dataclass(frozen=True)
class SharedRender:
    """A widget as one user sees it."""

    reading: Reading
    rendering: Rendering


@dataclass(frozen=True)
class _Common:
    """The result of a read for all users with the same permissions."""

    data: LoadedData
    topics: WatchedTopics
    drawn: SharedRender | None
    """`None` if it depends on the user."""

    @property
    def size(self) -> int:
        """The size of the markup in bytes."""
        if self.drawn is None:
            return 0
        rendering = self.drawn.rendering
        items = [part for each in rendering.lists.values() for part in each.items.values()]
        return sum(len(part.html) for part in (rendering.frame, *rendering.parts.values(), *items))


class SharedRenders:
    """Reads widgets for one connector."""

    def __init__(self) -> None:
        self._flights: SharedFlights[_Common] = SharedFlights(lambda common: common.size)
        self._topics: SharedFlights[WatchedTopics] = SharedFlights(lambda _topics: 0)
        self.unfinished: PendingRenders[SharedRender] = PendingRenders()
        self._outside: Context | None = None
        self._is_apart = False

    def begin(self) -> None:
        """Enable sharing. Shared reads run with the context variables of this call, outside of any request."""
        self._outside = copy_context()

    def keep_apart(self) -> None:
        """Disable sharing. On an existing server, functions may get the user from that server's own context."""
        self._is_apart = True

    async def read(
        self, asked: RenderRequest, after: int | None = None, tiles: frozenset[str] | None = None
    ) -> SharedRender:
        """Read and render a widget.

        Args:
            asked: The widget, and the user.
            after: The read must be newer than this revision; by default it starts now.
            tiles: The only tiles that must be read, or `None` for all.

        Raises:
            RefusedError: The function refused.
        """
        context = self._shares(asked)
        if context is None:
            data = await read_data(asked.tool, asked.checked, asked.grant, REVISIONS.next(), tiles)
            return await _draw(data, asked, ControlAuthorizer(asked.grant, asked.rights))
        newer_than = REVISIONS.next() if after is None else after
        common = await self._flights.read(asked.key, newer_than, tiles, partial(_read, asked, tiles), context)
        return common.drawn or await _draw(common.data, asked, ControlAuthorizer(asked.grant, asked.rights))

    async def topics(self, asked: RenderRequest, shown: int) -> WatchedTopics:
        """Return the topics that a View reads.

        Args:
            asked: The widget, and the user.
            shown: The revision that the View shows. The topics are those of this revision or of a later one.
        """
        context = self._shares(asked)
        if context is None:
            return await topics_of(asked.tool, asked.checked, asked.grant)
        if common := self._flights.latest(asked.key, shown):
            return common.topics

        async def find(_revision: int) -> WatchedTopics:
            return await topics_of(asked.tool, asked.checked, asked.permissions)

        return await self._topics.read(asked.key, shown, None, find, context)

    def _shares(self, asked: RenderRequest) -> Context | None:
        """Return the context of a shared read, or `None` if the read depends on the user."""
        return None if self._is_apart or asked.tool.knows_person else self._outside


async def _read(asked: RenderRequest, tiles: frozenset[str] | None, revision: int) -> _Common:
    """Read for all users with the same permissions. The Grant has no user, so the result cannot contain their data."""
    data = await read_data(asked.tool, asked.checked, asked.permissions, revision, tiles)
    topics = topics_shown(asked.tool, asked.checked, data.tile_topics)
    try:
        drawn = await _draw(data, asked, SharedControlAuthorizer(asked.permissions, asked.rights))
    except IdentityRequiredError:
        drawn = None
    return _Common(data, topics, drawn)


async def _draw(data: LoadedData, asked: RenderRequest, decider: ControlAuthorizer) -> SharedRender:
    reading = await finish(data, asked.tool, asked.store, decider)
    # Where access can be revoked, every open View polls, so that its widget disappears.
    waits = reading.has_topics or asked.waits
    return SharedRender(reading, render_widget(reading.widget, asked.tool.refresh_seconds, waits=waits))
