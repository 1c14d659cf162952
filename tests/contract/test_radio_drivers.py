"""Every radio driver: messages in and out, and what is passed over."""

import asyncio
import itertools
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from wayside.v2x.peek import MessageKind, message_kind, peek
from wayside_agent.core.frame_layout import DSMP, Layout, Length, Magic, Payload, Timestamp
from wayside_agent.core.pace import TimeBase
from wayside_agent.core.packet_delivery import PacketDelivery
from wayside_agent.core.radio_recording import record
from wayside_agent.core.v2x import RadioCounters, ReceivedMessage, Station, Verdict
from wayside_agent.drivers.radio_replay import RadioReplay
from wayside_agent.drivers.radio_rsu41 import Rsu41Radio
from wayside_agent.drivers.radio_udp import UdpRadio
from wayside_agent.drivers.sim_radio import SimRadio, write_recording
from wayside_agent.ports.devices import DescribedRadio, Radio
from wayside_agent.ports.errors import DeviceAbsentError, DeviceError, DeviceFaultError, SourceEndedError

BSM = b"\x00bsm"
SPAT = b"\x30spat"


def say(port: int, *datagrams: bytes, source: str = "127.0.0.1") -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        for datagram in datagrams:
            sock.sendto(datagram, ("127.0.0.1", port))


async def test_a_bare_datagram_is_a_message() -> None:
    async with UdpRadio(UdpRadio.Options()) as radio:
        say(radio.local_port, BSM, SPAT)
        heard = [await radio.read(), await radio.read()]
    assert [(each.kind, each.payload) for each in heard] == [(MessageKind.BSM, BSM), (MessageKind.SPAT, SPAT)]
    assert all(each.time_ns > 1_700_000_000_000_000_000 and each.application_id is None for each in heard)


async def test_a_message_is_read_when_it_comes_later() -> None:
    async with UdpRadio(UdpRadio.Options()) as radio:
        asyncio.get_running_loop().call_later(0.01, say, radio.local_port, BSM)
        async with asyncio.timeout(5):
            assert (await radio.read()).payload == BSM


async def test_what_is_no_message_is_counted_and_passed_over() -> None:
    options = UdpRadio.Options(layout="dsmp", size_max_bytes=64)
    frame = DSMP.built(BSM, application_id=111, time_ns=0)
    unknown_kind = DSMP.built(b"\x7fwhat", application_id=111, time_ns=0)
    async with UdpRadio(options) as radio:
        say(radio.local_port, b"", frame + b"\0", frame[:-1], b"noise", unknown_kind, frame + bytes(100), frame)
        message = await radio.read()
        counters = radio.counters()
    assert (message.payload, message.application_id) == (BSM, 111)
    assert counters.malformed_count == 6


async def test_a_foreign_address_is_counted_and_not_looked_into() -> None:
    options = UdpRadio.Options(source_addresses=("127.0.0.1",))
    async with UdpRadio(options) as radio:
        say(radio.local_port, BSM, BSM, source="127.0.0.2")
        say(radio.local_port, SPAT)
        assert (await radio.read()).payload == SPAT
        assert radio.counters() == RadioCounters(foreign_count=2, dropped_count=0)


@pytest.fixture
def say6() -> Iterator[Callable[[int], None]]:
    try:
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 on loopback")
    with sock:

        def say(port: int) -> None:
            for datagram in (BSM, SPAT):
                sock.sendto(datagram, ("::1", port))

        yield say


async def test_a_message_comes_by_ipv6_too(say6: Callable[[int], None]) -> None:
    async with UdpRadio(UdpRadio.Options(bind_host="::1")) as radio, asyncio.timeout(5):
        say6(radio.local_port)
        assert [(await radio.read()).payload for _ in range(2)] == [BSM, SPAT]


async def test_a_foreign_address_of_ipv6_is_counted(say6: Callable[[int], None]) -> None:
    options = UdpRadio.Options(bind_host="::1", source_addresses=("127.0.0.0/8", "fe80::/10"))
    async with UdpRadio(options) as radio:
        say6(radio.local_port)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await radio.read()
        assert radio.counters().foreign_count == 2


