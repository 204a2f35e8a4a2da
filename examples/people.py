"""Names of users in messages of the examples, such as "Ada moved it to Done."."""

import os

from intarsia import Grant


def name_of(grant: Grant, variable: str) -> str:
    """Return the name of the acting user.

    Args:
        grant: Who it is; where people sign in, the issuer says what they are called.
        variable: The environment variable with the name of the user, without sign-in.
    """
    if not grant.issuer:
        return os.environ.get(variable) or "Somebody"
    return str(grant.claims.get("name") or grant.claims.get("preferred_username") or grant.subject)[:80]
