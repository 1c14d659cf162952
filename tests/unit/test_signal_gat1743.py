"""Frames of GA/T 1743: what they say of lamp groups, and what is no such frame."""

import pytest

from wayside_agent.core.gat1743 import crc16, parsed
from wayside_agent.core.signal_plan import Light, PhaseNow, SignalError

GREEN, YELLOW, RED, FLASHING_GREEN, FLASHING_YELLOW, DARK = 0x16, 0x19, 0x25, 0x17, 0x1D, 0x15
Group = tuple[int, int, int]
"""Number, lamps, seconds left."""


def frame(content: bytes, *, operation: int = 0x87, thing: int = 0x0103, sender: int = 0x1000) -> bytes:
    """A frame as the layout of the module's head has it, written by hand."""
    region = (460_106).to_bytes(3, "little")
    head = b"\x04\x00" + region + sender.to_bytes(2, "little") + b"\x01\x00" + region + b"\x00\x20\xff\xff"
    head += bytes(6) + b"\x3c\x10" + bytes([operation]) + thing.to_bytes(2, "little") + bytes(4)
    body = head + content
    body += crc16(body).to_bytes(2, "little")
    return b"\xc0" + body.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


def lights(*approaches: tuple[int, tuple[Group, ...]]) -> bytes:
    said = bytes(4 + 4 + 2) + bytes([len(approaches)])
    for bearing, groups in approaches:
        said += bearing.to_bytes(2, "little") + bytes([len(groups)])
        said += b"".join(bytes([number, 2, lamps, left]) for number, lamps, left in groups)
    return len(said).to_bytes(2, "little") + said


def test_the_crc_is_the_one_whose_check_value_is_published() -> None:
    assert crc16(b"123456789") == 0xAEE7, "CRC-16/CMS"


def test_lamp_groups_of_all_approaches_are_read_with_the_seconds_they_have_left() -> None:
    north = (0, ((1, GREEN, 26), (2, RED, 0)))
    east = (90, ((3, FLASHING_GREEN, 1), (0xC0, YELLOW, 0xDB), (5, DARK, 9), (6, FLASHING_YELLOW, 0), (7, 0x29, 3)))
    plan = parsed(frame(lights(north, east)))
    assert plan is not None
    assert plan.phases == {
        1: PhaseNow(Light.GREEN, 25.0, 26.0),
        2: PhaseNow(Light.RED, None, None),
        3: PhaseNow(Light.FLASHING_GREEN, 0.0, 1.0),
        0xC0: PhaseNow(Light.YELLOW, 218.0, 219.0),
        6: PhaseNow(Light.FLASHING_YELLOW, None, None),
        7: PhaseNow(Light.RED, 2.0, 3.0),
    }


def test_of_several_frames_the_newest_counts_and_other_objects_are_passed_over() -> None:
    one, two = frame(lights((0, ((1, GREEN, 9),)))), frame(lights((0, ((1, RED, 8),))), operation=0x83)
    plan = parsed(one + two + frame(b"\x00\x00", thing=0x0101))
    assert plan is not None
    assert plan.phases[1].light is Light.RED


@pytest.mark.parametrize("other", [{"operation": 0x80}, {"thing": 0x0301}, {"sender": 0x2000}])
def test_what_is_no_controllers_word_of_lights_says_nothing(other: dict[str, int]) -> None:
    assert parsed(frame(lights((0, ((1, GREEN, 9),))), **other)) is None


GOOD = frame(lights((0, ((1, GREEN, 9),))))


@pytest.mark.parametrize(
    ("datagram", "sentence"),
    [
        (b"", "does not begin and end with c0"),
        (GOOD[:-1], "does not begin and end with c0"),
        (GOOD[:-2] + bytes([GOOD[-2] ^ 1]) + GOOD[-1:], "its CRC is another"),
        (b"\xc0" + bytes(10) + b"\xc0", "a frame has 10 bytes"),
        (b"\xc0\xdb\x01\xc0", "db that escapes nothing"),
        (b"\xc0\xdb\xc0", "db that escapes nothing"),
        (bytes(5000), "5000 bytes"),
        (frame(b"\x05\x00" + bytes(5)), "the length that the lights give"),
        (frame(lights((0, ((1, GREEN, 9), (1, RED, 9))))), "lamp group 1 is told twice"),
        (frame(lights((0, ((1, 0x26, 9),)))), "red and green at once"),
        (frame(lights((0, ((1, 0xD6, 9),)))), "lamps 0xd6, which cannot be"),
        (frame(b"\x0b\x00" + bytes(10) + b"\x02"), "end within an approach"),
        (frame(b"\x0c\x00" + bytes(12)), "1 bytes follow"),
    ],
)
def test_what_makes_no_sense_is_refused(datagram: bytes, sentence: str) -> None:
    with pytest.raises(SignalError, match=sentence):
        parsed(datagram)
