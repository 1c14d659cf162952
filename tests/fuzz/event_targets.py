"""The manager's parsers of what operators say of events: filters and sinks; and what becomes of any text in syslog."""

from datetime import UTC, datetime

from google.protobuf.message import DecodeError

from tests.fuzz.engine import Target
from tests.unit.syslog_reader import frames, read
from wayside.v1 import alarm_pb2, event_pb2
from wayside_manager.api.event_messages import event_filter, sink_message, sink_record
from wayside_manager.core.events import EventRecord, NewEvent
from wayside_manager.core.syslog import frame, message

_NOW = datetime(2026, 11, 23, tzinfo=UTC)


def _filter() -> bytes:
    wanted = event_pb2.EventFilter(kinds=["alarm.*", "job.ended"], min_severity=alarm_pb2.SEVERITY_MAJOR)
    wanted.selector.labels.add(key="road", value="g98")
    wanted.selector.corridors.add(corridor="corridors/g98", begin_stake_meters=1.5)
    return wanted.SerializeToString()


def _sinks() -> tuple[bytes, ...]:
    hook = event_pb2.EventSink(name="eventSinks/hook", tenant="tenants/root", time_zone="Asia/Shanghai")
    hook.windows.add(weekdays=[1, 7], begin_minute=60).duration.seconds = 3600
    hook.webhook.url, hook.webhook.secret = "https://user.example:8443/a?b=c", "hook.key"
    log = event_pb2.EventSink(name="eventSinks/log")
    log.syslog.address, log.syslog.facility = "[::1]:6514", 23
    mail = event_pb2.EventSink(name="eventSinks/mail")
    mail.email.address, mail.email.sender = "mail.example:587", "a@example.org"
    mail.email.recipients.append("b.c+d@example.org")
    return tuple(sink.SerializeToString() for sink in (hook, log, mail))


def _asked(data: bytes) -> None:
    event_filter(event_pb2.EventFilter.FromString(data), field="filter")


def _made(data: bytes) -> None:
    """A sink that is taken in is told as one that is taken in again."""
    made = sink_record(event_pb2.EventSink.FromString(data), tenant_id="root", now=_NOW)
    if sink_record(sink_message(made), tenant_id="root", now=_NOW) != made:
        raise AssertionError("the sink is told otherwise than it was taken in")


def _logged(data: bytes) -> None:
    """A strict receiver reads every event as one message."""
    text = data.decode(errors="replace")
    event = NewEvent("node.check", _NOW, text[:200], text, details={text[:50]: text})
    (told,) = frames(frame(message(EventRecord(1, _NOW, event), host=text, facility=16)))
    read(told)


TARGETS = (
    Target("EventFilter and its checks", _asked, lambda: (_filter(), b""), (DecodeError,), words=(b"alarm.*", b".*")),
    Target(
        "EventSink and its checks",
        _made,
        _sinks,
        (DecodeError,),
        words=(b"http://", b"https://", b"127.0.0.1", b"[::1", b"]:", b"@", b"\r\n", b"..", b"%00", b"#", b"\\"),
    ),
    Target(
        "events as syslog messages",
        _logged,
        lambda: ('it "rains" ] \\ 日本'.encode(), b""),
        words=(b'"', b"\\", b"]", b"[", b"=", b"\n", b"\xc2\x85", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\x00"),
    ),
)
