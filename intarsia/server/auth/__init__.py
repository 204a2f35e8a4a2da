"""Authentication: the resource server that accepts access tokens, and the authorization server that can issue them."""
