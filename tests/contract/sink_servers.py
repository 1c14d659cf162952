"""Receivers on loopback, with TLS of a throw-away authority: HTTP, syslog and SMTP, as strict as their RFCs."""

import asyncio
import base64
import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Tls:
    """Files of an authority and of a server it vouches for."""

    ca: Path
    certificate: Path
    key: Path

    def server(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context


def made_tls(folder: Path, *names: str) -> Tls:
    """For `localhost` and the loopback addresses, or for other names."""
    folder.mkdir(parents=True, exist_ok=True)
    ca_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of a test")])
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names or ("localhost",)]
    if not names:
        alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    ca = _builder(authority, authority, ca_key)
    ca = ca.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    ca = ca.add_extension(_usage(is_ca=True), critical=True)
    ca = ca.add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
    server = _builder(x509.Name([]), authority, server_key)
    server = server.add_extension(x509.SubjectAlternativeName(alternatives), critical=True)
    server = server.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
    )
    tls = Tls(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    for path, builder in ((tls.ca, ca), (tls.certificate, server)):
        path.write_bytes(builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    tls.key.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return tls


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
    )


def _usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass
class HttpReceiver:
    """What it was sent, and how it answers."""

    url: str = ""
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    """Path, headers in lower case, body."""
    connections: set[object] = field(default_factory=set)
    answer: Callable[[int], int] = lambda _count: 204
    """Status of the so-manieth request, from 1. 0: it closes without a word."""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@contextmanager
def http_receiver(tls: Tls | None = None) -> Iterator[HttpReceiver]:
    """An HTTP server."""
    receiver = HttpReceiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.connections.add(self.client_address)
            receiver.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status = receiver.answer(len(receiver.requests))
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("content-length", str(len(receiver.body)))
            self.end_headers()
            self.wfile.write(receiver.body if status != 204 else b"")

        def log_message(self, *_args: Any) -> None:  # noqa: ANN401  # of http.server
            """Says nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_args: Any) -> None:  # noqa: ANN401  # of socketserver
            """A caller that breaks off is what tests want."""

    server = Quiet(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.server().wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    scheme = "http" if tls is None else "https"
    receiver.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/events?of=wayside"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class StreamReceiver:
    """What came in over all connections."""

    address: str = ""
    content: bytearray = field(default_factory=bytearray)


@asynccontextmanager
async def stream_receiver(tls: Tls) -> AsyncIterator[StreamReceiver]:
    """A TLS server that reads to the end of each connection."""
    receiver = StreamReceiver()

    async def read(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        receiver.content += await reader.read()

    async with _serving(read, tls.server()) as address:
        receiver.address = address
        yield receiver


@asynccontextmanager
async def _serving(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], context: ssl.SSLContext | None
) -> AsyncIterator[str]:
    """The address of a server; at the end every conversation has ended."""
    talks: set[asyncio.Task[Any]] = set()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            await talk(reader, writer)
            writer.close()
            await writer.wait_closed()
        except (OSError, EOFError):
            writer.transport.abort()  # a caller that breaks off is what tests want

    server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if talks:
        await asyncio.wait(talks)


@dataclass
class MailServer:
    """A submission server: what it was given, and what it offers."""

    address: str = ""
    letters: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    """Sender, receivers, content."""
    logins: list[tuple[str, str]] = field(default_factory=list)
    said_in_plain: list[str] = field(default_factory=list)
    """Commands before TLS."""
    offers_tls: bool = True
    refused: set[str] = field(default_factory=set)
    """Receivers it does not take."""


@asynccontextmanager
async def mail_server(tls: Tls, *, is_tls_implicit: bool = False) -> AsyncIterator[MailServer]:
    """An SMTP server with STARTTLS or TLS, and AUTH PLAIN."""
    known = MailServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _SmtpTalk(known, tls, reader, writer, is_secret=is_tls_implicit).run()

    async with _serving(serve, tls.server() if is_tls_implicit else None) as address:
        known.address = address
        yield known


class _SmtpTalk:
    """One connection, RFC 5321."""

    def __init__(
        self,
        server: MailServer,
        tls: Tls,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        is_secret: bool,
    ) -> None:
        self._server, self._tls, self._reader, self._writer = server, tls, reader, writer
        self._is_secret = is_secret
        self._sender, self._recipients = "", list[str]()

    async def run(self) -> None:
        self._say("220 test")
        while line := (await self._reader.readline()).decode().strip():
            word = line.split(" ")[0].upper()
            if not self._is_secret:
                self._server.said_in_plain.append(word)
            if word == "QUIT":
                self._say("221 bye")
                return
            await self._obey(word, line)

    async def _obey(self, word: str, line: str) -> None:
        if word == "EHLO":
            more = [] if self._is_secret or not self._server.offers_tls else ["STARTTLS"]
            more += ["AUTH PLAIN"] if self._is_secret else []
            self._say(*(f"250-{each}" for each in ("test", *more)), "250 SMTPUTF8")
        elif word == "STARTTLS":
            self._say("220 go on")
            await self._writer.start_tls(self._tls.server())
            self._is_secret = True
        elif word == "AUTH":
            _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
            self._server.logins.append((user, password))
            self._say("235 ok" if password == "open sesame" else "535 5.7.8 no\x01such thing")
        elif word == "DATA":
            self._say("354 go on")
            content = await self._reader.readuntil(b"\r\n.\r\n")
            self._server.letters.append((self._sender, self._recipients, content.removesuffix(b".\r\n")))
            self._say("250 ok")
        else:
            self._say(self._addressed(word, line))

    def _addressed(self, word: str, line: str) -> str:
        address = line.partition("<")[2].partition(">")[0]
        if word == "MAIL":
            self._sender, self._recipients = address, []
        elif address in self._server.refused:
            return "550 5.1.1 nobody of that name"
        elif word == "RCPT":
            self._recipients.append(address)
        return "250 ok"

    def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())
