"""The server: MCP tools made from functions, call handling, rendering, storage, authentication and HTTP.

Imports between the folders go one way; `docs/architecture.md` draws them and follows one click through the modules.
Access decisions, call handling and rendering import neither `mcp` nor `starlette`. Protocol code is confined to `http`,
`mcp_server`, `attach`, `pages`, `admin` and the HTTP side of `auth`.
"""
