"""The stages of a call: which source file belongs to which, in the layouts of old and new versions alike.

A moment of CPU belongs to the innermost frame whose file has a stage. Files without one pass it on to what called
them: a widget's class works for the author's function or for the markup, and a library for who uses it.
"""

from fnmatch import fnmatchcase
from functools import cache

LOAD = "load"
"""What drives the server; it is not the server's and is left out."""
LOOP = "event loop"
"""Where no frame has a stage: tasks and callbacks of asyncio."""
THREADS = "SQLite threads"
"""All CPU outside the main thread."""

STAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (LOAD, ("tool:*", "tree:benchmarks/playing_view.py")),
    ("author's function and widget objects", ("tree:benchmarks/subject.py", "tree:benchmarks/samples.py")),
    ("", (
        "errors.py", "widgets/*", "server/store.py", "server/sqlite.py", "server/lifetime.py", "server/storage/s*.py",
        "server/storage/engines.py", "server/storage/wait_budget.py",
        "server/storage/migrations/*", "server/storage/process_lock.py", "server/storage/tables.py",
        "server/connector.py", "server/catalog.py")),
    ("text form", ("ui_templates/*.md", "ui_templates/text*.py", "server/texts.py", "server/rendering/text_form.py")),
    ("markup", ("ui_templates/*",)),
    ("request limits and strict JSON", (
        "server/gate.py", "server/strict_json.py", "server/sound.py", "server/waits.py", "server/allow_list.py",
        "server/asgi.py", "server/http/*", "server/wire/strict_json.py", "server/mcp_server/request_checks.py",
        "server/mcp_server/view_polling.py")),
    ("access tokens", ("server/tokens/*", "server/auth/*")),
    ("SDK and its adapter", (
        "lib:mcp/*", "lib:mcp_types/*", "lib:starlette/*", "lib:sse_starlette/*", "server/adapter.py",
        "server/own_tools.py", "server/listening.py", "server/mcp_server/*")),
    ("permissions of controls, redaction", (
        "server/deciding.py", "server/withholding.py", "server/rendering/control_permissions.py",
        "server/rendering/redact.py")),
    ("arguments and access", (
        "permissions.py", "server/arguments.py", "server/tools.py", "server/access.py", "server/audience.py",
        "server/live/topics.py", "server/tools/*")),
    ("shared renders", (
        "server/live/sharing.py", "server/live/flights.py", "server/live/unfinished.py",
        "server/rendering/shared_renders.py", "server/rendering/shared_flight.py", "server/rendering/single_flight.py",
        "server/rendering/pending_renders.py")),
    ("reading the widget", ("server/reading.py", "server/showing.py", "server/drafts.py", "server/rendering/*",
                            "server/storage/drafts.py", "server/calls/reader.py")),
    ("differences and messages", ("server/parts.py", "server/wire.py", "server/wire/*")),
    ("idempotency and confirmations", (
        "server/once.py", "server/confirming.py", "server/calls/idempotency.py", "server/calls/confirmations.py",
        "server/views/idempotency.py", "server/views/results.py", "server/views/confirmations.py")),
    ("View handles", (
        "server/handles.py", "server/live/openings.py", "server/calls/view_handles.py",
        "server/calls/latest_view.py", "server/views/view_handles.py", "server/views/latest_view.py")),
    ("audit log", ("server/audit/*",)),
    ("switches and counts", ("server/switches/*", "server/counts.py", "server/storage/call_counts.py")),
    ("changes and waiting", (
        "server/live/*", "server/clock.py", "server/changes/*", "server/calls/long_poll.py")),
    ("handling of calls", ("server/calls.py", "server/calls/*")),
    ("other modules of the package", ("server/*", "__init__.py", "host/*", "testing/*", "cli/*")),
)  # fmt: skip
"""Name to patterns of files; the first that fits counts, and the stage without a name passes on.

A path without a prefix is in the package, `lib:` is a library's, `tree:` is beside the package in the tree that is
measured, and `tool:` is what measures.
"""

NAMES = (*(name for name, _ in STAGES if name), LOOP, THREADS)


@cache
def stage_of(file: str) -> str:
    """Return the stage of a file, named as `STAGES` names files; empty when it passes its time on."""
    return next((name for name, patterns in STAGES if any(fnmatchcase(file, each) for each in patterns)), "")


@cache
def name_file(path: str, package: str, tree: str, tools: str) -> str:
    """Name a source file as the table of stages does; a file that no pattern can fit keeps its path.

    Args:
        path: The file, as Python names it.
        package: The folder of the measured package, ending in a slash.
        tree: The folder of the measured tree, ending in a slash.
        tools: The folder of the tree that measures, ending in a slash.
    """
    if "/site-packages/" in path:
        return f"lib:{path.rpartition('/site-packages/')[2]}"
    if path.startswith(package):
        return path[len(package) :]
    if path == f"{tools}scripts/click_path.py":
        return "tool:scripts/click_path.py"
    return f"tree:{path[len(tree) :]}" if path.startswith(tree) else path
