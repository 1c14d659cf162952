"""Every kind of certificate that must not open anything, shown on both ports over real TLS."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import grpc
import grpc.aio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.link.manager_api.peer import LocalManager, NodeCredential, Peer, csr, role
from tests.link.manager_api.unit import confirm, renewed
from wayside.errors import WaysideError
from wayside.v1 import access_service_pb2, authority_service_pb2, fleet_service_pb2, node_service_pb2
from wayside_manager.app import read_authorities
from wayside_manager.services.authority import Authority, key_pem, new_key
from wayside_manager.services.certificate_profiles import subject_name

Pair = tuple[str, str]
"""Certificate and key, PEM."""
HANDSHAKE = "UNAVAILABLE"
"""Reason when TLS itself says no: the client sees a connection that was closed."""


def signed(by: Authority, *, node_id: str = "rsu-1", at: datetime | None = None) -> Pair:
    """A certificate of a node for a new key, which the manager does not know."""
    key = new_key()
    return by.node_certificate(node_id, csr(key), now=at or datetime.now(UTC)).pem, key_pem(key)


def signing(manager: LocalManager) -> Authority:
    return read_authorities(manager.folder).signing


async def expired(manager: LocalManager, _operator: Peer, _rsu: NodeCredential) -> Pair:
    return signed(signing(manager), at=datetime.now(UTC) - timedelta(days=31))


async def not_yet_valid(manager: LocalManager, _operator: Peer, _rsu: NodeCredential) -> Pair:
    return signed(signing(manager), at=datetime.now(UTC) + timedelta(days=1))


async def of_a_wrong_authority(_manager: LocalManager, _operator: Peer, _rsu: NodeCredential) -> Pair:
    return signed(Authority.made(now=datetime.now(UTC)))


async def self_signed(_manager: LocalManager, _operator: Peer, _rsu: NodeCredential) -> Pair:
    key, name = new_key(), subject_name("rsu-1")
    now = datetime.now(UTC)
    uri = x509.UniformResourceIdentifier("wayside://nodes/rsu-1")
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 7, now - timedelta(hours=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([uri]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), key_pem(key)


async def of_the_server(manager: LocalManager, _operator: Peer, _rsu: NodeCredential) -> Pair:
    certificate, key = manager.folder.server
    return certificate.read_text(), key.read_text()


async def of_a_deleted_authority(_manager: LocalManager, operator: Peer, rsu: NodeCredential) -> Pair:
    (old,) = (
        await operator.call(operator.authority.ListAuthorities, authority_service_pb2.ListAuthoritiesRequest())
    ).authorities
    made = await operator.call(operator.authority.CreateAuthority, authority_service_pb2.CreateAuthorityRequest())
    activation = authority_service_pb2.ActivateAuthorityRequest(name=made.authority.name, force=True)
    await operator.call(operator.authority.ActivateAuthority, activation)
    retirement = authority_service_pb2.RetireAuthorityRequest(name=old.name, force=True)
    await operator.call(operator.authority.RetireAuthority, retirement)
    return rsu.certificate_pem, rsu.key_pem


async def of_a_revoked_node(_manager: LocalManager, operator: Peer, rsu: NodeCredential) -> Pair:
    await operator.call(operator.fleet.RevokeNode, fleet_service_pb2.RevokeNodeRequest(name="nodes/rsu-1"))
    return rsu.certificate_pem, rsu.key_pem


async def of_a_retired_node(_manager: LocalManager, operator: Peer, rsu: NodeCredential) -> Pair:
    await operator.call(operator.fleet.RetireNode, fleet_service_pb2.RetireNodeRequest(name="nodes/rsu-1"))
    return rsu.certificate_pem, rsu.key_pem


async def of_a_replaced_unit(manager: LocalManager, _operator: Peer, rsu: NodeCredential) -> Pair:
    await manager.enroll("rsu-1", esn="E-new")
    return rsu.certificate_pem, rsu.key_pem


async def renewed_and_over(manager: LocalManager, _operator: Peer, rsu: NodeCredential) -> Pair:
    manager.clock.push(minutes=10)
    await confirm(manager, await renewed(manager, rsu))
    manager.clock.push(seconds=61)
    return rsu.certificate_pem, rsu.key_pem


async def ended_by_the_managers_clock(manager: LocalManager, _operator: Peer, rsu: NodeCredential) -> Pair:
    manager.clock.push(days=30, seconds=1)
    return rsu.certificate_pem, rsu.key_pem


async def of_ours_but_never_issued(manager: LocalManager, _operator: Peer, _rsu: NodeCredential) -> Pair:
    return signed(signing(manager))  # what somebody with a copy of the key can make


async def without_a_wayside_name(manager: LocalManager, _operator: Peer, _rsu: NodeCredential) -> Pair:
    key = new_key()
    issued = signing(manager)._client(
        "rsu-1", "https://example.org", key.public_key(), now=datetime.now(UTC), life=timedelta(days=1)
    )
    return issued.pem, key_pem(key)


async def of_an_operator_on_a_nodes_call(manager: LocalManager, _operator: Peer, _rsu: NodeCredential) -> Pair:
    folder = manager.folder.operator
    return (folder / "operator.pem").read_text(), (folder / "operator.key").read_text()


CASES: tuple[tuple[Callable[[LocalManager, Peer, NodeCredential], Awaitable[Pair]], str], ...] = (
    (expired, HANDSHAKE),
    (not_yet_valid, HANDSHAKE),
    (of_a_wrong_authority, HANDSHAKE),
    (self_signed, HANDSHAKE),
    (of_the_server, HANDSHAKE),  # wrong extended key usage
    (of_a_deleted_authority, HANDSHAKE),
    (of_a_revoked_node, "NODE_REVOKED"),
    (of_a_retired_node, "NODE_RETIRED"),
    (of_a_replaced_unit, "CREDENTIAL_INVALID"),
    (renewed_and_over, "CREDENTIAL_INVALID"),
    (ended_by_the_managers_clock, "CREDENTIAL_INVALID"),
    (of_ours_but_never_issued, "CREDENTIAL_INVALID"),
    (without_a_wayside_name, "NO_IDENTITY"),
    (of_an_operator_on_a_nodes_call, "NOT_ALLOWED"),
)


@asynccontextmanager
async def on_operator_port(manager: LocalManager, certificate_pem: str, key: str) -> AsyncIterator[Peer]:
    credentials = grpc.ssl_channel_credentials(manager.ca_pem, key.encode(), certificate_pem.encode())
    async with grpc.aio.secure_channel(manager.endpoints.operator_address, credentials) as channel:
        yield Peer(channel)


async def reason(peer: Peer) -> str:
    with pytest.raises(WaysideError) as caught:
        await peer.call(peer.node.GetAuthorities, node_service_pb2.GetAuthoritiesRequest())
    return caught.value.reason


@pytest.mark.parametrize(("make", "expected"), CASES, ids=[make.__name__ for make, _ in CASES])
async def test_a_certificate_opens_nothing_on_either_port(
    manager: LocalManager,
    operator: Peer,
    rsu: NodeCredential,
    make: Callable[[LocalManager, Peer, NodeCredential], Awaitable[Pair]],
    expected: str,
) -> None:
    certificate_pem, key = await make(manager, operator, rsu)
    async with manager.certified(certificate_pem, key) as peer:
        assert await reason(peer) == expected
    async with on_operator_port(manager, certificate_pem, key) as peer:
        assert await reason(peer) == "NO_CREDENTIAL"  # that port asks for no certificate, so none can help


async def test_an_operators_certificate_opens_its_own_tenant_only(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    await operator.make_tenant("haikou")
    await operator.make_operator("mei", role("admin", "haikou"))
    key = new_key()
    request = access_service_pb2.IssueOperatorCertificateRequest(
        operator="operators/mei", certificate_request_pem=csr(key)
    )
    issued = await operator.call(operator.access.IssueOperatorCertificate, request)
    async with manager.certified(issued.certificate_pem, key_pem(key)) as mei:
        with pytest.raises(WaysideError) as caught:
            await mei.get_node(rsu.node_id)
        nodes = (await mei.call(mei.fleet.ListNodes, fleet_service_pb2.ListNodesRequest())).nodes
    assert caught.value.reason == "NODE_NOT_FOUND"
    assert list(nodes) == []


async def test_a_good_certificate_opens(rsu_peer: Peer) -> None:
    assert (await rsu_peer.call(rsu_peer.node.GetAuthorities, node_service_pb2.GetAuthoritiesRequest())).authorities_pem


@pytest.mark.parametrize(("life", "stretched"), [(timedelta(minutes=1), 6.0), (timedelta(days=30), 3600.0)])
def test_dating_back_stretches_no_life_much(life: timedelta, stretched: float) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    pem = Authority.made(now=now).node_certificate("rsu-1", csr(new_key()), now=now, life=life).pem
    begin = x509.load_pem_x509_certificate(pem.encode()).not_valid_before_utc
    assert (now - begin).total_seconds() == stretched
