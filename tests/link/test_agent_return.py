"""The way back of a unit whose certificate has ended: which key it asks with, and what it says when it stays out."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.agent_keys import STORES
from tests.link.agent_authority import RenewingManager, asks_to_renew, key_of
from tests.link.agent_peer import sound
from tests.link.agent_renewal import RenewingUnit
from tests.link.agent_unit import said
from wayside.errors import FailedPreconditionError, PermissionDeniedError, UnavailableError, WaysideError
from wayside_agent.ports.identity import Identity

ENDED = (-600.0, -60.0)
LIVING = (-60.0, 86_400.0)


class Desk:
    """The manager's enrolment port: gives a certificate for a key it knows, or says why not."""

    def __init__(self, manager: RenewingManager, unit: RenewingUnit) -> None:
        self.manager = manager
        self.unit = unit
        self.errors: dict[bool, WaysideError] = {}
        """Why it gives none, for the present key and for that of the successor."""
        self.asked: list[bool] = []
        self.was_asked = asyncio.Event()
        unit.ask = self.ask
        unit.utc_s = lambda: 0.0  # the unit does not know that its certificate has ended

    async def ask(self, _identity: Identity, is_next: bool) -> str:
        self.asked.append(is_next)
        self.was_asked.set()
        if is_next in self.errors:
            raise self.errors[is_next]
        files = self.unit.files.next if is_next else self.unit.files
        request_pem = await asyncio.to_thread(files.request_pem, "rsu-1")
        issued = self.manager.authority.for_request(request_pem, life=LIVING)
        if is_next:
            self.manager.next = issued
        self.manager.accepted = issued
        self.manager.life = LIVING
        return issued


@pytest.fixture(params=STORES)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RenewingUnit]:
    with STORES[request.param](tmp_path) as keys:
        yield RenewingUnit(tmp_path, keys)


@pytest.fixture
async def manager(unit: RenewingUnit) -> RenewingManager:
    """Hangs up, because the unit's certificate has ended."""
    made = RenewingManager(asks_to_renew, sound, life=ENDED)
    await asyncio.to_thread(made.enrol, unit.files)
    return made


async def successor(manager: RenewingManager, unit: RenewingUnit) -> None:
    """One that has ended, too, and was not adopted."""
    request_pem = await asyncio.to_thread(unit.files.next.request_pem, "rsu-1")
    manager.next = manager.authority.for_request(request_pem, life=ENDED)
    unit.files.store_next(certificate_pem=manager.next, authorities_pem=manager.bundle_pem)


async def test_a_unit_is_back_with_the_key_it_has_and_renews_to_a_new_one(
    unit: RenewingUnit, manager: RenewingManager, caplog: pytest.LogCaptureFixture
) -> None:
    key, desk = key_of(unit.files.certificate_file), Desk(manager, unit)
    async with manager, unit.running(manager):
        await unit.report("of the outage")
        await unit.until_changed()
        assert unit.uplink.is_connected
        assert key_of(unit.files.certificate_file) == key
        await unit.until_changed()
        assert unit.uplink.is_connected
        assert unit.returning is not None
        assert unit.returning.sentence == ""
    assert desk.asked == [False]
    assert key_of(unit.files.certificate_file) != key
    assert manager.calls == ["renew", "confirm"]
    assert unit.files.load().certificate_pem.decode() == manager.accepted
    assert [message for message in said(caplog, logging.WARNING) if "asking for a new one" in message]


async def test_a_successor_that_the_manager_took_before_both_ended_brings_the_unit_back(
    unit: RenewingUnit, manager: RenewingManager
) -> None:
    await successor(manager, unit)
    key, desk = key_of(unit.files.next.certificate_file), Desk(manager, unit)
    async with manager, unit.running(manager):
        await unit.until_changed()
        assert key_of(unit.files.certificate_file) == key
        assert unit.uplink.is_connected
    assert desk.asked == [True]
    assert "confirm" in manager.calls


async def test_a_successor_that_the_manager_never_took_gives_way_to_the_key_before(
    unit: RenewingUnit, manager: RenewingManager
) -> None:
    await successor(manager, unit)
    key, desk = key_of(unit.files.certificate_file), Desk(manager, unit)
    desk.errors[True] = PermissionDeniedError("no unknown units", reason="UNKNOWN_UNIT")
    async with manager, unit.running(manager):
        await unit.until_changed()
        assert key_of(unit.files.certificate_file) == key
        assert unit.uplink.is_connected
    assert desk.asked == [True, False]


@pytest.mark.parametrize(
    "error",
    [
        FailedPreconditionError("its key was one of a revoked unit", reason="KEY_SPENT"),
        FailedPreconditionError("it is still valid", reason="CERTIFICATE_VALID"),
        UnavailableError("nobody there"),
    ],
    ids=["out", "good", "away"],
)
async def test_a_unit_that_gets_none_keeps_what_it_has_and_says_so(
    unit: RenewingUnit, manager: RenewingManager, error: WaysideError, caplog: pytest.LogCaptureFixture
) -> None:
    await successor(manager, unit)
    before, desk = manager.accepted, Desk(manager, unit)
    desk.errors = {False: error, True: error}
    async with manager, unit.running(manager):
        await desk.was_asked.wait()
        assert unit.returning is not None
        while not unit.returning.sentence:  # noqa: ASYNC110  # it has no event, and the block a timeout
            await asyncio.sleep(0)
        assert str(error) in unit.returning.sentence
        assert "asked again in 1 min" in unit.returning.sentence
    assert unit.files.load().certificate_pem.decode() == before
    assert unit.files.load_next() is not None
    assert len([text for text in said(caplog, logging.WARNING) if "asking for a new one" in text]) == 1


async def test_the_end_of_a_session_is_no_sign_of_an_ended_certificate(
    unit: RenewingUnit, manager: RenewingManager
) -> None:
    Desk(manager, unit)
    async with manager, unit.running(manager):
        returning = unit.returning
        assert returning is not None
        closed = UnavailableError("Socket closed", reason="HUNG_UP")
        returning.welcomed()
        returning.failed(closed)
        assert not returning.is_due(not_after_s=-1.0)
        returning.failed(closed)
        assert returning.is_due(not_after_s=-1.0)


async def test_a_certificate_for_another_key_is_not_kept(unit: RenewingUnit, manager: RenewingManager) -> None:
    await successor(manager, unit)
    stranger = unit.files.next.certificate_file.read_text()
    before = unit.files.certificate_file.read_text()
    with pytest.raises(FailedPreconditionError):
        unit.files.store_again(stranger, is_next=False)
    assert unit.files.certificate_file.read_text() == before
