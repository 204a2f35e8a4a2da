"""Streams of `subscriptions/listen` (MCP 2026-07-28): change notifications for resources that the user may read.

Clients of earlier protocol versions get no such stream; the server's capabilities say so.
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
"""The maximum number of resources of one stream."""

MAX_PER_USER = 20
"""The maximum number of open streams of one user, so that no user takes all of `MAX_STREAMS`."""

MAX_STREAMS = 10_000

FOREVER_SECONDS = 365 * 24 * 3600.0


class Offer(Protocol):
    """Access checks for resources."""

    def may_read(self, uri: str, grant: Grant) -> bool:
        """Return whether a user may currently read a resource."""
        ...


class TopicBus:
    """Adapts the change log to the SDK's `SubscriptionBus`.

    A topic that is the URI of a resource becomes "resource updated"; the topic of the switches becomes "tool list
    changed" and "resource list changed".

    Args:
        changes: The change log.
        is_open: Called for each event; the event is dropped if it returns false.
    """

    def __init__(self, changes: ChangeLog = CHANGE_LOG, is_open: Callable[[], bool] = lambda: True) -> None:
        self._changes = changes
        self._is_open = is_open

    async def publish(self, event: ServerEvent) -> None:
        """Publish an event to the change log."""
        self._changes.publish(frozenset({event.uri if isinstance(event, ResourceUpdated) else SWITCHED}))

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Add a listener, which is called in the current event loop, from whichever thread a change is published."""
        loop = asyncio.get_running_loop()

        def tell(topics: frozenset[str]) -> None:
            for event in events_of(topics):
                if self._is_open():
                    listener(event)

        def hear(topics: frozenset[str]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(tell, topics)

        return self._changes.subscribe(hear)


def events_of(topics: frozenset[str]) -> list[ServerEvent]:
    """Return the events to send to clients for a change of topics."""
    lists: list[ServerEvent] = [ToolsListChanged(), ResourcesListChanged()] if SWITCHED in topics else []
    return [*lists, *(ResourceUpdated(topic) for topic in sorted(topics) if "://" in topic)]


class Subscriptions:
    """Handles `subscriptions/listen` for one server.

    Args:
        offer: Checks access to resources.
        caller: Returns the caller of the current request, and whether they signed in.
    """

    def __init__(self, offer: Offer, caller: Callable[[], tuple[Grant, bool]]) -> None:
        self._offer = offer
        self._caller = caller
        self._open: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """The number of open streams."""
        return self._open.total()

    async def listen(
        self, request: ServerRequestContext[Any, Any], params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Serve one stream until the client disconnects, the user's access changes, or the server stops.

        Raises:
            MCPError: The request names too many resources, or the user has too many open streams.
        """
        grant, signed_in = self._caller()
        asked = params.notifications
        addresses = [str(uri) for uri in asked.resource_subscriptions or ()]
        if len(addresses) > MAX_ADDRESSES:
            raise MCPError(INVALID_PARAMS, f"A stream may subscribe to at most {MAX_ADDRESSES} resources.")
        # Without sign-in all clients share the local user, so the limit of one user does not apply.
        most = MAX_PER_USER if signed_in else MAX_STREAMS
        if self._open[grant.person] >= most or self.count >= MAX_STREAMS:
            raise MCPError(INVALID_REQUEST, f"There are {most} open streams, the maximum; close one of them.")
        self._open[grant.person] += 1
        try:
            # Unknown and forbidden resources are both dropped, so that a client cannot probe which ones exist.
            readable = frozenset(uri for uri in addresses if self._offer.may_read(uri, grant))
            granted = SubscriptionFilter(
                tools_list_changed=asked.tools_list_changed,
                resources_list_changed=asked.resources_list_changed,
                resource_subscriptions=sorted(readable) or None,
            )
            return await self._serve(request, params.model_copy(update={"notifications": granted}), readable, grant)
        finally:
            self._open[grant.person] -= 1
            self._open += Counter()  # removes users without streams

    async def _serve(
        self,
        request: ServerRequestContext[Any, Any],
        params: SubscriptionsListenRequestParams,
        readable: frozenset[str],
        grant: Grant,
    ) -> SubscriptionsListenResult:
        ended = False

        def is_open() -> bool:
            nonlocal ended
            # Losing access to a resource ends the stream before a further event is sent.
            if not ended and not all(self._offer.may_read(uri, grant) for uri in readable):
                ended = True
                handler.close()
            return not ended

        handler = ListenHandler(TopicBus(is_open=is_open), max_subscriptions=1)
        ending = asyncio.create_task(_end(handler))
        try:
            return await handler(request, params)
        finally:
            ended = True
            ending.cancel()


async def _end(handler: ListenHandler) -> None:
    """Close a stream when its user's access changes or the server stops."""
    access = ACCESS_WATCH.get()
    other = asyncio.create_task(access.changed()) if access else None
    try:
        await CHANGE_LOG.wait(frozenset(), 0, FOREVER_SECONDS, other)
    finally:
        if other:
            other.cancel()
    handler.close()
