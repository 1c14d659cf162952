"""Messages of phase 2: a frame of another maker, two other codecs, what people write, and what is not confirmed."""

import json
import subprocess
import sys
from collections import Counter
from random import Random
from typing import Any

import pytest

from tests.v2x_oracles import ORACLES, SAME, Oracle, is_explained, mutated, pycrate_type, verdict
from tests.v2x_values import PHASE2, Values, phase2_pool, phase2_types_of
from wayside.v2x import phase2
from wayside.v2x.codec import DecodeError, EncodeError, Profile, decode, encode
from wayside.v2x.generated.messages import MessageFrameExt, UnknownAlternative
from wayside.v2x.generated.phase2_messages import CLPMM, MemberManagement, MemberNode, SensorSharingMsg
from wayside.v2x.peek import MessageKind, Peek, message_kind, peek
from wayside.v2x.phase2_readable import parsed, readable

PLATOON = bytes.fromhex("802a0010274c1919999998181819c9f4991999999818181980000000100000000c80001919999998181819a6")
"""A leader and nobody else, as an OBU of another maker sent it."""
PROFILES = pytest.mark.parametrize("profile", list(Profile), ids=str)
NUMBERS = pytest.mark.parametrize("number", list(PHASE2), ids=phase2.name_of)


def values(profile: Profile, seed: int) -> Values:
    return Values(phase2_types_of(profile), Random(seed), most_items=2)  # noqa: S311  # repeatable, no secrets


def extension_of(data: bytes, profile: Profile = Profile.P20) -> MessageFrameExt:
    _, extension = decode(data, profile)
    assert isinstance(extension, MessageFrameExt)
    return extension


def frame_of(number: int, value: bytes) -> bytes:
    return encode(("msgFrameExt", MessageFrameExt(messageId=number, value=value)), Profile.P20)


@PROFILES
def test_a_platoon_of_another_maker_is_read_and_written_byte_for_byte(profile: Profile) -> None:
    vehicle = b"23330003"
    platoon = phase2.opened(extension_of(PLATOON, profile), profile)
    assert platoon == CLPMM(
        msgCnt=24,
        id=vehicle,
        secMark=37_865,
        pid=vehicle + bytes.fromhex("000000002000000019"),
        role=0,
        status=0,
        leadingExt=MemberManagement(memberList=[MemberNode(vid=vehicle)], capacity=10, openToJoin=True),
    )
    assert encode(phase2.frame(platoon, profile), profile) == PLATOON


@pytest.fixture(
    params=[(name, profile, number) for name in ORACLES for profile in Profile for number in PHASE2],
    ids=lambda each: f"{each[0]}-{each[1]}-{phase2.name_of(each[2])}",
)
def oracle(request: pytest.FixtureRequest) -> Oracle:
    name, profile, number = request.param
    return ORACLES[name](profile, number)


def test_messages_are_the_bytes_that_others_make_of_them(oracle: Oracle) -> None:
    made, number = values(oracle.profile, 5), oracle.number
    assert number is not None
    for _ in range(20):
        message = made.make(PHASE2[number])
        _, extension = phase2.frame(message, oracle.profile, unconfirmed=True)
        assert isinstance(extension, MessageFrameExt)
        assert extension.value == oracle.encode(message)
        assert oracle.decode(extension.value) == oracle.foreign(message)
        assert phase2.opened(extension, oracle.profile, unconfirmed=True) == message


def test_damaged_messages_are_judged_as_others_judge_them_or_it_is_explained(oracle: Oracle) -> None:
    assert oracle.number is not None
    messages = phase2_pool(oracle.profile, oracle.number, 6, 20)
    random, found = Random(7), Counter[str]()  # noqa: S311  # repeatable
    for _ in range(60):
        data = mutated(messages, random)
        words = verdict(data, oracle)
        assert is_explained(words, oracle.name), (words, data.hex())
        found[words] += 1
    assert found[SAME] > 5


