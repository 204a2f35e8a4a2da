"""TLS: whether the certificate is one that hosts take, how long it lasts, and which versions are spoken."""

import asyncio
import ssl
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time

from intarsia.checks.findings import Finding, ok, problem, warning
from intarsia.checks.http_client import SECONDS

CERTIFICATE, VERSION = "certificate", "TLS version"

MIN_DAYS_LEFT = 14
"""A certificate that ends sooner should have been renewed by now."""

_DAY = 24 * 60 * 60


@dataclass(frozen=True)
class Tls:
    """What was found out.

    Args:
        findings: For the report.
        is_spoken: Whether the server can be talked to at all.
        is_verified: Whether it is the one that the address names.
    """

    findings: list[Finding]
    is_spoken: bool = True
    is_verified: bool = True


async def check_tls(host: str, port: int, trust: ssl.SSLContext) -> Tls:
    """Open a connection as a host does, and one more with versions that nobody should speak.

    Args:
        host: The name to connect to, which the certificate must hold.
        port: Where.
        trust: Whose certificates are taken.
    """
    try:
        version, ends_at = await _shake_hands(host, port, trust)
    except ssl.SSLCertVerificationError as error:
        fix = "Install one for this name, from a public authority and with its whole chain, that renews itself."
        return Tls(
            [problem(CERTIFICATE, f"The certificate is not valid: {error.verify_message}.", fix)], is_verified=False
        )
    except ssl.SSLError as error:
        fix = "Serve TLS 1.2 or 1.3 on this port."
        return Tls(
            [problem(VERSION, f"No common TLS: {error.reason or 'the handshake failed'}.", fix)], is_spoken=False
        )
    except (OSError, TimeoutError) as error:
        return Tls([_unreachable(host, port, error)], is_spoken=False)
    return Tls([_lifetime(ends_at), await _versions(host, port, version)])


def _unreachable(host: str, port: int, error: Exception) -> Finding:
    why = f"no answer within {SECONDS} seconds" if isinstance(error, TimeoutError) else type(error).__name__
    fix = "Start the server or its proxy, and open the firewall between it and the internet."
    return problem("network", f"No connection to {host} port {port}: {why}.", fix)


def _lifetime(ends_at: float) -> Finding:
    days = int((ends_at - time()) // _DAY)
    day = datetime.fromtimestamp(ends_at, UTC).date()
    if days < MIN_DAYS_LEFT:
        fix = "Renew it, and find out why that does not happen by itself."
        return warning(CERTIFICATE, f"The certificate ends in {days} days, on {day}.", fix)
    return ok(CERTIFICATE, f"The certificate is valid, for {days} more days.")


async def _versions(host: str, port: int, version: str) -> Finding:
    try:
        outdated, _ = await _shake_hands(host, port, _outdated())
    except (OSError, TimeoutError):  # an SSLError is an OSError
        return ok(VERSION, f"{version} is spoken, and nothing older than TLS 1.2.")
    fix = "Switch TLS 1.0 and 1.1 off (RFC 8996)."
    return warning(VERSION, f"{version} is spoken, and {outdated} too.", fix)


async def _shake_hands(host: str, port: int, context: ssl.SSLContext) -> tuple[str, float]:
    """Return the version of TLS, and when the certificate ends, in seconds since 1970; 0 when it was not verified."""
    async with asyncio.timeout(SECONDS):
        _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
        connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
        version, certificate = connection.version() or "", connection.getpeercert() or {}
        writer.transport.abort()
    return version, ssl.cert_time_to_seconds(str(certificate["notAfter"])) if certificate else 0


def _outdated() -> ssl.SSLContext:
    """Return a context that offers only what is outdated, to see whether it is taken. Nothing is sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that they are outdated is the point
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context