async def test_datagrams_of_any_length_come_whole_and_in_order() -> None:
    sent = [BSM + bytes([number]) * (7001 * number) for number in range(10)]
    async with UdpRadio(UdpRadio.Options(size_max_bytes=65_507)) as radio, asyncio.timeout(20):
        heard = []
        for begin in range(0, len(sent), 3):  # what the kernel's buffer holds even where it is small
            say(radio.local_port, *sent[begin : begin + 3])
            heard += [(await radio.read()).payload for _ in sent[begin : begin + 3]]
    assert heard == sent


async def test_the_time_of_a_message_is_that_of_its_coming_not_of_its_reading() -> None:
    async with UdpRadio(UdpRadio.Options()) as radio, asyncio.timeout(20):
        after_ns, heard_ns = 0, 1
        while heard_ns > after_ns:  # the first socket that asks for stamps waits a moment until the kernel makes them
            before_ns = time.time_ns()
            say(radio.local_port, BSM)
            assert radio._socket is not None
            select.select([radio._socket], [], [])  # the kernel may take its time to hand it over
            after_ns = time.time_ns()
            heard_ns = (await radio.read()).time_ns
            assert before_ns <= heard_ns


async def test_a_flood_leaves_time_for_everybody_else() -> None:
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        asyncio.get_running_loop().call_soon(turn)

    async with UdpRadio(UdpRadio.Options()) as radio:
        say(radio.local_port, *[BSM] * 300)
        turn()
        for _ in range(300):
            await radio.read()
        assert turns >= 300 // 64


async def test_datagrams_nobody_reads_in_time_are_counted_as_dropped() -> None:
    async with UdpRadio(UdpRadio.Options()) as radio:
        say(radio.local_port, *[BSM + bytes(1000)] * 2000)
        for _ in range(4000):  # the kernel reports its count with the datagrams behind the gap, when it has room again
            say(radio.local_port, SPAT)
            await radio.read()
            if dropped := radio.counters().dropped_count:
                break
    assert dropped
    assert dropped > 0


async def test_two_radios_hear_each_other_in_a_vendor_frame() -> None:
    layout = (Magic(hex="fa55"), Length(counts="frame"), Timestamp(unit="ms"), Payload())
    async with UdpRadio(UdpRadio.Options(layout=layout, uses_frame_time=True)) as far:
        options = UdpRadio.Options(layout=layout, radio_host="127.0.0.1", radio_port=far.local_port)
        async with UdpRadio(options) as near:
            await near.send(SPAT, application_id=3619)
            message = await far.read()
            assert near.counters().sent_count == 1
    assert message.payload == SPAT
    assert message.time_ns % 1_000_000 == 0


async def test_the_frame_on_the_wire_is_the_layout() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        options = UdpRadio.Options(layout="dsmp", radio_host="127.0.0.1", radio_port=sock.getsockname()[1])
        async with UdpRadio(options) as radio:
            await radio.send(BSM, application_id=111)
        assert sock.recv(100).hex() == "04006f0004" + BSM.hex()


async def test_a_message_that_cannot_be_sent_is_a_fault() -> None:
    async with UdpRadio(UdpRadio.Options()) as radio:
        with pytest.raises(DeviceFaultError, match="set radio_host"):
            await radio.send(BSM, application_id=111)
    async with UdpRadio(UdpRadio.Options(radio_host="127.0.0.1", radio_port=9, size_max_bytes=64)) as radio:
        with pytest.raises(DeviceFaultError, match="more than 64"):
            await radio.send(bytes(100), application_id=111)
    async with UdpRadio(UdpRadio.Options(radio_host="127.0.0.1", radio_port=9, layout="dsmp")) as radio:
        with pytest.raises(DeviceFaultError, match="does not fit"):
            await radio.send(BSM, application_id=-1)


