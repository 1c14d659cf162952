"""The agent's parsers of bytes that come without a proof of who sent them: sensors, radio, bus, files after a crash."""

import functools
import json
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from tests import v2x_signed
from tests.fuzz.engine import Target
from wayside.v2x.peek import message_kind
from wayside_agent.core import boot_choice, icmp, pcap, spool_format
from wayside_agent.core.application_id import LayoutError
from wayside_agent.core.decoder import DecodePlan, Decoder
from wayside_agent.core.feed import readings
from wayside_agent.core.fix import Fix, FixMode, FixQuality, Position, System
from wayside_agent.core.frame_layout import (
    DSMP,
    RAW,
    ApplicationId,
    CertificateDays,
    Layout,
    Length,
    Magic,
    Payload,
    Signer,
    Skip,
    Timestamp,
    Verified,
)
from wayside_agent.core.frames import CLASSIC, EXTENDED_FLAG, FrameBatch
from wayside_agent.core.gpsd_json import GpsdDecoder
from wayside_agent.core.host_text import chrony_state
from wayside_agent.core.nmea import NmeaDecoder
from wayside_agent.core.nmea_sentence import encoded
from wayside_agent.core.nmea_text import sentences
from wayside_agent.core.signals import Database, Signal
from wayside_agent.core.signals import Message as CanMessage
from wayside_agent.core.spdu.coer import SpduError
from wayside_agent.core.spdu.envelope import opened, parsed_spdu
from wayside_agent.core.stamps import TimeQuality

_CHIP = Layout(fields=(Verified(), ApplicationId(encoding="p"), Signer(), CertificateDays(size_bytes=4), Payload()))
_VENDOR = Layout(
    fields=(
        Magic(hex="fa55"),
        Length(size_bytes=2, endian="little", counts="rest"),
        Timestamp(size_bytes=8, unit="ms"),
        ApplicationId(size_bytes=4),
        Skip(size_bytes=3),
        Payload(),
        Magic(hex="0d0a"),
    )
)
_FIX = Fix(
    mode=FixMode.THREE_D,
    quality=FixQuality.RTK_FIXED,
    position=Position(20.0123, 110.3456, 12.0),
    utc_time=datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC),
    speed_mps=12.5,
    course_deg=271.5,
    hdop=0.8,
    satellite_count=17,
    in_view={System.GPS: 9, System.BEIDOU: 14},
)
_GPSD = (
    {"class": "VERSION", "release": "3.22", "proto_major": 3},
    {
        "class": "TPV",
        "mode": 3,
        "time": "2026-11-22T10:00:00.000Z",
        "lat": 20.0,
        "lon": 110.3,
        "altMSL": 5.0,
        "speed": 1.0,
    },
    {"class": "SKY", "hdop": 0.7, "uSat": 9, "satellites": [{"gnssid": 3, "svid": 9, "used": True}] * 3},
    {"class": "ERROR", "message": "no such device"},
)
_SENSOR = {"temperature": 21.5, "door_open": False, "inner": {"humidity": 40}, "time": "2026-11-22T10:00:00Z",
           "unit": {"temperature": "degC"}}  # fmt: skip
_SPOOL_KEY = spool_format.spool_key("spool-1")


def _in_pieces(feed: Callable[[bytes], object], data: bytes) -> None:
    """The stream in pieces whose size its first byte chooses."""
    size = data[0] % 64 + 1 if data else 1
    for start in range(1, len(data), size):
        feed(data[start : start + size])


def _nmea(data: bytes) -> None:
    decoder = NmeaDecoder()
    _in_pieces(decoder.feed, data)
    decoder.flush()


def _checksummed(data: bytes) -> None:
    """Sentences whose check sum is right, so that their fields are read."""
    decoder = NmeaDecoder()
    for body in data.split(b"\n"):
        decoder.feed(encoded(body.decode("ascii", errors="ignore")))
    decoder.flush()


def _nmea_bodies() -> tuple[bytes, ...]:
    whole = sentences(_FIX).split(b"\r\n")
    bodies = [line[1:].partition(b"*")[0] for line in whole if line]
    ksxt = (
        b"KSXT,20261122100000.00,110.3456,20.0123,12.0,271.5,0.1,90.0,12.5,0.1,3,3,20,18,1.0,2.0,3.0,0.1,0.2,0.3,1.0,5"
    )
    return (b"\n".join(bodies), *bodies, ksxt, b"GNTHS,271.5,A", b"GPHDT,271.5,T", b"GNZDA,100000.00,22,11,2026,00,00")


def _radio(layout: Layout) -> Callable[[bytes], None]:
    def parse(data: bytes) -> None:
        message_kind(layout.parsed(data).payload)

    return parse


@functools.cache
def _decoder() -> Decoder:
    signals = (
        Signal("Raw", 0, 8),
        Signal("Signed", 8, 12, is_signed=True, scale=0.5, offset=-40),
        Signal("Big", 23, 16, is_big_endian=True),
        Signal("Float", 32, 32, is_float=True, scale=2),
    )
    plain = CanMessage("M", 0x123, is_extended=False, size_bytes=8, signals=signals, is_j1939=False)
    j1939 = CanMessage("J", 0x18FEF100, is_extended=True, size_bytes=8, signals=signals[:3], is_j1939=True)
    return Decoder(DecodePlan(Database((plain, j1939))), bus="body")


