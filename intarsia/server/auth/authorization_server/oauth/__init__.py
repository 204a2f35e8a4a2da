"""The OAuth protocol: authorization requests, grants, the token endpoint, and the registration of clients."""
