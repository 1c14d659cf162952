"""A signal controller's word of its lamp groups in the frames of GA/T 1743-2020, as UDP carries them.

    plan = parsed(datagram)         # `None`: it speaks of other things; SignalError: it is no such frame, or damaged

A frame stands between two bytes 0xC0; within, 0xC0 is written DB DC and 0xDB is written DB DD. All numbers are little
endian. After the head of 31 byte comes the content, then a CRC-16 (polynomial 0x8005, begin 0xFFFF, not reflected) over
both. Object 0x0103 has the lights: per approach its direction and lamp groups, each with number, kind, a byte of three
lamps of two bits (red, yellow, green from above; 1 off, 2 on, 3 flashing, 0 none) and the seconds left, 0: not known.
Seconds count down in whole ones, so what is left is told as up to a second less. Other objects are passed over.
Source: the text of GA/T 1743-2020 was not read. Frames, CRC and lamps are those of the open implementation AirOS-edge
(its parser and its simulator agree) and of the frame its tests hold; nothing of it is copied.
"""

from collections.abc import Iterator

from wayside_agent.core.signal_plan import Light, PhaseNow, SignalError, SignalPlan

MAX_DATAGRAM_BYTES = 4096
MAX_GROUPS = 128
"""Lamp groups of one crossing; ours: 8 approaches of 16."""
LIGHTS = 0x0103
_EDGE, _ESCAPE = 0xC0, 0xDB
_ESCAPED = {0xDC: _EDGE, 0xDD: _ESCAPE}
_HEAD_BYTES, _CRC_BYTES = 31, 2
_OPERATION, _OBJECT = 24, 25
_SAID = frozenset({0x82, 0x83, 0x87})
"""Operations that bring a controller's word: told unasked, an answer, a broadcast."""
_FROM_CONTROLLER = 1 << 12
_SENDER_KIND = 5
_CONTENT_BEGIN = 11
"""Of a content: longitude, latitude, height, count of approaches; its length stands before."""
_STEP_S = 1.0
_OFF, _ON, _FLASHING = 1, 2, 3
_LIT = {
    (_ON, "red"): Light.RED,
    (_ON, "yellow"): Light.YELLOW,
    (_ON, "green"): Light.GREEN,
    (_FLASHING, "red"): Light.FLASHING_RED,
    (_FLASHING, "yellow"): Light.FLASHING_YELLOW,
    (_FLASHING, "green"): Light.FLASHING_GREEN,
}
_POLYNOMIAL, _BEGIN = 0x8005, 0xFFFF


def parsed(datagram: bytes) -> SignalPlan | None:
    """What a datagram says of lights, the newest if it holds several frames; `None`: it speaks of other things.

    Raises: SignalError: naming what is wrong.
    """
    found = [*_plans(datagram)]
    return found[-1] if found else None


def crc16(content: bytes) -> int:
    """The CRC of a frame, 16 bit."""
    value = _BEGIN
    for byte in content:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ _POLYNOMIAL if value & 0x8000 else value << 1) & 0xFFFF
    return value


def _plans(datagram: bytes) -> Iterator[SignalPlan]:
    if len(datagram) > MAX_DATAGRAM_BYTES:
        raise SignalError(f"the datagram has {len(datagram)} bytes; at most {MAX_DATAGRAM_BYTES} are read")
    if not datagram or datagram[0] != _EDGE or datagram[-1] != _EDGE:
        raise SignalError("the datagram does not begin and end with c0")
    for framed in datagram.split(bytes([_EDGE])):
        if not framed:
            continue
        frame = _unescaped(framed)
        if len(frame) < _HEAD_BYTES + _CRC_BYTES:
            raise SignalError(f"a frame has {len(frame)} bytes; its head alone has {_HEAD_BYTES}")
        if crc16(frame[:-_CRC_BYTES]) != int.from_bytes(frame[-_CRC_BYTES:], "little"):
            raise SignalError("a frame is damaged: its CRC is another")
        is_said = frame[_OPERATION] in _SAID and _two(frame, _SENDER_KIND) & _FROM_CONTROLLER
        if is_said and _two(frame, _OBJECT) == LIGHTS:
            yield _plan(frame[_HEAD_BYTES:-_CRC_BYTES])


def _unescaped(framed: bytes) -> bytes:
    found, at = bytearray(), 0
    while at < len(framed):
        byte = framed[at]
        if byte == _ESCAPE:
            at += 1
            if at >= len(framed) or framed[at] not in _ESCAPED:
                raise SignalError("a frame has db that escapes nothing")
            byte = _ESCAPED[framed[at]]
        found.append(byte)
        at += 1
    return bytes(found)


def _plan(content: bytes) -> SignalPlan:
    if len(content) < 2 + _CONTENT_BEGIN or _two(content, 0) != len(content) - 2:
        raise SignalError("the length that the lights give is not theirs")
    count, at = content[2 + _CONTENT_BEGIN - 1], 2 + _CONTENT_BEGIN
    phases: dict[int, PhaseNow] = {}
    seen: set[int] = set()
    for _ in range(count):
        if at + 3 > len(content) or at + 3 + 4 * content[at + 2] > len(content):
            raise SignalError("the lights end within an approach")
        groups = content[at + 3 : at + 3 + 4 * content[at + 2]]
        at += 3 + len(groups)
        for place in range(0, len(groups), 4):
            number, _kind, lamps, left = groups[place : place + 4]
            if number in seen or len(seen) >= MAX_GROUPS:
                raise SignalError(f"lamp group {number} is told twice, or there are more than {MAX_GROUPS}")
            seen.add(number)
            if (light := _light(number, lamps)) is not Light.DARK:
                phases[number] = PhaseNow(light, *_times_s(left))
    if at != len(content):
        raise SignalError(f"{len(content) - at} bytes follow the lights")
    return SignalPlan(phases)


def _light(number: int, lamps: int) -> Light:
    """Raises: SignalError: two colours at once, or lamps that cannot be."""
    states = {"red": lamps >> 4 & 3, "yellow": lamps >> 2 & 3, "green": lamps & 3}
    lit = [name for name, state in states.items() if state in {_ON, _FLASHING}]
    if lamps >> 6:
        raise SignalError(f"lamp group {number} has lamps 0x{lamps:02x}, which cannot be")
    if lit == ["red", "yellow"]:  # some controllers show both before green: nobody may go yet
        return Light.RED
    if len(lit) > 1:
        raise SignalError(f"lamp group {number} shows {' and '.join(lit)} at once")
    return _LIT[states[lit[0]], lit[0]] if lit else Light.DARK


def _times_s(left: int) -> tuple[float | None, float | None]:
    return (None, None) if not left else (max(0.0, left - _STEP_S), float(left))


def _two(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 2], "little")
