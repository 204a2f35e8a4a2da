"""The sandbox proxy's application: one document on a separate origin, with the widget's CSP as a header.

Only the host page may frame it. The script of the document is `sandbox_page/proxy.ts`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from intarsia.errors import SettingError
from intarsia.host.app import HOST_FOLDER, bundle, file_route
from intarsia.host.same_origin import FRESH
from intarsia.server.http.body_limits import checked_requests
from intarsia.server.http.request_limits import LOCAL_HOSTS, checked_hosts

Flavor = Literal["spec", "opaque", "loose"]
"""The kind of sandbox: as specified, with an opaque origin, or as permissive as in some hosts."""

# A source of a policy: a scheme, a host with an optional wildcard, a port. It cannot end a directive.
_SOURCE = re.compile(r"(https?|wss?)://(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?/?")

_DOMAIN_KEYS = ("connectDomains", "resourceDomains", "frameDomains", "baseUriDomains")


def sandbox_app(page_port: int, hosts: tuple[str, ...] = LOCAL_HOSTS) -> Starlette:
    """Build the application that serves the sandbox proxy.

    Args:
        page_port: The port of the host page, on the same machine.
        hosts: Host names that requests may name, without port.

    Raises:
        SettingError: The proxy is not bundled.
    """
    document = (HOST_FOLDER / "sandbox_page" / "sandbox.html").read_text(encoding="utf-8")

    async def sandbox(request: Request) -> Response:
        host_origin = _host_origin(request, page_port)
        if host_origin is None:
            return PlainTextResponse("Only the host page may show this document.\n", status_code=403)
        try:
            policy = content_security_policy(_declared(request.query_params.get("csp")), _flavor(request))
        except SettingError as error:
            return PlainTextResponse(f"{error}\n", status_code=400)
        headers = {**FRESH, "Content-Security-Policy": f"{policy}; frame-ancestors {host_origin}"}
        return Response(document, media_type="text/html", headers=headers)

    return Starlette(
        routes=[
            Route("/sandbox.html", sandbox),
            file_route("/sandbox.js", bundle("sandbox.js")),
            file_route("/sandbox.css", bundle("sandbox.css")),
        ],
        middleware=list(checked_requests(checked_hosts(hosts))),
    )


def content_security_policy(declared: Mapping[str, Sequence[str]] | None, flavor: Flavor = "spec") -> str:
    """Return the Content Security Policy for a widget, as MCP Apps specifies it.

    Args:
        declared: `_meta.ui.csp` of the widget's resource, or `None` without a declaration.
        flavor: `"loose"` adds sources that some hosts allow; the others follow the specification.

    Raises:
        SettingError: A declared domain is invalid.
    """
    domains = {key: " ".join(["", *_checked(key, (declared or {}).get(key, ()))]) for key in _DOMAIN_KEYS}
    resources, frames, bases = domains["resourceDomains"], domains["frameDomains"], domains["baseUriDomains"]
    extra = " 'unsafe-eval' blob: data:" if flavor == "loose" else ""
    media = " blob:" if flavor == "loose" else ""
    directives = [
        "default-src 'none'",
        f"script-src 'self' 'unsafe-inline'{extra}{resources}",
        f"style-src 'self' 'unsafe-inline'{media}{' data:' if media else ''}{resources}",
        f"img-src 'self' data:{media}{resources}",
        f"media-src 'self' data:{media}{resources}",
        "object-src 'none'",
    ]
    if declared is None and flavor != "loose":
        directives.append("connect-src 'none'")
    else:
        directives += [
            f"connect-src 'self'{domains['connectDomains']}",
            f"font-src 'self'{' data: blob:' if media else ''}{resources}",
            "frame-src" + (frames or " 'none'"),
            "base-uri" + (bases or " 'self'"),
        ]
    if flavor == "loose":
        directives.append("worker-src 'self' blob:")
    return "; ".join(directives)


def _checked(key: str, sources: Sequence[str]) -> list[str]:
    for source in sources:
        if not _SOURCE.fullmatch(source):
            message = (
                f"{key} of the widget's CSP holds {source!r}, which is not an origin such as 'https://example.com'."
            )
            raise SettingError(message)
    return list(sources)


def _declared(query: str | None) -> Mapping[str, Sequence[str]] | None:
    if not query:
        return None
    try:
        declared: object = json.loads(query)
    except ValueError:
        declared = query
    if not _is_domain_lists(declared):
        message = 'The widget\'s CSP must be an object of lists of origins, such as {"connectDomains": ["https://example.com"]}.'
        raise SettingError(message)
    return cast("Mapping[str, Sequence[str]]", declared)


def _is_domain_lists(declared: object) -> bool:
    if not isinstance(declared, dict):
        return False
    entries = cast("dict[str, object]", declared)
    return all(
        isinstance(sources, list) and all(isinstance(source, str) for source in cast("list[object]", sources))
        for sources in entries.values()
    )


def _flavor(request: Request) -> Flavor:
    flavor = request.query_params.get("flavor", "spec")
    if flavor not in get_args(Flavor):
        message = f"There is no sandbox flavor {flavor!r}; choose one of {', '.join(get_args(Flavor))}."
        raise SettingError(message)
    return cast("Flavor", flavor)


def _host_origin(request: Request, page_port: int) -> str | None:
    """Return the origin of the framing page if it is the host page on this machine."""
    referrer = urlsplit(request.headers.get("referer", ""))
    is_ours = referrer.scheme == "http" and (referrer.hostname, referrer.port) == (request.url.hostname, page_port)
    return f"{referrer.scheme}://{referrer.netloc}" if is_ours else None
