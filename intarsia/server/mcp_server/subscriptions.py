"""Streams of `subscriptions/listen`: clients of 2026-07-28 hear what changed, and only what they may read.

Clients of the earlier era have no such stream here, and are told so: nothing is pushed to them.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import ListenHandler, ResourcesListChanged, ResourceUpdated, ServerEvent, ToolsListChanged
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    SubscriptionFilter,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
)

from intarsia.permissions import Grant
from intarsia.server.changes.access_watch import ACCESS_WATCH
from intarsia.server.changes.change_log import CHANGE_LOG, ChangeLog
from intarsia.server.switches.positions import SWITCHED

MAX_ADDRESSES = 100
"""How many resources one stream may name."""

MAX_PER_USER = 20
"""How many streams one person may have open at once; others are let in all the same."""

MAX_STREAMS = 10_000

FOREVER_SECONDS = 365 * 24 * 3600.0


class Offer(Protocol):
    """What a stream may tell of."""

    def may_read(self, uri: str, grant: Grant) -> bool:
        """Say whether somebody can read a resource now."""
        ...


class TopicBus:
    """The change bus as the SDK's `SubscriptionBus`.

    A topic that is the address of a resource says that the resource was updated; the topic of the switches says that
    the lists of tools and of resources changed.

    Args:
        changes: Where changes are told.
        is_told: Says whether its listeners still hear anything; asked for each event as it comes.
    """

    def __init__(self, changes: ChangeLog = CHANGE_LOG, is_told: Callable[[], bool] = lambda: True) -> None:
        self._changes = changes
        self._is_told = is_told

    async def publish(self, event: ServerEvent) -> None:
        """Tell everybody on the change bus."""
        self._changes.publish(frozenset({event.uri if isinstance(event, ResourceUpdated) else SWITCHED}))

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Tell a listener in its own event loop, whichever thread a change comes from."""
        loop = asyncio.get_running_loop()

        def tell(topics: frozenset[str]) -> None:
            for event in events_of(topics):
                if self._is_told():
                    listener(event)

        def hear(topics: frozenset[str]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(tell, topics)

        return self._changes.subscribe(hear)


def events_of(topics: frozenset[str]) -> list[ServerEvent]:
    """Return what a client is told of when topics change."""
    lists: list[ServerEvent] = [ToolsListChanged(), ResourcesListChanged()] if SWITCHED in topics else []
    return [*lists, *(ResourceUpdated(topic) for topic in sorted(topics) if "://" in topic)]


class Subscriptions:
    """Answers `subscriptions/listen` of one server.

    Args:
        offer: What may be listened to.
        caller: Returns who makes the request that is being answered, and whether they signed in.
    """

    def __init__(self, offer: Offer, caller: Callable[[], tuple[Grant, bool]]) -> None:
        self._offer = offer
        self._caller = caller
        self._open: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many streams are open."""
        return self._open.total()

    async def listen(
        self, request: ServerRequestContext[Any, Any], params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Keep one stream open until its client goes, its access changes, or the server stops.

        Raises:
            MCPError: It names too many resources, or the person has too many streams open.
        """
        grant, signed_in = self._caller()
        asked = params.notifications
        addresses = [str(uri) for uri in asked.resource_subscriptions or ()]
        if len(addresses) > MAX_ADDRESSES:
            raise MCPError(INVALID_PARAMS, f"One stream may name {MAX_ADDRESSES} resources.")
        # Where nobody signs in there is one person, who is everybody.
        most = MAX_PER_USER if signed_in else MAX_STREAMS
        if self._open[grant.person] >= most or self.count >= MAX_STREAMS:
            raise MCPError(INVALID_REQUEST, f"You have {most} streams open; close one of them.")
        self._open[grant.person] += 1
        try:
            # What is unknown and what is another's is left out alike.
            readable = frozenset(uri for uri in addresses if self._offer.may_read(uri, grant))
            granted = SubscriptionFilter(
                tools_list_changed=asked.tools_list_changed,
                resources_list_changed=asked.resources_list_changed,
                resource_subscriptions=sorted(readable) or None,
            )
            return await self._serve(request, params.model_copy(update={"notifications": granted}), readable, grant)
        finally:
            self._open[grant.person] -= 1
            self._open += Counter()  # forgets who has none

    async def _serve(
        self,
        request: ServerRequestContext[Any, Any],
        params: SubscriptionsListenRequestParams,
        readable: frozenset[str],
        grant: Grant,
    ) -> SubscriptionsListenResult:
        ended = False

        def is_told() -> bool:
            nonlocal ended
            # What is no longer to be read ends the stream before anything more is told on it.
            if not ended and not all(self._offer.may_read(uri, grant) for uri in readable):
                ended = True
                handler.close()
            return not ended

        handler = ListenHandler(TopicBus(is_told=is_told), max_subscriptions=1)
        ending = asyncio.create_task(_end(handler))
        try:
            return await handler(request, params)
        finally:
            ended = True
            ending.cancel()


async def _end(handler: ListenHandler) -> None:
    """End a stream when its caller's access changes, or the server stops."""
    access = ACCESS_WATCH.get()
    other = asyncio.create_task(access.changed()) if access else None
    try:
        await CHANGE_LOG.wait(frozenset(), 0, FOREVER_SECONDS, other)
    finally:
        if other:
            other.cancel()
    handler.close()
