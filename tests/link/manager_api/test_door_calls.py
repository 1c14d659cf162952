"""The operator port under abuse: who fails is cut off, who has proven itself stays, and nobody comes round the door."""

import asyncio
import struct
from pathlib import Path

import grpc
import grpc.aio
import pytest

from tests.link.manager_api import wire
from tests.link.manager_api.peer import LocalManager, Peer, release_archive
from wayside.errors import PermissionDeniedError, ResourceExhaustedError, UnauthenticatedError
from wayside.v1 import fleet_service_pb2
from wayside_manager.api import origin

BAD_TOKEN = "wso_" + "x" * 43
LIST_NODES = "/wayside.v1.FleetService/ListNodes"
ATTACKER, STRANGER = "127.0.0.2", "127.0.0.3"


async def flooded(manager: LocalManager, source: str) -> None:
    """Fails to log in until it is cut."""
    async with wire.connected(manager.endpoints.operator_address, source=source) as connection:
        connection.send(*(wire.call(stream, LIST_NODES, BAD_TOKEN) for stream in range(1, 100, 2)))
        assert await connection.is_cut()


async def test_who_keeps_failing_is_cut_and_refused_and_nobody_else(manager: LocalManager, operator: Peer) -> None:
    await flooded(manager, ATTACKER)
    with pytest.raises(ConnectionError):
        async with wire.connected(manager.endpoints.operator_address, source=ATTACKER):
            pass
    async with wire.connected(manager.endpoints.operator_address, source=STRANGER) as connection:
        connection.send(wire.call(1, LIST_NODES, manager.token))
        assert (await connection.until(wire.DATA)).stream == 1
    await operator.call(operator.fleet.ListNodes, fleet_service_pb2.ListNodesRequest())


async def test_a_connection_that_has_logged_in_outlasts_the_refusal_of_its_address(manager: LocalManager) -> None:
    async with wire.connected(manager.endpoints.operator_address, source=ATTACKER) as good:
        good.send(wire.call(1, LIST_NODES, manager.token))
        await good.until(wire.DATA)
        await flooded(manager, ATTACKER)
        good.send(wire.call(3, LIST_NODES, manager.token))
        assert (await good.until(wire.DATA)).stream == 3


async def test_a_good_credential_is_no_licence_to_try_others(manager: LocalManager) -> None:
    async with wire.connected(manager.endpoints.operator_address, source=ATTACKER) as connection:
        connection.send(wire.call(1, LIST_NODES, manager.token))
        await connection.until(wire.DATA)
        connection.send(*(wire.call(stream, LIST_NODES, BAD_TOKEN) for stream in range(3, 100, 2)))
        assert await connection.is_cut()


async def test_a_few_failures_cost_nothing(manager: LocalManager) -> None:
    async with manager.stranger(token=BAD_TOKEN) as stranger:
        for _ in range(5):
            with pytest.raises(UnauthenticatedError):
                await stranger.call(stranger.fleet.ListNodes, fleet_service_pb2.ListNodesRequest())
    async with manager.operator() as operator:
        await operator.call(operator.fleet.ListNodes, fleet_service_pb2.ListNodesRequest())


async def test_pings_too_often_end_the_connection(manager: LocalManager) -> None:
    async with wire.connected(manager.endpoints.operator_address) as connection:
        connection.send(*[wire.Frame(wire.PING, 0, 0, bytes(8))] * 10)
        goaway = await connection.until(wire.GOAWAY)
        _, code = struct.unpack(">II", goaway.payload[:8])
        assert (code, goaway.payload[8:]) == (wire.ENHANCE_YOUR_CALM, b"too_many_pings")
        assert await connection.is_cut()


async def test_the_server_says_how_many_calls_it_takes_at_once(manager: LocalManager) -> None:
    async with wire.connected(manager.endpoints.operator_address) as connection:
        settings = await connection.until(wire.SETTINGS)
    said = dict(struct.iter_unpack(">HI", settings.payload))
    assert said[3] == 100  # SETTINGS_MAX_CONCURRENT_STREAMS
    assert said[6] == 16 * 1024  # SETTINGS_MAX_HEADER_LIST_SIZE


async def test_a_call_with_too_much_metadata_is_refused(manager: LocalManager) -> None:
    async with manager.stranger(token="x" * 17_000) as stranger:
        with pytest.raises(ResourceExhaustedError, match="metadata size exceeds"):
            await stranger.call(stranger.fleet.ListNodes, fleet_service_pb2.ListNodesRequest())


async def test_megabytes_go_through_the_door(operator: Peer) -> None:
    archive = release_archive("1.1.0", payload=bytes(range(256)) * (20 << 10))
    published = await operator.publish(archive)
    assert published.release.version == "1.1.0"


async def test_nobody_comes_round_the_door(manager: LocalManager) -> None:
    credentials = grpc.ssl_channel_credentials(manager.ca_pem)
    async with grpc.aio.secure_channel(f"127.0.0.1:{hidden_port(manager)}", credentials) as channel:
        insider = Peer(channel, manager.token)
        with pytest.raises(PermissionDeniedError, match="operator port"):
            await insider.call(insider.fleet.ListNodes, fleet_service_pb2.ListNodesRequest())


def hidden_port(manager: LocalManager) -> int:
    """The port that this process listens on and does not speak of."""
    spoken_of = {
        int(address.rpartition(":")[2])
        for address in (manager.endpoints.device_address, manager.endpoints.operator_address)
    }
    tables = (Path("/proc/self/net", name).read_text(encoding="ascii") for name in ("tcp", "tcp6"))
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    ours = {str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()}
    listening = {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in ours}
    (port,) = listening - spoken_of
    return port


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:10.0.0.5:4711", "10.0.0.5"),
        ("ipv6:%5B::1%5D:4711", "::1"),
        ("ipv6:[2001:db8::5]:4711", "2001:db8::5"),
        ("unix:/run/x", ""),
        ("", ""),
    ],
)
def test_the_address_of_a_direct_peer_is_read_from_its_name(peer: str, address: str) -> None:
    assert origin.address_of(peer) == address


async def test_more_calls_at_once_than_the_server_takes_wait_their_turn(operator: Peer) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(300):
            group.create_task(operator.call(operator.fleet.ListNodes, fleet_service_pb2.ListNodesRequest()))
