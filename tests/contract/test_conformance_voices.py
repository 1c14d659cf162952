"""What our simulator and our services say, and live captures of it, keep the rules of conformance."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.conformance_suites import START_NS, lines, write_suite
from wayside.v2x.codec import Profile, encode
from wayside.v2x.peek import MessageKind
from wayside_agent.cli.conformance import judged_suite
from wayside_agent.core import pcap, tscbm
from wayside_agent.core.frame_layout import DSMP
from wayside_agent.core.radio_recording import record
from wayside_agent.core.signal_phases import Intersection, spat_of
from wayside_agent.core.v2x import ReceivedMessage
from wayside_agent.drivers.sim_radio import write_recording

CROSSING = Intersection(region=4601, node=9, phase_ids={2: 21, 4: 41, 6: 61, 8: 81})
USER_LINK = 147


def suite_with(folder: Path, name: str) -> Path:
    text = f'name = "voices"\nversion = "1"\nprofile = "p20"\n[[recordings]]\nfile = "{name}"\n'
    (folder / "suite.toml").write_text(text, "utf-8")
    return folder


def findings(folder: Path, name: str) -> list[tuple[str, int, str]]:
    report: dict[str, Any] = judged_suite(suite_with(folder, name))
    return [(each["rule"], each["record"], each["text"]) for one in report["recordings"] for each in one["findings"]]


def test_the_simulated_vehicles_keep_every_rule(tmp_path: Path) -> None:
    assert write_recording(tmp_path / "road.jsonl", duration_s=15.0, seed=3, vehicle_count=4) == 600
    assert findings(tmp_path, "road.jsonl") == []


def test_what_is_said_of_a_signal_controller_keeps_every_rule(tmp_path: Path, shared_data: Path) -> None:
    datagrams = (shared_data / "v2x/tsc/ntcip_spat_data.txt").read_text("ascii").split()
    now, said = datetime.fromtimestamp(START_NS / 1e9, UTC), []
    for number, datagram in enumerate(datagrams * 20):
        time = now + timedelta(milliseconds=100 * number)
        spat = spat_of(tscbm.parsed(bytes.fromhex(datagram)), CROSSING, message_count=number % 128, now=time)
        assert spat is not None
        time_ns = START_NS + 100_000_000 * number
        said.append(record(ReceivedMessage(encode(("spatFrame", spat), Profile.P20), MessageKind.SPAT, time_ns, 3619)))
    (tmp_path / "crossing.jsonl").write_text("\n".join(said), "ascii")
    assert findings(tmp_path, "crossing.jsonl") == []


def captured(folder: Path, frames: list[bytes]) -> str:
    packets = (pcap.record(START_NS + 100_000_000 * number, frame, len(frame)) for number, frame in enumerate(frames))
    (folder / "air.pcap").write_bytes(pcap.head(snap_bytes=2000, link_type=USER_LINK) + b"".join(packets))
    return "air.pcap"


def test_a_capture_of_the_air_is_judged_down_to_its_framing(tmp_path: Path) -> None:
    frames = [DSMP.built(line.payload, application_id=111, time_ns=0) for line in lines("BSM")]
    assert findings(tmp_path, captured(tmp_path, frames)) == []
    long, other = bytearray(frames[1]), bytearray(frames[3])
    long[4] += 1  # the length says a byte more than there is
    other[2] = 0x70  # 112 is a vehicle's, too
    found = findings(tmp_path, captured(tmp_path, [frames[0], bytes(long), frames[2], bytes(other), frames[4]]))
    assert found[0][:2] == ("record", 2)
    assert "the length says 72 byte and the payload has 71" in found[0][2]
    assert {rule for rule, *_ in found} == {"record", "count", "period"}  # the message was lost to the reader


def test_the_same_recording_twice_is_the_same_report(tmp_path: Path) -> None:
    suites = [write_suite(tmp_path / name, {"a": lines("SPAT")}) for name in ("one", "two")]
    assert judged_suite(suites[0]) == judged_suite(suites[1])
