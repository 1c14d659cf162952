"""An agent whose certificate has ended, and the real manager: it is back by its last key, and at once has a new one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from tests.contract.agent_keys import STORES
from tests.link.agent_authority import key_of
from tests.link.agent_renewal import RenewingUnit
from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.peer import Clock, LocalManager, enrollment
from wayside.v1 import audit_service_pb2, fleet_service_pb2
from wayside_agent.drivers.files import make_private_directory
from wayside_agent.link.enrollment import enroll_again
from wayside_agent.ports.identity import Identity
from wayside_manager.app import running
from wayside_manager.cli.initialise import initialise
from wayside_manager.settings import DataFolder

AWAY_S = 600.0
LIVES_60_S = msgspec.structs.replace(SETTINGS, node_certificate_days=60 / 86_400)


@dataclass(frozen=True)
class Door:
    """Where the unit calls."""

    address: str


@pytest.fixture
async def manager(tmp_path: Path, clock: Clock) -> AsyncIterator[LocalManager]:
    """Its certificates live for a minute, and it is ten minutes ago."""
    clock.push(seconds=-AWAY_S)
    folder = DataFolder(tmp_path / "manager")
    await initialise(folder, LIVES_60_S)
    async with running(folder, LIVES_60_S, now=clock) as endpoints:
        yield LocalManager(folder, endpoints, clock)


@pytest.fixture(params=STORES)
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RenewingUnit]:
    with STORES[request.param](tmp_path) as store:
        yield RenewingUnit(tmp_path / "unit", store)


@pytest.fixture
async def unit(keys: RenewingUnit, manager: LocalManager) -> RenewingUnit:
    """Enrolled then; now its certificate has ended."""
    keys.folder.mkdir()
    make_private_directory(keys.files.directory)
    request_pem = await asyncio.to_thread(keys.files.request_pem, "rsu-1")
    async with manager.operator() as operator, manager.stranger() as stranger:
        token = await operator.enrollment_token(node="nodes/rsu-1")
        answer = await stranger.call(stranger.enrollment.Enroll, enrollment(token, "rsu-1", request_pem))
    keys.files.store(node_id="rsu-1", certificate_pem=answer.certificate_pem, authorities_pem=answer.authorities_pem)
    manager.clock.push(seconds=AWAY_S)

    async def ask(identity: Identity, is_next: bool) -> str:
        files = keys.files.next if is_next else keys.files
        request = await asyncio.to_thread(files.request_pem, "rsu-1")
        return await enroll_again(manager.endpoints.operator_address, identity, request, esn="ESN-rsu-1", kind="rsu")

    keys.ask = ask
    keys.utc_s = lambda: 0.0  # only the manager's clock says that it has ended
    return keys


async def test_a_unit_whose_certificate_has_ended_is_back_and_goes_on_to_a_new_key(
    unit: RenewingUnit, manager: LocalManager
) -> None:
    key = key_of(unit.files.certificate_file)
    async with unit.running(Door(manager.endpoints.device_address)):
        await unit.report("of the outage")
        await unit.until_changed()
        assert key_of(unit.files.certificate_file) == key
        await unit.until_changed()
        assert key_of(unit.files.certificate_file) != key
        assert unit.uplink.is_connected
    async with manager.operator() as operator:
        trail = await operator.call(
            operator.audit.ListAuditEntries, audit_service_pb2.ListAuditEntriesRequest(page_size=10)
        )
        node = await operator.get_node("rsu-1")
    assert node.lost_report_count == 0
    (back,) = [entry for entry in trail.entries if "Enroll" in entry.action][:1]
    assert back.tenant == "tenants/root"
    assert [change.resource.partition("/")[0] for change in back.changes] == ["credentials"]


async def test_a_unit_that_was_revoked_meanwhile_stays_out(unit: RenewingUnit, manager: LocalManager) -> None:
    async with manager.operator() as operator:
        await operator.call(operator.fleet.RevokeNode, fleet_service_pb2.RevokeNodeRequest(name="nodes/rsu-1"))
    before = unit.files.certificate_file.read_text()
    async with unit.running(Door(manager.endpoints.device_address)):
        assert unit.returning is not None
        while not unit.returning.sentence:  # noqa: ASYNC110  # it has no event, and the block a timeout
            await asyncio.sleep(0)
        assert "retired, revoked or replaced" in unit.returning.sentence
    assert unit.files.certificate_file.read_text() == before
