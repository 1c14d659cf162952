"""E-mail over SMTP with STARTTLS or TLS: the events of one turn are one message.

Nothing is said before TLS, and the server's certificate is verified. Texts of events stand in the body, and in the
subject on one line without control signs; addresses are checked when the sink is made.
Tested with: a server of the tests that speaks SMTP, STARTTLS and AUTH. Source: RFC 5321, RFC 3207, RFC 8314.
"""

import smtplib
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from wayside.errors import WaysideError
from wayside_manager.core.event_sinks import Attempt, EmailTarget, SinkRecord, shortened
from wayside_manager.core.events import EventRecord
from wayside_manager.core.sink_checks import host_and_port
from wayside_manager.services.sinks.conversation import Conversation, held
from wayside_manager.services.sinks.secret_folder import SecretFolder

PASSWORD_FIELD = "event_sink.email.password_secret"  # noqa: S105  # the name of a field
_TIMEOUT_S = 15.0
_LIMIT_S = 60.0
_SUBJECT_MAX_CHARS = 120


class EmailSender:
    """Satisfies `ports.EventSender` for e-mail."""

    def __init__(self, secrets: SecretFolder, *, host: str, now: Callable[[], datetime]) -> None:
        self._secrets = secrets
        self._host = host
        self._now = now

    def check_secrets(self, sink: SinkRecord) -> None:
        """See EventSender."""
        self._password(sink, _target(sink))

    async def send(self, sink: SinkRecord, records: Sequence[EventRecord]) -> Attempt:
        """See EventSender."""
        return await held(lambda talk: self._mailed(sink, records, talk), turn_s=_LIMIT_S, limit_s=_LIMIT_S)

    def _mailed(self, sink: SinkRecord, records: Sequence[EventRecord], talk: Conversation) -> Attempt:
        target = _target(sink)
        try:
            password = self._password(sink, target)
            with self._connected(target, talk) as server:
                if target.username:
                    server.login(target.username, password)
                server.send_message(self._letter(target, records), target.sender, list(target.recipients))
        except WaysideError as exc:
            return Attempt(0, exc.message)
        except smtplib.SMTPResponseException as exc:
            return Attempt(0, f"it answered {exc.smtp_code} {_text(exc.smtp_error)}")
        except smtplib.SMTPRecipientsRefused as exc:
            code, said = next(iter(exc.recipients.values()))
            return Attempt(0, f"it takes no mail for the recipients: {code} {_text(said)}")
        except (OSError, ValueError) as exc:  # SMTPException is an OSError
            return Attempt(0, f"{type(exc).__name__}: {exc}")
        return Attempt(len(records))

    def _connected(self, target: EmailTarget, talk: Conversation) -> smtplib.SMTP:
        host, port = host_and_port(target.address, field="event_sink.email.address")
        context = ssl.create_default_context()
        if target.is_tls_implicit:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, local_hostname=self._host, timeout=_TIMEOUT_S, context=context
            )
            talk.hold(server.sock)
            return server
        server = smtplib.SMTP(host, port, local_hostname=self._host, timeout=_TIMEOUT_S)
        talk.hold(server.sock)
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        talk.hold(server.sock)
        return server

    def _password(self, sink: SinkRecord, target: EmailTarget) -> str:
        if not target.password_secret:
            return ""
        return self._secrets.read(sink.tenant_id, target.password_secret, field=PASSWORD_FIELD).decode(
            "utf-8", "replace"
        )

    def _letter(self, target: EmailTarget, records: Sequence[EventRecord]) -> EmailMessage:
        letter = EmailMessage(policy=SMTP)
        letter["From"] = target.sender
        letter["To"] = ", ".join(target.recipients)
        letter["Subject"] = _subject(records)
        letter["Date"] = format_datetime(self._now())
        letter["Message-ID"] = make_msgid(domain=self._host)
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers to it
        letter.set_content("\n\n".join(map(_paragraph, records)) + "\n")
        return letter


def _target(sink: SinkRecord) -> EmailTarget:
    if not isinstance(sink.target, EmailTarget):
        raise TypeError(f"{sink.sink_id} is no e-mail")
    return sink.target


def _subject(records: Sequence[EventRecord]) -> str:
    """The worst of them, and how many more there are."""
    worst = max(records, key=lambda record: record.event.severity).event
    more = f" (and {len(records) - 1} more)" if len(records) > 1 else ""
    # what looks like an encoded word (RFC 2047) would be decoded: into ends of lines, or into nothing that can be sent
    said = shortened(worst.message).replace("=?", "= ?")
    line = f"[wayside] {worst.severity.name.lower()}: {said}"
    room = _SUBJECT_MAX_CHARS - len(more)
    return (line if len(line) <= room else line[: room - 3] + "...") + more


def _paragraph(record: EventRecord) -> str:
    event = record.event
    about = ", ".join(filter(None, (event.subject, event.site_id and f"sites/{event.site_id}")))
    time = event.time.isoformat(sep=" ", timespec="seconds")
    head = f"{event.severity.name.lower()}  {time}  {event.kind}  {about}"
    return f"{head}\n{shortened(event.message)}\ncursor {record.cursor}"


def _text(said: object) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
