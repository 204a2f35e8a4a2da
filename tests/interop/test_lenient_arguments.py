"""What real clients send for an argument, through the official client over HTTP, and what the function receives."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.client import advertise
from mcp.client.streamable_http import streamable_http_client
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from intarsia import Connector
from intarsia.server.switches.positions import Position
from intarsia.server.switches.service import Change
from tests.interop.arguments_connector import arguments_connector

ERAS = ["legacy", "2026-07-28"]
OMITTED = object()

TAKEN: list[tuple[str, Any, str]] = [
    ("whole", 5.0, "5"),
    ("whole", 1e3, "1000"),
    ("whole", -0.0, "0"),
    ("whole", "5", "5"),
    ("whole", "1e3", "1000"),
    ("whole", "-7.0", "-7"),
    ("number", "2.5", "2.5"),
    ("number", "2", "2.0"),
    ("flag", "true", "True"),
    ("flag", "False", "False"),
    ("level", "3", "<Level.HIGH: 3>"),
    ("level", 3.0, "<Level.HIGH: 3>"),
    ("one_or_two", "1", "1"),
    ("one_or_two", 2.0, "2"),
    ("numbers", "[1, 2]", "[1, 2]"),
    ("numbers", ["1", 2.0], "[1, 2]"),
    ("by_name", '{"a": "1"}', "{'a': 1}"),
    ("order", '{"items": [{"name": "a", "qty": "2"}]}', "qty=2"),
    ("order", {"items": '[{"name": "a", "qty": 2.0}]'}, "qty=2"),
    ("order", {"items": ['{"name": "a", "qty": 2}'], "limit": None}, "limit=10"),
    ("order", {"items": [], "stage": None}, "<Stage.OPEN: 'open'>"),
    ("pet", '{"kind": "dog", "age": "3"}', "Dog(kind='dog', age=3)"),
    ("point", '{"x": "1"}', "Point(x=1, y=0.5)"),
    ("choice", '{"size": "2"}', "{'size': 2}"),
    ("choice", {"size": None}, "{}"),
    ("folder", '{"name": "a", "folders": [{"name": "b"}]}', "folders=[Folder(name='b', folders=[])]"),
    ("with_default", OMITTED, "10"),
    ("with_default", None, "10"),
    ("with_default", "3", "3"),
    ("optional", None, "None"),
    ("optional", "null", "None"),
    ("optional", "", "None"),
    ("optional", "4", "4"),
    ("optional_stage", "", "None"),
    ("optional_stage", "done", "<Stage.DONE: 'done'>"),
    ("optional_text", "", "''"),
    ("optional_text", "null", "'null'"),
    ("optional_text", None, "None"),
    ("text", "5", "'5'"),
    ("text", "[1]", "'[1]'"),
    ("moment", "2026-12-31", "datetime.datetime(2026, 12, 31, 0, 0)"),
    ("day", "2026-12-31T00:00:00", "datetime.date(2026, 12, 31)"),
    ("day", "2026-12-31T00:00:00Z", "datetime.date(2026, 12, 31)"),
    ("duration", 60, "datetime.timedelta(seconds=60)"),
    ("duration", "60", "datetime.timedelta(seconds=60)"),
    ("duration", 1.5, "datetime.timedelta(seconds=1, microseconds=500000)"),
    ("duration", "PT1M", "datetime.timedelta(seconds=60)"),
]

REFUSED: list[tuple[str, Any, str]] = [
    ("whole", True, "v must be a whole number."),
    ("whole", "true", "v must be a whole number."),
    ("whole", "five", "v must be a whole number."),
    ("whole", "", "v must be a whole number."),
    ("whole", "05", "v must be a whole number."),
    ("whole", "1,000", "v must be a whole number."),
    ("whole", 5.5, "v must be a whole number."),
    ("whole", "NaN", "v must be a whole number."),
    ("whole", 2.0**53, "v must be a whole number."),
    ("whole", "9223372036854775808", "v must be a whole number."),
    ("whole", None, "v must be a whole number."),
    ("whole", [5], "v must be a whole number."),
    ("number", "1e400", "v must be a number."),
    ("flag", 1, "v must be true or false."),
    ("flag", "1", "v must be true or false."),
    ("flag", "yes", "v must be true or false."),
    ("level", True, "v must be one of 1, 3."),
    ("level", "HIGH", "v must be one of 1, 3."),
    ("one_or_two", True, "v must be one of 1, 2."),
    ("text", 5, "v must be text."),
    ("text", True, "v must be text."),
    ("text", ["a"], "v must be text."),
    ("numbers", 1, "v must be a list."),
    ("numbers", "1", "v must be a list."),
    ("numbers", "1, 2", "v must be a list."),
    ("numbers", [1, "x"], "v[1] must be a whole number."),
    ("by_name", '{"a": 1, "a": 2}', "v must be an object."),
    ("order", {"items": [{"name": "a", "qty": 1}, {"name": "b"}]}, "v.items[1].qty is missing."),
    ("order", {"items": [{"name": "a", "qty": 1, "note": 5}]}, "v.items[0].note must be text."),
    ("order", {"items": [{"name": "a", "qty": "0"}]}, "v.items[0].qty must be at least 1."),
    (
        "order",
        {"items": [{"name": "a", "qty": 1, "qtty": 2}]},
        "There is no argument 'v.items[0].qtty'. Did you mean 'qty'?",
    ),
    ("order", {"items": [], "<b>": 1}, "There is no argument of that name in v."),
    ("pet", {"kind": "cat"}, "v.age is missing."),
    ("pet", {"kind": "cat", "age": 1, "ag": 2}, "There is no argument 'v.ag'. Did you mean 'age'?"),
    ("point", {"x": 1, "z": 2}, "There is no argument 'v.z'."),
    ("choice", {"sise": 2}, "There is no argument 'v.sise'. Did you mean 'size'?"),
    (
        "folder",
        {"name": "a", "folders": [{"name": "b", "nam": 1}]},
        "There is no argument 'v.folders[0].nam'. Did you mean 'name'?",
    ),
    ("by_name", {"<script>": "x"}, "v[…] must be a whole number."),
    ("with_default", "", "v must be a whole number."),
    ("moment", "60", "v must be a date and time such as 2026-12-31T10:00:00Z."),
    ("moment", 60, "v must be a date and time such as 2026-12-31T10:00:00Z."),
    ("day", "2026-12-31T10:00:00", "v must be a date such as 2026-12-31."),
    ("day", "1767139200", "v must be a date such as 2026-12-31."),
    ("duration", True, "v must be a duration such as PT90S, or a number of seconds."),
]


@pytest.fixture
def echo(tmp_path: Path) -> Connector:
    return arguments_connector(tmp_path)


@asynccontextmanager
async def client_of(connector: Connector, era: str) -> AsyncGenerator[Client]:
    app = connector.app()
    shows_apps = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with (
            httpx2.AsyncClient(transport=transport) as http,
            Client(
                streamable_http_client("http://127.0.0.1:8484/mcp", http_client=http),
                mode=era,
                extensions=[shows_apps],
            ) as client,
        ):
            yield client


async def said(client: Client, tool: str, sent: Any) -> tuple[bool, str]:
    result: Any = await client.call_tool(tool, {} if sent is OMITTED else {"v": sent})
    return bool(result.is_error), result.content[0].text


@pytest.mark.parametrize("era", ERAS)
async def test_a_value_with_one_meaning_is_taken(echo: Connector, era: str) -> None:
    async with client_of(echo, era) as client:
        answers = [(*case, *await said(client, case[0], case[1])) for case in TAKEN]

    assert [answer for answer in answers if answer[3] or answer[2] not in answer[4]] == []


@pytest.mark.parametrize("era", ERAS)
async def test_every_other_value_is_refused_with_its_path(echo: Connector, era: str) -> None:
    async with client_of(echo, era) as client:
        answers = [(*case, *await said(client, case[0], case[1])) for case in REFUSED]

    assert [answer for answer in answers if answer[3:] != (True, answer[2])] == []


async def test_an_argument_with_an_alias_is_known_by_it(echo: Connector) -> None:
    async with client_of(echo, ERAS[1]) as client:
        taken: Any = await client.call_tool("renamed", {"from": "5"})
        refused: Any = await client.call_tool("renamed", {"v": 5})

    assert taken.content[0].text == "5"
    assert refused.content[0].text == "from is missing. There is no argument 'v'. Did you mean 'from'?"


async def test_the_page_of_a_text_is_read_like_any_number(echo: Connector) -> None:
    async with client_of(echo, ERAS[1]) as client:
        for sent in (1.0, "1", None):
            assert not (await client.call_tool("said", {"text_page": sent})).is_error
        for sent in (1.5, True, "x", 0):
            refused: Any = await client.call_tool("said", {"text_page": sent})
            assert refused.content[0].text == "text_page must be a whole number from 1."


async def test_schemas_need_no_reference_unless_they_are_recursive(echo: Connector) -> None:
    async with client_of(echo, ERAS[1]) as client:
        schemas = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}

    assert {name for name, schema in schemas.items() if "$ref" in json.dumps(schema)} == {"folder"}
    assert list(schemas["folder"]["$defs"]) == ["Folder"]
    assert "$defs" not in json.dumps({name: schema for name, schema in schemas.items() if name != "folder"})
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)


async def test_schemas_have_the_titles_and_descriptions_of_their_author(echo: Connector) -> None:
    async with client_of(echo, ERAS[1]) as client:
        schemas = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}

    order = schemas["order"]["properties"]["v"]
    item = order["properties"]["items"]["items"]
    assert item["description"] == "One line of an order."
    assert item["properties"]["qty"] == {
        "type": "integer", "minimum": 1, "title": "Quantity (pieces)", "description": "How many pieces.",
    }  # fmt: skip
    assert item["properties"]["name"] == {"type": "string"}
    assert order["properties"]["stage"]["description"] == "The stages of an order."
    assert item["additionalProperties"] is order["additionalProperties"] is False
    assert "x-intarsia" not in json.dumps(schemas)


@pytest.mark.parametrize("era", ERAS)
async def test_the_structured_content_of_a_widget_has_a_schema(echo: Connector, era: str) -> None:
    async with client_of(echo, era) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        # The official client validates the result.
        result = await client.call_tool("said", {"page": "2"})

    assert (tools["said"].output_schema or {})["properties"].keys() == {"tool", "arguments", "revision"}
    assert tools["whole"].output_schema is None
    assert (result.structured_content or {})["arguments"] == {"page": 2}


async def test_a_client_with_an_old_list_reads_a_widget_that_is_text_only_by_now(echo: Connector) -> None:
    async with client_of(echo, ERAS[1]) as client:
        await client.list_tools()
        await echo.switches.set([Change("tool:said", Position.TEXT_ONLY)], who="root", by="shell", why="a test")
        result: Any = await client.call_tool("said", {})

    assert (result.is_error, result.structured_content) == (False, {})
    assert result.content[0].text
