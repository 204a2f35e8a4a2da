"""What the official conformance suite asks a server for: resources, prompts and completions, on the bare SDK.

The tools are in `fixture_tools.py`, those that ask back in `fixture_rounds.py`. All of it answers behind Intarsia's own
gate and assembly, and none of it is part of the product.
"""

import json
from base64 import b64encode
from typing import Any
from urllib.parse import urlsplit

from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    BlobResourceContents,
    CallToolRequestParams,
    CallToolResult,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    EmbeddedResource,
    EmptyResult,
    GetPromptRequestParams,
    GetPromptResult,
    ImageContent,
    InputRequiredResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    Prompt,
    PromptArgument,
    PromptMessage,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)

from tests.conformance.fixture_rounds import ROUNDS, ask_for_context
from tests.conformance.fixture_tools import PNG, Request, ToolFixture, plain_tools

NAME = "conformance-fixtures"
STATIC_TEXT, STATIC_BINARY, WATCHED = "test://static-text", "test://static-binary", "test://watched-resource"

RESOURCES = [
    Resource(uri=STATIC_TEXT, name="static-text", description="A fixed text.", mime_type="text/plain"),
    Resource(uri=STATIC_BINARY, name="static-binary", description="A fixed picture.", mime_type="image/png"),
    Resource(uri=WATCHED, name="watched-resource", description="A text to subscribe to.", mime_type="text/plain"),
]
TEMPLATES = [
    ResourceTemplate(
        uri_template="test://template/{id}/data",
        name="template",
        description="What belongs to an id.",
        mime_type="application/json",
    )
]
PROMPTS = [
    Prompt(name="test_simple_prompt", description="Says one sentence."),
    Prompt(
        name="test_prompt_with_arguments",
        description="Says what it was given.",
        arguments=[PromptArgument(name="arg1", required=True), PromptArgument(name="arg2", required=True)],
    ),
    Prompt(
        name="test_prompt_with_embedded_resource",
        description="Holds a resource.",
        arguments=[PromptArgument(name="resourceUri", required=True)],
    ),
    Prompt(name="test_prompt_with_image", description="Holds a picture."),
    Prompt(name="test_input_required_result_prompt", description="Asks back before it answers."),
]


def build_fixtures() -> Server[Any]:
    """Make the server that the scenarios are run against."""
    bus = InMemorySubscriptionBus()
    tools = {**plain_tools(bus), **ROUNDS}

    async def list_tools(_request: Request, _page: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[fixture.listed(name) for name, fixture in tools.items()])

    async def call_tool(request: Request, params: CallToolRequestParams) -> CallToolResult | InputRequiredResult:
        fixture: ToolFixture | None = tools.get(params.name)
        if fixture is None:
            raise MCPError(INVALID_PARAMS, "There is no such tool.")
        return await fixture.answer(request, params)

    server: Server[Any] = Server(
        NAME,
        version="1",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_subscribe_resource=subscribe,
        on_unsubscribe_resource=unsubscribe,
        on_subscriptions_listen=ListenHandler(bus),
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        on_completion=complete,
    )
    server.add_request_handler("logging/setLevel", SetLevelRequestParams, set_level)
    server.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=NAME))
    return server


async def list_resources(_request: Request, _page: PaginatedRequestParams | None) -> ListResourcesResult:
    return ListResourcesResult(resources=RESOURCES)


async def list_templates(_request: Request, _page: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
    return ListResourceTemplatesResult(resource_templates=TEMPLATES)


async def read_resource(_request: Request, params: ReadResourceRequestParams) -> ReadResourceResult:
    return ReadResourceResult(contents=[_contents(str(params.uri))])


def _contents(uri: str) -> TextResourceContents | BlobResourceContents:
    if uri == STATIC_TEXT:
        text = "This is the content of the static text resource."
        return TextResourceContents(uri=uri, mime_type="text/plain", text=text)
    if uri == STATIC_BINARY:
        return BlobResourceContents(uri=uri, mime_type="image/png", blob=b64encode(PNG).decode())
    if uri == WATCHED:
        return TextResourceContents(uri=uri, mime_type="text/plain", text="Nothing happened yet.")
    address = urlsplit(uri)
    if (address.scheme, address.netloc) == ("test", "template") and address.path.endswith("/data"):
        wanted = address.path.removesuffix("/data").strip("/")
        data = {"id": wanted, "templateTest": True, "data": f"Data for ID: {wanted}"}
        return TextResourceContents(uri=uri, mime_type="application/json", text=json.dumps(data))
    raise MCPError(INVALID_PARAMS, "There is no such resource.", {"uri": uri})


async def subscribe(_request: Request, _params: SubscribeRequestParams) -> EmptyResult:
    return EmptyResult()


async def unsubscribe(_request: Request, _params: UnsubscribeRequestParams) -> EmptyResult:
    return EmptyResult()


async def set_level(_request: Request, _params: SetLevelRequestParams) -> EmptyResult:
    return EmptyResult()


async def complete(_request: Request, params: CompleteRequestParams) -> CompleteResult:
    known = [value for value in ("paris", "park", "party") if value.startswith(params.argument.value)]
    return CompleteResult(completion=Completion(values=known, total=len(known), has_more=False))


async def list_prompts(_request: Request, _page: PaginatedRequestParams | None) -> ListPromptsResult:
    return ListPromptsResult(prompts=PROMPTS)


async def get_prompt(_request: Request, params: GetPromptRequestParams) -> GetPromptResult | InputRequiredResult:
    given = params.arguments or {}
    if params.name == "test_simple_prompt":
        return _said("This is a simple prompt for testing.")
    if params.name == "test_prompt_with_arguments":
        return _said(f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'")
    if params.name == "test_prompt_with_embedded_resource":
        text = "Embedded resource content for testing."
        inside = TextResourceContents(uri=given["resourceUri"], mime_type="text/plain", text=text)
        return _said(EmbeddedResource(type="resource", resource=inside), "Please process the embedded resource above.")
    if params.name == "test_prompt_with_image":
        picture = ImageContent(type="image", data=b64encode(PNG).decode(), mime_type="image/png")
        return _said(picture, "Please analyze the image above.")
    if params.name == "test_input_required_result_prompt":
        return ask_for_context(params) or _said("This prompt knows its context.")
    raise MCPError(INVALID_PARAMS, "There is no such prompt.")


def _said(*parts: str | EmbeddedResource | ImageContent) -> GetPromptResult:
    contents = [TextContent(type="text", text=part) if isinstance(part, str) else part for part in parts]
    return GetPromptResult(messages=[PromptMessage(role="user", content=content) for content in contents])