@NUMBERS
def test_an_open_type_of_the_standard_is_the_same_bits_as_our_two_steps(number: int) -> None:
    """pycrate knows the class and the set of objects; our frame has bytes there."""
    theirs = pycrate_type(Profile.P20, "OpenMessageFrameExt")
    for value in phase2_pool(Profile.P20, number, 3, 5):
        data = frame_of(number, value)
        theirs.from_uper(data[2:] if data[1] < 128 else data[3:])
        said = theirs.get_val()
        assert (said["messageId"], said["value"][0]) == (number, PHASE2[number].name)


@NUMBERS
def test_what_people_read_is_the_message_again(number: int) -> None:
    made = values(Profile.R19, 8)
    for _ in range(20):
        frame = phase2.frame(made.make(PHASE2[number]), Profile.R19, unconfirmed=True)
        written = readable(frame, Profile.R19, unconfirmed=True)
        assert parsed(json.loads(json.dumps(written)), Profile.R19) == frame


def shared_sensors() -> SensorSharingMsg:
    made: SensorSharingMsg = values(Profile.P20, 1).make(PHASE2[12])
    return made


def test_what_is_not_confirmed_is_neither_read_nor_written_unasked() -> None:
    sentence = "messageId: the members of SSM are not confirmed"
    with pytest.raises(EncodeError, match=sentence):
        phase2.frame(shared_sensors(), Profile.P20)
    frame = phase2.frame(shared_sensors(), Profile.P20, unconfirmed=True)
    assert isinstance(frame[1], MessageFrameExt)
    with pytest.raises(DecodeError, match=sentence):
        phase2.opened(frame[1], Profile.P20)
    written = readable(frame, Profile.P20)
    assert written == {"msgFrameExt": {"messageId": 12, "name": "SSM", "value": frame[1].value.hex()}}
    assert parsed(written, Profile.P20) == frame
    said = readable(frame, Profile.P20, unconfirmed=True)["msgFrameExt"]
    assert said["confirmed"] is False
    with pytest.raises(EncodeError, match="not confirmed"):
        parsed({"msgFrameExt": said | {"confirmed": True}}, Profile.P20)


def test_a_type_that_is_not_taken_apart_is_named_and_kept_as_bytes() -> None:
    for number, name in ((10, "RTCM"), (14, "PAM"), (27, "ISM")):
        frame = decode(frame_of(number, b"\x2a\xff"), Profile.P20)
        written = readable(frame, Profile.P20)
        assert written == {"msgFrameExt": {"messageId": number, "name": name, "value": "2aff"}}
        assert parsed(written, Profile.P20) == frame
        with pytest.raises(DecodeError, match=f"messageId: {name} is passed on as bytes"):
            phase2.opened(extension_of(frame_of(number, b"\x2a\xff")), Profile.P20, unconfirmed=True)
    nobody = readable(decode(frame_of(4711, b"\0"), Profile.P20), Profile.P20, unconfirmed=True)
    assert nobody == {"msgFrameExt": {"messageId": 4711, "value": "00"}}


def test_of_corrections_the_count_is_said_to_who_asks() -> None:
    frame = decode(frame_of(10, b"\x2a\xff"), Profile.P20)
    said = readable(frame, Profile.P20, unconfirmed=True)["msgFrameExt"]
    assert said == {"messageId": 10, "name": "RTCM", "confirmed": False, "msgCnt": 42, "value": "2aff"}
    assert parsed({"msgFrameExt": said}, Profile.P20) == frame


