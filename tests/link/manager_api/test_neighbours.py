"""Which neighbours a node is told, whose word on them the manager takes, and whom it says may be served."""

import hashlib
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from google.protobuf.field_mask_pb2 import FieldMask

from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.peer import Clock, LocalManager, NodeCredential, Peer, Session
from tests.releases import archive
from wayside.errors import InvalidArgumentError, PermissionDeniedError
from wayside.neighbours import neighbour_url, server_name
from wayside.v1 import (
    fleet_service_pb2,
    node_pb2,
    node_service_pb2,
    release_pb2,
    rollout_service_pb2,
    site_pb2,
    site_service_pb2,
)
from wayside_manager.api import session as manager_session
from wayside_manager.app import running
from wayside_manager.artifact_settings import NeighbourSettings
from wayside_manager.settings import DataFolder

NEW = archive("1.1.0")
PLACE = (31.2, 121.4)
METRES = 1 / 111_000
"""Of latitude [degree]."""


@dataclass
class Street:
    """A manager with a release, and units along a street that each have their own connection."""

    manager: LocalManager
    operator: Peer
    stack: AsyncExitStack
    credentials: dict[str, NodeCredential] = field(default_factory=dict)
    peers: dict[str, Peer] = field(default_factory=dict)

    async def unit(self, node_id: str, *, at_m: float = 0.0, kind: str = "RSU", tenant: str = "root") -> Peer:
        """An enrolled unit at a site of its own, so many metres along the street."""
        position = node_pb2.Position(latitude_degrees=PLACE[0] + at_m * METRES, longitude_degrees=PLACE[1])
        site = site_pb2.Site(name=f"sites/s-{node_id}", tenant=f"tenants/{tenant}", position=position)
        await self.operator.call(self.operator.site.ApplySite, site_service_pb2.ApplySiteRequest(site=site))
        token = await self.operator.enrollment_token(node=f"nodes/{node_id}", tenant=f"tenants/{tenant}")
        credential = await self.manager.enroll(node_id, token=token, kind=kind)
        change = fleet_service_pb2.UpdateNodeRequest(
            node=node_pb2.Node(name=f"nodes/{node_id}", site=site.name), update_mask=FieldMask(paths=["site"])
        )
        await self.operator.call(self.operator.fleet.UpdateNode, change)
        self.credentials[node_id] = credential
        self.peers[node_id] = await self.stack.enter_async_context(self.manager.node(credential))
        return self.peers[node_id]

    async def server(
        self, node_id: str, address: str = "10.20.0.5:7445", *, sequence: int = 1, is_delta: bool = False
    ) -> Session:
        """The session of a unit that has committed the release and serves it."""
        session = await Session(self.peers[node_id], peer_address=address).opened()
        runs = node_pb2.HealthReport(agent_version="1.1.0", release="releases/1.1.0")
        await session.report(sequence, health=runs)
        word = release_pb2.UpdateReport(
            release="releases/1.1.0",
            running_release="releases/1.1.0",
            running_version="1.1.0",
            phase=release_pb2.UpdateReport.PHASE_COMMITTED,
            downloaded_bytes=len(NEW),
            total_bytes=len(NEW),
            is_delta=is_delta,
        )
        await session.report(sequence + 1, update=word)
        while (await session.until("ack")).sequence < sequence + 1:
            pass
        return session

    async def order(self, *node_ids: str) -> None:
        """Rolls the release out."""
        chosen = node_pb2.NodeSelector(nodes=[f"nodes/{each}" for each in node_ids])
        request = rollout_service_pb2.CreateRolloutRequest(release="releases/1.1.0", selector=chosen)
        await self.operator.call(self.operator.rollout.CreateRollout, request)

    async def told(self, node_id: str) -> tuple[str, ...]:
        """URLs that a unit is told with the release."""
        session = await Session(self.peers[node_id]).opened()
        await session.report(1)
        while not (state := await session.until("desired_state")).HasField("release"):
            pass
        return tuple(state.release.urls)


