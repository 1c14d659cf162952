"""The codec of V2X messages: real packets, what people write, and hostile bytes. Other codecs: test_v2x_oracles."""

import json
from pathlib import Path
from random import Random
from typing import Any

import asn1tools
import msgspec
import pytest

from tests.v2x_values import ASN1, Values, files, types_of
from uper_compiler.model import Reference
from wayside.v2x.codec import DecodeError, EncodeError, Profile, decode, encode
from wayside.v2x.generated import messages
from wayside.v2x.peek import MessageKind, peek
from wayside.v2x.readable import parsed, readable
from wayside_agent.core.radio_recording import messages as recorded_messages
from wayside_agent.core.v2x import ReceivedMessage

FRAME = Reference("MessageFrame")
RECORDING = "v2x/china/spat_bsm_rsm_hex_and_decode.txt"
PROFILES = pytest.mark.parametrize("profile", list(Profile), ids=str)


def values(profile: Profile, seed: int, **options: int) -> Values:
    return Values(types_of(profile), Random(seed), **options)  # noqa: S311  # repeatable, no secrets


@PROFILES
def test_what_people_read_is_the_message_again(profile: Profile) -> None:
    made = values(profile, 8)
    for _ in range(400):
        frame = made.make(FRAME)
        assert parsed(json.loads(json.dumps(readable(frame)))) == frame


@PROFILES
def test_a_peek_sees_what_decoding_sees(profile: Profile) -> None:
    made = values(profile, 9)
    for _ in range(2000):
        frame = made.make(FRAME)
        name, message = frame
        seen = peek(encode(frame, profile))
        assert seen.message_count == getattr(message, "msgCnt", None)
        if name == "bsmFrame":
            assert (seen.kind, seen.id, seen.sec_mark_ms) == (MessageKind.BSM, message.id, message.secMark)
            place = (seen.latitude_raw, seen.longitude_raw, seen.speed_raw, seen.heading_raw)
            assert place == (message.pos.lat, message.pos.long, message.speed, message.heading)


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> list[bytes]:
    lines = (shared_data / RECORDING).read_text("utf-8").splitlines()
    return [each.payload for each in recorded_messages(lines) if isinstance(each, ReceivedMessage)]


@PROFILES
def test_real_messages_are_read_and_written_bit_for_bit(recorded: list[bytes], profile: Profile) -> None:
    assert [len(data) for data in recorded] == [261, 86, 53, 40]
    for data in recorded:
        assert encode(decode(data, profile), profile) == data


def test_a_real_message_is_what_the_file_says(recorded: list[bytes]) -> None:
    frame = decode(recorded[1], Profile.R19)
    assert frame[0] == "bsmFrame"
    bsm = frame[1]
    assert (bsm.msgCnt, bsm.secMark, bsm.id.hex()) == (117, 9500, "bea9423838383838")
    assert (bsm.pos.lat, bsm.pos.long, bsm.pos.elevation) == (399764645, 1163509503, 375)
    seen = peek(recorded[1])
    assert (seen.latitude_deg, seen.longitude_deg, seen.speed_mps, seen.heading_deg) == (
        39.9764645,
        116.3509503,
        0.0,
        77.0125,
    )
    written = readable(frame)["bsmFrame"]
    assert written["pos"] == {"lat_deg": 39.9764645, "long_deg": 116.3509503, "elevation_m": 37.5}
    assert (written["accelSet"]["long_mps2"], written["transmission"]) == (None, "unavailable")


