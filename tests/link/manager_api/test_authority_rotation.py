"""One authority follows another while everything runs. Real TLS."""

import asyncio
import hashlib
import shutil
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509

from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.peer import Clock, LocalManager, NodeCredential, Peer
from tests.link.manager_api.unit import LiveUnit, UnitSession, confirm, living, renewed, within
from wayside.errors import FailedPreconditionError, NotFoundError, UnavailableError, WaysideError
from wayside.v1 import authority_service_pb2 as wire
from wayside.v1 import fleet_service_pb2, node_service_pb2
from wayside_manager.app import read_authorities, running
from wayside_manager.cli.initialise import initialise
from wayside_manager.services.authorities import Authorities
from wayside_manager.services.authority import Authority
from wayside_manager.settings import DataFolder, write_whole

LIST = fleet_service_pb2.ListNodesRequest()


@pytest.fixture
def clock() -> Clock:
    """A clock by which what a test makes is younger than what `init` has made."""
    made = Clock()
    made.push(minutes=1)
    return made


async def listed(operator: Peer) -> list[wire.Authority]:
    answer = await operator.call(operator.authority.ListAuthorities, wire.ListAuthoritiesRequest())
    return list(answer.authorities)


async def states(operator: Peer) -> list[str]:
    return [wire.Authority.State.Name(each.state).removeprefix("STATE_") for each in await listed(operator)]


async def created(operator: Peer) -> str:
    answer = await operator.call(operator.authority.CreateAuthority, wire.CreateAuthorityRequest())
    return answer.authority.name


async def activate(operator: Peer, name: str, *, force: bool = False) -> None:
    request = wire.ActivateAuthorityRequest(name=name, force=force)
    await operator.call(operator.authority.ActivateAuthority, request)


async def retire(operator: Peer, name: str, *, force: bool = False) -> None:
    await operator.call(operator.authority.RetireAuthority, wire.RetireAuthorityRequest(name=name, force=force))


async def newest_notice(unit: LiveUnit, count: int) -> node_service_pb2.TrustNotice:
    async with asyncio.timeout(12):
        while len(unit.notices) < count:
            await unit.noticed()
    return unit.notices[-1]


async def says_it_trusts(manager: LocalManager, credential: NodeCredential) -> str:
    """What an agent does when it is told of other authorities: it takes them, and opens its session anew."""
    async with manager.node(credential) as peer:
        answer = await peer.call(peer.node.GetAuthorities, node_service_pb2.GetAuthoritiesRequest())
        sha256 = hashlib.sha256(answer.authorities_pem.encode()).hexdigest()
        session = await UnitSession(peer, instance_id="a", authorities_sha256=sha256).opened()
        await session.until("desired_state")
    return sha256


async def shown_by(address: str) -> str:
    """The certificate of a port."""
    host, _, port = address.rpartition(":")
    return await asyncio.to_thread(ssl.get_server_certificate, (host, int(port)), timeout=5)


async def server_issuer(address: str) -> str:
    pem = await shown_by(address)
    return x509.load_pem_x509_certificate(pem.encode()).issuer.rfc4514_string()


async def can_call(manager: LocalManager, ca_pem: bytes) -> bool:
    async with manager.stranger(token=manager.token, ca_pem=ca_pem) as peer:
        with suppress(UnavailableError):
            await peer.call(peer.fleet.ListNodes, LIST)
            return True
    return False


