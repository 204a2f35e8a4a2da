"""T11: every tool, by everybody, on what is theirs and what is not, with every kind of handle, in both eras.

The policy is written down here once more, in plain tables, and every cell of the matrix must equal it.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

import httpx2
import pytest
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from intarsia import Connector, Grant, Issuer, ResourceServer
from intarsia.host.server import running_server
from intarsia.server.views import view_handles
from intarsia.server.views.view_handles import make_handle
from tests.security.connector_server import ERAS, MODERN, RESOURCE, good_claims
from tests.security.issuer import RunningIssuer
from tests.security.mutation import Guard, Mutants, Mutation, each_guard
from tests.security.permissions_connector import build_permissions_connector

READ, WRITE, ERASE = "ledger:read", "ledger:write", "ledger:erase"

PEOPLE: dict[str, dict[str, Any]] = {
    "reader": {"sub": "ada", "scope": READ},
    "editor": {"sub": "ada", "scope": f"{READ} {WRITE}", "roles": ["editor"]},
    "admin": {"sub": "ada", "scope": f"{READ} {WRITE} {ERASE}", "roles": ["admin"]},
}

FAULTS = (
    "none",
    "t01 garbage",
    "t02 expired",
    "t03 not yet",
    "t04 audience",
    "t05 issuer",
    "t06 unsigned",
    "t07 key",
    "t08",
)

NEEDS: dict[str, set[str]] = {
    "cover": set(),
    "page": {READ},
    "own_page": {READ},
    "books": {READ},
    "panel": {READ},
    "write": {READ, WRITE},
    "amend": {WRITE},
    "close_books": {WRITE},
    "mark": {WRITE},
    "erase": {ERASE},
    "erase_own": {ERASE},
    "forgotten": set(),
    "intarsia_draft": {READ},
    "intarsia_access": {READ},
    "intarsia_view": {READ},
    "no_such_tool": set(),
}
ROLES = {"books": {"admin"}, "close_books": {"admin", "auditor"}}
OWNED = {"own_page", "amend", "erase_own", "intarsia_view"}
FOR_VIEWS = {"mark", "erase", "erase_own", "intarsia_draft", "intarsia_access", "intarsia_view"}
CONFIRMED = {"erase", "erase_own"}
SILENT = {"intarsia_draft", "intarsia_access"}
"""Intarsia's own tools, which run no function of the connector."""
RUNS = {"intarsia_view": "own_page"}
"""What runs instead: an open View is read again by the function of its widget."""

HANDLES = ("handle", "none", "foreign", "expired")


def policy(who: str, tool: str, handle: str, *, is_owned: bool) -> str:
    """Say what must come of a call."""
    if who not in PEOPLE:
        return "401"
    scopes, roles = set(str(PEOPLE[who]["scope"]).split()), set(PEOPLE[who].get("roles", ()))
    is_hidden = tool == "no_such_tool" or (tool in ROLES and not ROLES[tool] & roles)
    if not is_hidden and not NEEDS[tool] <= scopes:
        return f"403 {' '.join(sorted(NEEDS[tool] - scopes))}"
    if is_hidden or (tool in FOR_VIEWS and handle != "handle"):
        return "unknown"
    if tool == "forgotten":
        return "refused: not declared"
    if tool in OWNED and not is_owned:
        return "refused: not theirs"
    return "asked" if tool in CONFIRMED else "done"


_ABOUT: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "matrix", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {"extensions": {EXTENSION_ID: {"mimeTypes": [APP_MIME_TYPE]}}},
}