@asynccontextmanager
async def laid(made_folder: Path, path: Path, clock: Clock, neighbours: NeighbourSettings) -> AsyncIterator[Street]:
    folder = DataFolder(shutil.copytree(made_folder, path / "manager"))
    async with (
        running(folder, msgspec.structs.replace(SETTINGS, neighbours=neighbours), now=clock) as endpoints,
        (manager := LocalManager(folder, endpoints, clock)).operator() as operator,
        AsyncExitStack() as stack,
    ):
        await operator.publish(NEW, version="1.1.0")
        yield Street(manager, operator, stack)


@pytest.fixture
async def street(made_folder: Path, tmp_path: Path, clock: Clock) -> AsyncIterator[Street]:
    async with laid(made_folder, tmp_path, clock, NeighbourSettings(max_distance_m=1_000)) as made:
        yield made


def certificate_sha256(credential: NodeCredential) -> str:
    return x509.load_pem_x509_certificate(credential.certificate_pem.encode()).fingerprint(hashes.SHA256()).hex()


async def check(peer: Peer, sha256: str) -> None:
    await peer.call(peer.node.CheckPeer, node_service_pb2.CheckPeerRequest(certificate_sha256=sha256))


async def test_a_node_is_told_the_two_nearest_that_have_the_release(street: Street) -> None:
    for node_id, at_m in (("rsu-near", 100), ("rsu-mid", 400), ("rsu-far", 800), ("rsu-away", 1_500)):
        await street.unit(node_id, at_m=at_m)
        await street.server(node_id, f"10.20.0.{at_m // 10}:7445")
    await street.unit("obu-1", kind="OBU")
    await street.order("obu-1")
    assert await street.told("obu-1") == (
        neighbour_url("10.20.0.10:7445", "rsu-near"),
        neighbour_url("10.20.0.40:7445", "rsu-mid"),
    )


async def test_a_node_that_waits_is_told_anew_when_a_neighbour_has_it(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager_session, "LOOK_AGAIN_S", 0.0)  # at each report
    await street.unit("rsu-1", at_m=100)
    await street.unit("obu-1", kind="OBU")
    await street.order("obu-1")
    session = await Session(street.peers["obu-1"]).opened()
    await session.report(1)
    while not (state := await session.until("desired_state")).HasField("release"):
        pass
    assert not state.release.urls
    await street.server("rsu-1")
    await session.report(2)
    anew = await session.until("desired_state")
    assert anew.revision == state.revision
    assert list(anew.release.urls) == [neighbour_url("10.20.0.5:7445", "rsu-1")]


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8:7445", "100.64.0.9:7445", "169.254.169.254:8080", "127.0.0.2:7445", "[2001:db8::1]:7445", "[::1]:7445"],
    ids=["public", "carrier", "link-local", "other loopback", "public six", "loopback six"],
)
async def test_nobody_is_sent_to_an_address_that_is_neither_private_nor_the_units_own(
    street: Street, address: str
) -> None:
    await street.unit("rsu-1")
    await street.server("rsu-1", address)
    await street.unit("obu-1", kind="OBU")
    await street.order("obu-1")
    assert await street.told("obu-1") == ()


async def test_the_address_that_a_unit_speaks_from_is_its_own(street: Street) -> None:
    await street.unit("rsu-1")
    await street.server("rsu-1", "127.0.0.1:7445")
    await street.unit("obu-1", kind="OBU")
    await street.order("obu-1")
    assert await street.told("obu-1") == (neighbour_url("127.0.0.1:7445", "rsu-1"),)


@pytest.mark.parametrize(
    "address",
    ["rsu.example:7445", "10.0.0.1", "10.0.0.1:22", "10.0.0.1:70000", "0.0.0.0:7445", "10.0.0.1:7445/x", "1" * 5_000],
    ids=["name", "no port", "low port", "no such port", "anywhere", "path", "long"],
)
async def test_a_hello_with_what_is_no_address_ends_the_session(street: Street, address: str) -> None:
    peer = await street.unit("rsu-1")
    error = await (await Session(peer, peer_address=address).opened()).ended()
    assert isinstance(error, InvalidArgumentError)
    assert error.reason == "PEER_ADDRESS"
    assert len(str(error)) < 300


