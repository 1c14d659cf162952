"""The revocation list, as OpenSSL and a real mosquitto understand it."""

import asyncio
import signal
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiomqtt
import pytest
from cryptography import x509

from tests.link.conftest import MOSQUITTO, Mosquitto
from tests.link.manager_api.peer import LocalManager, NodeCredential, Peer
from wayside.v1 import access_service_pb2, authority_service_pb2, fleet_service_pb2
from wayside_demo.stage import free_port
from wayside_manager.app import read_authorities

CONNECT_S = 5.0


def lists_of(manager: LocalManager) -> list[x509.CertificateRevocationList]:
    text = manager.folder.revoked.read_text()
    return [
        x509.load_pem_x509_crl(f"{part}-----END X509 CRL-----\n".encode())
        for part in text.split("-----END X509 CRL-----\n")
        if part.strip()
    ]


def serials_of(manager: LocalManager) -> set[int]:
    return {entry.serial_number for each in lists_of(manager) for entry in each}


def serial_of(pem: str) -> int:
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


async def until_listed(manager: LocalManager, serial: int) -> None:
    async with asyncio.timeout(5):  # what the security guide promises
        while serial not in serials_of(manager):  # noqa: ASYNC110  # a file tells nobody
            await asyncio.sleep(0.05)


async def written(manager: LocalManager) -> None:
    async with asyncio.timeout(5):
        while not manager.folder.revoked.exists():  # noqa: ASYNC110  # a file tells nobody
            await asyncio.sleep(0.05)


async def revoke(operator: Peer, node_id: str = "rsu-1") -> None:
    await operator.call(operator.fleet.RevokeNode, fleet_service_pb2.RevokeNodeRequest(name=f"nodes/{node_id}"))


async def test_the_list_is_there_from_the_start_signed_and_fresh(manager: LocalManager) -> None:
    await written(manager)
    (only,) = lists_of(manager)
    authority = x509.load_pem_x509_certificate(read_authorities(manager.folder).signing.certificate_pem.encode())
    assert only.is_signature_valid(authority.public_key())  # type: ignore[arg-type]  # ours are ECDSA
    assert only.issuer == authority.subject
    assert only.next_update_utc is not None
    assert only.next_update_utc - manager.clock() > timedelta(days=6)
    assert list(only) == []


async def test_the_list_is_made_anew_each_day(manager: LocalManager) -> None:
    await written(manager)
    before = manager.folder.revoked.read_bytes()
    manager.clock.push(days=1, seconds=1)
    async with asyncio.timeout(5):
        while manager.folder.revoked.read_bytes() == before:  # noqa: ASYNC110  # a file tells nobody
            await asyncio.sleep(0.05)
    assert manager.folder.revoked.stat().st_mode & 0o777 == 0o644


async def test_what_is_revoked_or_retired_is_listed_within_seconds(manager: LocalManager, operator: Peer) -> None:
    one, two = await manager.enroll("rsu-1"), await manager.enroll("rsu-2")
    await revoke(operator)
    await operator.call(operator.fleet.RetireNode, fleet_service_pb2.RetireNodeRequest(name="nodes/rsu-2"))
    for each in (one, two):
        await until_listed(manager, serial_of(each.certificate_pem))


async def test_an_operators_certificate_is_listed_as_well(manager: LocalManager, operator: Peer) -> None:
    request = access_service_pb2.ListCredentialsRequest(operator="operators/admin")
    held = (await operator.call(operator.access.ListCredentials, request)).credentials
    (certificate,) = [each for each in held if each.kind == access_service_pb2.Credential.KIND_CERTIFICATE]
    revocation = access_service_pb2.RevokeCredentialRequest(name=certificate.name)
    await operator.call(operator.access.RevokeCredential, revocation)
    await until_listed(manager, serial_of((manager.folder.operator / "operator.pem").read_text()))


async def test_every_trusted_authority_has_a_list(manager: LocalManager, operator: Peer) -> None:
    await operator.call(operator.authority.CreateAuthority, authority_service_pb2.CreateAuthorityRequest())
    async with asyncio.timeout(5):
        while not manager.folder.revoked.exists() or len(lists_of(manager)) < 2:  # noqa: ASYNC110  # a file tells nobody
            await asyncio.sleep(0.05)
    assert len({each.issuer for each in lists_of(manager)}) == 2