@dataclass
class Bench:
    """The ledger behind a real server, with everybody's tokens and handles."""

    address: str
    http: httpx2.AsyncClient
    entered: list[str]
    tokens: Mapping[str, str]
    handles: Mapping[str, Mapping[str, Mapping[tuple[str, bool], str | None] | None]]

    async def outcome(self, era: str, who: str, tool: str, handle: str, *, is_owned: bool) -> str:
        """Call a tool, and say what came of it in the words of `policy`."""
        self.entered.clear()
        kept = self.handles.get(who, {}).get(handle)
        made = kept[RUNS.get(tool, "cover"), is_owned] if kept else None
        response = await self._post(era, who, tool, made, is_owned=is_owned)
        ran = list(self.entered)
        if response.status_code in (401, 403):
            assert ran == []
            named = response.json().get("error", {}).get("data", {}).get("missing_scopes", [])
            return " ".join([str(response.status_code), *named])
        return _told(response, tool, ran)

    async def listed(self, era: str, who: str) -> set[str]:
        """Return the names of the tools that somebody is told of."""
        about = _ABOUT if era == MODERN else {}
        response = await self.http.post(
            f"{self.address}/mcp",
            content=json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"_meta": about}}),
            headers={
                "Accept": "application/json, text/event-stream",
                "Content-Type": "application/json",
                "MCP-Protocol-Version": era,
                **({"Mcp-Method": "tools/list"} if era == MODERN else {}),
                "Authorization": f"Bearer {self.tokens[who]}",
            },
        )
        is_event = response.headers["content-type"].startswith("text/event-stream")
        tools = json.loads(response.text.partition("data: ")[2] if is_event else response.text)["result"]["tools"]
        return {tool["name"] for tool in tools}

    async def _post(self, era: str, who: str, tool: str, handle: str | None, *, is_owned: bool) -> httpx2.Response:
        meta: dict[str, Any] = {"dev.intarsia/view": handle} if handle else {}
        if tool in RUNS:
            meta["dev.intarsia/seen"] = {"tool": RUNS[tool], "arguments": _arguments(RUNS[tool], is_owned=is_owned)}
        if era == MODERN:
            meta |= _ABOUT
        params = {"name": tool, "arguments": _arguments(tool, is_owned=is_owned), "_meta": meta}
        token = self.tokens.get(who)
        return await self.http.post(
            f"{self.address}/mcp" + (f"?access_token={self.tokens['admin']}" if who == "t08" else ""),
            content=json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}),
            headers={
                "Accept": "application/json, text/event-stream",
                "Content-Type": "application/json",
                "MCP-Protocol-Version": era,
                **({"Mcp-Method": "tools/call", "Mcp-Name": tool} if era == MODERN else {}),
                **({"Authorization": f"Bearer {token}"} if token else {}),
            },
        )


def _arguments(tool: str, *, is_owned: bool) -> dict[str, Any]:
    entry = "a-1" if is_owned else "b-1"
    if tool == "intarsia_draft":
        return {"tool": "panel", "arguments": {"entry": entry}, "values": {"size": 4}}
    if tool == "intarsia_access":
        return {"tool": "page"}
    if tool in RUNS:
        return {}
    return {"entry": entry}


def _told(response: httpx2.Response, tool: str, ran: list[str]) -> str:
    is_event = response.headers["content-type"].startswith("text/event-stream")
    result = json.loads(response.text.partition("data: ")[2] if is_event else response.text)["result"]
    problem: dict[str, Any] = result.get("_meta", {}).get("dev.intarsia/problem", {})
    if "dev.intarsia/confirm" in result.get("_meta", {}):
        assert ran == []
        return "asked"
    if not result.get("isError"):
        assert ran == ([] if tool in SILENT else [RUNS.get(tool, tool)])
        return "done"
    assert ran == []
    if problem["kind"] == "unknown_tool":
        return "unknown"
    why = "not declared" if "declares no" in problem["message"] else "not theirs"
    return f"{problem['kind']}: {why}"


def _tokens(issuer: RunningIssuer) -> dict[str, str]:
    now, admin = int(time()), PEOPLE["admin"]

    def signed(**changed: Any) -> str:
        return issuer.sign(good_claims(issuer.url, **{**admin, **changed}))

    good = signed()
    head, payload, signature = good.split(".")
    return {
        **{who: signed(**{"roles": ..., **claims}) for who, claims in PEOPLE.items()},
        "t01 garbage": "garbage",
        "t02 expired": signed(exp=now - 1),
        "t03 not yet": signed(nbf=now + 3600),
        "t04 audience": signed(aud=f"{RESOURCE}x"),
        "t05 issuer": issuer.sign(good_claims(f"{issuer.url}/", **admin)),
        "t06 unsigned": f"{head}.{payload}.",
        "t07 key": f"{head}.{payload}.{signature[::-1]}",
    }


def _handles(ledger: Connector, grant: Grant) -> Mapping[tuple[str, bool], str | None]:
    """Make the handles of the Views that somebody has open, of what is theirs and of what is not."""
    return {
        (tool, is_owned): make_handle(ledger.catalog.signer, grant, tool, _arguments(tool, is_owned=is_owned))
        for tool in ("cover", *RUNS.values())
        for is_owned in (True, False)
    }