def test_a_map_of_one_revision_is_none_of_the_other() -> None:
    """The bits differ in every MAP: it is refused, or by luck read as something else."""
    made, wrong_count = values(Profile.R19, 10), 0
    for _ in range(300):
        data = encode(("mapFrame", made.make(Reference("MapData"))), Profile.R19)
        try:
            decode(data, Profile.P20)
        except DecodeError:
            wrong_count += 1
    assert wrong_count > 290


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "message: it ends before its last field"),
        (b"\x45", "message: it ends before its last field"),
        (b"\x60\x00", "MessageFrame: there is no such alternative"),
        (b"\x00" * 20_000, "message: 20000 bytes are more than 16384"),
        (bytes.fromhex("80") + b"\xff" * 20, "extension: it comes in fragments, and no message is that long"),
        (b"\xff" * 20, "extension: its number is too large"),
    ],
    ids=["empty", "short", "alternative", "long", "fragments", "number"],
)
def test_what_is_no_message_is_refused_with_its_reason(data: bytes, sentence: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(data, Profile.R19)
    assert str(caught.value) == sentence


def test_bytes_behind_a_message_are_refused(recorded: list[bytes]) -> None:
    for data in recorded:
        with pytest.raises(DecodeError, match="1 bytes follow its end"):
            decode(data + b"\0", Profile.R19)
        with pytest.raises(DecodeError, match="ends before its last field"):
            decode(data[:-1], Profile.R19)


def test_additions_of_a_later_standard_are_passed_over() -> None:
    """asn1tools writes them; our modules do not know them."""
    paths = [path for path in map(Path, files(Profile.P20)) if path.name != "VehClass.asn"]
    later = (
        (ASN1 / "common" / "VehClass.asn")
        .read_text()
        .replace("OPTIONAL,\n    ...", "OPTIONAL,\n    ...,\n    seats INTEGER (0..99), name OCTET STRING")
    )
    newer = asn1tools.compile_string("\n".join([*(path.read_text() for path in paths), later]), "uper")
    made = values(Profile.P20, 12)
    frame = "bsmFrame", made.make(Reference("BasicSafetyMessage"))
    foreign = made.foreign(FRAME, frame)
    foreign[1]["vehicleClass"] |= {"seats": 5, "name": b"later" * 40}
    assert decode(newer.encode("MessageFrame", foreign), Profile.P20) == frame


def test_bits_that_a_later_sender_left_out_may_be_the_end_of_a_message() -> None:
    """Found by pycrate: the lights are the last field, extended, and none of their nine bits are there."""
    frame = decode(
        bytes.fromhex(
            "02a3d14ebd5551ff9e431fffe00000001ad274800072000017ffe000002fe4000007a884b3fffff7fc1ebc118c026ffffff8000002ffa306"
            "fcf45a7aa500"
        ),
        Profile.P20,
    )
    assert frame[0] == "bsmFrame"
    assert frame[1].safetyExt is not None
    assert frame[1].safetyExt.lights == 0


def changed_bsm(**fields: object) -> messages.MessageFrame:
    bsm = values(Profile.P20, 11).make(Reference("BasicSafetyMessage"))
    return "bsmFrame", msgspec.structs.replace(bsm, **fields)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"msgCnt": 128}, "msgCnt: 128 is not between 0 and 127"),
        ({"id": b"short"}, "id: 5 is not between 8 and 8"),
        ({"speed": None}, "message: "),
        ({"speed": "fast"}, "message: "),
        ({"pos": None}, "message: "),
        ({"heading": 28_801}, "heading: 28801 is not between 0 and 28800"),
    ],
    ids=["count", "id", "none", "text", "structure", "heading"],
)
def test_what_cannot_be_sent_is_refused_with_its_field(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(EncodeError) as caught:
        encode(changed_bsm(**fields), Profile.P20)
    assert str(caught.value).startswith(sentence)


def test_what_came_after_the_standard_goes_to_json_and_back() -> None:
    frame = decode(encode(("unknown", messages.UnknownAlternative(index=7, value=b"later")), Profile.P20), Profile.P20)
    assert parsed(json.loads(json.dumps(readable(frame)))) == frame


def nested(depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


@pytest.mark.parametrize("huge", [nested(5000), "x" * 100_000, {"x" * 100_000: 1}], ids=["deep", "long", "key"])
@pytest.mark.parametrize("field", ["msgCnt", "id", "refPos", "participants", "secMark_s"])
def test_what_people_wrote_is_quoted_briefly_however_large_it_is(field: str, huge: object) -> None:
    participant = {"ptcType": huge, "secMark_s": huge}
    for written in ({field: huge}, {"participants": [participant]}, huge):
        with pytest.raises(EncodeError) as caught:
            encode(parsed({"rsmFrame": written}), Profile.P20)
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({}, "MessageFrame: give one of bsmFrame"),
        ({"tspFrame": {}}, "MessageFrame: 'tspFrame' is none of bsmFrame"),
        ({"spatFrame": []}, "MessageFrame.spatFrame: [] is not an object"),
        ({"spatFrame": {"msgCnt": 1}}, "MessageFrame.spatFrame: Missing required argument 'intersections'"),
        ({"rsmFrame": {"speed": 1}}, "MessageFrame.rsmFrame: 'speed' is none of msgCnt, id, refPos, participants"),
        ({"rsmFrame": {"id": "xy"}}, "MessageFrame.rsmFrame.id: non-hexadecimal number"),
        ({"rsmFrame": {"refPos": {"lat_deg": "north"}}}, "MessageFrame.rsmFrame.refPos.lat_deg: 'north' is no number"),
        (
            {"rsmFrame": {"participants": [{"ptcType": "tree"}]}},
            "MessageFrame.rsmFrame.participants[0].ptcType: 'tree' is none",
        ),
        (
            {"rsmFrame": {"participants": [{"heading_deg": 1e400}]}},
            "MessageFrame.rsmFrame.participants[0].heading_deg: ",
        ),
    ],
    ids=["empty", "kind", "object", "missing", "field", "hex", "number", "name", "infinite"],
)
def test_what_people_wrote_wrongly_is_named(written: dict[str, Any], sentence: str) -> None:
    with pytest.raises(EncodeError) as caught:
        parsed(written)
    assert str(caught.value).startswith(sentence)
