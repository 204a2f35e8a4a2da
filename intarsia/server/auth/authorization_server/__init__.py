"""A small OAuth 2.1 authorization server beside `/mcp`, for a demo or a small team without an issuer of its own.

`tables`, `grants`, `accounts/` and `clients/` store data. `pages/` holds the pages that users see, and `token_endpoint`
and `registration` the endpoints that clients call. `settings` is what a developer writes, and `server` puts everything
together.
"""
