"""Renewal over real mutual TLS: what proves good is used, what proves bad leaves the old in use."""

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.link.agent_authority import DAYS_30, Authority, RenewingManager, asks_to_renew, key_of, sha256
from tests.link.agent_peer import Conversation, sound
from tests.link.agent_renewal import RenewingUnit
from tests.link.agent_unit import said
from wayside.errors import PermissionDeniedError, UnauthenticatedError, UnavailableError, WaysideError
from wayside.v1 import node_service_pb2 as wire


class Word(logging.Handler):
    """Waits for words of the log."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words
        self.said = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self.words in record.getMessage():
            self.said.set()


@pytest.fixture
async def heard() -> AsyncIterator[Callable[[str], asyncio.Event]]:
    handlers: list[Word] = []
    logger = logging.getLogger("wayside_agent")

    def hear(words: str) -> asyncio.Event:
        handlers.append(Word(words))
        logger.addHandler(handlers[-1])
        return handlers[-1].said

    yield hear
    for handler in handlers:
        logger.removeHandler(handler)


@pytest.fixture
def unit(tmp_path: Path) -> RenewingUnit:
    return RenewingUnit(tmp_path)


async def test_a_unit_that_is_asked_renews_with_a_new_key_and_moves_its_session(
    unit: RenewingUnit, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    manager = RenewingManager(asks_to_renew, sound)
    manager.enrol(unit.files)
    before, key = manager.accepted, key_of(unit.files.certificate_file)
    async with manager, unit.running(manager):
        await unit.report("before")
        await unit.until_changed()
        assert unit.uplink.is_connected
        assert manager.accepted == unit.files.certificate_file.read_text()
    assert manager.accepted != before
    assert key_of(unit.files.certificate_file) != key
    assert not unit.files.next.directory.exists()
    assert manager.calls == ["renew", "confirm"]
    assert len(manager.sessions) == 2
    assert unit.files.load().certificate_pem.decode() == manager.accepted
    assert said(caplog, logging.WARNING) == said(caplog, logging.ERROR) == []


async def test_a_unit_renews_by_the_trusted_time_when_nobody_asks(unit: RenewingUnit) -> None:
    manager = RenewingManager(sound)
    manager.enrol(unit.files)
    end_s = dt.datetime.now(dt.UTC).timestamp() + 86_400
    unit.utc_s = lambda: end_s - 100
    async with manager, unit.running(manager):
        while not unit.uplink.is_connected:  # noqa: ASYNC110  # the flag has no event, and the block a timeout
            await asyncio.sleep(0)
        unit.renewal.notice(wire.TrustNotice())
        await unit.until_changed()
    assert manager.calls == ["renew", "confirm"]


async def test_while_a_configuration_is_on_trial_no_credentials_change(unit: RenewingUnit) -> None:
    manager = RenewingManager(asks_to_renew, sound)
    manager.enrol(unit.files)
    questions: asyncio.Queue[bool] = asyncio.Queue(maxsize=100)

    def held() -> bool:
        questions.put_nowait(unit.uplink.is_connected)
        return True

    unit.is_held = held
    async with manager, unit.running(manager):
        while not await questions.get():  # until it looks while it is asked to renew
            unit.renewal.notice(wire.TrustNotice(should_renew=True))
        assert manager.calls == []
        assert not unit.renewal.is_busy
        unit.is_held = lambda: False
        unit.renewal.notice(wire.TrustNotice(should_renew=True))
        await unit.until_changed()
    assert manager.calls == ["renew", "confirm"]


@pytest.mark.parametrize("error", [UnauthenticatedError("not the node's"), PermissionDeniedError("not taken")])
async def test_a_successor_that_is_refused_is_dropped_and_the_old_stays(
    unit: RenewingUnit,
    heard: Callable[[str], asyncio.Event],
    caplog: pytest.LogCaptureFixture,
    error: WaysideError,
) -> None:
    manager = RenewingManager(asks_to_renew)
    manager.enrol(unit.files)
    before = manager.accepted

    def refuses() -> None:
        raise error

    manager.before_confirm = refuses
    dropped = heard("did not prove good")
    async with manager, unit.running(manager):
        await dropped.wait()
        assert unit.uplink.is_connected
    assert unit.files.load().certificate_pem.decode() == before
    assert not unit.files.next.directory.exists()
    assert len(manager.sessions) == 1
    assert len(said(caplog, logging.WARNING)) == 1


async def test_a_confirmation_whose_answer_was_lost_is_found_out(unit: RenewingUnit) -> None:
    """The manager has dropped the old certificate; the unit must find its way in with the new one."""
    manager = RenewingManager(asks_to_renew, sound, life=(-60.0, 60.0))
    manager.enrol(unit.files)
    before = manager.accepted

    def is_lost() -> None:
        manager.after_confirm = lambda: None
        raise UnavailableError("gone")

    manager.after_confirm = is_lost
    async with manager, unit.running(manager):
        await unit.until_changed()
        assert unit.uplink.is_connected
    assert manager.calls == ["renew", "confirm", "confirm"]
    assert unit.files.load().certificate_pem.decode() == manager.accepted != before


async def test_a_successor_on_the_disk_is_proven_first_of_all(unit: RenewingUnit) -> None:
    manager = RenewingManager(sound)
    manager.enrol(unit.files)
    manager.next = manager.authority.for_request(await unit.request_pem())
    unit.files.store_next(certificate_pem=manager.next, authorities_pem=manager.bundle_pem)
    manager.accepted = manager.next  # it was confirmed in an earlier life of the unit
    async with manager, unit.running(manager):
        await unit.until_changed()
        assert unit.uplink.is_connected
        assert not unit.uplink.refusal
    assert unit.files.load().certificate_pem.decode() == manager.accepted


async def test_a_successor_is_kept_while_the_old_is_refused_too(
    unit: RenewingUnit, heard: Callable[[str], asyncio.Event]
) -> None:
    """Dropping it could throw away the only good certificate."""
    manager = RenewingManager(sound)
    manager.enrol(unit.files)
    issued = manager.authority.for_request(await unit.request_pem())
    unit.files.store_next(certificate_pem=issued, authorities_pem=manager.bundle_pem)
    manager.accepted = "another"
    refused = heard("credentials: ")
    async with manager, unit.running(manager):
        await refused.wait()
    assert unit.files.load_next() is not None


@pytest.mark.parametrize("answer", ["", "garbage", "another key's"])
async def test_an_answer_that_does_not_fit_changes_nothing(
    unit: RenewingUnit, heard: Callable[[str], asyncio.Event], answer: str
) -> None:
    manager = RenewingManager(asks_to_renew)
    manager.enrol(unit.files)
    before = manager.accepted
    other = manager.authority.server()[1].decode()
    manager.on_renew = lambda _: other if answer == "another key's" else answer
    refused = heard("credentials: ")
    async with manager, unit.running(manager):
        await refused.wait()
    assert unit.files.load().certificate_pem.decode() == before
    assert not unit.files.next.directory.exists()
    assert manager.calls == ["renew"]


def tells_trust(manager: RenewingManager) -> Callable[[Conversation], object]:
    """A good manager that says after the welcome what to trust."""

    async def behaviour(conversation: Conversation) -> None:
        await conversation.welcomes()
        await conversation.says(manager.notice())
        while (request := await conversation.hears()) is not None:
            await conversation.acks(request.report.sequence)

    return behaviour


async def test_new_authorities_are_proven_and_said_in_the_next_hello(unit: RenewingUnit) -> None:
    manager = RenewingManager()
    manager.behaviours = [tells_trust(manager)]  # type: ignore[list-item]  # a coroutine function
    manager.enrol(unit.files)
    old_sha256, second = sha256(manager.bundle_pem), Authority("second")
    manager.bundle_pem += second.pem
    async with manager, unit.running(manager):
        await unit.until_changed()
        assert unit.files.authorities_file.read_text() == manager.bundle_pem
        manager.server = second.server()  # the manager moves to its new authority
        await unit.uplink.reopen(20)
    hellos = [session.requests[0].hello.authorities_sha256 for session in manager.sessions]
    assert hellos[:2] == [old_sha256, sha256(manager.bundle_pem)]
    assert manager.calls == ["authorities", "authorities"]


@pytest.mark.parametrize("kind", ["another", "expired", "not yet valid", "garbage", "empty"])
async def test_authorities_that_do_not_prove_good_replace_nothing(
    unit: RenewingUnit, heard: Callable[[str], asyncio.Event], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    lives = {"expired": (-DAYS_30, -DAYS_30 / 2), "not yet valid": (DAYS_30 / 2, DAYS_30)}
    manager = RenewingManager()
    manager.behaviours = [tells_trust(manager)]  # type: ignore[list-item]  # a coroutine function
    manager.enrol(unit.files)
    good = manager.bundle_pem
    authority = Authority("second", life=lives.get(kind, (-DAYS_30, DAYS_30)))
    manager.bundle_pem = {"garbage": "garbage", "empty": " "}.get(kind, authority.pem)
    refused = heard("new authorities did not prove good")
    async with manager, unit.running(manager):
        await refused.wait()
        assert unit.uplink.is_connected
    assert unit.files.authorities_file.read_text() == good
    assert unit.change_count == 0
    assert len(said(caplog, logging.WARNING)) == 1


async def test_a_probe_is_answered_with_its_nonce_at_once(unit: RenewingUnit) -> None:
    answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def probes(conversation: Conversation) -> None:
        await conversation.welcomes()
        await conversation.says(wire.SessionResponse(probe=wire.SessionProbe(nonce="n-1")))
        while (request := await conversation.hears()) is not None:
            if request.HasField("probe") and not answered.done():
                answered.set_result(request.probe.nonce)

    manager = RenewingManager(probes)
    manager.enrol(unit.files)
    async with manager, unit.running(manager):
        for index in range(10):
            await unit.report(f"report {index}")
        assert await answered == "n-1"
    assert manager.sessions[0].requests[0].hello.instance_id == "instance"


@pytest.mark.parametrize("reason", ["NODE_REVOKED", "NODE_CLONED", "NODE_RETIRED"])
async def test_a_unit_that_was_put_out_says_why_once_and_works_on(
    unit: RenewingUnit, heard: Callable[[str], asyncio.Event], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def puts_out(conversation: Conversation) -> None:
        await conversation.hears()
        await conversation.refuses(PermissionDeniedError("the node was put out", reason=reason))

    manager = RenewingManager(*[puts_out] * 4, asks_to_renew)
    manager.enrol(unit.files)
    refused = heard("put out")
    async with manager, unit.running(manager):
        await refused.wait()
        assert unit.uplink.refusal == "the node was put out"
        await unit.until_changed()
        assert not unit.uplink.refusal
    assert len(said(caplog, logging.ERROR)) == 1