@pytest.mark.parametrize("who", ["obu", "other tenant", "silent", "revoked", "stopped serving", "by delta"])
async def test_who_is_not_named(street: Street, clock: Clock, who: str) -> None:
    await street.operator.make_tenant("other")
    await street.unit(
        "unit-1", kind="OBU" if who == "obu" else "RSU", tenant="other" if who == "other tenant" else "root"
    )
    await street.server("unit-1", is_delta=who == "by delta")
    if who == "silent":
        clock.push(seconds=3_600)
    if who == "stopped serving":
        await (await Session(street.peers["unit-1"]).opened()).until("welcome")
    if who == "revoked":
        request = fleet_service_pb2.RevokeNodeRequest(name="nodes/unit-1")
        await street.operator.call(street.operator.fleet.RevokeNode, request)
    await street.unit("obu-1", kind="OBU")
    await street.order("obu-1")
    assert await street.told("obu-1") == ()


async def test_a_manager_that_is_told_to_names_nobody_and_vouches_for_nobody(
    made_folder: Path, tmp_path: Path, clock: Clock
) -> None:
    async with laid(made_folder, tmp_path, clock, NeighbourSettings(enabled=False)) as street:
        rsu = await street.unit("rsu-1")
        await street.server("rsu-1")
        await street.unit("obu-1", kind="OBU")
        await street.order("obu-1")
        assert await street.told("obu-1") == ()
        with pytest.raises(PermissionDeniedError):
            await check(rsu, certificate_sha256(street.credentials["obu-1"]))
        assert server_names(street.credentials["rsu-1"]) == []


def server_names(credential: NodeCredential) -> list[str]:
    certificate = x509.load_pem_x509_certificate(credential.certificate_pem.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert (x509.oid.ExtendedKeyUsageOID.SERVER_AUTH in usages) == bool(names.get_values_for_type(x509.DNSName))
    return names.get_values_for_type(x509.DNSName)


async def test_certificates_of_roadside_units_alone_can_serve_and_under_one_name(street: Street) -> None:
    await street.unit("rsu-1")
    await street.unit("obu-1", kind="OBU")
    assert server_names(street.credentials["rsu-1"]) == [server_name("rsu-1")]
    assert server_names(street.credentials["obu-1"]) == []


async def test_the_manager_vouches_for_units_of_the_tenant_and_no_others(street: Street) -> None:
    rsu = await street.unit("rsu-1")
    await street.unit("obu-1", kind="OBU")
    await street.operator.make_tenant("other")
    await street.unit("obu-2", kind="OBU", tenant="other")
    await check(rsu, certificate_sha256(street.credentials["obu-1"]))
    await check(rsu, certificate_sha256(street.credentials["rsu-1"]))
    sentences = set()
    for sha256 in (certificate_sha256(street.credentials["obu-2"]), "0" * 64, hashlib.sha256(b"token").hexdigest()):
        with pytest.raises(PermissionDeniedError) as raised:
            await check(rsu, sha256)
        assert raised.value.reason == "PEER_REFUSED"
        sentences.add(str(raised.value))
    assert len(sentences) == 1  # it does not tell what there is


async def test_the_manager_no_longer_vouches_for_who_was_revoked(street: Street) -> None:
    rsu = await street.unit("rsu-1")
    await street.unit("obu-1", kind="OBU")
    sha256 = certificate_sha256(street.credentials["obu-1"])
    await check(rsu, sha256)
    request = fleet_service_pb2.RevokeNodeRequest(name="nodes/obu-1")
    await street.operator.call(street.operator.fleet.RevokeNode, request)
    with pytest.raises(PermissionDeniedError):
        await check(rsu, sha256)


@pytest.mark.parametrize(
    "sha256", ["", "x", "0" * 63, "A" * 64, "0" * 65], ids=["empty", "x", "short", "upper", "long"]
)
async def test_what_is_no_hash_of_a_certificate_is_refused(street: Street, sha256: str) -> None:
    with pytest.raises(InvalidArgumentError):
        await check(await street.unit("rsu-1"), sha256)
