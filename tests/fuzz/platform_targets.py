"""Parsers of what a platform of T/ITS 0117 sends: commands and acknowledgements in JSON and protobuf."""

import json
from contextlib import suppress
from functools import partial

from bench.v2x_codec import SAMPLES
from tests.fuzz.engine import Target
from wayside.v1.platform_pb2 import PlatformMessage
from wayside.v2x.profile import Profile
from wayside_agent.core.platform.answer import CommandError
from wayside_agent.core.platform.codec import KINDS, Codec, JsonCodec, on_air
from wayside_agent.core.platform.messages import Frames, Head
from wayside_agent.core.platform.policy import Right, refused
from wayside_agent.core.platform.seen import digest
from wayside_agent.core.platform.subject import COMMANDS, KIND_OF_DOWN, Subject
from wayside_agent.link.platform_protobuf import ProtobufCodec

JSON = (
    b'{"messages": [{"payload": "00"}], "seqNum": 3, "ack": true}',
    b'{"hbRate": 30, "logLevel": "WARN", "reboot": 0, "seqNum": "8", "rsuEsn": "E1"}',
    b'{"bsmConfig": {"sampleMode": "ByID", "sampleRate": 5, "upLimit": -1, "upFilters": []}, "timestamp": 1.5e12}',
    b'{"seqNum": 1, "errorCode": 0, "errorDesc": ""}',
    b'{"infoId": 2, "interval": 0}',
    *(json.dumps({"messages": [{"message": each}]}).encode() for each in SAMPLES.values()),
)


def _read(codec: Codec, data: bytes) -> None:
    """What is read under any subject is judged, told apart from others, and never goes wrong on the air."""
    for subject in KINDS:
        try:
            message = codec.read(subject, data)
        except CommandError:
            continue
        _use(subject, message)


def _use(subject: Subject, message: Head) -> None:
    digest(message)
    if subject in COMMANDS:
        refused(subject, message, frozenset(Right), ttl_s=180.0)
    if isinstance(message, Frames):
        with suppress(CommandError):
            on_air(message, KIND_OF_DOWN[subject], Profile.P20)


def _protobufs() -> tuple[bytes, ...]:
    documents = [PlatformMessage(document=each, sequence=1) for each in JSON]
    frames, ack = PlatformMessage(rsu_id="rsu-1", sequence=2**62, wants_ack=True), PlatformMessage(sequence=1)
    frames.frames.profile = "p20"
    frames.frames.frames.add(payload=b"\x10\x20")
    ack.ack.error_code = 1
    return tuple(each.SerializeToString() for each in (*documents, frames, ack))


_WORDS = (b'"ack": 1', b"[" * 60, b"\\ud800", b"1e999", b"NaN", b'"payload"', b"mapFrame", b"9" * 30)

TARGETS = (
    Target("message of a platform, JSON", partial(_read, JsonCodec(Profile.P20)), lambda: JSON, words=_WORDS),
    Target("message of a platform, protobuf", partial(_read, ProtobufCodec(Profile.P20)), _protobufs, words=_WORDS),
)
