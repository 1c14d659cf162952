"""Parsers of what comes over the air, from signal controllers and out of people's recordings."""

import json
from datetime import UTC, datetime
from functools import partial
from random import Random

from bench.v2x_codec import SAMPLES
from tests.fuzz.engine import Target
from tests.v2x_values import PHASE2, Values, phase2_pool, types_of
from uper_compiler.model import Reference
from wayside.v2x import phase2, phase2_readable
from wayside.v2x.codec import DecodeError, EncodeError, Profile, decode, encode
from wayside.v2x.foreign import foreign
from wayside.v2x.generated.messages import MessageFrameExt
from wayside.v2x.peek import peek
from wayside.v2x.readable import parsed, readable
from wayside_agent.core import gat1743, pcap_reading, tscbm
from wayside_agent.core.conformance.judging import judged
from wayside_agent.core.conformance.report import canonical
from wayside_agent.core.conformance.suite import Recording
from wayside_agent.core.signal_conflicts import conflicting, phases_in
from wayside_agent.core.signal_phases import Intersection, spat_of
from wayside_agent.core.signal_plan import SignalError
from wayside_agent.core.signal_spat import plan_of_spat
from wayside_agent.core.v2x import ReceivedMessage
from wayside_agent.core.v2x_files import FileFormat, recorded
from wayside_agent.core.warnings.movers import Own
from wayside_agent.services.v2x_warnings import Warnings, World

FOREIGN = bytes.fromhex("00130400010203")
TSCBM = bytes.fromhex("cd10") + b"".join(bytes([phase]) + bytes(12) for phase in range(1, 17)) + bytes(35)
_LIGHTS = bytes(10) + bytes.fromhex("02 0000 02 01021609 02022500 5a00 01 03021d01")
CAPTURE = (
    bytes.fromhex("d4c3b2a1020004000000000000000000ffff000093000000") + bytes(8) + b"\x05\0\0\0\x05\0\0\0\x04\0\x6f\0\0"
)


def _messages(profile: Profile) -> tuple[bytes, ...]:
    values = Values(types_of(profile), Random(1))  # noqa: S311  # repeatable
    made = (values.make(Reference("MessageFrame")) for _ in range(20))
    return (*(encode(each, profile) for each in made), *(encode(parsed(each), profile) for each in SAMPLES.values()))


def _decode(profile: Profile, data: bytes) -> None:
    """What is read can be written, and is read again as the same; people can read it, too."""
    frame = decode(data, profile)
    assert decode(encode(frame, profile), profile) == frame
    readable(frame)


def _open(data: bytes) -> None:
    """What a frame of phase 2 holds can be written, and is read again as the same; people can read it, too."""
    _, extension = decode(data, Profile.P20)
    if not isinstance(extension, MessageFrameExt):
        return
    message = phase2.opened(extension, Profile.P20, unconfirmed=True)
    frame = phase2.frame(message, Profile.P20, unconfirmed=True)
    assert isinstance(frame[1], MessageFrameExt)
    assert phase2.opened(frame[1], Profile.P20, unconfirmed=True) == message
    phase2_readable.readable(frame, Profile.P20, unconfirmed=True)


def _phase2() -> tuple[bytes, ...]:
    return tuple(
        encode(("msgFrameExt", MessageFrameExt(messageId=number, value=value)), Profile.P20)
        for number in PHASE2
        for value in phase2_pool(Profile.P20, number, 1, 4)
    )


def _phase2_written() -> tuple[bytes, ...]:
    frames = (decode(each, Profile.P20) for each in _phase2())
    return tuple(json.dumps(phase2_readable.readable(each, Profile.P20, unconfirmed=True)).encode() for each in frames)


def _parse_phase2(data: bytes) -> None:
    encode(phase2_readable.parsed(json.loads(data), Profile.P20), Profile.P20)


def _parse(data: bytes) -> None:
    """What people wrote is a message, or the error names the field."""
    written = json.loads(data)
    if isinstance(written, dict):
        encode(parsed(written), Profile.P20)


def _warn(data: bytes) -> None:
    """Whatever is on the air, the driver is warned or not."""
    warnings = Warnings(
        World(
            own=lambda: Own((200_312_345, 1_103_312_000), 90.0, 15.0),
            own_ids=tuple,
            profile=Profile.P20,
            utc_s=lambda: 1_795_503_302.0,
            show=lambda _changes, _active: None,
            mono_s=lambda: 1.0,
        )
    )
    seen = peek(data)
    warnings.look()
    warnings.take(ReceivedMessage(data, seen.kind, 1), seen)
    warnings.look()
    json.dumps(warnings.picture())


