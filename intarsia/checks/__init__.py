"""Looks at a deployed connector from outside, as a host would, and says what keeps hosts away or lets strangers in.

About fifteen requests, one after another: no redirect is followed, each may take ten seconds, and little is read.
"""

import ssl
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from intarsia.checks.challenge import check_challenge, read_metadata
from intarsia.checks.findings import Finding, has_problem, problem
from intarsia.checks.http_client import asking
from intarsia.checks.issuers import MAX_ISSUERS, check_issuer
from intarsia.checks.reachability import ADDRESS, check_network, check_port, look_up, nothing_more
from intarsia.checks.rejections import check_body, check_host, check_origin, check_plain, check_slash
from intarsia.checks.responses import check_behind_sign_in, check_eras, check_get, check_leak, check_speed
from intarsia.checks.target import CheckedTarget, begin, check_connector
from intarsia.checks.tls import CERTIFICATE, Tls, check_tls
from intarsia.errors import SettingError
from intarsia.server.auth.resource_server.settings import checked_address

__all__ = ["Finding", "check_public", "has_problem"]


async def check_public(address: str, *, token: str | None = None, ca: Path | None = None) -> list[Finding]:
    """Look at a connector that is served to the public.

    Args:
        address: Its address, exactly as people enter it into hosts, such as `https://tasks.example.com/mcp`.
        token: An access token, to look behind sign-in. It is sent to this address alone, and only when the certificate
            is valid.
        ca: A file with the certificates of the authorities that are trusted, instead of those of this machine.

    Returns:
        What was found, in the order of the checks.

    Raises:
        SettingError: The file holds no certificates, or the token cannot be sent.
    """
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        message = "The token holds characters that no access token has; nothing was sent."
        raise SettingError(message)
    trust = _trust(ca)
    try:
        checked_address(address, "The address")
    except SettingError as error:
        fix = "Enter the address as hosts should know it."
        return [problem(ADDRESS, str(error), fix), nothing_more("the address cannot be used")]
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    found = await look_up(host, port)
    findings = [check_port(address), check_network(host, found)]
    if not found:
        return [*findings, nothing_more("the name leads nowhere")]
    tls = await check_tls(host, port, trust) if parts.scheme == "https" else _without_tls()
    findings += tls.findings
    if not tls.is_spoken:
        return [*findings, nothing_more("there is no connection")]
    async with asking(address, trust, is_verified=tls.is_verified) as asker:
        visit = await begin(address, asker, token if tls.is_verified else None)
        return [*findings, *await _look(visit)]


async def _look(visit: CheckedTarget) -> list[Finding]:
    first = check_connector(visit)
    if first.level == "problem":
        return [first, nothing_more("no connector answers")]
    metadata, issuers = await read_metadata(visit)
    findings = [first, check_challenge(visit), metadata]
    for issuer in issuers[:MAX_ISSUERS]:
        findings += await check_issuer(issuer, visit.asker)
    findings += [check_eras(visit), await check_behind_sign_in(visit)]
    for check in (check_get, check_host, check_origin, check_body, check_slash, check_plain):
        findings.append(await check(visit))
    return [*findings, check_speed(visit), check_leak(visit)]


def _without_tls() -> Tls:
    fix = "Serve it by HTTPS: hosts refuse anything else, and tokens could be read on their way."
    return Tls([problem(CERTIFICATE, "The address has no TLS.", fix)], is_verified=False)


def _trust(ca: Path | None) -> ssl.SSLContext:
    if ca is None:
        return httpx2.create_ssl_context()
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # an SSLError is an OSError
        message = f"{str(ca)!r} holds no certificates that can be read; it must be a file in PEM form."
        raise SettingError(message) from error
