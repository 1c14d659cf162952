"""Events and sinks between records and messages.

Usage: `event_filter(request.filter, field="filter")`; `event_message(record)`; `sink_record(message, ...)` and back.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration

from wayside.errors import InvalidArgumentError
from wayside.names import event_sink_id, event_sink_name, node_name, site_name, tenant_name
from wayside.v1 import alarm_pb2, event_pb2
from wayside_manager.api.node_messages import selector, selector_message, timestamp
from wayside_manager.api.struct_values import struct
from wayside_manager.api.time_zones import checked_zone
from wayside_manager.core.access import ROOT_TENANT
from wayside_manager.core.event_filter import WINDOWS_MAX, EventFilter, EventRule, checked_kinds, checked_windows
from wayside_manager.core.event_sinks import (
    DeadLetter,
    EmailTarget,
    SinkRecord,
    SyslogTarget,
    Target,
    WebhookTarget,
)
from wayside_manager.core.events import EventRecord, Severity
from wayside_manager.core.rollout import Window
from wayside_manager.core.sink_checks import (
    RECIPIENTS_MAX,
    checked_mailbox,
    checked_secret,
    checked_url,
    checked_username,
    host_and_port,
)
from wayside_manager.core.syslog import FACILITY_MAX

TEXT_MAX_CHARS = 200  # display name: a line on a screen
_FIELD = "event_sink"


def event_message(record: EventRecord) -> event_pb2.Event:
    """An event as operators see it."""
    event = record.event
    return event_pb2.Event(
        cursor=record.cursor,
        kind=event.kind,
        time=timestamp(event.time),
        record_time=timestamp(record.record_time),
        severity=alarm_pb2.Severity.ValueType(int(event.severity)),
        subject=event.subject,
        node=node_name(event.node_id) if event.node_id else "",
        site=site_name(event.site_id) if event.site_id else "",
        tenant=tenant_name(event.tenant_id),
        message=event.message,
        details=struct(event.details),
    )


def letter_message(letter: DeadLetter) -> event_pb2.DeadLetter:
    """A dead letter as operators see it."""
    return event_pb2.DeadLetter(
        event=event_message(letter.record),
        fault=letter.fault,
        attempt_count=letter.attempt_count,
        give_up_time=timestamp(letter.give_up_time),
    )


def event_filter(message: event_pb2.EventFilter, *, field: str) -> EventFilter:
    """A filter from the wire; an empty message passes every event.

    Raises: InvalidArgumentError: naming the field.
    """
    if message.min_severity not in alarm_pb2.Severity.values():
        raise InvalidArgumentError(f"{field}.min_severity: {message.min_severity} is not known to this manager")
    return EventFilter(
        kinds=checked_kinds(message.kinds, field=f"{field}.kinds"),
        min_severity=Severity(message.min_severity or int(Severity.INFO)),
        selector=selector(message.selector, field=f"{field}.selector") if message.HasField("selector") else None,
    )


def sink_record(message: event_pb2.EventSink, *, tenant_id: str, now: datetime) -> SinkRecord:
    """A sink from the wire, of the tenant the gate found.

    Raises: InvalidArgumentError: a field is malformed or out of range, or it names another tenant.
    """
    if message.tenant not in {"", tenant_name(tenant_id)}:
        raise InvalidArgumentError(
            f"{_FIELD}.tenant: the sink belongs to {tenant_name(tenant_id)} and stays there; leave the field out",
            reason="TENANT_FIXED",
        )
    if len(message.display_name) > TEXT_MAX_CHARS or not message.display_name.isprintable():
        raise InvalidArgumentError(
            f"{_FIELD}.display_name: give at most {TEXT_MAX_CHARS} printable characters on one line"
        )
    return SinkRecord(
        sink_id=event_sink_id(message.name, field=f"{_FIELD}.name"),
        tenant_id=tenant_id,
        target=_target(message, tenant_id),
        create_time=now,
        update_time=now,
        rule=EventRule(
            filter=event_filter(message.filter, field=f"{_FIELD}.filter"),
            windows=_windows(message.windows),
            time_zone=checked_zone(message.time_zone or "UTC", field=f"{_FIELD}.time_zone"),
        ),
        display_name=message.display_name,
        is_paused=message.is_paused,
    )


def sink_message(sink: SinkRecord) -> event_pb2.EventSink:
    """A sink as operators see it."""
    rule, standing = sink.rule, sink.standing
    message = event_pb2.EventSink(
        name=event_sink_name(sink.sink_id),
        tenant=tenant_name(sink.tenant_id),
        display_name=sink.display_name,
        filter=event_pb2.EventFilter(
            kinds=rule.filter.kinds,
            min_severity=alarm_pb2.Severity.ValueType(int(rule.filter.min_severity)),
            selector=None if rule.filter.selector is None else selector_message(rule.filter.selector),
        ),
        windows=map(_window_message, rule.windows),
        time_zone=rule.time_zone,
        is_paused=sink.is_paused,
        cursor=standing.cursor,
        dead_letter_count=sink.dead_letter_count,
        fault=standing.fault,
        etag=sink.etag,
    )
    if standing.retry_time is not None:
        message.retry_time.CopyFrom(timestamp(standing.retry_time))
    _fill_target(message, sink.target)
    return message


def _target(message: event_pb2.EventSink, tenant_id: str) -> Target:
    match message.WhichOneof("target"):
        case "webhook":
            return _webhook(message.webhook, tenant_id)
        case "syslog":
            return _syslog(message.syslog)
        case "email":
            return _email(message.email)
    raise InvalidArgumentError(f"{_FIELD}: say where events go; give webhook, syslog or email", reason="TARGET_MISSING")


def _webhook(message: event_pb2.WebhookTarget, tenant_id: str) -> WebhookTarget:
    url = checked_url(message.url, field=f"{_FIELD}.webhook.url")
    # what listens on the manager's own machine trusts those who run it, and they are the root tenant's
    if tenant_id != ROOT_TENANT and not url.lower().startswith("https:"):
        raise InvalidArgumentError(
            f"{_FIELD}.webhook.url: plain http is for sinks of tenants/{ROOT_TENANT} only; give an https URL",
            reason="URL_INVALID",
        )
    return WebhookTarget(url, checked_secret(message.secret, field=f"{_FIELD}.webhook.secret"))


def _syslog(message: event_pb2.SyslogTarget) -> SyslogTarget:
    field = f"{_FIELD}.syslog"
    host_and_port(message.address, field=f"{field}.address")
    facility = message.facility if message.HasField("facility") else SyslogTarget("").facility
    if not 0 <= facility <= FACILITY_MAX:
        raise InvalidArgumentError(f"{field}.facility: {facility} is not within 0 to {FACILITY_MAX}")
    authorities = message.authorities
    return SyslogTarget(
        address=message.address,
        authorities=checked_secret(authorities, field=f"{field}.authorities") if authorities else "",
        facility=facility,
    )


def _email(message: event_pb2.EmailTarget) -> EmailTarget:
    field = f"{_FIELD}.email"
    host_and_port(message.address, field=f"{field}.address")
    if not 0 < len(message.recipients) <= RECIPIENTS_MAX:
        raise InvalidArgumentError(f"{field}.recipients: give 1 to {RECIPIENTS_MAX}")
    if bool(message.username) != bool(message.password_secret):
        raise InvalidArgumentError(f"{field}.username: give it together with password_secret, or neither")
    secret = message.password_secret
    return EmailTarget(
        address=message.address,
        sender=checked_mailbox(message.sender, field=f"{field}.sender"),
        recipients=tuple(checked_mailbox(each, field=f"{field}.recipients") for each in message.recipients),
        username=checked_username(message.username, field=f"{field}.username"),
        password_secret=checked_secret(secret, field=f"{field}.password_secret") if secret else "",
        is_tls_implicit=message.is_tls_implicit,
    )


def _fill_target(message: event_pb2.EventSink, target: Target) -> None:
    match target:
        case WebhookTarget():
            message.webhook.url, message.webhook.secret = target.url, target.secret
        case SyslogTarget():
            message.syslog.address, message.syslog.authorities = target.address, target.authorities
            message.syslog.facility = target.facility
        case EmailTarget():
            message.email.CopyFrom(
                event_pb2.EmailTarget(
                    address=target.address,
                    sender=target.sender,
                    recipients=target.recipients,
                    username=target.username,
                    password_secret=target.password_secret,
                    is_tls_implicit=target.is_tls_implicit,
                )
            )


def _windows(messages: Sequence[event_pb2.TimeWindow]) -> tuple[Window, ...]:
    windows = [
        Window(frozenset(one.weekdays), one.begin_minute, one.duration.seconds + one.duration.nanos / 1e9)
        for one in messages[: WINDOWS_MAX + 1]
    ]
    return checked_windows(windows, field=f"{_FIELD}.windows")


def _window_message(window: Window) -> event_pb2.TimeWindow:
    duration = Duration()
    duration.FromTimedelta(timedelta(seconds=window.duration_s))
    return event_pb2.TimeWindow(weekdays=sorted(window.weekdays), begin_minute=window.begin_minute, duration=duration)