async def test_openssl_refuses_what_is_listed_and_takes_the_rest(
    manager: LocalManager, operator: Peer, tmp_path: Path
) -> None:
    bad, good = await manager.enroll("rsu-1"), await manager.enroll("rsu-2")
    await revoke(operator)
    await until_listed(manager, serial_of(bad.certificate_pem))

    def verified(pem: str) -> str:
        path = tmp_path / "certificate.pem"
        path.write_text(pem)
        command = ["openssl", "verify", "-crl_check", "-CAfile", str(manager.folder.trusted)]
        command += ["-CRLfile", str(manager.folder.revoked), str(path)]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
        return run.stdout + run.stderr

    assert "certificate revoked" in await asyncio.to_thread(verified, bad.certificate_pem)
    assert "OK" in await asyncio.to_thread(verified, good.certificate_pem)


@pytest.fixture
async def broker(manager: LocalManager, tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """A mosquitto as the guide sets it up: the manager's authorities, its list, a server certificate of it."""
    if MOSQUITTO is None:
        pytest.skip("needs mosquitto: apt-get install mosquitto")
    await written(manager)
    directory = tmp_path / "broker"
    directory.mkdir()
    made = read_authorities(manager.folder).signing.server_credential(["127.0.0.1"], now=manager.clock())
    (directory / "server.pem").write_text(made.certificate.pem)
    (directory / "server.key").write_text(made.key_pem)
    config = f"cafile {manager.folder.trusted}\ncrlfile {manager.folder.revoked}\nrequire_certificate true\n"
    config += f"certfile {directory}/server.pem\nkeyfile {directory}/server.key\nuser root\n"
    broker = Mosquitto(directory, free_port(), config)
    broker.start()
    yield broker
    broker.stop()


@asynccontextmanager
async def subscriber(manager: LocalManager, broker: Mosquitto, unit: NodeCredential) -> AsyncIterator[aiomqtt.Client]:
    directory = broker.directory
    (directory / "unit.pem").write_text(unit.certificate_pem)
    (directory / "unit.key").write_text(unit.key_pem)
    context = ssl.create_default_context(cafile=str(manager.folder.trusted))
    context.load_cert_chain(directory / "unit.pem", directory / "unit.key")
    async with aiomqtt.Client(broker.host, broker.port, tls_context=context, timeout=CONNECT_S) as client:
        await client.subscribe("anything", qos=1)
        yield client


async def is_let_in(manager: LocalManager, broker: Mosquitto, unit: NodeCredential) -> bool:
    try:
        async with subscriber(manager, broker, unit):
            return True
    except aiomqtt.MqttError:
        return False


async def until_refused(manager: LocalManager, broker: Mosquitto, unit: NodeCredential) -> None:
    async with asyncio.timeout(10):
        while await is_let_in(manager, broker, unit):  # noqa: ASYNC110  # the broker says nothing
            await asyncio.sleep(0.1)


async def test_a_broker_refuses_a_revoked_node_after_a_signal_and_takes_the_others(
    manager: LocalManager, operator: Peer, broker: Mosquitto
) -> None:
    bad, good = await manager.enroll("rsu-1"), await manager.enroll("rsu-2")
    assert await is_let_in(manager, broker, bad)

    await revoke(operator)
    await until_listed(manager, serial_of(bad.certificate_pem))
    assert broker.process is not None
    broker.process.send_signal(signal.SIGHUP)

    await until_refused(manager, broker, bad)
    assert await is_let_in(manager, broker, good)


async def test_a_connection_that_is_open_outlives_the_signal_so_a_broker_must_be_restarted_to_cut_it(
    manager: LocalManager, operator: Peer, broker: Mosquitto
) -> None:
    bad, good = await manager.enroll("rsu-1"), await manager.enroll("rsu-2")
    async with subscriber(manager, broker, bad) as open_before:
        await revoke(operator)
        await until_listed(manager, serial_of(bad.certificate_pem))
        assert broker.process is not None
        broker.process.send_signal(signal.SIGHUP)
        await until_refused(manager, broker, bad)
        async with subscriber(manager, broker, good) as other:
            await other.publish("anything", b"still heard", qos=1)
        async with asyncio.timeout(CONNECT_S):
            message = await anext(aiter(open_before.messages))
    assert message.payload == b"still heard"
