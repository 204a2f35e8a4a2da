"""Shares one render among all users that would see the same.

A shared render is made for permissions and not for a user: it is made with a Grant without subject, client and claims,
and outside of every request, so it contains no user's data. Reads of a widget function that takes a Grant are never
shared. Where a draft or a rule depends on the user, the data are shared and the render is not (decision 0025).
"""

import asyncio
from collections.abc import Hashable, Mapping
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import inf
from typing import Any

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
from intarsia.server.rendering.text_form import text_answer
from intarsia.server.rendering.windows import WHOLE_LISTS, smaller
from intarsia.server.storage.store import Store
from intarsia.ui_templates import Rendering, render_widget
from intarsia.ui_templates.render import RenderingTooLargeError
from intarsia.widgets.windows import Window, Windows

MAX_CHARACTERS = 1_000_000
"""How long the items of all lists of a rendering may be. Longer ones would hold up other calls, and are not sent."""

SHARE = 0.2
"""The share of the items that is rendered when they are longer."""

MAX_DRAWN = 8
"""The maximum number of renderings of one read with different windows that are shared."""

ITEM_BYTES = 500
"""The approximate size of an item of a long list in memory."""


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
        windows: The windows of its lists. They are not part of the key: the data are the same for all windows.
    """

    tool: AnyWidgetTool
    checked: BaseModel
    digest: str
    grant: Grant
    store: Store
    rights: Rights
    waits: bool
    windows: Windows = field(default_factory=dict[str, Window])

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
    data: LoadedData
    """What it was rendered from: the whole widget, redacted for the user's scopes."""
    windows: Windows
    """The windows that it was rendered with."""
    common: "_Common | None" = None
    """The read that it belongs to, if it is the same for all users with the same permissions."""


@dataclass(frozen=True)
class _Common:
    """The result of a read for all users with the same permissions."""

    data: LoadedData
    topics: WatchedTopics
    is_shared: bool
    """Whether it is rendered the same for all of them, too."""
    drawn: dict[Hashable, SharedRender] = field(default_factory=dict[Hashable, SharedRender])
    """The renderings by their windows."""

    @property
    def size(self) -> int:
        """The approximate size of the markup and the data in bytes."""
        markup = sum(_size_of(each.rendering) for each in self.drawn.values())
        return markup + ITEM_BYTES * self.data.sizes.items


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
        return await self._drawn(common, asked)

    async def redraw(self, drawn: SharedRender, asked: RenderRequest) -> SharedRender:
        """Render what was read before with other windows.

        Args:
            drawn: The rendering of the read, made for the same user.
            asked: The widget, with the windows.
        """
        if drawn.common:
            return await self._drawn(drawn.common, asked)
        return await _draw(drawn.data, asked, ControlAuthorizer(asked.grant, asked.rights))

    async def text(self, drawn: SharedRender, asked: RenderRequest, arguments: Mapping[str, Any], page: int) -> str:
        """Return a page of the text form of what was read.

        Args:
            drawn: The rendering of the read, made for the same user.
            asked: The widget, and the user.
            arguments: The arguments of the call, without defaults.
            page: The number of the page, from 1.
        """
        decider = ControlAuthorizer(asked.grant, asked.rights)

        async def finished(windows: Windows) -> Reading:
            if windows is WHOLE_LISTS and drawn.reading.is_whole:
                return drawn.reading
            return await finish(drawn.data, asked.tool, asked.store, decider, windows)

        return await text_answer(drawn.data, asked.tool.name, arguments, page, finished)

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

    async def _drawn(self, common: _Common, asked: RenderRequest) -> SharedRender:
        if common.is_shared and self._outside is not None:
            if drawn := common.drawn.get(_key(asked.windows)):
                return drawn
            drawing = asyncio.create_task(_draw_shared(common, asked), context=self._outside.copy())
            with suppress(IdentityRequiredError):  # an item of this window, and of no other, depends on the user
                return await drawing
        return await _draw(common.data, asked, ControlAuthorizer(asked.grant, asked.rights))

    def _shares(self, asked: RenderRequest) -> Context | None:
        """Return the context of a shared read, or `None` if the read depends on the user."""
        return None if self._is_apart or asked.tool.knows_person else self._outside


async def _read(asked: RenderRequest, tiles: frozenset[str] | None, revision: int) -> _Common:
    """Read for all users with the same permissions. The Grant has no user, so the result cannot contain their data."""
    data = await read_data(asked.tool, asked.checked, asked.permissions, revision, tiles)
    topics = topics_shown(asked.tool, asked.checked, data.tile_topics)
    common = _Common(data, topics, is_shared=True)
    try:
        await _draw_shared(common, asked)
    except IdentityRequiredError:
        return _Common(data, topics, is_shared=False)
    return common


async def _draw_shared(common: _Common, asked: RenderRequest) -> SharedRender:
    drawn = await _draw(common.data, asked, SharedControlAuthorizer(asked.permissions, asked.rights), common)
    if len(common.drawn) < MAX_DRAWN:
        common.drawn[_key(asked.windows)] = drawn
    return drawn


async def _draw(
    data: LoadedData, asked: RenderRequest, decider: ControlAuthorizer, common: _Common | None = None
) -> SharedRender:
    reading = await finish(data, asked.tool, asked.store, decider, asked.windows)
    while (rendering := _rendered(reading, asked, MAX_CHARACTERS)) is None:
        await asyncio.sleep(0)  # other calls go on between the attempts
        fewer = smaller(reading.lists, None, SHARE)
        if fewer is None:
            rendering = _rendered(reading, asked, inf)
            break
        reading = await finish(data, asked.tool, asked.store, decider, fewer)
    assert rendering is not None  # noqa: S101 # without a limit there is always one
    if not reading.is_whole:
        rendering.check_places([each.place for each in reading.lists if not each.is_whole])
    return SharedRender(reading, rendering, data, asked.windows, common)


def _rendered(reading: Reading, asked: RenderRequest, most: float) -> Rendering | None:
    """Return the rendering, or `None` if the items of its lists are longer than `most`."""
    # Where access can be revoked, every open View polls, so that its widget disappears.
    waits = reading.has_topics or asked.waits
    try:
        return render_widget(reading.widget, asked.tool.refresh_seconds, waits=waits, max_characters=most)
    except RenderingTooLargeError:
        return None


def _key(windows: Windows) -> Hashable:
    return frozenset(windows.items())


def _size_of(rendering: Rendering) -> int:
    items = [part for each in rendering.lists.values() for part in each.items.values()]
    return sum(len(part.html) for part in (rendering.frame, *rendering.parts.values(), *items))
