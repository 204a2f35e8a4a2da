"""The outside: functions as MCP tools, calls and their answers, the store, HTTP.

What decides (`parts`, `calls`, `reading`, `arguments`, `tokens.claims`) knows neither `mcp` nor `starlette`; only what
faces the outside does: `gate`, `asgi`, `adapter`, `existing`, `attach`, `on_fastmcp` and `tokens.guard`.
"""
