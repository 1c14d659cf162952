"""How messages to and from a platform are written."""

import json
import os
import re
from pathlib import Path

import pytest

from bench.v2x_codec import SAMPLES
from wayside.v1.platform_pb2 import PlatformMessage
from wayside.v2x.codec import encode
from wayside.v2x.peek import MessageKind
from wayside.v2x.profile import Profile
from wayside.v2x.readable import parsed
from wayside_agent.core.platform.answer import Answer, CommandError, Reason
from wayside_agent.core.platform.codec import MAX_DOWN_BYTES, BinaryCodec, Codec, FrameOut, JsonCodec, on_air
from wayside_agent.core.platform.messages import Ack, Frames, Head, Management
from wayside_agent.core.platform.subject import UP_OF_KIND, Subject
from wayside_agent.core.radio_recording import packet
from wayside_agent.core.v2x import ReceivedMessage
from wayside_agent.link.platform_protobuf import ProtobufCodec

DATA = Path(os.environ.get("WAYSIDE_DATA", Path(__file__).parents[3] / "shared" / "data"))
PACKETS = DATA / "v2x" / "china" / "spat_bsm_rsm_hex_and_decode.txt"
UPER = {name: encode(parsed(each), Profile.P20) for name, each in SAMPLES.items()}
TITLED = re.compile(r"\s*([A-Z]{3,4})[^:\uff1a]{0,40}[:\uff1a]\s*([0-9a-fA-F]{32,})\s*\Z")
BSM = next(each for each in UPER.values() if each[0] >> 4 == 0)
MAP = next(each for each in UPER.values() if each[0] >> 4 == 1)
HEAD = Head(rsuId="uid_i123", rsuEsn="E1", timestamp=1_700_000_000_123, seqNum=9, ack=True)


def out(uper: bytes, kind: MessageKind = MessageKind.BSM) -> FrameOut:
    return FrameOut(ReceivedMessage(uper, kind, 1_700_000_000_123_456_789))


def frames(text: str) -> Frames:
    found = JsonCodec(Profile.P20).read(Subject.MAP_DOWN, text.encode())
    assert isinstance(found, Frames)
    return found


def test_json_has_a_message_in_hex_and_in_words() -> None:
    (payload,) = JsonCodec(Profile.P20).frames(Subject.BSM_UP, HEAD, [out(BSM), out(b"\x00\x01")])
    document = json.loads(payload)
    first, second = document.pop("messages")
    assert document == {"rsuId": "uid_i123", "rsuEsn": "E1", "timestamp": 1_700_000_000_123, "seqNum": 9, "ack": True}
    assert (first["payload"], first["time"], first["profile"]) == (BSM.hex(), 1_700_000_000_123, "p20")
    assert "bsmFrame" in first["message"]
    assert "message" not in second
    assert second["error"]


def test_binary_packets_are_those_of_the_field() -> None:
    codec = BinaryCodec(Profile.P20, "uid_i123")
    (payload,) = codec.frames(Subject.BSM_UP, HEAD, [out(BSM)] * 3)
    found = packet(payload, has_count=True)
    assert (found.rsu_id, found.time_ms, found.messages) == (b"uid_i123", 1_700_000_000_123, (BSM,) * 3)
    payloads = codec.frames(Subject.MAP_UP, HEAD, [out(MAP, MessageKind.MAP)] * 2)
    assert [packet(each, has_count=False).messages for each in payloads] == [(MAP,), (MAP,)]
    many = codec.frames(Subject.BSM_UP, HEAD, [out(BSM)] * 300)
    assert [len(packet(each, has_count=True).messages) for each in many] == [255, 45]


@pytest.mark.skipif(not PACKETS.exists(), reason="needs the public recordings in ../shared/data")
def test_a_real_packet_is_written_again_byte_for_byte() -> None:
    seen = 0
    for line in PACKETS.read_text(encoding="utf-8").splitlines():
        titled = TITLED.match(line)
        if titled is None:
            continue
        kind, raw = MessageKind(titled[1]), bytes.fromhex(titled[2])
        found = packet(raw, has_count=kind is MessageKind.BSM)
        heard = [FrameOut(ReceivedMessage(each, kind, found.time_ms * 1_000_000)) for each in found.messages]
        codec = BinaryCodec(Profile.P20, found.rsu_id.decode("ascii"))
        assert codec.frames(UP_OF_KIND[kind], HEAD, heard) == [raw]
        seen += 1
    assert seen >= 3


