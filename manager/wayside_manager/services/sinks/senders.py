"""The one who hands events to any sink: asks the sender of its kind.

Usage: `senders = Senders(folder, host="manager.example", now=now)`; `await senders.send(sink, records)`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from wayside_manager.core.event_sinks import Attempt, EmailTarget, SinkRecord, SyslogTarget, WebhookTarget
from wayside_manager.core.events import EventRecord
from wayside_manager.ports.events import EventSender
from wayside_manager.services.sinks.email import EmailSender
from wayside_manager.services.sinks.secret_folder import SecretFolder
from wayside_manager.services.sinks.syslog import SyslogSender
from wayside_manager.services.sinks.webhook import WebhookSender


class Senders:
    """Satisfies `ports.EventSender`."""

    def __init__(self, secrets_dir: Path, *, host: str, now: Callable[[], datetime]) -> None:
        secrets = SecretFolder(secrets_dir)
        self._senders: Mapping[type, EventSender] = {
            WebhookTarget: WebhookSender(secrets, now=now),
            SyslogTarget: SyslogSender(secrets, host=host),
            EmailTarget: EmailSender(secrets, host=host, now=now),
        }

    async def send(self, sink: SinkRecord, records: Sequence[EventRecord]) -> Attempt:
        """See EventSender."""
        return await self._senders[type(sink.target)].send(sink, records)

    def check_secrets(self, sink: SinkRecord) -> None:
        """See EventSender."""
        self._senders[type(sink.target)].check_secrets(sink)
