"""Tracks the latest View of each widget. Older Views with the same user, tool and arguments stop refreshing.

A call of a widget tool that does not come from a View is an opening. The signed handle contains the opening, so the
server stores nothing for each View. Only the newest openings are cached in memory; after an eviction or a restart, no
View counts as superseded. The change log notifies other processes, and ends the long polls of older Views.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from threading import Lock
from typing import Any

from intarsia.server.changes.access_watch import ACCESS_WATCH
from intarsia.server.changes.change_log import CHANGE_LOG, REVISIONS, ChangeLog
from intarsia.server.rendering.load import WatchedTopics
from intarsia.server.wire.messages import CallResponse, ToolCall, digest_of, problem_answer

MAX_OPENINGS = 10_000
"""The maximum number of widgets whose newest opening is cached."""

OPENED_AGAIN = "This widget was opened again since. Open the latest to go on here."

_TOPIC = "intarsia:opened:"
_KEY_BYTES, _MOMENT_BYTES = 16, 8


@dataclass(frozen=True)
class ViewOpening:
    """The widget that a View was opened with, and when."""

    key: bytes
    """A digest of the user, their client, the tool and its arguments."""
    moment: int
    is_new: bool = False
    """Whether the current call created the opening."""

    @property
    def sealed(self) -> bytes:
        """The opening as bytes, as a handle contains it."""
        return self.key + self.moment.to_bytes(_MOMENT_BYTES)

    @property
    def topic(self) -> str:
        """The topic that is published when the same widget is opened again."""
        return _TOPIC + self.key.hex()

    def wakes(self, topics: WatchedTopics) -> WatchedTopics:
        """Return the topics of a View extended by the topic of this opening."""
        return replace(topics, whole=topics.whole | {self.topic})


UNKNOWN = ViewOpening(bytes(_KEY_BYTES), 0)
"""The opening of a View without a known user: without sign-in, the connector cannot tell users apart."""


class LatestViews:
    """Caches the newest opening of each widget.

    Args:
        changes: Notifies other processes, and ends long polls.
    """

    def __init__(self, changes: ChangeLog) -> None:
        self._changes = changes
        self._newest: OrderedDict[str, int] = OrderedDict()
        self._lock = Lock()
        self._end = changes.subscribe(self._hear, _TOPIC)

    def of_view(self, call: ToolCall) -> ViewOpening:
        """Return the opening of the View that sent a call. With `take_over`, the View becomes the latest one."""
        opening = _opening(call.view.opening) if call.view else UNKNOWN
        return self._renew(opening) if call.arguments.get("take_over") is True else opening

    def of_reading(self, call: ToolCall, tool: str, arguments: Mapping[str, Any]) -> ViewOpening:
        """Return the opening that a call of a widget tool belongs to, or create one.

        Call it before the widget is read: openings are ordered by the begin of their calls.
        """
        if call.view:
            return _opening(call.view.opening)
        if ACCESS_WATCH.get() is None:
            return UNKNOWN
        named = f"{call.grant.person}\0{call.grant.client}\0{digest_of(tool, arguments)}"
        return self._renew(ViewOpening(sha256(named.encode()).digest()[:_KEY_BYTES], 0))

    def superseded(self, opening: ViewOpening) -> CallResponse | None:
        """Return the response to a View whose widget was opened again later, or `None` if no newer opening is known."""
        with self._lock:
            newest = self._newest.get(opening.topic, opening.moment)
        # A moment that is yet to come is of an earlier process, whose clock was ahead.
        is_old = newest != opening.moment and not newest < opening.moment <= REVISIONS.last
        return problem_answer("superseded", OPENED_AGAIN) if is_old else None

    def close(self) -> None:
        """Unsubscribe from the change log."""
        self._end()

    def _renew(self, opening: ViewOpening) -> ViewOpening:
        if opening.key == UNKNOWN.key:
            return opening
        newest = ViewOpening(opening.key, REVISIONS.next(), is_new=True)
        self._changes.publish(frozenset({newest.topic, f"{newest.topic}:{newest.moment}"}))
        return newest

    def _hear(self, topics: frozenset[str]) -> None:
        for topic in topics:
            opened, _, moment = topic.rpartition(":")
            # Authors choose their own topics freely, so a topic with this prefix need not end with a number.
            if opened.startswith(_TOPIC) and moment.isascii() and moment.isdecimal():
                self._note(opened, int(moment))

    def _note(self, opened: str, moment: int) -> None:
        # `max`: messages of other processes may arrive out of order.
        with self._lock:
            self._newest[opened] = max(moment, self._newest.get(opened, 0))
            self._newest.move_to_end(opened)
            if len(self._newest) > MAX_OPENINGS:
                self._newest.popitem(last=False)


def _opening(sealed: bytes) -> ViewOpening:
    return ViewOpening(sealed[:_KEY_BYTES], int.from_bytes(sealed[_KEY_BYTES:]))


LATEST_VIEWS = LatestViews(CHANGE_LOG)
"""The openings of this process."""
