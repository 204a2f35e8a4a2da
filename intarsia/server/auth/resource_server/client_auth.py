"""Client authentication with a client secret, in the header or in the request body (RFC 6749, section 2.3.1)."""

import base64
from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote_plus

Method = Literal["client_secret_basic", "client_secret_post"]


def secret_form(client_id: str, client_secret: str, method: Method) -> Mapping[str, str]:
    """Return the form parameters that authenticate the client; empty for `client_secret_basic`."""
    if method == "client_secret_basic":
        return {}
    return {"client_id": client_id, "client_secret": client_secret}


def secret_header(client_id: str, client_secret: str, method: Method) -> Mapping[str, str]:
    """Return the request headers that authenticate the client; empty for `client_secret_post`."""
    if method != "client_secret_basic":
        return {}
    # Both parts are form-encoded before they are joined, so that a colon in a client ID stays unambiguous.
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
