"""Access tokens: trusted issuers, token validation, and the challenges that tell clients what is missing.

`settings` and `claims` have no I/O. `jws` and `jwks` validate signatures, `issuer_http` is the only module that opens
connections, and `middleware` is the only one that handles HTTP requests.
"""