async def test_a_port_in_use_and_a_foreign_own_address_are_faults() -> None:
    async with UdpRadio(UdpRadio.Options()) as radio:
        with pytest.raises(DeviceFaultError, match="is another program on it"):
            await UdpRadio(UdpRadio.Options(bind_port=radio.local_port)).__aenter__()
    with pytest.raises(DeviceFaultError, match="cannot be received"):
        await UdpRadio(UdpRadio.Options(bind_host="192.0.2.1")).__aenter__()
    with pytest.raises(DeviceAbsentError, match="unknown"):
        await UdpRadio(UdpRadio.Options(bind_host="no.such.host.invalid")).__aenter__()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "vendor"}, "no frame layout 'vendor'"),
        ({"layout": [{"kind": "magic", "hex": "00"}]}, "exactly one payload"),
        ({"layout": [{"kind": "magic", "hex": "0"}, {"kind": "payload"}]}, "hex"),
        ({"layout": [{"kind": "mystery"}]}, "mystery"),
        ({"source_addresses": ["radio"]}, "radio"),
        ({"bind_prot": 1}, "bind_prot"),
    ],
)
def test_wrong_options_are_refused_before_anything_opens(options: dict[str, object], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert(options, UdpRadio.Options)


def test_a_layout_in_options_is_a_list_of_fields() -> None:
    options = {"layout": [{"kind": "length", "endian": "little"}, {"kind": "payload"}]}
    made = msgspec.convert(options, UdpRadio.Options)
    assert Layout(fields=(Length(endian="little"), Payload())).fields == made.layout


async def all_messages(radio: Radio) -> Sequence[ReceivedMessage]:
    heard: list[ReceivedMessage] = []

    async def listen() -> None:
        while True:
            heard.append(await radio.read())

    async with radio:
        with pytest.raises(SourceEndedError):
            await listen()
    return heard


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "radio.jsonl"
    assert write_recording(path, duration_s=2, seed=5) == 100
    return path


async def test_a_recording_plays_every_message_and_then_ends(recording: Path) -> None:
    options = RadioReplay.Options(path=str(recording), speed=0, time_base=TimeBase.RECORDED)
    heard = await all_messages(RadioReplay(options))
    assert len(heard) == 100
    assert [each.time_ns for each in heard] == sorted(each.time_ns for each in heard)
    assert {each.kind for each in heard} == {MessageKind.BSM}
    assert {each.application_id for each in heard} == {111}


async def test_a_recording_keeps_its_pace_by_its_speed(recording: Path) -> None:
    clock = asyncio.get_running_loop().time
    start_s = clock()
    await all_messages(RadioReplay(RadioReplay.Options(path=str(recording), speed=20)))
    assert 0.09 <= clock() - start_s < 1.5


async def test_the_chinese_file_plays_in_a_loop_at_a_period(shared_data: Path) -> None:
    path = shared_data / "v2x/china/spat_bsm_rsm_hex_and_decode.txt"
    async with RadioReplay(RadioReplay.Options(path=str(path), period_s=0.001, loop=True)) as radio:
        heard = [await radio.read() for _ in range(8)]
        assert radio.counters() == RadioCounters()
    assert [len(each.payload) for each in heard] == [261, 86, 53, 40] * 2
    assert [each.time_ns for each in heard] == sorted(each.time_ns for each in heard)


@pytest.fixture
def broken_recording(recording: Path) -> Path:
    path = recording.with_name("broken.jsonl")
    path.write_text('{"no": 1}\n' + recording.read_text("ascii") + "{\n", "ascii")
    return path


async def test_broken_records_are_counted(broken_recording: Path) -> None:
    async with RadioReplay(RadioReplay.Options(path=str(broken_recording), speed=0)) as radio:
        await radio.send(BSM, application_id=111)
        assert radio.counters() == RadioCounters(
            malformed_count=2, sent_count=1, sent={111: 1}, sent_kinds={MessageKind.BSM: 1}
        )


async def test_a_recording_that_is_not_there_is_absent_and_an_empty_one_a_fault(tmp_path: Path) -> None:
    with pytest.raises(DeviceAbsentError, match="check the path"):
        await RadioReplay(RadioReplay.Options(path=str(tmp_path / "no"))).__aenter__()
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 100)
    with pytest.raises(DeviceFaultError, match="holds no V2X message"):
        await RadioReplay(RadioReplay.Options(path=str(tmp_path / "noise"))).__aenter__()


async def test_the_simulator_is_heard_at_its_rate_and_keeps_what_it_sends() -> None:
    clock = asyncio.get_running_loop().time
    async with SimRadio(SimRadio.Options(vehicle_count=4, rate_hz=20)) as radio:
        start_s = clock()
        heard = [await radio.read() for _ in range(9)]
        assert clock() - start_s >= 0.09
        await radio.send(BSM, application_id=111)
        assert list(radio.sent) == [(BSM, 111)]
    assert all(message_kind(each.payload) is MessageKind.BSM and len(each.payload) == 38 for each in heard)


