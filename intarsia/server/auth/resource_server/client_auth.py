"""How a client proves itself to an issuer: by its secret, in the form or in the header (RFC 6749, section 2.3.1)."""

import base64
from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote_plus

Method = Literal["client_secret_basic", "client_secret_post"]


def secret_form(client_id: str, client_secret: str, method: Method) -> Mapping[str, str]:
    """Return what stands in the form."""
    if method == "client_secret_basic":
        return {}
    return {"client_id": client_id, "client_secret": client_secret}


def secret_header(client_id: str, client_secret: str, method: Method) -> Mapping[str, str]:
    """Return what stands in the header."""
    if method != "client_secret_basic":
        return {}
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