@pytest.fixture(scope="module")
async def bench(issuer: RunningIssuer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    entered: list[str] = []
    ledger = build_permissions_connector(tmp_path_factory.mktemp("ledger") / "ledger.db", entered)
    app = ledger.app(auth=ResourceServer(RESOURCE, [Issuer(issuer.url)]))
    async with running_server(app) as address, httpx2.AsyncClient(timeout=30) as http:
        ada, bob = (Grant(name, "made-up-client", issuer=issuer.url) for name in ("ada", "bob"))
        with pytest.MonkeyPatch.context() as past:
            past.setattr(view_handles, "LASTS_SECONDS", -1)
            expired = _handles(ledger, ada)
        made = {"handle": _handles(ledger, ada), "none": None, "foreign": _handles(ledger, bob), "expired": expired}
        yield Bench(address, http, entered, _tokens(issuer), dict.fromkeys(PEOPLE, made))


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("tool", NEEDS)
async def test_t11_every_cell_equals_the_declared_policy(bench: Bench, tool: str, era: str) -> None:
    cells = [(who, handle, is_owned) for who in (*FAULTS, *PEOPLE) for handle in HANDLES for is_owned in (True, False)]
    wanted = {cell: policy(cell[0], tool, cell[1], is_owned=cell[2]) for cell in cells}
    got = {cell: await bench.outcome(era, cell[0], tool, cell[1], is_owned=cell[2]) for cell in cells}

    assert {cell: (got[cell], wanted[cell]) for cell in cells if got[cell] != wanted[cell]} == {}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("who", PEOPLE)
async def test_t11_a_list_names_what_roles_allow_and_what_only_lacks_a_scope(bench: Bench, who: str, era: str) -> None:
    roles = set(PEOPLE[who].get("roles", ()))
    offered = {tool for tool in NEEDS if tool not in ROLES or ROLES[tool] & roles}

    assert await bench.listed(era, who) == offered - {"no_such_tool"}


def test_t11_the_matrix_is_large_and_knows_every_tool(tmp_path: Path) -> None:
    tools = build_permissions_connector(tmp_path / "ledger.db", []).tools

    assert set(tools) == set(NEEDS) - {"intarsia_draft", "intarsia_access", "intarsia_view", "no_such_tool"}
    assert len(NEEDS) * (len(FAULTS) + len(PEOPLE)) * len(HANDLES) * 2 * len(ERAS) >= 2_000


MATRIX = "tests/security/test_matrix.py"
CALLS, PERMISSIONS = "intarsia/server/calls/handler.py", "intarsia/permissions.py"
REFRESH, SIGNING = "intarsia/server/calls/refresh_view.py", "intarsia/server/views/view_handles.py"

GUARDS: dict[str, tuple[str, *tuple[Mutation, ...]]] = {
    "a rule is asked": (f"{MATRIX} -k 'amend'", Mutation(PERMISSIONS, "if answer is True:", "if answer is not None:")),
    "a role hides": (
        f"{MATRIX} -k 'books'",
        Mutation(PERMISSIONS, "return not tool.roles or bool(tool.roles & grant.roles)", "return True"),
    ),
    "a role hides in lists": (
        f"{MATRIX} -k 'list_names'",
        Mutation(PERMISSIONS, "return not tool.roles or bool(tool.roles & grant.roles)", "return True"),
    ),
    "a View is for its person": (
        f"{MATRIX} -k 'intarsia_view'",
        Mutation(CALLS, "if name == VIEW_TOOL and is_from_view:", "if name == VIEW_TOOL:"),
        Mutation(REFRESH, "if seen is None or not is_its_own or", "if seen is None or"),
    ),
    "a View's rule is asked again": (
        f"{MATRIX} -k 'intarsia_view'",
        Mutation(PERMISSIONS, "if answer is True:", "if answer is not None:"),
    ),
    "a handle is asked for": (
        f"{MATRIX} -k 'mark'",
        Mutation(CALLS, "(is_from_view or not tool.is_app_only)", "True"),
    ),
    "a handle expires": (
        f"{MATRIX} -k 'mark'",
        Mutation(SIGNING, "int.from_bytes(body[:8]) > time.time()", "True"),
    ),
    "a handle is one person's": (
        f"{MATRIX} -k 'mark'",
        Mutation(SIGNING, 'return "view", grant.person, grant.client', 'return ("view",)'),
    ),
    "what is not declared is refused": (
        f"{MATRIX} -k 'forgotten'",
        Mutation(PERMISSIONS, "if grant.issuer and not tool.is_declared:", "if False:"),
    ),
}


@each_guard(GUARDS)
async def test_t11_bites(mutants: Mutants, guard: Guard) -> None:
    await mutants.assert_bites(guard)
