"""SocketCAN's driver on a unix SEQPACKET pair, which carries the same structs."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from wayside_agent.core.frames import (
    CLASSIC,
    ERROR_FLAG,
    EXTENDED_FLAG,
    FD,
    BusCondition,
    Controller,
    FrameBatch,
)
from wayside_agent.drivers.can_socket import SocketCan
from wayside_agent.drivers.recvmmsg import SO_TIMESTAMPNS
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError


class Pair:
    """A driver and the other end of its socket."""

    def __init__(self, *, is_fd: bool = False) -> None:
        near, self.far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_000_000)
        options = SocketCan.Options(interface="can0", is_fd=is_fd, nap_s=0.001)
        self.source = SocketCan.from_socket(near, options)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    made = Pair()
    async with made.source:
        yield made
    made.far.close()


@pytest.fixture
async def fd_pair() -> AsyncIterator[Pair]:
    made = Pair(is_fd=True)
    async with made.source:
        yield made
    made.far.close()


async def test_frames_that_are_there_come_as_one_batch(pair: Pair) -> None:
    sent = [CLASSIC.pack(0x100 + index, 8, 0, bytes([index] * 8)) for index in range(200)]
    for frame in sent:
        pair.far.send(frame)
    batch = await pair.source.read()
    assert batch.raw == b"".join(sent)
    assert len(batch.times_ns) == 200
    assert pair.source.counters().frame_count == 200


async def test_reader_waits_for_the_first_frame(pair: Pair) -> None:
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(pair.source.read())
        await asyncio.sleep(0)
        pair.far.send(CLASSIC.pack(1, 1, 0, b"\x05"))
    assert list(reading.result().structs()) == [(1, 1, 0, b"\x05" + bytes(7))]


async def test_one_turn_takes_a_bounded_number_of_frames(pair: Pair) -> None:
    frame = CLASSIC.pack(1, 8, 0, bytes(8))
    count = 0
    pair.far.setblocking(False)
    try:
        while True:
            pair.far.send(frame)
            count += 1
    except BlockingIOError:
        pass
    taken = 0
    while taken < count:
        batch = await pair.source.read()
        assert len(batch) <= 32 * 64
        taken += len(batch)
    assert taken == count


async def test_fd_and_classic_frames_share_one_stride(fd_pair: Pair) -> None:
    long = FD.pack(0x200 | EXTENDED_FLAG, 64, 4, bytes(range(64)))
    for frame in (long, CLASSIC.pack(0x123, 3, 0, b"abc"), long):
        fd_pair.far.send(frame)
    batch = await fd_pair.source.read()
    assert batch.size_bytes == FD.size
    assert batch.raw == long + CLASSIC.pack(0x123, 3, 0, b"abc") + bytes(56) + long


async def test_error_frames_are_counted_apart(pair: Pair) -> None:
    pair.far.send(CLASSIC.pack(0x4 | ERROR_FLAG, 8, 0, bytes(8)))
    pair.far.send(CLASSIC.pack(0x4, 8, 0, bytes(8)))
    batch: FrameBatch = await pair.source.read()
    counters = pair.source.counters()
    assert (len(batch), counters.frame_count, counters.error_frame_count) == (2, 1, 1)


@pytest.mark.parametrize("is_fd", [False, True], ids=["classic", "fd"])
async def test_error_frames_tell_how_the_controller_stands_until_it_has_recovered(is_fd: bool) -> None:
    made = Pair(is_fd=is_fd)
    told: list[Controller] = []
    frames = (
        CLASSIC.pack(0x123, 8, 0, bytes([0, 0x30, 0, 0, 0, 0, 200, 200])),
        CLASSIC.pack(0x204 | ERROR_FLAG, 8, 0, bytes([0, 0x08, 0, 0, 0, 0, 96, 0])),
        CLASSIC.pack(0x204 | ERROR_FLAG, 8, 0, bytes([0, 0x20, 0, 0, 0, 0, 128, 1])),
        CLASSIC.pack(0x040 | ERROR_FLAG, 8, 0, bytes(8)),
        CLASSIC.pack(0x100 | ERROR_FLAG, 8, 0, bytes(8)),
    )
    with made.far:
        async with made.source:
            for frame in frames:
                made.far.send(frame)
                await made.source.read()
                told.append(made.source.counters().controller)
    assert told == [
        Controller(),
        Controller(BusCondition.ERROR_WARNING, 96, 0),
        Controller(BusCondition.ERROR_PASSIVE, 128, 1),
        Controller(BusCondition.BUS_OFF),
        Controller(BusCondition.ERROR_ACTIVE),
    ]
    assert made.source.counters().error_frame_count == 4


async def test_what_is_no_frame_is_left_out(pair: Pair) -> None:
    for packet in (b"short", CLASSIC.pack(7, 0, 0, b"")):
        pair.far.send(packet)
    assert [can_id for can_id, _, _, _ in (await pair.source.read()).structs()] == [7]


async def test_kernel_drops_are_unknown_on_a_socket_that_does_not_tell(pair: Pair) -> None:
    pair.far.send(CLASSIC.pack(7, 0, 0, b""))
    await pair.source.read()
    assert pair.source.counters().kernel_drop_count is None


async def test_kernel_stamps_and_drops_are_taken_from_a_socket_that_tells() -> None:
    near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # the only socket here whose kernel side fills both in
    near.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    near.setsockopt(socket.SOL_SOCKET, 40, 1)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    near.bind(("127.0.0.1", 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        async with SocketCan.from_socket(near, SocketCan.Options(interface="can0", nap_s=0)) as source:
            count = 0
            for _ in range(2):
                for _ in range(100):
                    far.sendto(CLASSIC.pack(7, 0, 0, b""), near.getsockname())
                batch = await source.read()
                count += len(batch)
                assert batch.times_ns == sorted(batch.times_ns)
                assert len(set(batch.times_ns)) > 1
            drops = source.counters().kernel_drop_count
    assert drops is not None
    assert 0 < drops <= 200 - count


async def test_closed_socket_is_a_fault(pair: Pair) -> None:
    pair.far.send(CLASSIC.pack(7, 0, 0, b""))
    pair.far.close()
    assert len(await pair.source.read()) == 1
    with pytest.raises(DeviceFaultError, match="can0: was closed"):
        await pair.source.read()


async def test_interface_that_is_not_there_is_absent_and_named() -> None:
    with pytest.raises(DeviceAbsentError, match="CAN interface wsnone0: ") as caught:
        async with SocketCan(SocketCan.Options(interface="wsnone0")):
            pass
    assert "ip link" in caught.value.message or "modules" in caught.value.message


async def test_reading_before_opening_is_a_fault() -> None:
    with pytest.raises(DeviceFaultError, match="not open"):
        await SocketCan(SocketCan.Options(interface="can0")).read()