async def test_the_whole_succession_while_everything_runs(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    old_ca = manager.ca_pem
    (first,) = await listed(operator)
    async with manager.node(rsu) as peer, living(peer, instance_id="a") as unit:
        await within(unit.welcomed)
        before = await newest_notice(unit, 1)

        second = await created(operator)
        told = await newest_notice(unit, 2)
        assert told.authorities_sha256 != before.authorities_sha256
        assert not told.should_renew
        assert await states(operator) == ["SIGNING", "TRUSTED"]
        with pytest.raises(FailedPreconditionError, match="1 nodes have not said"):
            await activate(operator, second)

    trusted = await says_it_trusts(manager, rsu)
    async with manager.node(rsu) as peer, living(peer, instance_id="a", authorities_sha256=trusted) as unit:
        await newest_notice(unit, 1)
        await activate(operator, second)
        assert (await newest_notice(unit, 2)).should_renew
    assert await states(operator) == ["LEAVING", "SIGNING"]
    new_ca = read_authorities(manager.folder).signing.certificate_pem.encode()
    assert await can_call(manager, new_ca)
    assert not await can_call(manager, old_ca)
    assert await can_call(manager, manager.ca_pem)  # what the folder of the operator holds is kept up to date

    with pytest.raises(FailedPreconditionError, match="certificates of it are in use"):
        await retire(operator, first.name)
    manager.clock.push(minutes=10)
    following = await renewed(manager, rsu)
    await confirm(manager, following)
    assert (await listed(operator))[1].certificate_count == 1
    manager.clock.push(minutes=2)
    await retire(operator, first.name, force=True)  # the first operator's own certificate is of the old one
    assert await states(operator) == ["SIGNING"]
    await says_it_trusts(manager, following)
    async with manager.node(rsu) as peer:
        with pytest.raises(UnavailableError):  # TLS already says no
            await peer.call(peer.node.GetAuthorities, node_service_pb2.GetAuthoritiesRequest())


async def test_the_key_of_a_retired_authority_is_deleted_and_its_certificate_kept(
    manager: LocalManager, operator: Peer
) -> None:
    (first,) = await listed(operator)
    await activate(operator, await created(operator), force=True)
    await retire(operator, first.name, force=True)
    first_id = first.name.removeprefix("authorities/")
    assert {path.name for path in manager.folder.authorities.glob(f"{first_id}.*")} == {f"{first_id}.pem"}
    assert len(manager.folder.every_authority) == 2


async def test_what_signs_is_not_retired_and_one_at_a_time_waits(operator: Peer) -> None:
    (first,) = await listed(operator)
    with pytest.raises(FailedPreconditionError):
        await retire(operator, first.name, force=True)
    second = await created(operator)
    with pytest.raises(FailedPreconditionError):
        await created(operator)
    await activate(operator, second)  # no node that would have to trust it
    await activate(operator, second)
    await activate(operator, first.name)  # and back
    assert await states(operator) == ["SIGNING", "LEAVING"]
    with pytest.raises(NotFoundError):
        await retire(operator, "authorities/0123456789abcdef01234567")


async def test_the_servers_own_certificate_changes_while_it_listens(manager: LocalManager, operator: Peer) -> None:
    before = await server_issuer(manager.endpoints.operator_address)
    await activate(operator, await created(operator))
    assert await server_issuer(manager.endpoints.operator_address) != before


async def test_another_process_that_changes_the_folder_is_heard_within_seconds(
    manager: LocalManager, rsu: NodeCredential
) -> None:
    async with manager.node(rsu) as peer, living(peer, instance_id="a") as unit:
        await newest_notice(unit, 1)
        Authorities.opened(manager.folder.authorities, write=write_whole).create(now=manager.clock())
        assert (await newest_notice(unit, 2)).authorities_sha256
    assert manager.ca_pem.count(b"BEGIN CERTIFICATE") == 2


async def test_the_authority_of_the_first_version_moves_in_and_what_it_signed_counts(
    tmp_path: Path, clock: Clock
) -> None:
    folder = DataFolder(tmp_path / "manager")
    await initialise(folder, SETTINGS)
    signing = read_authorities(folder).signing
    write_whole(folder.authority[0], signing.certificate_pem)
    write_whole(folder.authority[1], signing.key_pem, is_secret=True)
    shutil.rmtree(folder.authorities)
    async with running(folder, SETTINGS, now=clock) as endpoints:
        manager = LocalManager(folder, endpoints, clock)
        async with manager.operator() as operator:
            (only,) = await listed(operator)
    assert only.sha256 == signing.sha256
    assert only.certificate_count >= 1
    assert not any(path.exists() for path in folder.authority)
    assert (folder.authorities / f"{signing.sha256[:24]}.key").stat().st_mode & 0o777 == 0o600


async def test_the_authorities_outlive_a_restart(manager: LocalManager, operator: Peer, tmp_path: Path) -> None:
    await activate(operator, await created(operator))
    folder = DataFolder(shutil.copytree(manager.folder.path, tmp_path / "copy"))
    async with running(folder, SETTINGS, now=manager.clock) as endpoints:
        second = LocalManager(folder, endpoints, manager.clock)
        async with second.operator() as again:
            assert await states(again) == ["LEAVING", "SIGNING"]


async def test_the_server_renews_its_certificate_before_it_ends(manager: LocalManager) -> None:
    before = manager.folder.server[0].read_bytes()
    manager.clock.push(days=61)
    async with asyncio.timeout(12):
        while manager.folder.server[0].read_bytes() == before:  # noqa: ASYNC110  # a file tells nobody
            await asyncio.sleep(0.05)
    shown = await shown_by(manager.endpoints.device_address)
    assert shown.strip() == manager.folder.server[0].read_text().strip()


async def test_server_and_authority_are_valid_since_1970(manager: LocalManager) -> None:
    for path in (manager.folder.server[0], *manager.folder.every_authority):
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        assert certificate.not_valid_before_utc.timestamp() == 0


@pytest.mark.parametrize(
    "text",
    [b"", b"no json", b'{"authorities":[]}', b'{"authorities":[{"sha256":"ff","state":"signing","create_time":"x"}]}'],
)
async def test_a_damaged_folder_is_refused_and_a_running_manager_goes_on(
    manager: LocalManager, operator: Peer, text: bytes
) -> None:
    (manager.folder.authorities / "state.json").write_bytes(text)
    with pytest.raises(WaysideError):
        read_authorities(manager.folder)
    assert await states(operator) == ["SIGNING"]


def test_authorities_have_names_of_their_own(clock: Clock) -> None:
    one, two = (Authority.made(now=clock()) for _ in range(2))
    assert one.certificate_pem != two.certificate_pem
    names = {x509.load_pem_x509_certificate(each.certificate_pem.encode()).subject for each in (one, two)}
    assert len(names) == 2
