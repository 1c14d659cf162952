"""A unit whose key is in a SoftHSM2 token: real mutual TLS, and renewal with a second key."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.agent_keys import key_pkcs11
from tests.link.agent_authority import RenewingManager, asks_to_renew, key_of
from tests.link.agent_peer import sound
from tests.link.agent_renewal import RenewingUnit
from wayside.errors import FailedPreconditionError, UnavailableError
from wayside_agent.link import credentials
from wayside_agent.link.manager import ManagerLink


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[RenewingUnit]:
    with key_pkcs11(tmp_path) as keys:
        yield RenewingUnit(tmp_path, keys)


async def test_a_call_is_made_with_a_key_that_never_leaves_the_token(unit: RenewingUnit) -> None:
    manager = RenewingManager(sound)
    await asyncio.to_thread(manager.enrol, unit.files)
    async with manager, ManagerLink(manager.address, unit.files.load()) as link:
        assert await link.authorities() == manager.bundle_pem


async def test_a_token_key_is_renewed_by_a_second_one_and_destroyed(unit: RenewingUnit) -> None:
    manager = RenewingManager(asks_to_renew, sound)
    await asyncio.to_thread(manager.enrol, unit.files)
    key = key_of(unit.files.certificate_file)
    async with manager, unit.running(manager):
        await unit.until_changed()
        assert unit.uplink.is_connected
    assert key_of(unit.files.certificate_file) != key
    assert manager.calls == ["renew", "confirm"]


async def test_a_grpc_without_a_signer_is_refused_with_one_sentence(
    unit: RenewingUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = RenewingManager(sound)
    await asyncio.to_thread(manager.enrol, unit.files)
    monkeypatch.setattr(credentials, "SIGNER", "no_such_function")
    with pytest.raises(FailedPreconditionError, match="install the locked version"):
        ManagerLink("127.0.0.1:1", unit.files.load())


async def test_a_token_that_is_gone_is_an_outage_that_is_said_once_and_comes_back(
    unit: RenewingUnit, caplog: pytest.LogCaptureFixture
) -> None:
    manager = RenewingManager(sound)
    await asyncio.to_thread(manager.enrol, unit.files)
    pin_file = unit.folder / "token" / "pin"
    async with manager, asyncio.timeout(30), ManagerLink(manager.address, unit.files.load()) as link:
        pin = pin_file.read_text()
        pin_file.unlink()
        for _ in range(2):
            with pytest.raises(UnavailableError):
                await link.authorities()
        pin_file.write_text(pin)
        while True:
            with contextlib.suppress(UnavailableError):  # gRPC waits a little before it tries again
                assert await link.authorities()
                break
    assert caplog.text.count("the key cannot sign") == 1
