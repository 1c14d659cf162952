"""Packets recorded and hosts reached, over the loopback interface."""

import asyncio
import os
import socket
import struct
from pathlib import Path

import pytest

from tests.contract.job_worker import worked
from wayside.errors import UnavailableError
from wayside_agent.core.icmp import echo_reply, refusing_hop
from wayside_agent.core.job import RefusedError
from wayside_agent.core.job_work import NetworkProbe, PacketCapture
from wayside_agent.core.pcap import ETHERNET, RAW_IP, ports
from wayside_agent.drivers.job_capture import FILE, PacketCaptureWorker
from wayside_agent.drivers.job_probe import NetworkProbeWorker
from wayside_agent.ports.errors import DeviceAbsentError
from wayside_agent.ports.jobs import Yield

NEEDS_RAW = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for AF_PACKET sockets")


def capture(
    interface: str = "lo", *, seconds: float = 5.0, snap: int = 256, count: int = 1000, port: int = 0
) -> PacketCapture:
    return PacketCapture(interface, seconds, snap, count, port)


async def captured(asked: PacketCapture, folder: Path, *, payload: bytes, max_bytes: int = 1_000_000) -> Yield:
    """Records while datagrams go to a port nobody else uses, until one of its bounds is reached."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        port = receiver.getsockname()[1]
        if asked.port:
            asked = PacketCapture(asked.interface, asked.duration_s, asked.snap_bytes, asked.max_packets, port)
        async with asyncio.TaskGroup() as group:
            worker = PacketCaptureWorker(["lo"])
            task = group.create_task(worked(worker, asked, folder, max_bytes=max_bytes))
            while not task.done():
                sender.sendto(payload, ("127.0.0.1", port))
                await asyncio.sleep(0.005)
        return task.result()


def packets(content: bytes) -> list[tuple[int, bytes]]:
    """Size and kept bytes of each packet of a file."""
    magic, _, _, _, _, snap_bytes, link_type = struct.unpack_from("=IHHiIII", content)
    assert (magic, link_type) == (0xA1B23C4D, ETHERNET)
    found, at = [], 24
    while at < len(content):
        _, _, kept, size_bytes = struct.unpack_from("=IIII", content, at)
        assert kept <= snap_bytes
        found.append((size_bytes, content[at + 16 : at + 16 + kept]))
        at += 16 + kept
    return found


@NEEDS_RAW
async def test_packets_of_a_port_are_recorded_up_to_a_number(tmp_path: Path) -> None:
    payload = b"wayside" * 100
    found = await captured(capture(count=4, snap=100, port=1), tmp_path, payload=payload)
    recorded = packets((tmp_path / FILE).read_bytes())
    assert (found.files, found.result["ended_by"], len(recorded)) == ((FILE,), "max_packets", 4)
    for size_bytes, kept in recorded:
        assert size_bytes == 14 + 20 + 8 + len(payload)
        assert kept[42:] == payload[:58]


@NEEDS_RAW
async def test_a_recording_ends_with_its_time_and_before_it_is_too_large(tmp_path: Path) -> None:
    assert (await captured(capture(seconds=0.1), tmp_path, payload=b"x")).result["ended_by"] == "duration"
    found = await captured(capture(), tmp_path, payload=b"x", max_bytes=200)
    assert found.result["ended_by"] == "artifact_max_bytes"
    assert (tmp_path / FILE).stat().st_size <= 200


@pytest.mark.skipif(os.geteuid() == 0, reason="root may")
async def test_without_the_right_it_is_refused_saying_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="CAP_NET_RAW"):
        await worked(PacketCaptureWorker(["lo"]), capture(), tmp_path)


async def test_only_interfaces_of_the_settings_are_listened_to(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"jobs\.capture_interfaces"):
        await worked(PacketCaptureWorker(["eth0"]), capture("lo"), tmp_path)
    with pytest.raises(DeviceAbsentError, match="no such network interface"):
        await worked(PacketCaptureWorker(["wayside0"]), capture("wayside0"), tmp_path)


IP4 = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1")
IP6 = struct.pack("!IHBB16s16s", 0x60000000, 8, 6, 64, bytes(16), bytes(16))
PORTS = struct.pack("!HH", 1000, 2000)


@pytest.mark.parametrize(
    ("packet", "link_type", "found"),
    [
        (bytes(12) + b"\x08\0" + IP4 + PORTS, ETHERNET, {1000, 2000}),
        (bytes(12) + b"\x81\0\0\1\x08\0" + IP4 + PORTS, ETHERNET, {1000, 2000}),
        (bytes(12) + b"\x86\xdd" + IP6 + PORTS, ETHERNET, {1000, 2000}),
        (IP4 + PORTS, RAW_IP, {1000, 2000}),
        (IP6 + PORTS, RAW_IP, {1000, 2000}),
        (IP4[:6] + b"\0\1" + IP4[8:] + PORTS, RAW_IP, set()),
        (bytes(12) + b"\x08\6" + bytes(28), ETHERNET, set()),
        (IP4 + PORTS[:3], RAW_IP, set()),
        (b"", RAW_IP, set()),
        (bytes(12) + b"\x81\0", ETHERNET, set()),
    ],
    ids=["ip4", "vlan", "ip6", "raw 4", "raw 6", "fragment", "arp", "short", "empty", "cut vlan"],
)
def test_ports_are_found_where_they_are(packet: bytes, link_type: int, found: set[int]) -> None:
    assert ports(packet, link_type=link_type) == found


async def test_the_manager_is_pinged_when_no_host_is_named(tmp_path: Path) -> None:
    worker = NetworkProbeWorker(lambda: "127.0.0.1:7443", ())
    try:
        found = await worked(worker, NetworkProbe("", is_trace=False, count=2), tmp_path)
    except RefusedError as error:
        pytest.skip(f"this machine lets nobody ping: {error}")
    assert (found.is_success, found.result["received_count"], found.result["loss_ratio"]) == (True, 2, 0.0)
    rtts = found.result["rtts_ms"]
    assert isinstance(rtts, list)
    assert all(0 <= rtt < 1000 for rtt in rtts)


@pytest.mark.parametrize("address", ["127.0.0.1:7443", "[::1]:7443"])
async def test_a_trace_ends_at_the_host(tmp_path: Path, address: str) -> None:
    worker = NetworkProbeWorker(lambda: address, ())
    try:
        found = await worked(worker, NetworkProbe("", is_trace=True, count=1), tmp_path)
    except UnavailableError as error:
        pytest.skip(f"this machine has no such address: {error}")
    host = address.rpartition(":")[0].strip("[]")
    hops = found.result["hops"]
    assert isinstance(hops, list)
    assert (found.is_success, [hop["address"] for hop in hops]) == (True, [host])


async def test_only_hosts_of_the_settings_are_reached(tmp_path: Path) -> None:
    worker = NetworkProbeWorker(lambda: "127.0.0.1:7443", ["-c", "a.example"])
    with pytest.raises(RefusedError, match=r"jobs\.probe_hosts"):
        await worked(worker, NetworkProbe("10.0.0.1", is_trace=False, count=1), tmp_path)
    with pytest.raises(RefusedError, match="is no host"):  # nor may it be an option of a program
        await worked(worker, NetworkProbe("-c", is_trace=False, count=1), tmp_path)


@pytest.mark.parametrize("received", [b"", b"\0" * 7, b"\x08\0\0\0\0\0\0\1tag"], ids=["empty", "short", "a request"])
def test_what_is_no_echo_reply_is_none(received: bytes) -> None:
    assert echo_reply(received, is_v6=False) is None


@pytest.mark.parametrize(
    "error",
    [b"", b"\0" * 15, b"\0" * 32, b"\0\0\0\0\2\x0b\0\0" + b"\0" * 8 + b"\2\0\0\0\1"],
    ids=["empty", "short", "local", "cut address"],
)
def test_what_no_hop_said_is_none(error: bytes) -> None:
    assert refusing_hop(error, is_v6=False) is None