async def test_what_the_simulator_loses_is_what_the_counts_of_the_senders_miss() -> None:
    delivery, options = PacketDelivery(), SimRadio.Options(vehicle_count=10, rate_hz=20, loss_ratio=0.25, seed=3)
    async with SimRadio(options) as radio:
        for _ in range(200):
            seen = peek((await radio.read()).payload)
            assert seen.id is not None
            assert seen.message_count is not None
            delivery.heard(seen.id, seen.message_count)
    total = delivery.total
    assert 0.2 < total.lost / (total.lost + total.received) < 0.3
    before_the_first_or_behind_the_last = radio.lost_count - total.lost  # these no count can tell
    assert 0 <= before_the_first_or_behind_the_last <= 10


async def test_the_simulator_hears_nobody_beyond_its_range() -> None:
    options = SimRadio.Options(vehicle_count=50, rate_hz=20, radius_m=500, range_m=400, unit_north_m=500)
    far_deg = 400 / 111_195
    async with SimRadio(options) as radio:
        heard = [peek((await radio.read()).payload) for _ in range(60)]
    senders = {each.id for each in heard}
    assert 0 < len(senders) < 50
    assert all(abs((each.latitude_deg or 0) - options.latitude_deg - 500 / 111_195) <= far_deg for each in heard)


