"""A small OAuth 2.1 authorization server beside `/mcp`, for a demo or a small team without an issuer of its own.

`accounts/` holds the settings, the tables, the accounts and their sessions, and `clients/` the registered clients.
`oauth/` holds the grants and the endpoints that clients call, and `pages/` the pages that users see. `server` puts
everything together.
"""