def _can(data: bytes) -> None:
    whole = data[: len(data) // CLASSIC.size * CLASSIC.size]
    decoder = _decoder()
    decoder.decode(FrameBatch(whole, tuple(range(len(whole) // CLASSIC.size))))
    decoder.news(TimeQuality.GNSS)


def _frames() -> tuple[bytes, ...]:
    payload = bytes.fromhex("ff80017f0000c0ff")
    ids = (0x123, 0x18FEF121 | EXTENDED_FLAG, 0x7FF)
    return (b"".join(CLASSIC.pack(each, 8, 0, payload) for each in ids), CLASSIC.pack(0x123, 0, 0, b""))


def _sensor(data: bytes) -> None:
    readings("wayside/sensors/cabinet", data, received_ns=1_800_000_000 * 10**9, quality=TimeQuality.NETWORK)


def _topic(data: bytes) -> None:
    topic = data.decode(errors="replace")
    readings(topic, b'{"a": 1}', received_ns=1_800_000_000 * 10**9, quality=TimeQuality.NETWORK)


def _spool() -> tuple[bytes, ...]:
    mark = spool_format.mark_frame(spool_format.Mark(7, 9), key=_SPOOL_KEY)
    return (b"".join(spool_format.frames([b"one", b"", b"x" * 300], 8, key=_SPOOL_KEY)), mark)


def _gpsd_lines() -> tuple[bytes, ...]:
    lines = [b"?" + json.dumps(report).encode() + b"\n" for report in _GPSD]
    return (*lines, b"?" + b"".join(line[1:] for line in lines))


_JSON_WORDS = (b"null", b"{}", b"[]", b'""', b"true", b'"\\ud800"', b"[" * 500, b"1e308", b'{"":' * 100)
TARGETS = (
    Target("NMEA stream", _nmea, lambda: (b"?" + sentences(_FIX),), words=(b"$", b"\r\n", b"*", b",,", b"$GNRMC,")),
    Target(
        "NMEA fields", _checksummed, _nmea_bodies, words=(b",", b",,,", b"999999", b"235960", b"310299", b"-", b".")
    ),
    Target("gpsd JSON", lambda data: _in_pieces(GpsdDecoder().feed, data), _gpsd_lines, words=_JSON_WORDS),
    Target(
        "local MQTT payload",
        _sensor,
        lambda: (json.dumps(_SENSOR).encode(), msgspec.msgpack.encode(_SENSOR), b'{"a":1,"time":1800000000000}'),
        words=(*_JSON_WORDS, b"\xdf\xff\xff\xff\xff", b"\x81\xa1a\xcb\x7f\xf0\0\0\0\0\0\0", b'"time":', b'"unit":'),
    ),
    Target("local MQTT topic", _topic, lambda: (b"wayside/sensors/cabinet",), words=(b"/", b"+", b"#", b"\x00")),
    Target("radio datagram, bare", _radio(RAW), lambda: (b"\x00" * 40, b"\x40\x01", b"\x80"), (LayoutError,)),
    Target(
        "radio datagram, DSMP",
        _radio(DSMP),
        lambda: tuple(DSMP.built(b"\x10" * 30, application_id=each, time_ns=0) for each in (111, 300, 100_000)),
        (LayoutError,),
        words=(b"\x04\x00", b"\xe0", b"\xff\xff"),
    ),
    Target(
        "radio datagram, of a vendor",
        _radio(_VENDOR),
        lambda: (_VENDOR.built(b"\x20" * 30, application_id=111, time_ns=1_800_000_000 * 10**9),),
        (LayoutError,),
        words=(b"\xfa\x55", b"\x0d\x0a", b"\xff" * 8),
    ),
    Target(
        "radio datagram, with the word of a chip",
        _radio(_CHIP),
        lambda: (_CHIP.built(b"\x20" * 30, application_id=111, time_ns=0),),
        (LayoutError,),
        words=(b"\xff" * 4, b"\x01"),
    ),
    *(
        Target(
            name,
            feed,
            lambda: tuple(
                v2x_signed.Signer(v2x_signed.Signer(issues=True)).message(b"\x00" * 30, by_digest=each)
                for each in (True, False)
            ),
            (SpduError,),
            words=(b"\x03\x81", b"\x40\x03\x80", b"\x82\xff\xff", b"\x01\x40", b"\x84\x40"),
        )
        for name, feed in (("signed envelope", parsed_spdu), ("message in an envelope", opened))
    ),
    Target("CAN frames of a known database", _can, _frames),
    Target(
        "chronyc's answer",
        lambda data: chrony_state(data.decode("ascii", errors="replace")),
        lambda: (b"C0A80001,10.0.0.1,2,1800000000.1,0.00001,0,0,0,0,0,0,0,64.1,Normal\n",),
        words=(b",", b"nan", b"inf", b"7F7F0101", b"Not synchronised"),
    ),
    Target(
        "boot.json after a crash",
        boot_choice.decoded,
        lambda: (boot_choice.encoded(boot_choice.BootChoice(active="a", trial=boot_choice.Trial("b", 3, 60.0))),),
        (boot_choice.ChoiceDamagedError,),
        words=_JSON_WORDS,
    ),
    Target(
        "packet of a recording",
        lambda data: (pcap.ports(data, link_type=pcap.ETHERNET), pcap.ports(data, link_type=pcap.RAW_IP)),
        lambda: (bytes(12) + b"\x81\0\0\1\x08\0\x45" + bytes(8) + b"\x11" + bytes(20),),
        words=(b"\x81\0", b"\x86\xdd", b"\x08\0", b"\x4f", b"\x60"),
    ),
    Target(
        "answer to a probe",
        lambda data: [
            (icmp.echo_reply(data, is_v6=is_v6), icmp.refusing_hop(data, is_v6=is_v6)) for is_v6 in (False, True)
        ],
        lambda: (bytes(8) + b"tag", b"\0\0\0\0\2\x0b\0\0" + bytes(8) + b"\2\0\0\0\x7f\0\0\1"),
    ),
    Target("spool after a crash", lambda data: spool_format.scanned(data, key=_SPOOL_KEY), _spool),
)
