"""A site on this machine that serves an app's document over real TLS, and counts who comes."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from intarsia.server.auth.authorization_server.clients.client_metadata import ClientMetadata, ClientMetadataReader
from intarsia.server.auth.authorization_server.clients.public_addresses import IPAddress

HOST = "app.example.com"
HERE = ip_address("127.0.0.1")
MAX_WAIT = 20

Answering = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Authority:
    """Makes certificates, and trusts those that it made.

    Args:
        folder: Where they are written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made up for tests")])
        self._made = self._sign(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0))
        self.trusting = ssl.create_default_context(cadata=self._made.public_bytes(Encoding.PEM).decode())

    def serving(self, host: str) -> ssl.SSLContext:
        """Return what proves that a server is the host."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        made = self._sign(subject, key, x509.SubjectAlternativeName([x509.DNSName(host)]))
        file = self._folder / f"{host}.pem"
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(secret + made.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .add_extension(key_id, critical=False)
            .add_extension(issuer, critical=False)
        )
        if isinstance(extension, x509.BasicConstraints):
            usage = x509.KeyUsage(
                digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
                key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
            )  # fmt: skip
            builder = builder.add_extension(usage, critical=True)
        return builder.sign(self._key, hashes.SHA256())


@dataclass
class Site:
    """What came to a site, and what it answers with."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list[bytes])
    names: list[str | None] = field(default_factory=list[str | None])
    """What TLS was asked to prove."""
    sent: int = 0
    """How many bytes of a body left for the network."""
    answer: Answering | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when somebody who came has gone."""

    @property
    def client_id(self) -> str:
        """The address of the document here."""
        return f"https://{HOST}:{self.port}/app.json"

    def document(self, **changed: Any) -> dict[str, Any]:
        """Return a document that is in order but for some fields; None leaves one out."""
        fields = {
            "client_id": self.client_id,
            "client_name": "Task app",
            "redirect_uris": [f"https://{HOST}:{self.port}/back", "http://127.0.0.1/back"],
            "token_endpoint_auth_method": "none",
            **changed,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def says(self, body: object, *headers: str, status: str = "200 OK", kind: str = "application/json") -> None:
        """Answer with a body: bytes as they are, all else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(content)}", *headers]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()

        async def answer(writer: asyncio.StreamWriter) -> None:
            writer.write(head + content)
            await writer.drain()

        self.answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read a request, and answer it."""
        self.connections += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                if self.answer:
                    await self.answer(writer)
        finally:
            self.done.set()
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def running_site(
    context: ssl.SSLContext | None, *, address: str = str(HERE), port: int = 0
) -> AsyncGenerator[Site]:
    """Serve while the block runs; without a context, without TLS."""
    site = Site()
    if context:
        context.sni_callback = lambda _socket, name, _context: site.names.append(name)
    server = await asyncio.start_server(site.serve, address, port, ssl=context)
    site.port = server.sockets[0].getsockname()[1]
    site.says(site.document())
    try:
        yield site
    finally:
        server.close()


class Names:
    """A resolver that answers with what it is told, one answer after the other, and stays with the last.

    Args:
        answers: Addresses, per question.
    """

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = answers
        self.asked: list[str] = []

    async def __call__(self, name: str, _port: int) -> Sequence[IPAddress]:
        """Answer a question."""
        answer = self._answers[min(len(self.asked), len(self._answers) - 1)]
        self.asked.append(name)
        return [ip_address(address) for address in answer]


def is_anywhere(_address: IPAddress) -> bool:
    """Let every address be asked."""
    return True


def is_here(address: IPAddress) -> bool:
    """Say whether an address is the one that the sites of tests listen on."""
    return address == HERE


async def read_document(client_id: str, **options: Any) -> ClientMetadata:
    """Read the document of an app with a reader that knows no other document."""
    return await ClientMetadataReader(**options).get(client_id)