def test_an_id_that_does_not_fill_a_binary_packet_is_refused() -> None:
    for rsu_id in ("rsu-1", "rsu-12345", "\u5c9b12345678"):
        with pytest.raises(ValueError, match="has not 8 ASCII characters"):
            BinaryCodec(Profile.P20, rsu_id)


def test_protobuf_carries_messages_as_they_are() -> None:
    codec = ProtobufCodec(Profile.P20)
    (payload,) = codec.frames(Subject.MAP_UP, HEAD, [out(MAP, MessageKind.MAP)])
    message = PlatformMessage.FromString(payload)
    assert (message.rsu_esn, message.sequence, message.wants_ack) == ("E1", 9, True)
    assert [each.payload for each in message.frames.frames] == [MAP]
    down = codec.read(Subject.MAP_DOWN, payload)
    assert isinstance(down, Frames)
    assert on_air(down, MessageKind.MAP, Profile.P20) == (MAP,)
    assert (down.seqNum, down.rsuEsn, down.ack) == (9, "E1", True)


def test_protobuf_carries_acknowledgements_and_documents() -> None:
    codec = ProtobufCodec(Profile.P20)
    sent = Ack(seqNum="8", errorCode=1, errorDesc=Answer(Reason.FAILED, "x").description)
    assert PlatformMessage.FromString(codec.document(Subject.MAP_DOWN_ACK, sent)).ack.error_description == "FAILED: x"
    assert codec.read(Subject.INFO_UP_ACK, codec.document(Subject.INFO_UP_ACK, Ack(seqNum=8, errorCode=0))) == Ack(
        seqNum=8, errorCode=0
    )
    inner = PlatformMessage(document=b'{"hbRate": 30}').SerializeToString()
    assert codec.read(Subject.MANAGEMENT_DOWN, inner) == Management(hbRate=30)


def test_a_message_for_the_air_may_come_in_hex_or_in_words() -> None:
    words = next(each for name, each in SAMPLES.items() if UPER[name] == MAP)
    both = frames(json.dumps({"messages": [{"payload": MAP.hex()}, {"message": words}]}))
    assert on_air(both, MessageKind.MAP, Profile.P20) == (MAP, MAP)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({}, "give either"),
        ({"payload": "00", "message": {}}, "give either"),
        ({"payload": "zz"}, "no message of profile p20"),
        ({"payload": MAP.hex() + "00"}, "no message of profile p20"),
        ({"payload": MAP.hex()[:-8]}, "no message of profile p20"),
        ({"payload": BSM.hex()}, "is not a MAP"),
        ({"message": {"mapFrame": {"msgCnt": 900}}}, "no message of profile p20"),
        ({"message": {}}, "no message of profile p20"),
    ],
    ids=["nothing", "both", "no-hex", "longer", "shorter", "other-kind", "range", "empty"],
)
def test_what_is_no_message_does_not_go_on_the_air(item: dict[str, object], said: str) -> None:
    with pytest.raises(CommandError, match=said) as caught:
        on_air(frames(json.dumps({"messages": [{"payload": MAP.hex()}, item]})), MessageKind.MAP, Profile.P20)
    assert caught.value.answer.reason is Reason.MALFORMED


@pytest.mark.parametrize("codec", [JsonCodec(Profile.P20), ProtobufCodec(Profile.P20)], ids=["json", "protobuf"])
@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff", b"[" * 100_000, b'{"messages": []}', b'{"messages": [{}], "rsuId": "' + b"x" * 65 + b'"}', b"{}"],
    ids=["empty", "no-text", "deep", "no-message", "long-id", "no-field"],
)
def test_what_cannot_be_read_is_malformed(codec: Codec, payload: bytes) -> None:
    with pytest.raises(CommandError) as caught:
        codec.read(Subject.MAP_DOWN, payload)
    assert caught.value.answer.reason is Reason.MALFORMED


def test_what_is_too_long_is_not_looked_into() -> None:
    for codec in (JsonCodec(Profile.P20), ProtobufCodec(Profile.P20)):
        with pytest.raises(CommandError) as caught:
            codec.read(Subject.MAP_DOWN, b" " * (MAX_DOWN_BYTES + 1))
        assert (caught.value.answer.reason, caught.value.answer.code) == (Reason.TOO_LARGE, 1)
