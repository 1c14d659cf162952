"""A broker and what opens it: TLS files, a password, and the network interface to leave by.

broker = Broker("broker.example", 8883, tls=MqttTls(ca_file), username="unit", password_file=path)
context, password, address = await asyncio.to_thread(prepared, broker)      # anew for every connection
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from wayside.errors import FailedPreconditionError, UnavailableError
from wayside_agent.link.interface import source_address

_PASSWORD_MAX_CHARS = 4096


@dataclass(frozen=True, slots=True)
class MqttTls:
    """How a broker proves itself, and the client if it has to. Paths of PEM files."""

    ca_file: Path | None = None
    """`None`: the system's authorities."""
    certificate_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is and how to speak to it."""

    host: str
    port: int
    tls: MqttTls | None = None
    """`None`: plain text; only for a broker on the unit itself."""
    interface: str = ""
    """Network interface to leave by; empty: any."""
    username: str = ""
    password_file: Path | None = None
    """Holds the password, UTF-8; read at every connection, a newline at its end does not count."""
    keepalive_s: int = 30
    """A dead connection is noticed after one and a half of these."""
    timeout_s: float = 10.0
    """For one answer of the broker."""

    def __str__(self) -> str:
        return f"MQTT broker {self.host}:{self.port}"


def prepared(broker: Broker) -> tuple[ssl.SSLContext | None, str | None, str]:
    """TLS, password and own address of a connection. Blocks.

    Raises: UnavailableError: the interface is not there. FailedPreconditionError: a file is not as it must be.
    """
    return _tls_context(broker), _password(broker), _own_address(broker)


def _own_address(broker: Broker) -> str:
    if not broker.interface:
        return ""
    try:
        return source_address(broker.interface, broker.host, broker.port)
    except UnavailableError as exc:
        raise UnavailableError(f"{broker}: {exc}; retrying by itself") from exc


def _password(broker: Broker) -> str | None:
    path = broker.password_file
    if path is None:
        return None
    try:
        with path.open(encoding="utf-8", newline="") as file:
            password = file.read(_PASSWORD_MAX_CHARS + 1).rstrip("\r\n")
    except OSError as exc:
        raise FailedPreconditionError(
            f"{broker}: the secret {path} cannot be read ({exc.strerror}); put it there, see settings secrets_dir"
        ) from exc
    except UnicodeDecodeError:  # its words would hold a part of the secret
        password = ""
    if not 0 < len(password) <= _PASSWORD_MAX_CHARS:
        raise FailedPreconditionError(
            f"{broker}: the secret {path} is no password; write 1 to {_PASSWORD_MAX_CHARS} characters, UTF-8"
        ) from None
    return password


def _tls_context(broker: Broker) -> ssl.SSLContext | None:
    tls = broker.tls
    if tls is None:
        return None
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.certificate_file:
            context.load_cert_chain(tls.certificate_file, tls.key_file)
    except (OSError, ssl.SSLError) as exc:
        named = ", ".join(str(path) for path in (tls.ca_file, tls.certificate_file, tls.key_file) if path)
        raise FailedPreconditionError(f"{broker}: cannot use the TLS files {named} ({exc}); correct them") from exc
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
