"""TLS: whether hosts accept the certificate, how long it is valid, and which versions the server supports."""

import asyncio
import ssl
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time

from intarsia.checks.findings import Finding, ok, problem, warning
from intarsia.checks.http_client import MAX_SECONDS
from intarsia.checks.reachability import NETWORK

CERTIFICATE, VERSION = "certificate", "TLS version"

MIN_DAYS_LEFT = 14
"""With fewer days left, a certificate should already have been renewed."""

_DAY = 24 * 60 * 60


@dataclass(frozen=True)
class TlsResult:
    """The result of the TLS checks.

    Args:
        findings: For the report.
        is_connected: Whether a connection could be opened at all.
        is_verified: Whether the certificate is valid for the host name.
    """

    findings: list[Finding]
    is_connected: bool = True
    is_verified: bool = True


async def check_tls(host: str, port: int, trust: ssl.SSLContext) -> TlsResult:
    """Open a connection as a host does, and another one with outdated versions only.

    Args:
        host: The host name, which the certificate must contain.
        port: The port.
        trust: The certificate authorities to trust.
    """
    try:
        version, expires_at = await _shake_hands(host, port, trust)
    except ssl.SSLCertVerificationError as error:
        fix = (
            "Install a certificate for this host name from a public authority, with its whole chain and with automatic "
            "renewal."
        )
        found = f"The certificate is not valid: {error.verify_message}."
        return TlsResult([problem(CERTIFICATE, found, fix)], is_verified=False)
    except ssl.SSLError as error:
        found = f"The TLS handshake failed: {error.reason or 'no common version'}."
        return TlsResult([problem(VERSION, found, "Serve TLS 1.2 or 1.3 on this port.")], is_connected=False)
    except (OSError, TimeoutError) as error:
        return TlsResult([_unreachable(host, port, error)], is_connected=False)
    return TlsResult([_expiry(expires_at), await _versions(host, port, version)])


def _unreachable(host: str, port: int, error: Exception) -> Finding:
    why = f"no response within {MAX_SECONDS} seconds" if isinstance(error, TimeoutError) else type(error).__name__
    fix = "Start the server or its proxy, and open the port in the firewall."
    return problem(NETWORK, f"No connection to {host} port {port}: {why}.", fix)


def _expiry(expires_at: float) -> Finding:
    days = int((expires_at - time()) // _DAY)
    day = datetime.fromtimestamp(expires_at, UTC).date()
    if days < MIN_DAYS_LEFT:
        fix = "Renew the certificate, and find out why the automatic renewal does not work."
        return warning(CERTIFICATE, f"The certificate expires in {days} days, on {day}.", fix)
    return ok(CERTIFICATE, f"The certificate is valid for {days} more days.")


async def _versions(host: str, port: int, version: str) -> Finding:
    try:
        outdated, _ = await _shake_hands(host, port, _outdated())
    except (OSError, TimeoutError):  # an SSLError is an OSError
        return ok(VERSION, f"The server uses {version}, and refuses versions before TLS 1.2.")
    fix = "Disable TLS 1.0 and 1.1 (RFC 8996)."
    return warning(VERSION, f"The server uses {version}, but also accepts the outdated {outdated}.", fix)


async def _shake_hands(host: str, port: int, context: ssl.SSLContext) -> tuple[str, float]:
    """Return the TLS version, and when the certificate expires in seconds since 1970; 0 if it was not verified."""
    async with asyncio.timeout(MAX_SECONDS):
        _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
        connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
        version, certificate = connection.version() or "", connection.getpeercert() or {}
        writer.transport.abort()
    return version, ssl.cert_time_to_seconds(str(certificate["notAfter"])) if certificate else 0


def _outdated() -> ssl.SSLContext:
    """Return a context that offers outdated versions only. Nothing is sent over such a connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # outdated versions are the purpose here
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context
