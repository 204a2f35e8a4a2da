"""Sign-in without another service: a small authorization server beside `/mcp`, for a demo or a small team.

`accounts` holds who may sign in, the tables and the settings; `clients` the apps; `oauth` what they are granted and the
endpoints of the protocol; `pages` what people see. `server` puts it together.
"""
