"""The tools that the conformance suite calls, as far as they answer at once."""

from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, PromptsListChanged, ToolsListChanged
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    ElicitResult,
    EmbeddedResource,
    ImageContent,
    InputRequiredResult,
    SamplingMessage,
    TextContent,
    TextResourceContents,
    Tool,
)

Request = ServerRequestContext[Any, Any]
Json = dict[str, Any]
Answer = Callable[[Request, CallToolRequestParams], Awaitable[CallToolResult | InputRequiredResult]]

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415478da63f8"
    "cfc0000003010100f70341430000000049454e44ae426082"
)
"""One red pixel."""
WAV = bytes.fromhex("524946462600000057415645666d74201000000001000100401f0000401f00000100080064617461020000008080")
"""Two samples of silence."""

RICH_SCHEMA: Json = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
"""A schema with the words that an implementation could lose on the way."""

_DEFAULTS: Json = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    },
}
_CHOICES: Json = {
    "type": "object",
    "properties": {
        "untitledSingle": {"type": "string", "enum": ["low", "high"]},
        "titledSingle": {"type": "string", "oneOf": [{"const": "low", "title": "Low"}]},
        "legacyEnum": {"type": "string", "enum": ["low", "high"], "enumNames": ["Low", "High"]},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["low", "high"]}},
        "titledMulti": {"type": "array", "items": {"anyOf": [{"const": "low", "title": "Low"}]}},
    },
}
_ABOUT_A_PERSON: Json = {
    "type": "object",
    "properties": {"username": {"type": "string"}, "email": {"type": "string"}},
    "required": ["username", "email"],
}


@dataclass(frozen=True)
class ToolFixture:
    """A tool of the suite: what it says about itself, and what it answers."""

    answer: Answer
    description: str
    schema: Json = field(default_factory=lambda: {"type": "object"})

    def listed(self, name: str) -> Tool:
        """Describe the tool as `tools/list` does."""
        return Tool(name=name, description=self.description, input_schema=self.schema)


def with_texts(**properties: Json) -> Json:
    """Make a schema whose properties are all required."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def text(said: str) -> CallToolResult:
    """Answer with one sentence."""
    return CallToolResult(content=[TextContent(type="text", text=said)])


def _always(*content: ContentBlock) -> Answer:
    async def answer(_request: Request, _params: CallToolRequestParams) -> CallToolResult:
        return CallToolResult(content=list(content))

    return answer


def _resource(uri: str, kind: str, inside: str) -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=kind, text=inside))


_PICTURE = ImageContent(type="image", data=b64encode(PNG).decode(), mime_type="image/png")
_SOUND = AudioContent(type="audio", data=b64encode(WAV).decode(), mime_type="audio/wav")
_RESOURCE = _resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")
_MIXED = _resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')


async def _fail(_request: Request, _params: CallToolRequestParams) -> CallToolResult:
    said = text("This tool intentionally returns an error for testing")
    return said.model_copy(update={"is_error": True})


async def _log(request: Request, _params: CallToolRequestParams) -> CallToolResult:
    for step in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await request.session.send_log_message(  # pyright: ignore[reportDeprecated] - hosts of the earlier era hear it
            "info", step, related_request_id=request.request_id
        )
    return text("Three messages were logged.")


async def _progress(request: Request, _params: CallToolRequestParams) -> CallToolResult:
    for done in (0, 50, 100):
        await request.session.report_progress(done, 100)
    return text("It is done.")


async def _reconnect(request: Request, _params: CallToolRequestParams) -> CallToolResult:
    if request.close_sse_stream is not None:
        await request.close_sse_stream()
    return text("The answer was not lost.")


async def _sample(request: Request, params: CallToolRequestParams) -> CallToolResult:
    asked = SamplingMessage(role="user", content=TextContent(type="text", text=(params.arguments or {})["prompt"]))
    result = await request.session.create_message(  # pyright: ignore[reportDeprecated] - what the scenario is about
        [asked], max_tokens=100, related_request_id=request.request_id
    )
    return text(f"LLM response: {result.content}")


def _elicit(schema: Json, message: str = "Please fill this in.") -> Answer:
    async def answer(request: Request, params: CallToolRequestParams) -> CallToolResult:
        asked = str((params.arguments or {}).get("message", message))
        result: ElicitResult = await request.session.elicit_form(asked, schema, request.request_id)
        return text(f"Elicitation completed: action={result.action}, content={result.content}")

    return answer


async def _need_sampling(request: Request, _params: CallToolRequestParams) -> CallToolResult:
    declared = request.session.client_capabilities
    if declared is None or declared.sampling is None:
        needed: Json = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "This tool needs a client that samples.", needed)
    return text("The client samples.")


def plain_tools(bus: InMemorySubscriptionBus) -> dict[str, ToolFixture]:
    """Return the tools by name.

    Args:
        bus: Hears when a tool changes what is listed.
    """

    async def change_tools(_request: Request, _params: CallToolRequestParams) -> CallToolResult:
        await bus.publish(ToolsListChanged())
        return text("The tools changed.")

    async def change_prompts(_request: Request, _params: CallToolRequestParams) -> CallToolResult:
        await bus.publish(PromptsListChanged())
        return text("The prompts changed.")

    simple = TextContent(type="text", text="This is a simple text response for testing.")
    several = TextContent(type="text", text="Multiple content types test:")
    words: Json = {"type": "string"}
    return {
        "test_simple_text": ToolFixture(_always(simple), "Says one sentence."),
        "test_image_content": ToolFixture(_always(_PICTURE), "Shows a picture."),
        "test_audio_content": ToolFixture(_always(_SOUND), "Plays a sound."),
        "test_embedded_resource": ToolFixture(_always(_RESOURCE), "Holds a resource."),
        "test_multiple_content_types": ToolFixture(_always(several, _PICTURE, _MIXED), "Holds three kinds of content."),
        "test_error_handling": ToolFixture(_fail, "Fails."),
        "test_tool_with_logging": ToolFixture(_log, "Logs three messages."),
        "test_logging_tool": ToolFixture(_log, "Logs only for those who ask for it."),
        "test_tool_with_progress": ToolFixture(_progress, "Says three times how far it is."),
        "test_reconnection": ToolFixture(_reconnect, "Ends the stream before it answers."),
        "test_sampling": ToolFixture(_sample, "Asks the client's model.", with_texts(prompt=words)),
        "test_elicitation": ToolFixture(_elicit(_ABOUT_A_PERSON), "Asks the person.", with_texts(message=words)),
        "test_elicitation_sep1034_defaults": ToolFixture(_elicit(_DEFAULTS), "Asks with defaults."),
        "test_elicitation_sep1330_enums": ToolFixture(_elicit(_CHOICES), "Asks for choices."),
        "json_schema_2020_12_tool": ToolFixture(_always(simple), "Has a schema that says much.", RICH_SCHEMA),
        "test_region": ToolFixture(
            _always(simple),
            "Names a region in a header, too.",
            with_texts(region={"type": "string", "x-mcp-header": "Region"}),
        ),
        "test_missing_capability": ToolFixture(_need_sampling, "Needs a client that samples."),
        "test_trigger_tool_change": ToolFixture(change_tools, "Says that the tools changed."),
        "test_trigger_prompt_change": ToolFixture(change_prompts, "Says that the prompts changed."),
    }
