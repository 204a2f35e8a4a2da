"""The outside: functions as MCP tools, calls and their answers, the store, HTTP.

What decides (`parts`, `calls`, `reading`, `arguments`) knows neither `mcp` nor `starlette`; only `adapter` and
`asgi` do.
"""