def _judge(data: bytes) -> None:
    """Whatever a recording holds, there is a report of it."""
    expected: list[dict[str, object]] = [{"message": {"bsmFrame": {}}}, {"error": ""}]
    result = judged(Recording(file="a"), data, expected, Profile.P20)
    canonical(result)


def _framed(content: bytes) -> bytes:
    head = bytes.fromhex("0400 06051b 0010 0100 06051b 0020 ffff 000000000000 3c10 87 0301 00000000")
    body = head + len(content).to_bytes(2, "little") + content
    body += gat1743.crc16(body).to_bytes(2, "little")
    return b"\xc0" + body.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


def _frames_of_lights() -> tuple[bytes, ...]:
    return (_framed(_LIGHTS),)


def _read_lights(data: bytes) -> None:
    """Whatever is in a frame that is whole, its lights can be said, or the reason is told."""
    plan = gat1743.parsed(_framed(data[:4000]))
    assert plan is not None
    assert all(now.max_s is None or 0 <= now.max_s <= 255 for now in plan.phases.values())


def _tell_lights(data: bytes) -> None:
    """Whatever a platform sends for the crossing it names, there is a plan of it that can be said, or a reason."""
    frame = decode(data, Profile.P20)
    place = frame[1].intersections[0].intersectionId if frame[0] == "spatFrame" else None
    region, node = (0, 0) if place is None else (place.region or 0, place.id)
    plan = plan_of_spat(frame, region, node, utc_s=None)
    spat = spat_of(plan, Intersection(region, node, {}), message_count=1, now=datetime(2026, 11, 23, tzinfo=UTC))
    if spat is not None:
        encode(("spatFrame", spat), Profile.P20)


def _find_conflicts(data: bytes) -> None:
    """Whatever a MAP holds, its pairs are of its own phases."""
    frame = decode(data, Profile.P20)
    for node in frame[1].nodes if frame[0] == "mapFrame" else ():
        assert {phase for pair in conflicting(node) for phase in pair} <= phases_in(node)


def _recording() -> tuple[bytes, ...]:
    bsm, spat = (encode(parsed(SAMPLES[kind]), Profile.P20).hex() for kind in ("BSM", "SPAT"))
    return f"{bsm}\n".encode(), f"{spat}\n{bsm}".encode()


def _written() -> tuple[bytes, ...]:
    return tuple(json.dumps(each).encode() for each in SAMPLES.values())


TARGETS = (
    *(
        Target(
            f"V2X message, profile {profile}", partial(_decode, profile), partial(_messages, profile), (DecodeError,)
        )
        for profile in Profile
    ),
    Target("V2X message of phase 2", _open, _phase2, (DecodeError,)),
    Target(
        "V2X message of phase 2 as people write it",
        _parse_phase2,
        _phase2_written,
        (EncodeError, ValueError, RecursionError),
    ),
    Target("V2X message, its begin", peek, partial(_messages, Profile.P20), (DecodeError,)),
    Target("V2X message that may warn", _warn, partial(_messages, Profile.P20), (DecodeError,)),
    Target("V2X message as people write it", _parse, _written, (EncodeError, ValueError, RecursionError)),
    Target("signal controller", tscbm.parsed, lambda: (TSCBM,), (SignalError,)),
    Target("signal controller of GA/T 1743", gat1743.parsed, _frames_of_lights, (SignalError,)),
    Target("lights of GA/T 1743 whose CRC is right", _read_lights, lambda: (_LIGHTS,), (SignalError,)),
    Target(
        "SPAT that tells the lights of a unit's crossing",
        _tell_lights,
        lambda: (encode(parsed(SAMPLES["SPAT"]), Profile.P20),),
        (DecodeError, SignalError),
    ),
    Target("MAP that conflicts are read off", _find_conflicts, partial(_messages, Profile.P20), (DecodeError,)),
    Target(
        "capture file", lambda data: list(pcap_reading.packets(data)), lambda: (CAPTURE,), (pcap_reading.PcapError,)
    ),
    Target("frame of another region", foreign, lambda: (FOREIGN, bytes.fromhex("038100400380") + b"\x07" + FOREIGN)),
    Target("recording that is judged", _judge, _recording),
    Target(
        "file of V2X messages",
        lambda data: list(recorded(data, FileFormat.AUTO)),
        lambda: (CAPTURE, b"002eb7d528\n", b'{"time_ns": 1, "payload": "00"}\n'),
    ),
)
