"""Webhooks: an HTTP POST of one JSON event each, in their order, over one connection per turn.

The signature is HMAC-SHA-256 over time stamp, full stop and body, so that a receiver knows who sent it and when; see
docs/events.md. Redirects are not followed: they would carry events where nobody said.
Tested with: Python's http.server, with TLS and without. Source: RFC 9110, RFC 2104.
"""

import hashlib
import hmac
import http.client
import ipaddress
import ssl
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from wayside.errors import WaysideError
from wayside_manager.core.event_sinks import Attempt, SinkRecord, WebhookTarget
from wayside_manager.core.event_text import event_text
from wayside_manager.core.events import EventRecord
from wayside_manager.services.sinks.conversation import Conversation, held
from wayside_manager.services.sinks.secret_folder import SecretFolder

SIGNATURE_HEADER = "wayside-signature"
CURSOR_HEADER = "wayside-event-cursor"
SECRET_FIELD = "event_sink.webhook.secret"  # noqa: S105  # the name of a field
_TIMEOUT_S = 10.0
"""For each read and write."""
_TURN_S, _LIMIT_S = 15.0, 30.0
_ANSWER_MAX_BYTES = 64 << 10
_REFUSED = frozenset({400, 413, 422})
"""It was read and will not do: no later attempt is answered otherwise."""
_BROKEN = (http.client.RemoteDisconnected, ConnectionError)


def signature(key: bytes, body: bytes, *, at: datetime) -> str:
    """The value of the header: `t=<seconds since 1970>,v1=<hex>`."""
    stamp = int(at.timestamp())
    return f"t={stamp},v1={hmac.new(key, b'%d.%b' % (stamp, body), hashlib.sha256).hexdigest()}"


class WebhookSender:
    """Satisfies `ports.EventSender` for webhooks."""

    def __init__(self, secrets: SecretFolder, *, now: Callable[[], datetime]) -> None:
        self._secrets = secrets
        self._now = now

    def check_secrets(self, sink: SinkRecord) -> None:
        """See EventSender."""
        self._secrets.read(sink.tenant_id, _target(sink).secret, field=SECRET_FIELD)

    async def send(self, sink: SinkRecord, records: Sequence[EventRecord]) -> Attempt:
        """See EventSender."""
        return await held(lambda talk: self._posted(sink, records, talk), turn_s=_TURN_S, limit_s=_LIMIT_S)

    def _posted(self, sink: SinkRecord, records: Sequence[EventRecord], talk: Conversation) -> Attempt:
        target = _target(sink)
        try:
            key = self._secrets.read(sink.tenant_id, target.secret, field=SECRET_FIELD)
            url = urlsplit(target.url)
            with closing(_connection(url)) as connection:
                for record in records:
                    if talk.is_late:
                        break
                    fault, is_refused = self._post(connection, url, key, record, talk)
                    if fault:
                        return Attempt(talk.taken_count, fault, is_refused)
                    talk.taken_count += 1
        except WaysideError as exc:
            return Attempt(talk.taken_count, exc.message)
        except (OSError, http.client.HTTPException, ValueError) as exc:
            return Attempt(talk.taken_count, f"{type(exc).__name__}: {exc}")
        return Attempt(talk.taken_count)

    def _post(
        self,
        connection: http.client.HTTPConnection,
        url: SplitResult,
        key: bytes,
        record: EventRecord,
        talk: Conversation,
    ) -> tuple[str, bool]:
        """Why an event was not taken, empty: it was; and whether it never will be."""
        if connection.sock is not None:
            try:
                return self._exchanged(connection, url, key, record)
            except _BROKEN:
                connection.close()  # it was open from the event before; once more over a new one
        connection.connect()
        talk.hold(connection.sock)
        _check_peer(connection, url)
        return self._exchanged(connection, url, key, record)

    def _exchanged(
        self, connection: http.client.HTTPConnection, url: SplitResult, key: bytes, record: EventRecord
    ) -> tuple[str, bool]:
        body = event_text(record).encode(errors="replace")
        path = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        headers = {
            "content-type": "application/json",
            "user-agent": "wayside-manager",
            SIGNATURE_HEADER: signature(key, body, at=self._now()),
            CURSOR_HEADER: str(record.cursor),
        }
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read(_ANSWER_MAX_BYTES)
        if not answer.isclosed():
            connection.close()  # it says more than anybody wants to know
        if 200 <= answer.status < 300:  # noqa: PLR2004  # RFC 9110, section 15.3
            return "", False
        if 300 <= answer.status < 400:  # noqa: PLR2004  # section 15.4
            return f"it answered {answer.status}: redirects are not followed; name where it leads to", False
        return f"it answered {answer.status} {answer.reason}", answer.status in _REFUSED


def _target(sink: SinkRecord) -> WebhookTarget:
    if not isinstance(sink.target, WebhookTarget):
        raise TypeError(f"{sink.sink_id} is no webhook")
    return sink.target


def _connection(url: SplitResult) -> http.client.HTTPConnection:
    host = url.hostname or ""
    if url.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, url.port, timeout=_TIMEOUT_S, context=context)
    return http.client.HTTPConnection(host, url.port, timeout=_TIMEOUT_S)


def _check_peer(connection: http.client.HTTPConnection, url: SplitResult) -> None:
    """Plain text stays on this machine, whatever a name is said to mean."""
    if url.scheme == "http":
        address = connection.sock.getpeername()[0]
        if not ipaddress.ip_address(address).is_loopback:
            raise ValueError(f"{url.hostname} is {address} and not this machine; use https")