def test_a_field_of_which_sources_say_different_bits_is_refused_in_both_directions() -> None:
    _, extension = parsed({"msgFrameExt": person({"basicType": "aPEDESTRIAN"})}, Profile.P20)
    assert isinstance(extension, MessageFrameExt)
    with pytest.raises(EncodeError, match="propulsion: its bits are not known; leave it out"):
        parsed({"msgFrameExt": person({"basicType": "aPEDESTRIAN", "propulsion": {"human": 2}})}, Profile.P20)
    bits = int.from_bytes(extension.value, "big")
    behind = 4 + 5  # the basic type, the other optional fields
    padding = -(BITS_OF_A_PERSON + 7 + 4) % 8
    changed = (bits | 1 << padding + behind).to_bytes(len(extension.value), "big")
    with pytest.raises(DecodeError, match="propulsion: its bits are not known, nor where it ends"):
        phase2.opened(MessageFrameExt(messageId=15, value=changed), Profile.P20, unconfirmed=True)


BITS_OF_A_PERSON = (5 + 7 + 64 + 16) + (1 + 31 + 32) + (8 + 8 + 16) + 13 + 15 + 8
"""Before non-motorData: head, count, id, time; position; its accuracy; speed, heading, radius."""


def person(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": 15,
        "confirmed": False,
        "message": {
            "msgCnt": 1,
            "id": "0102030405060708",
            "secMark_s": 1.5,
            "pos": {"lat_deg": 31.2, "long_deg": 121.4},
            "posAccuracy": {"semiMajor": 20, "semiMinor": 20, "orientation": 0},
            "speed_mps": 1.2,
            "heading_deg": 90.0,
            "overallRadius": 5,
            "non-motorData": data,
        },
    }


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ([], "MessageFrame.msgFrameExt: [] is not an object"),
        ({"messageId": 16, "size": 1}, "MessageFrame.msgFrameExt: 'size' is none of messageId, name"),
        ({"messageId": 16}, "MessageFrame.msgFrameExt: Missing required argument 'value'"),
        ({"messageId": 10, "message": {}}, "MessageFrame.msgFrameExt.messageId: 10 is passed on as bytes"),
        ({"messageId": [], "message": {}}, "MessageFrame.msgFrameExt.messageId: [] is passed on as bytes"),
        (
            {"messageId": 16, "message": {"role": "captain"}},
            "MessageFrame.msgFrameExt.message.role: 'captain' is none of leader",
        ),
        (
            {"messageId": 12, "message": {"msgCnt": 300}},
            "MessageFrame.msgFrameExt.message: Missing required argument 'id'",
        ),
    ],
    ids=["list", "key", "value", "bytes", "number", "name", "missing"],
)
def test_what_people_wrote_wrongly_is_named(said: object, sentence: str) -> None:
    with pytest.raises(EncodeError) as caught:
        parsed({"msgFrameExt": said}, Profile.P20)
    assert str(caught.value).startswith(sentence)


def test_an_extension_that_is_none_of_its_type_is_refused_with_its_reason() -> None:
    with pytest.raises(DecodeError, match="message: it ends before its last field"):
        phase2.opened(extension_of(frame_of(16, b"\x4c")), Profile.P20)
    with pytest.raises(DecodeError, match="1 bytes follow its end"):
        phase2.opened(extension_of(frame_of(16, PLATOON[5:] + b"\0")), Profile.P20)


def test_a_peek_sees_of_which_kind_an_extension_is() -> None:
    for number, name in phase2.NAMES.items():
        for size in (1, 127, 128, 400):  # the length in front of the number is a byte, or two
            seen = peek(frame_of(number, bytes(size)))
            assert seen == Peek(MessageKind.__members__.get(name, MessageKind.EXTENSION))
    nobodys = encode(("unknown", UnknownAlternative(index=5, value=b"\0\x10")), Profile.P20)
    assert message_kind(nobodys) is MessageKind.EXTENSION
    assert {message_kind(PLATOON[:size]) for size in range(1, 4)} == {MessageKind.EXTENSION}


def test_a_unit_that_reads_no_phase_2_does_not_load_it() -> None:
    program = (
        "import sys; from wayside.v2x import codec, peek, readable; "
        f"readable.readable(codec.decode(bytes.fromhex('{PLATOON.hex()}'), codec.Profile.P20)); "
        "print([name for name in sys.modules if 'phase2' in name])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