async def test_what_is_delayed_is_heard_later_and_in_order() -> None:
    options = SimRadio.Options(vehicle_count=20, rate_hz=20, delay_s=0.05, delay_jitter_s=0.05)
    async with SimRadio(options) as radio:
        heard = [await radio.read() for _ in range(60)]
    latencies_ms = [(each.time_ns // 1_000_000 - (peek(each.payload).sec_mark_ms or 0)) % 60_000 for each in heard]
    assert min(latencies_ms) >= 49
    assert max(latencies_ms) > min(latencies_ms) + 10
    counts: dict[bytes | None, list[int | None]] = {}
    for each in heard:
        seen = peek(each.payload)
        counts.setdefault(seen.id, []).append(seen.message_count)
    assert all(
        (later - earlier) % 128 == 1
        for of_one in counts.values()
        for earlier, later in itertools.pairwise(of_one)
        if earlier is not None and later is not None
    )


async def test_a_roadside_unit_is_told_by_text_what_to_send_and_forwards_what_it_hears() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        options = Rsu41Radio.Options(
            radio_host="127.0.0.1", bind_host="127.0.0.1", radio_port=far.getsockname()[1], tx_mode="ALT"
        )
        async with Rsu41Radio(options) as radio:
            await radio.send(SPAT, application_id=3619)
            lines = far.recv(4096).decode("ascii").splitlines()
            say(radio.local_port, b"noise", BSM)
            heard = await radio.read()
            counters = radio.counters()
            with pytest.raises(DeviceFaultError, match="more than 1400"):
                await radio.send(bytes(1401), application_id=3619)
    told = dict(line.split("=", 1) for line in lines)
    assert bytes.fromhex(told.pop("Payload")) == SPAT
    assert told == {
        "Version": "0.7",
        "Type": "SPAT",
        "PSID": "0xe23",
        "Priority": "7",
        "TxMode": "ALT",
        "TxChannel": "183",
        "TxInterval": "0",
        "DeliveryStart": "",
        "DeliveryStop": "",
        "Signature": "False",
        "Encryption": "False",
    }
    assert heard.payload == BSM
    assert (counters.malformed_count, counters.sent_count, counters.sent) == (1, 1, {3619: 1})


async def test_a_roadside_unit_that_cannot_be_reached_is_a_fault_and_nothing_counts_as_sent() -> None:
    options = Rsu41Radio.Options(radio_host="192.0.2.1", bind_host="127.0.0.1")  # loopback does not lead there
    async with Rsu41Radio(options) as radio:
        with pytest.raises(DeviceFaultError, match=r"192\.0\.2\.1 cannot be sent to: .*check address and network"):
            await radio.send(SPAT, application_id=3619)
        assert radio.counters().sent_count == 0
    with pytest.raises(DeviceFaultError, match="not open"):
        await radio.send(SPAT, application_id=3619)


async def test_the_longest_message_reaches_a_roadside_unit_whole() -> None:
    payload = SPAT + bytes(range(256)) * 5 + bytes(1400 - 5 * 256 - len(SPAT))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        port = far.getsockname()[1]
        async with Rsu41Radio(
            Rsu41Radio.Options(radio_host="127.0.0.1", bind_host="127.0.0.1", radio_port=port, is_signed=True)
        ) as radio:
            await radio.send(payload, application_id=3619)
        lines = far.recv(8192).decode("ascii").splitlines()
    assert "Signature=True" in lines
    assert bytes.fromhex(lines[-1].removeprefix("Payload=")) == payload


async def test_a_capture_with_dsmp_is_replayed_with_its_ids(tmp_path: Path) -> None:
    path = tmp_path / "road.pcap"
    frames = [DSMP.built(BSM, application_id=111, time_ns=0), DSMP.built(SPAT, application_id=3619, time_ns=0)]
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 147)
    packets = [struct.pack("<IIII", 1_700_000_000, n, len(each), len(each)) + each for n, each in enumerate(frames)]
    path.write_bytes(head + b"".join(packets))
    async with RadioReplay(RadioReplay.Options(path=str(path), speed=0)) as radio:
        heard = [await radio.read(), await radio.read()]
    assert [(each.payload, each.application_id) for each in heard] == [(BSM, 111), (SPAT, 3619)]


async def test_dsmp_with_an_extension_is_not_taken_for_a_bare_message(tmp_path: Path) -> None:
    path = tmp_path / "road.pcap"
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    ethernet = bytes(12) + b"\x88\xdc"
    good = DSMP.built(BSM, application_id=111, time_ns=0)
    frames = [ethernet + each for each in (b"\x04\x10" + good[2:], good)]
    packets = [struct.pack("<IIII", 1_700_000_000, n, len(each), len(each)) + each for n, each in enumerate(frames)]
    path.write_bytes(head + b"".join(packets))
    heard = await all_messages(radio := RadioReplay(RadioReplay.Options(path=str(path), speed=0)))
    assert [(each.payload, each.application_id) for each in heard] == [(BSM, 111)]
    assert radio.counters().malformed_count == 1


async def test_a_recorded_verdict_is_heard_again(tmp_path: Path) -> None:
    path, verdict = tmp_path / "road.jsonl", Verdict(verified=True, signer_digest=bytes(range(8)), certificate_days=9.5)
    path.write_text(record(ReceivedMessage(BSM, MessageKind.BSM, 1_700_000_000_000_000_000, 111, verdict)))
    [heard] = await all_messages(RadioReplay(RadioReplay.Options(path=str(path), speed=0)))
    assert heard.verdict == verdict


async def test_lines_of_hex_come_ten_a_second(tmp_path: Path) -> None:
    path = tmp_path / "road.hex"
    path.write_text(f"{BSM.hex()}\n{SPAT.hex()}\n{BSM.hex()}")
    clock = asyncio.get_running_loop().time
    async with RadioReplay(RadioReplay.Options(path=str(path), speed=10)) as radio:
        begin_s = clock()
        heard = [(await radio.read()).payload for _ in range(3)]
    assert heard == [BSM, SPAT, BSM]
    assert clock() - begin_s >= 0.019


def test_equal_seeds_write_equal_recordings(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_recording(tmp_path / name, duration_s=1, seed=seed)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c


@pytest.mark.parametrize("radio", [UdpRadio(UdpRadio.Options()), RadioReplay(RadioReplay.Options(path="x"))])
async def test_reading_before_opening_is_a_device_error(radio: Radio) -> None:
    with pytest.raises(DeviceError, match="open the driver first"):
        await radio.read()
    await radio.__aexit__(None, None, None)


@pytest.mark.parametrize(
    "made",
    [
        lambda **station: UdpRadio(UdpRadio.Options(**station)),
        lambda **station: SimRadio(SimRadio.Options(**station)),
        lambda **station: RadioReplay(RadioReplay.Options(path="x", **station)),
        lambda **station: Rsu41Radio(Rsu41Radio.Options(radio_host="127.0.0.1", bind_host="127.0.0.1", **station)),
    ],
    ids=["udp", "simulator", "replay", "rsu41"],
)
def test_a_radio_says_how_the_options_say_it_is_set(made: Callable[..., DescribedRadio]) -> None:
    assert isinstance(made(), DescribedRadio)
    assert made().station() == Station(None, None)
    assert made(center_frequency_hz=5.915e9, transmit_power_dbm=23.0).station() == Station(5.915e9, 23.0)
