"""Parsers of what comes over the air, from signal controllers and out of people's recordings."""

import json
from functools import partial
from random import Random

from bench.v2x_codec import SAMPLES
from tests.fuzz.engine import Target
from tests.v2x_values import Values, types_of
from uper_compiler.model import Reference
from wayside.v2x.codec import DecodeError, EncodeError, Profile, decode, encode
from wayside.v2x.foreign import foreign
from wayside.v2x.peek import peek
from wayside.v2x.readable import parsed, readable
from wayside_agent.core import pcap_reading, tscbm
from wayside_agent.core.conformance.judging import judged
from wayside_agent.core.conformance.report import canonical
from wayside_agent.core.conformance.suite import Recording
from wayside_agent.core.security.certificate import certificate
from wayside_agent.core.security.coer import SpduError
from wayside_agent.core.security.spdu import spdu
from wayside_agent.core.v2x import ReceivedMessage
from wayside_agent.core.v2x_files import FileFormat, recorded
from wayside_agent.core.warnings.movers import Own
from wayside_agent.services.v2x_warnings import Warnings, World

FOREIGN = bytes.fromhex("00130400010203")
TSCBM = bytes.fromhex("cd10") + b"".join(bytes([phase]) + bytes(12) for phase in range(1, 17)) + bytes(35)
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


def _recording() -> tuple[bytes, ...]:
    bsm, spat = (encode(parsed(SAMPLES[kind]), Profile.P20).hex() for kind in ("BSM", "SPAT"))
    return f"{bsm}\n".encode(), f"{spat}\n{bsm}".encode()


def _certificate() -> bytes:
    """By name, for a circle, with an assurance, one AID, and leave to certify all."""
    begin = bytes.fromhex("80030080") + bytes(8) + b"\x78\x81\x03rsu" + bytes(5) + bytes.fromhex("2af90f40860003")
    region = b"\x80" + bytes(10)
    permissions = bytes.fromhex("c0010100016f01010081")
    return begin + region + permissions + b"\x80\x80\x82" + bytes(32) + b"\x80\x80" + bytes(64)


def _envelopes() -> tuple[bytes, ...]:
    """Signed with a certificate, and with a digest."""
    header = bytes.fromhex("0381004003800300112240016f") + bytes(8)
    signature = b"\x80\x80" + bytes(64)
    return header + b"\x81\x01\x01" + _certificate() + signature, header + b"\x80" + bytes(8) + signature


def _written() -> tuple[bytes, ...]:
    return tuple(json.dumps(each).encode() for each in SAMPLES.values())


TARGETS = (
    *(
        Target(
            f"V2X message, profile {profile}", partial(_decode, profile), partial(_messages, profile), (DecodeError,)
        )
        for profile in Profile
    ),
    Target("V2X message, its begin", peek, partial(_messages, Profile.P20), (DecodeError,)),
    Target("V2X message that may warn", _warn, partial(_messages, Profile.P20), (DecodeError,)),
    Target("V2X message as people write it", _parse, _written, (EncodeError, ValueError, RecursionError)),
    Target("signal controller", tscbm.parsed, lambda: (TSCBM,), (tscbm.SignalError,)),
    Target(
        "capture file", lambda data: list(pcap_reading.packets(data)), lambda: (CAPTURE,), (pcap_reading.PcapError,)
    ),
    Target("signed envelope", spdu, _envelopes, (SpduError,)),
    Target("V2X certificate", certificate, lambda: (_certificate(),), (SpduError,)),
    Target("frame of another region", foreign, lambda: (FOREIGN, bytes.fromhex("038100400380") + b"\x07" + FOREIGN)),
    Target("recording that is judged", _judge, _recording),
    Target(
        "file of V2X messages",
        lambda data: list(recorded(data, FileFormat.AUTO)),
        lambda: (CAPTURE, b"002eb7d528\n", b'{"time_ns": 1, "payload": "00"}\n'),
    ),
)
