"""The tools of the conformance suite that ask back: the answer comes when the caller has given what was missing."""

from typing import TypeVar

from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    InputResponse,
    InputResponseRequestParams,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)

from tests.conformance.fixture_tools import Request, ToolFixture, text

Given = TypeVar("Given", ElicitResult, CreateMessageResult, ListRootsResult)
Result = CallToolResult | InputRequiredResult


def ask(message: str, **fields: str) -> ElicitRequest:
    """Ask the person; each field is given with its JSON type."""
    schema = {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in fields.items()},
        "required": list(fields),
    }
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def ask_model(prompt: str) -> CreateMessageRequest:
    """Ask the client's model."""
    said = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[said], max_tokens=100))


def need(state: str | None = None, **requests: InputRequest) -> InputRequiredResult:
    """Answer that these are missing."""
    return InputRequiredResult(input_requests=requests, request_state=state)


def given(params: InputResponseRequestParams, key: str, kind: type[Given]) -> Given | None:
    """Return what the caller gave under a key, if it is of the right kind."""
    response: InputResponse | None = (params.input_responses or {}).get(key)
    return response if isinstance(response, kind) else None


def ask_for_context(params: InputResponseRequestParams) -> InputRequiredResult | None:
    """Ask for the context of a prompt, unless it was given."""
    if given(params, "user_context", ElicitResult):
        return None
    return need(user_context=ask("What context should the prompt use?", context="string"))


async def greet(_request: Request, params: CallToolRequestParams) -> Result:
    who = given(params, "user_name", ElicitResult)
    if who is None or not who.content:
        return need(user_name=ask("What is your name?", name="string"))
    return text(f"Hello, {who.content.get('name')}!")


async def ask_a_model(_request: Request, params: CallToolRequestParams) -> Result:
    said = given(params, "capital_question", CreateMessageResult)
    if said is None:
        return need(capital_question=ask_model("What is the capital of France?"))
    return text(f"The model said: {said.content}")


async def list_roots(_request: Request, params: CallToolRequestParams) -> Result:
    roots = given(params, "client_roots", ListRootsResult)
    if roots is None:
        return need(client_roots=ListRootsRequest())
    return text(", ".join(str(root.uri) for root in roots.roots))


async def remember(_request: Request, params: CallToolRequestParams) -> Result:
    if params.request_state != "asked" or given(params, "confirm", ElicitResult) is None:
        return need("asked", confirm=ask("Please confirm", ok="boolean"))
    return text("state-ok")


async def ask_three(_request: Request, params: CallToolRequestParams) -> Result:
    who = given(params, "user_name", ElicitResult)
    greeting = given(params, "greeting", CreateMessageResult)
    roots = given(params, "client_roots", ListRootsResult)
    if who is None or greeting is None or roots is None:
        return need(
            "asked",
            user_name=ask("What is your name?", name="string"),
            greeting=ask_model("Generate a greeting"),
            client_roots=ListRootsRequest(),
        )
    return text("All three were given.")


async def ask_twice(_request: Request, params: CallToolRequestParams) -> Result:
    if params.request_state == "asked for a color" and given(params, "step2", ElicitResult):
        return text("Both were given.")
    if params.request_state == "asked for a name" and given(params, "step1", ElicitResult):
        return need("asked for a color", step2=ask("Step 2: What is your favorite color?", color="string"))
    return need("asked for a name", step1=ask("Step 1: What is your name?", name="string"))


async def ask_who_can(request: Request, _params: CallToolRequestParams) -> Result:
    able = request.session.client_capabilities
    if able is not None and able.elicitation is not None:
        return need(user_name=ask("What is your name?", name="string"))
    if able is not None and able.sampling is not None:
        return need(greeting=ask_model("Generate a greeting"))
    return text("There is nobody to ask.")


ROUNDS = {
    "test_input_required_result_elicitation": ToolFixture(greet, "Asks for a name."),
    "test_streaming_elicitation": ToolFixture(greet, "Asks for a name on the answer's own stream."),
    "test_input_required_result_sampling": ToolFixture(ask_a_model, "Asks the client's model."),
    "test_input_required_result_list_roots": ToolFixture(list_roots, "Asks for the client's roots."),
    "test_input_required_result_request_state": ToolFixture(remember, "Remembers that it asked."),
    "test_input_required_result_tampered_state": ToolFixture(remember, "Notices a state that it did not give."),
    "test_input_required_result_multiple_inputs": ToolFixture(ask_three, "Asks for three things."),
    "test_input_required_result_multi_round": ToolFixture(ask_twice, "Asks twice."),
    "test_input_required_result_capabilities": ToolFixture(ask_who_can, "Asks only what the client can answer."),
}
