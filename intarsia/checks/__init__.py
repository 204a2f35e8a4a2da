"""Checks a deployed connector from outside, as a host sees it: what keeps hosts out, and what lets attackers in.

The checks send about fifteen requests, one after another. They follow no redirects, wait ten seconds for each response
at most, and read only a bounded part of it.
"""

import ssl
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from intarsia.checks.challenge import check_challenge, read_metadata
from intarsia.checks.findings import Finding, has_problem, problem
from intarsia.checks.http_client import http_client
from intarsia.checks.issuers import MAX_ISSUERS, check_issuer
from intarsia.checks.reachability import ADDRESS, check_network, check_port, look_up, not_checked
from intarsia.checks.rejections import (
    check_body_limit,
    check_host_name,
    check_origin,
    check_plain_http,
    check_trailing_slash,
)
from intarsia.checks.responses import (
    check_get,
    check_response_time,
    check_signed_in,
    check_software_versions,
    check_versions,
)
from intarsia.checks.target import CheckedTarget, check_connector, open_target
from intarsia.checks.tls import CERTIFICATE, TlsResult, check_tls
from intarsia.errors import SettingError
from intarsia.server.auth.resource_server.settings import checked_address

__all__ = ["Finding", "check_public", "has_problem"]


async def check_public(url: str, *, token: str | None = None, ca: Path | None = None) -> list[Finding]:
    """Check a connector that is served to the public.

    Args:
        url: The connector's address, exactly as users enter it into hosts, such as `https://tasks.example.com/mcp`.
        token: An access token for the checks that need one. It is sent to this address only, and only if the
            certificate is valid.
        ca: A PEM file with the certificate authorities to trust, instead of this machine's.

    Returns:
        The findings, in the order of the checks.

    Raises:
        SettingError: The file contains no certificates, or the token contains characters that no header can hold.
    """
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        message = "The token contains characters that no access token has. Nothing was sent."
        raise SettingError(message)
    trust = _trusted_authorities(ca)
    try:
        checked_address(url, "The address")
    except SettingError as error:
        fix = "Use the address exactly as users enter it into hosts, such as https://tasks.example.com/mcp."
        return [problem(ADDRESS, str(error), fix), not_checked("the address is not valid")]
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    found = await look_up(host, port)
    findings = [check_port(url), check_network(host, found)]
    if not found:
        return [*findings, not_checked("the host name has no address")]
    tls = await check_tls(host, port, trust) if parts.scheme == "https" else _without_tls()
    findings += tls.findings
    if not tls.is_connected:
        return [*findings, not_checked("no connection could be opened")]
    async with http_client(url, trust, is_verified=tls.is_verified) as client:
        target = await open_target(url, client, token if tls.is_verified else None)
        return [*findings, *await _check_target(target)]


async def _check_target(target: CheckedTarget) -> list[Finding]:
    first = check_connector(target)
    if first.level == "problem":
        return [first, not_checked("no connector responds at this address")]
    metadata, issuers = await read_metadata(target)
    findings = [first, check_challenge(target), metadata]
    for issuer in issuers[:MAX_ISSUERS]:
        findings += await check_issuer(issuer, target.client)
    findings += [check_versions(target), await check_signed_in(target)]
    for check in (
        check_get, check_host_name, check_origin, check_body_limit, check_trailing_slash, check_plain_http,
    ):  # fmt: skip
        findings.append(await check(target))
    return [*findings, check_response_time(target), check_software_versions(target)]


def _without_tls() -> TlsResult:
    fix = "Serve the connector over HTTPS. Hosts refuse plain HTTP, and anyone on the network could read the tokens."
    return TlsResult([problem(CERTIFICATE, "The address does not use TLS.", fix)], is_verified=False)


def _trusted_authorities(ca: Path | None) -> ssl.SSLContext:
    if ca is None:
        return httpx2.create_ssl_context()
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # an SSLError is an OSError
        message = f"{str(ca)!r} contains no readable certificates. It must be a file in PEM format."
        raise SettingError(message) from error
