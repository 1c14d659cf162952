"""Syslog: RFC 5424 messages over TLS with octet counting, RFC 5425.

Syslog has no acknowledgement. A turn counts as taken when all of it was written and the receiver closed the connection
in order after we did; what a receiver drops after that, nobody learns.
Tested with: rsyslog 8.2302 (imtcp with the ossl driver), and a strict receiver of the tests.
Source: RFC 5424, RFC 5425.
"""

import asyncio
import ssl
from collections.abc import Sequence

from wayside.errors import InvalidArgumentError, WaysideError
from wayside_manager.core.event_sinks import Attempt, SinkRecord, SyslogTarget
from wayside_manager.core.events import EventRecord
from wayside_manager.core.sink_checks import host_and_port
from wayside_manager.core.syslog import frame, message
from wayside_manager.services.sinks.secret_folder import SecretFolder

AUTHORITIES_FIELD = "event_sink.syslog.authorities"
_LIMIT_S, _HANDSHAKE_S, _SHUTDOWN_S = 30.0, 10.0, 10.0


class SyslogSender:
    """Satisfies `ports.EventSender` for syslog."""

    def __init__(self, secrets: SecretFolder, *, host: str) -> None:
        self._secrets = secrets
        self._host = host

    def check_secrets(self, sink: SinkRecord) -> None:
        """See EventSender."""
        self._context(sink, _target(sink))

    async def send(self, sink: SinkRecord, records: Sequence[EventRecord]) -> Attempt:
        """See EventSender."""
        target = _target(sink)
        try:
            host, port = host_and_port(target.address, field="event_sink.syslog.address")
            context = await asyncio.to_thread(self._context, sink, target)
            frames = [frame(message(record, host=self._host, facility=target.facility)) for record in records]
            async with asyncio.timeout(_LIMIT_S):
                await _written(b"".join(frames), host, port, context)
        except WaysideError as exc:
            return Attempt(0, exc.message)
        except TimeoutError:
            return Attempt(0, f"it did not take them within {_LIMIT_S:g} s")
        except (OSError, EOFError) as exc:
            return Attempt(0, f"{type(exc).__name__}: {exc}")
        return Attempt(len(records))

    def _context(self, sink: SinkRecord, target: SyslogTarget) -> ssl.SSLContext:
        """Raises: NotFoundError, InvalidArgumentError: the authorities cannot be used."""
        if not target.authorities:
            return ssl.create_default_context()
        pem = self._secrets.read(sink.tenant_id, target.authorities, field=AUTHORITIES_FIELD)
        try:
            return ssl.create_default_context(cadata=pem.decode("ascii"))
        except (ssl.SSLError, ValueError) as exc:
            raise InvalidArgumentError(
                f"{AUTHORITIES_FIELD}: the file {target.authorities} holds no certificates in PEM",
                reason="SECRET_INVALID",
            ) from exc


def _target(sink: SinkRecord) -> SyslogTarget:
    if not isinstance(sink.target, SyslogTarget):
        raise TypeError(f"{sink.sink_id} is no syslog receiver")
    return sink.target


async def _written(content: bytes, host: str, port: int, context: ssl.SSLContext) -> None:
    _reader, writer = await asyncio.open_connection(
        host,
        port,
        ssl=context,
        ssl_handshake_timeout=_HANDSHAKE_S,
        ssl_shutdown_timeout=_SHUTDOWN_S,
    )
    try:
        writer.write(content)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    except BaseException:
        writer.transport.abort()
        raise
