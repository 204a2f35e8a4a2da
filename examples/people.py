"""What people are called in the words of the examples: "Ada moved it to Done."."""

import os

from intarsia import Grant


def name_of(grant: Grant, variable: str) -> str:
    """Return the name of who acts.

    Args:
        grant: Who it is; where people sign in, the issuer says what they are called.
        variable: What names the one person of this machine, where nobody signs in.
    """
    if not grant.issuer:
        return os.environ.get(variable) or "Somebody"
    return str(grant.claims.get("name") or grant.claims.get("preferred_username") or grant.subject)[:80]
