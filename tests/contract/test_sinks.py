"""Webhooks, syslog and e-mail against real servers on loopback."""

import email
import email.policy
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.sink_servers import (
    MailServer,
    Tls,
    http_receiver,
    made_tls,
    mail_server,
    stream_receiver,
)
from tests.unit.event_makers import NOON, event
from tests.unit.event_makers import sink as made_sink
from tests.unit.syslog_reader import frames, read
from wayside.errors import InvalidArgumentError, NotFoundError
from wayside_manager.core.event_sinks import Attempt, EmailTarget, SinkRecord, SyslogTarget, WebhookTarget
from wayside_manager.core.events import Severity
from wayside_manager.services.sinks import webhook as webhook_module
from wayside_manager.services.sinks.senders import Senders

KEY = "a key of a test"


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return made_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "hook").write_text(f"{KEY}\n")
    (folder / "mail").write_text("open sesame\n")
    return folder


@pytest.fixture
def senders(secrets: Path) -> Senders:
    return Senders(secrets, host="manager.example", now=lambda: NOON)


@pytest.fixture
def trusted(tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system trusts the authority of the test."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.ca))


def webhook(url: str) -> SinkRecord:
    return made_sink(target=WebhookTarget(url, "hook"))


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.usefixtures("trusted")
async def test_a_webhook_gets_each_event_in_order_over_one_connection(senders: Senders, tls: Tls) -> None:
    records = [event(cursor, message=f"日本 {cursor}", node_id="rsu-1") for cursor in (3, 4, 5)]
    with http_receiver(tls) as receiver:
        assert await senders.send(webhook(receiver.url), records) == Attempt(3)
    assert len(receiver.connections) == 1
    assert [json.loads(body)["cursor"] for _, _, body in receiver.requests] == [3, 4, 5]
    path, headers, body = receiver.requests[0]
    assert path == "/events?of=wayside"
    assert headers["content-type"] == "application/json"
    assert headers["wayside-event-cursor"] == "3"
    assert json.loads(body) == {
        "cursor": 3,
        "kind": "node.presence",
        "time": "2026-11-23T12:00:00+00:00",
        "record_time": "2026-11-23T12:00:00+00:00",
        "severity": "info",
        "subject": "nodes/rsu-1",
        "node": "nodes/rsu-1",
        "tenant": "tenants/root",
        "message": "日本 3",
        "details": {},
    }


@pytest.mark.usefixtures("trusted")
async def test_a_receiver_can_verify_who_sent_it_and_when(senders: Senders, tls: Tls) -> None:
    with http_receiver(tls) as receiver:
        await senders.send(webhook(receiver.url), [event(1)])
    _, headers, body = receiver.requests[0]
    stamp, _, given = headers["wayside-signature"].removeprefix("t=").partition(",v1=")
    assert int(stamp) == int(NOON.timestamp())
    wanted = hmac.new(KEY.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(given, wanted)


async def test_a_server_nobody_vouches_for_gets_nothing(senders: Senders, tls: Tls) -> None:
    with http_receiver(tls) as receiver:
        attempt = await senders.send(webhook(receiver.url), [event(1)])
    assert attempt.taken_count == 0
    assert "CERTIFICATE_VERIFY_FAILED" in attempt.fault
    assert receiver.requests == []


async def test_a_server_of_another_name_gets_nothing(
    senders: Senders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = made_tls(tmp_path / "other", "other.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.ca))
    with http_receiver(other) as receiver:
        attempt = await senders.send(webhook(receiver.url), [event(1)])
    assert "CERTIFICATE_VERIFY_FAILED" in attempt.fault
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("status", "is_refused"),
    [(500, False), (503, False), (401, False), (404, False), (400, True), (413, True), (422, True)],
)
async def test_what_a_webhook_answers_decides_whether_it_is_tried_again(
    senders: Senders, status: int, is_refused: bool
) -> None:
    with http_receiver() as receiver:
        receiver.answer = lambda count: 200 if count == 1 else status
        attempt = await senders.send(webhook(receiver.url), [event(1), event(2), event(3)])
    assert (attempt.taken_count, attempt.is_refused) == (1, is_refused)
    assert attempt.fault.startswith(f"it answered {status}")
    assert len(receiver.requests) == 2


async def test_half_a_sign_in_an_event_does_not_hold_up_the_rest(senders: Senders) -> None:
    with http_receiver() as receiver:
        records = [event(1, details={"said": "\ud800"}), event(2)]
        assert await senders.send(webhook(receiver.url), records) == Attempt(2)
    assert json.loads(receiver.requests[0][2])["details"] == {"said": "?"}


async def test_redirects_are_not_followed(senders: Senders) -> None:
    with http_receiver() as elsewhere, http_receiver() as receiver:
        receiver.answer, receiver.headers = (lambda _count: 307), {"location": elsewhere.url}
        attempt = await senders.send(webhook(receiver.url), [event(1)])
    assert "redirects are not followed" in attempt.fault
    assert elsewhere.requests == []


async def test_a_connection_that_broke_between_events_is_opened_again(senders: Senders) -> None:
    with http_receiver() as receiver:
        receiver.answer = lambda count: 0 if count == 2 else 200
        assert await senders.send(webhook(receiver.url), [event(1), event(2)]) == Attempt(2)
    assert [headers["wayside-event-cursor"] for _, headers, _ in receiver.requests] == ["1", "2", "2"]


async def test_a_receiver_that_says_too_much_is_heard_to_a_bound(senders: Senders) -> None:
    with http_receiver() as receiver:
        receiver.answer, receiver.body = (lambda _count: 200), b"x" * 1_000_000
        assert await senders.send(webhook(receiver.url), [event(1), event(2)]) == Attempt(2)


async def test_nobody_there_is_a_fault(senders: Senders) -> None:
    attempt = await senders.send(webhook(f"http://127.0.0.1:{closed_port()}/"), [event(1)])
    assert attempt.taken_count == 0
    assert "ConnectionRefusedError" in attempt.fault


async def test_a_secret_that_is_gone_is_a_fault_and_a_new_one_counts_at_once(senders: Senders, secrets: Path) -> None:
    with http_receiver() as receiver:
        (secrets / "hook").rename(secrets / "away")
        attempt = await senders.send(webhook(receiver.url), [event(1)])
        assert "there is no file hook" in attempt.fault
        (secrets / "hook").write_text("another key")
        assert await senders.send(webhook(receiver.url), [event(1)]) == Attempt(1)
    _, headers, body = receiver.requests[0]
    wanted = hmac.new(b"another key", f"{int(NOON.timestamp())}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["wayside-signature"].endswith(wanted)


def test_a_tenant_has_secrets_of_its_own_only(senders: Senders, secrets: Path) -> None:
    senders.check_secrets(webhook("https://example.org"))
    of_tenant = replace(webhook("https://example.org"), tenant_id="haikou")
    with pytest.raises(NotFoundError, match="no file hook in its folder haikou"):
        senders.check_secrets(of_tenant)
    (secrets / "haikou").mkdir()
    (secrets / "haikou" / "hook").write_text("key")
    senders.check_secrets(of_tenant)


@pytest.mark.parametrize("content", [b"", b" \n", b"x" * ((1 << 20) + 1)], ids=["empty", "blank", "too large"])
def test_a_secret_without_content_is_none(senders: Senders, secrets: Path, content: bytes) -> None:
    (secrets / "hook").write_bytes(content)
    with pytest.raises(InvalidArgumentError, match="the file hook is empty or larger"):
        senders.check_secrets(webhook("https://example.org"))


@pytest.fixture
def syslog(secrets: Path, tls: Tls) -> Callable[[str], SinkRecord]:
    (secrets / "log-ca.pem").write_bytes(tls.ca.read_bytes())
    return lambda address: made_sink(target=SyslogTarget(address, "log-ca.pem", 17))


async def test_syslog_gets_every_event_as_a_strict_message(
    senders: Senders, tls: Tls, syslog: Callable[[str], SinkRecord]
) -> None:
    texts = ['quotes " and ] and \\', "two\nlines", "日本", ""]
    records = [event(cursor, message=text, subject=f"nodes/{text}") for cursor, text in enumerate(texts, start=1)]
    async with stream_receiver(tls) as receiver:
        assert await senders.send(syslog(receiver.address), records) == Attempt(4)
    told = [read(each) for each in frames(bytes(receiver.content))]
    assert [each.values["cursor"] for each in told] == ["1", "2", "3", "4"]
    assert [each.text for each in told] == ['quotes " and ] and \\', "two lines", "日本", ""]
    assert {(each.facility, each.severity, each.host) for each in told} == {(17, 6, "manager.example")}


async def test_a_syslog_receiver_nobody_vouches_for_gets_nothing(senders: Senders, tls: Tls) -> None:
    async with stream_receiver(tls) as receiver:
        attempt = await senders.send(made_sink(target=SyslogTarget(receiver.address)), [event(1)])
    assert attempt.taken_count == 0
    assert "CERTIFICATE_VERIFY_FAILED" in attempt.fault
    assert receiver.content == b""


async def test_no_syslog_receiver_is_a_fault(senders: Senders, syslog: Callable[[str], SinkRecord]) -> None:
    attempt = await senders.send(syslog(f"127.0.0.1:{closed_port()}"), [event(1)])
    assert (attempt.taken_count, attempt.is_refused) == (0, False)
    assert "ConnectionRefusedError" in attempt.fault


def test_authorities_that_are_none_are_refused(
    senders: Senders, secrets: Path, syslog: Callable[[str], SinkRecord]
) -> None:
    senders.check_secrets(syslog("logs.example:6514"))
    (secrets / "log-ca.pem").write_text("no certificates")
    with pytest.raises(InvalidArgumentError, match=r"log-ca\.pem holds no certificates"):
        senders.check_secrets(syslog("logs.example:6514"))


Mail = tuple[MailServer, EmailTarget]


@pytest.fixture(params=[False, True], ids=["STARTTLS", "TLS"])
async def mail(request: pytest.FixtureRequest, tls: Tls, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mail]:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.ca))
    async with mail_server(tls, is_tls_implicit=request.param) as server:
        recipients = ("a@example.org", "b@example.org")
        yield server, EmailTarget(server.address, "wayside@example.org", recipients, "roads", "mail", request.param)


async def test_events_of_one_turn_are_one_letter(senders: Senders, mail: Mail) -> None:
    server, target = mail
    records = [
        event(1, message="it rains"),
        event(2, message="the bridge is out\r\nBcc: c@example.org", severity=Severity.CRITICAL, site_id="k12"),
        event(3, message="."),
    ]
    assert await senders.send(made_sink(target=target), records) == Attempt(3)
    ((sender, recipients, content),) = server.letters
    assert (sender, recipients) == ("wayside@example.org", ["a@example.org", "b@example.org"])
    letter = email.message_from_bytes(content, policy=email.policy.default)
    assert letter["Subject"] == "[wayside] critical: the bridge is out Bcc: c@example.org (and 2 more)"
    assert letter["Bcc"] is None
    assert letter["Auto-Submitted"] == "auto-generated"
    assert "it rains" in letter.get_content()
    assert "sites/k12" in letter.get_content()
    assert server.logins == [("roads", "open sesame")]
    assert "AUTH" not in server.said_in_plain


@pytest.mark.parametrize(
    "said",
    [
        "\U0001f600=?utf-8?b?=0D=0A?==0D=0A",
        "=?us-ascii?Q?a@,\xa0\\=?utf-8?b?;=0D=0A?=\t@@\U0001f600 ):@(",
        "=?utf-8?q?a=0D=0ABcc:=20c@example.org?=",
        "a?==?utf-16?b?//4=?==?utf-8?b?x=?=",
    ],
    ids=["half a word of another charset", "words in words", "a header in a word", "no such bytes"],
)
async def test_what_looks_like_an_encoded_word_holds_no_letter_up(senders: Senders, mail: Mail, said: str) -> None:
    server, target = mail
    assert await senders.send(made_sink(target=target), [event(1, message=said)]) == Attempt(1)
    letter = email.message_from_bytes(server.letters[0][2], policy=email.policy.default)
    assert letter["Bcc"] is None
    assert said.strip()[-8:] in letter.get_content()


async def test_a_wrong_password_is_a_fault_on_one_line(senders: Senders, secrets: Path, mail: Mail) -> None:
    server, target = mail
    (secrets / "mail").write_text("wrong")
    attempt = await senders.send(made_sink(target=target), [event(1)])
    assert attempt.taken_count == 0
    assert attempt.fault.startswith("it answered 535")
    assert server.letters == []


async def test_a_mail_server_that_takes_no_recipient_is_a_fault(senders: Senders, mail: Mail) -> None:
    server, target = mail
    server.refused |= set(target.recipients)
    attempt = await senders.send(made_sink(target=target), [event(1)])
    assert "it takes no mail for the recipients: 550" in attempt.fault


@pytest.mark.usefixtures("trusted")
async def test_a_mail_server_without_tls_gets_no_password(senders: Senders, tls: Tls) -> None:
    async with mail_server(tls) as server:
        server.offers_tls = False
        target = EmailTarget(server.address, "a@example.org", ("b@example.org",), "roads", "mail")
        attempt = await senders.send(made_sink(target=target), [event(1)])
    assert (attempt.taken_count, server.letters, server.logins) == (0, [], [])
    assert "STARTTLS" in attempt.fault


async def test_a_mail_server_nobody_vouches_for_gets_no_password(senders: Senders, tls: Tls) -> None:
    async with mail_server(tls) as server:
        target = EmailTarget(server.address, "a@example.org", ("b@example.org",), "roads", "mail")
        attempt = await senders.send(made_sink(target=target), [event(1)])
    assert (attempt.taken_count, server.letters, server.logins) == (0, [], [])
    assert "CERTIFICATE_VERIFY_FAILED" in attempt.fault


async def test_a_receiver_that_does_not_answer_is_cut_off(senders: Senders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_module, "_LIMIT_S", 0.3)
    goes_on = threading.Event()

    def wait(_count: int) -> int:
        goes_on.wait(30)
        return 200

    with http_receiver() as receiver:
        receiver.answer = wait
        attempt = await senders.send(webhook(receiver.url), [event(1)])
        goes_on.set()
    assert attempt == Attempt(0, "it did not answer within 0.3 s")
