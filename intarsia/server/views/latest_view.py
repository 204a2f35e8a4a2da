"""Which View of a widget was opened last: older ones of the same person, tool and arguments go quiet.

An opening is a call of a widget tool that came from no View. It travels in the handle, so that nothing is kept for a
View; what is remembered here is the newest opening of a widget, for a while. What was forgotten, as after a restart,
supersedes nothing. The bus tells other processes, and wakes the calls that wait.
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
"""How many widgets are remembered with their newest opening."""

OPENED_AGAIN = "This widget was opened again since. Open the latest to go on here."

_TOPIC = "intarsia:opened:"
_KEY_BYTES, _MOMENT_BYTES = 16, 8


@dataclass(frozen=True)
class ViewOpening:
    """When which widget was opened."""

    key: bytes
    """Stands for the person, their client, the tool and its arguments."""
    moment: int
    is_new: bool = False
    """Whether it began with the call that is being answered."""

    @property
    def sealed(self) -> bytes:
        """What a handle carries of it."""
        return self.key + self.moment.to_bytes(_MOMENT_BYTES)

    @property
    def topic(self) -> str:
        """The name of what changes when the same widget is opened again."""
        return _TOPIC + self.key.hex()

    def wakes(self, topics: WatchedTopics) -> WatchedTopics:
        """Add to the topics of a View that the widget is opened again."""
        return replace(topics, whole=topics.whole | {self.topic})


UNKNOWN = ViewOpening(bytes(_KEY_BYTES), 0)
"""Of a View whose person is not known: where nobody signs in, everybody is the same to the connector."""


class LatestViews:
    """Remembers the newest opening of each widget.

    Args:
        changes: Tells other processes, and wakes who waits.
    """

    def __init__(self, changes: ChangeLog) -> None:
        self._changes = changes
        self._newest: OrderedDict[str, int] = OrderedDict()
        self._lock = Lock()
        self._end = changes.subscribe(self._hear, _TOPIC)

    def of_view(self, call: ToolCall) -> ViewOpening:
        """Return how the View was opened that makes a call; if it wants to be the newest, it is from now on."""
        opening = _opening(call.view.opening) if call.view else UNKNOWN
        return self._renew(opening) if call.arguments.get("take_over") is True else opening

    def of_reading(self, call: ToolCall, tool: str, arguments: Mapping[str, Any]) -> ViewOpening:
        """Return the opening that a reading of a widget belongs to, or begins. Call it before the widget is read."""
        if call.view:
            return _opening(call.view.opening)
        if ACCESS_WATCH.get() is None:
            return UNKNOWN
        named = f"{call.grant.person}\0{call.grant.client}\0{digest_of(tool, arguments)}"
        return self._renew(ViewOpening(sha256(named.encode()).digest()[:_KEY_BYTES], 0))

    def superseded(self, opening: ViewOpening) -> CallResponse | None:
        """Return what to answer to a View whose widget was opened again since; nothing if it is the newest known."""
        with self._lock:
            is_old = self._newest.get(opening.topic, 0) > opening.moment
        return problem_answer("superseded", OPENED_AGAIN) if is_old else None

    def close(self) -> None:
        """Hear of nothing more."""
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
            # A connector's own topics may look like anything.
            if opened.startswith(_TOPIC) and moment.isascii() and moment.isdecimal():
                self._note(opened, int(moment))

    def _note(self, opened: str, moment: int) -> None:
        with self._lock:
            self._newest[opened] = max(moment, self._newest.get(opened, 0))
            self._newest.move_to_end(opened)
            if len(self._newest) > MAX_OPENINGS:
                self._newest.popitem(last=False)


def _opening(sealed: bytes) -> ViewOpening:
    return ViewOpening(sealed[:_KEY_BYTES], int.from_bytes(sealed[_KEY_BYTES:]))


LATEST_VIEWS = LatestViews(CHANGE_LOG)
"""The openings of this process."""
