"""Every guard against exhaustion is taken away once, and its test goes red."""

from tests.security.mutation import Guard, Mutants, Mutation, each_guard

CONNECTIONS, BODIES = "intarsia/host/connection_limits.py", "intarsia/server/http/body_limits.py"
QUEUE, CALLS = "intarsia/server/http/fair_queue.py", "intarsia/server/http/call_limits.py"
APP, ARGUMENTS = "intarsia/server/http/app.py", "intarsia/server/tools/arguments.py"
LOG = "intarsia/server/wire/counted_log.py"
TOKEN_FIRST = "        outer.append(protected_resource.middleware)\n"
# The body is read twice then, of which the first time is too early.
BODY_FIRST = "        outer += [Middleware(BodyLimits), protected_resource.middleware]\n"
TESTS = "tests/security/test_exhaustion.py"
QUEUE_TESTS, CALL_TESTS = "tests/server/test_fair_queue.py", "tests/server/test_call_limits.py"

GUARDS: dict[str, tuple[str, list[Mutation]]] = {
    "t75 one request at a time": (
        f"{TESTS} -k who_pipelines",
        [Mutation(CONNECTIONS, "if not self._is_answered() or self.flow.write_paused:", "if False:")],
    ),
    "t75 no request beside an unread response": (
        f"{TESTS} -k before_reading",
        [Mutation(CONNECTIONS, "if not self._is_answered() or self.flow.write_paused:", "if not self._is_answered():")],
    ),
    "t75 readers": (
        f"{TESTS} -k never_reads",
        [Mutation(CONNECTIONS, "if before - unsent < MIN_READ_BYTES:", "if False:")],
    ),
    "t75 what waits for readers": (
        f"{TESTS} -k all_slow_readers",
        [Mutation(CONNECTIONS, "while self._unsent_bytes > MAX_UNSENT_BYTES:", "while False:")],
    ),
    "t75 the rest of a refused body": (
        f"{TESTS} -k refused_and_closed",
        [Mutation(CONNECTIONS, "if not self._is_body_complete and not self.transport.is_closing():", "if False:")],
    ),
    "t75 what was received of it": (
        f"{TESTS} -k let_go",
        [Mutation(CONNECTIONS, "        self.cycle.body = bytearray()\n", "")],
    ),
    "t75 idle connections": (
        f"{TESTS} -k makes_room",
        [Mutation(CONNECTIONS, "if len(self._idle[connection.network]) > MAX_IDLE_PER_NETWORK:", "if False:")],
    ),
    "t75 only idle ones": (
        f"{TESTS} -k closed_for_room",
        [Mutation(CONNECTIONS, "            self._table.mark_busy(self)\n", "")],
    ),
    "t71 bodies of one sender": (
        f"{TESTS} -k by_network",
        [Mutation(BODIES, "if self._open[sender] >= most:", "if False:")],
    ),
    "t71 bytes of all bodies": (
        f"{TESTS} -k unfinished_bodies",
        [Mutation(BODIES, "if self._bytes + count > MAX_TOTAL_BYTES:", "if False:")],
    ),
    "t75 the token before the body": (f"{TESTS} -k learns_nothing", [Mutation(APP, TOKEN_FIRST, BODY_FIRST)]),
    "t70 searches for near misses": (
        f"{TESTS} -k three_searches",
        [Mutation("intarsia/server/tools/argument_errors.py", "for name in first)", "for name in names)")],
    ),
    "t70 large lists": (
        f"{TESTS} -k three_searches",
        [Mutation(ARGUMENTS, "if count > MAX_VALUES:", "if False:")],
    ),
    "t70 persons take turns": (
        f"{QUEUE_TESTS} -k take_turns",
        [Mutation(QUEUE, "            lines.move_to_end(lane)\n", "")],
    ),
    "t70 calls of one person at once": (
        f"{CALL_TESTS} -k another_person",
        [Mutation(QUEUE, "and self._running[lane] < most", "")],
    ),
    "t70 waiting calls of one person": (
        f"{CALL_TESTS} -k refused_as_busy",
        [Mutation(QUEUE, "if own >= most or self.waiting >= self._limits.max_waiting_calls:", "if False:")],
    ),
    "t76 polls of one person": (
        f"{CALL_TESTS} -k open_views",
        [Mutation(CALLS, "if self._polls[lane.person] >= most or", "if")],
    ),
    "t70 lines of the log": (
        f"{CALL_TESTS} -k one_line",
        [
            Mutation(
                LOG,
                "if written_at is not None and now - written_at < SECONDS:",
                "if False:",
            )
        ],
    ),
}


@each_guard(GUARDS)
async def test_the_guards_bite(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
