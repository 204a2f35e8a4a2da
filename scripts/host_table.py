"""Writes `docs/host-capabilities.md` from `docs/host-capabilities.json`: `python -m scripts.host_table`."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NotRequired, TypedDict

from scripts.bundle import ROOT

FACTS = ROOT / "docs" / "host-capabilities.json"
PAGE = ROOT / "docs" / "host-capabilities.md"


class Host(TypedDict):
    """What is known of one host."""

    label: str
    source: Literal["measured", "documented", "assumed"]
    seen: str
    widgets: bool
    """Whether it renders MCP Apps; the fields below are there only if so."""
    capabilities: NotRequired[Mapping[str, list[str]]]
    """Its host capabilities, with the forms of content that it names."""
    tool_info: NotRequired[bool]
    """Whether it says which tool a widget is of."""
    display_modes: NotRequired[list[str]]
    opens_in: NotRequired[str]
    size: NotRequired[Mapping[str, float]]
    """Its `containerDimensions` inline."""


CATALOG = "[host catalog of MCPJam](https://github.com/MCPJam/inspector)"
HEAD = f"""# Hosts and what a widget does in them

This page is generated from [`host-capabilities.json`](host-capabilities.json) by `python -m scripts.host_table`.
The facts are reduced from the {CATALOG}. Hosts change; a View never looks at
a host's name, only at what the host says in the handshake.

"""

BEHAVIOR = (
    ("the host says", "a widget there", "where the host does not say it"),
    (
        "`serverTools`",
        "runs actions, filters, and reads itself again",
        "shows what the host pushed, read-only, with its age and one sentence that points to the chat; polls nothing",
    ),
    (
        "`updateModelContext`",
        "tells the model what the user did: as text, else as structured content",
        "tells the model nothing",
    ),
    ("`openLinks`", "asks the host to open links", "shows the address when a link is clicked"),
    (
        "`fullscreen` in `availableDisplayModes`",
        'offers "Open full view" where not everything fits',
        "pages, and does not offer it",
    ),
    (
        "`toolInfo`",
        "calls the tool itself, if no result is pushed for five seconds and all required arguments are known",
        'says that nothing was pushed, with "Try again"',
    ),
    ("`message`, `downloadFile`", "uses neither", "the same"),
)
"""What a host says, and what follows."""

COLUMNS = (
    "host",
    "actions and updates",
    "tells the model",
    "links",
    "full view",
    "without a pushed result",
    "size inline",
)

OTHERS = """
## Hosts without widgets

These show the text form of a widget, and the model uses the tools:

"""


def load_hosts() -> dict[str, Host]:
    """Read the facts, by the short name of each host."""
    hosts: dict[str, Host] = json.loads(FACTS.read_text(encoding="utf-8"))["hosts"]
    return hosts


def acts(host: Host) -> bool:
    """Say whether widgets run actions in a host."""
    return "serverTools" in host.get("capabilities", {})


def context_form(host: Host) -> Literal["text", "structured content", "no"]:
    """Say in which form a widget tells the model of a host what the user did."""
    forms = host.get("capabilities", {}).get("updateModelContext")
    if forms is None:
        return "no"
    if not forms or "text" in forms:
        return "text"
    return "structured content" if "structuredContent" in forms else "no"


def _when_silent(host: Host) -> str:
    if not acts(host):
        return "says so, points to the chat"
    return "calls the tool" if host.get("tool_info") else "says so, tries again when asked"


def _size(host: Host) -> str:
    size = host.get("size", {})
    parts = [
        f"{'up to ' if name.startswith('max') else ''}{size[name]:g} px {'wide' if 'idth' in name else 'high'}"
        for name in ("width", "maxWidth", "height", "maxHeight")
        if name in size
    ]
    opens = host.get("opens_in", "inline")
    return ", ".join([*parts, *([f"opens in {opens}"] if opens != "inline" else [])]) or "not stated"


def _row(host: Host) -> tuple[str, ...]:
    modes, capabilities = host.get("display_modes", []), host.get("capabilities", {})
    return (
        f"{host['label']} ({host['source']}, {host['seen']})",
        "yes" if acts(host) else "no: read-only",
        context_form(host),
        "yes" if "openLinks" in capabilities else "no: address shown",
        "yes" if "fullscreen" in modes else "no",
        _when_silent(host),
        _size(host),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def render_page() -> str:
    """Return the page as it should be."""
    hosts = load_hosts().values()
    return (
        HEAD
        + _table(BEHAVIOR[0], BEHAVIOR[1:])
        + "\n## Hosts that render widgets\n\n"
        + _table(COLUMNS, [_row(host) for host in hosts if host["widgets"]])
        + OTHERS
        + _table(("host", "seen"), [(host["label"], host["seen"]) for host in hosts if not host["widgets"]])
    )


if __name__ == "__main__":
    PAGE.write_text(render_page(), encoding="utf-8")
