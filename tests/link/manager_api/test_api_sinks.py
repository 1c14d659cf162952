"""Event sinks over the wire: made, changed, tested, and served by a running manager."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from google.protobuf.duration_pb2 import Duration

from tests.contract.sink_servers import http_receiver
from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.peer import Clock, LocalManager, Peer, role
from tests.unit.event_makers import NOON
from wayside.errors import ConflictError, InvalidArgumentError, NotFoundError, PermissionDeniedError, UnavailableError
from wayside.v1 import alarm_pb2, event_pb2, event_service_pb2
from wayside_manager.api.event_messages import sink_record
from wayside_manager.app import running
from wayside_manager.cli.initialise import initialise
from wayside_manager.settings import DataFolder

WEBHOOK = event_pb2.WebhookTarget(url="https://example.org/events", secret="hook")
SYSLOG = event_pb2.SyslogTarget(address="logs.example:6514")
EMAIL = event_pb2.EmailTarget(address="[::1]:587", sender="a@example.org", recipients=["b@example.org"])


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[LocalManager]:
    """One with a secret, which does not wait long for a second attempt."""
    folder, clock = DataFolder(tmp_path / "manager"), Clock()
    await initialise(folder, SETTINGS)
    folder.secrets.mkdir(mode=0o700)
    (folder.secrets / "hook").write_text("key")
    settings = msgspec.structs.replace(SETTINGS, event_attempts=2, event_retry_s=0.01)
    async with running(folder, settings) as endpoints:
        yield LocalManager(folder, endpoints, clock)


def sink(**fields: Any) -> event_pb2.EventSink:  # noqa: ANN401  # fields of a message
    return event_pb2.EventSink(**{"name": "eventSinks/hook", "tenant": "tenants/root"} | fields)


async def apply(peer: Peer, **fields: Any) -> event_pb2.EventSink:  # noqa: ANN401  # fields of a message
    request = event_service_pb2.ApplyEventSinkRequest(event_sink=sink(**fields))
    return (await peer.call(peer.event.ApplyEventSink, request)).event_sink


async def letters(peer: Peer) -> list[event_pb2.DeadLetter]:
    request = event_service_pb2.ListDeadLettersRequest(event_sink="eventSinks/hook")
    return list((await peer.call(peer.event.ListDeadLetters, request)).dead_letters)


async def test_a_sink_comes_back_as_it_was_made(operator: Peer) -> None:
    given = {
        "display_name": "control room",
        "filter": event_pb2.EventFilter(kinds=["alarm.*"], min_severity=alarm_pb2.SEVERITY_MAJOR),
        "windows": [event_pb2.TimeWindow(weekdays=[6, 7], begin_minute=60, duration=Duration(seconds=7200))],
        "time_zone": "Asia/Shanghai",
        "is_paused": True,
        "webhook": WEBHOOK,
    }
    made = await apply(operator, **given)
    assert made == sink(**given, etag="1")
    got = await operator.call(operator.event.GetEventSink, event_service_pb2.GetEventSinkRequest(name=made.name))
    listed = await operator.call(operator.event.ListEventSinks, event_service_pb2.ListEventSinksRequest())
    assert [got.event_sink] == list(listed.event_sinks) == [made]


async def test_what_a_change_does_not_give_takes_its_default(operator: Peer) -> None:
    await apply(operator, webhook=WEBHOOK, display_name="first", is_paused=True)
    changed = await apply(operator, syslog=SYSLOG, etag="1")
    assert (changed.display_name, changed.is_paused, changed.etag) == ("", False, "2")
    assert changed.syslog.facility == 16
    with pytest.raises(ConflictError, match="changed meanwhile"):
        await apply(operator, syslog=SYSLOG, etag="1")
    assert (await apply(operator, email=EMAIL)).email == EMAIL


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        pytest.param({}, "event_sink: say where", id="no target"),
        pytest.param({"name": "sinks/x", "webhook": WEBHOOK}, "event_sink.name", id="name"),
        pytest.param({"webhook": {"url": "http://example.org", "secret": "hook"}}, "plain http", id="plain http"),
        pytest.param({"webhook": {"url": "ftp://example.org", "secret": "hook"}}, r"webhook\.url", id="scheme"),
        pytest.param({"webhook": {"url": "https://a:b@example.org", "secret": "hook"}}, r"webhook\.url", id="user"),
        pytest.param({"webhook": {"url": "https://x/\r\nHost: y", "secret": "hook"}}, r"webhook\.url", id="line feed"),
        pytest.param({"webhook": {"url": WEBHOOK.url, "secret": "../key"}}, r"webhook\.secret", id="secret above"),
        pytest.param({"webhook": {"url": WEBHOOK.url}}, r"webhook\.secret", id="no secret"),
        pytest.param({"syslog": {"address": "logs.example"}}, r"syslog\.address", id="no port"),
        pytest.param({"syslog": {"address": SYSLOG.address, "facility": 24}}, r"syslog\.facility", id="facility"),
        pytest.param(
            {"email": {"address": "m:25", "sender": "a@b\r\nBcc: c@d", "recipients": ["b@c"]}},
            r"email\.sender",
            id="two senders",
        ),
        pytest.param({"email": {"address": "m:25", "sender": "a@b"}}, r"email\.recipients", id="no receiver"),
        pytest.param(
            {"email": {"address": "m:25", "sender": "a@b", "recipients": ["b@c"], "username": "u"}},
            r"email\.username",
            id="user without password",
        ),
        pytest.param({"webhook": WEBHOOK, "filter": {"kinds": ["x"]}}, r"event_sink\.filter\.kinds", id="kind"),
        pytest.param({"webhook": WEBHOOK, "time_zone": "Mars/Dome"}, r"event_sink\.time_zone", id="time zone"),
        pytest.param({"webhook": WEBHOOK, "windows": [{"begin_minute": 1440}]}, r"windows\[0\]", id="window"),
        pytest.param({"webhook": WEBHOOK, "display_name": "a\nb"}, "display_name", id="two lines"),
    ],
)
def test_what_is_no_sink_is_refused_by_name(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidArgumentError, match=named):
        sink_record(sink(**fields), tenant_id="root", now=NOON)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "HTTP://localhost/x"], ids=["address", "name"])
def test_the_managers_own_machine_is_for_those_who_run_it(url: str) -> None:
    made = sink(tenant="", webhook={"url": url, "secret": "hook"})
    assert sink_record(made, tenant_id="root", now=NOON).tenant_id == "root"
    with pytest.raises(InvalidArgumentError, match="plain http is for sinks of tenants/root"):
        sink_record(made, tenant_id="haikou", now=NOON)


async def test_a_sink_without_a_target_is_refused(operator: Peer) -> None:
    with pytest.raises(InvalidArgumentError, match="event_sink: say where events go"):
        await apply(operator)


async def test_a_secret_that_is_not_there_is_not_found(operator: Peer) -> None:
    with pytest.raises(NotFoundError, match="there is no file other"):
        await apply(operator, webhook=event_pb2.WebhookTarget(url=WEBHOOK.url, secret="other"))


async def test_who_may_make_sinks_of_a_tenant_gets_no_secret_of_another(manager: LocalManager, operator: Peer) -> None:
    await operator.make_tenant("haikou")
    async with manager.stranger(token=await operator.make_operator("ann", role("admin", "haikou"))) as ann:
        with pytest.raises(NotFoundError, match="there is no file hook in its folder haikou"):
            await apply(ann, name="eventSinks/own", tenant="tenants/haikou", webhook=WEBHOOK)
        with pytest.raises((NotFoundError, PermissionDeniedError)):
            await apply(ann, name="eventSinks/own", webhook=WEBHOOK)


async def test_a_test_says_what_came_of_it(operator: Peer) -> None:
    request = event_service_pb2.TestEventSinkRequest(name="eventSinks/hook")
    with http_receiver() as receiver:
        # no event of the manager's own goes there
        await apply(operator, webhook={"url": receiver.url, "secret": "hook"}, is_paused=True)
        await operator.call(operator.event.TestEventSink, request)
        ((_, headers, body),) = receiver.requests
        assert json.loads(body)["kind"] == "sink.test"
        assert headers["wayside-event-cursor"] == "0"
        receiver.answer = lambda _count: 500
        with pytest.raises(UnavailableError, match="did not take the event: it answered 500"):
            await operator.call(operator.event.TestEventSink, request)


async def test_what_happens_goes_to_a_webhook_by_itself_and_what_it_refuses_waits_for_a_person(
    manager: LocalManager, operator: Peer
) -> None:
    with http_receiver() as receiver:
        receiver.answer = lambda count: 500 if count <= 2 else 204
        wanted = event_pb2.EventFilter(kinds=["node.*"])
        await apply(operator, webhook={"url": receiver.url, "secret": "hook"}, filter=wanted)
        await manager.enroll("rsu-1")
        await manager.enroll("rsu-2")
        # two attempts on the first, then the second one
        found = await letters(operator)
        while len(receiver.requests) < 3:
            found = await letters(operator)
        assert [(each.event.node, each.attempt_count) for each in found] == [("nodes/rsu-1", 2)]
        assert found[0].fault == "it answered 500 Internal Server Error"
        retry = event_service_pb2.RetryDeadLettersRequest(event_sink="eventSinks/hook")
        assert (await operator.call(operator.event.RetryDeadLetters, retry)).retried_count == 1
        while await letters(operator):
            pass
    nodes = [json.loads(body)["node"] for _, _, body in receiver.requests]
    assert nodes[:2] == ["nodes/rsu-1"] * 2
    assert sorted(nodes[2:]) == ["nodes/rsu-1", "nodes/rsu-2"]


async def test_a_deleted_sink_is_gone(operator: Peer) -> None:
    await apply(operator, syslog=SYSLOG, is_paused=True)
    name = "eventSinks/hook"
    with pytest.raises(ConflictError):
        await operator.call(
            operator.event.DeleteEventSink, event_service_pb2.DeleteEventSinkRequest(name=name, etag="9")
        )
    await operator.call(operator.event.DeleteEventSink, event_service_pb2.DeleteEventSinkRequest(name=name))
    with pytest.raises(NotFoundError, match="event sink hook does not exist"):
        await operator.call(operator.event.GetEventSink, event_service_pb2.GetEventSinkRequest(name=name))
    with pytest.raises(NotFoundError):
        await letters(operator)


async def test_a_manager_makes_its_secrets_folder_for_its_owner_only(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "other")
    await initialise(folder, SETTINGS)
    async with running(folder, SETTINGS):
        assert folder.secrets.stat().st_mode & 0o777 == 0o700
