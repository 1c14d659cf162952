"""A signal controller's word of its phases: the traffic signal controller broadcast message (TSCBM), as UDP carries it.

    plan = parsed(datagram)            # SignalError: it is none
    plan.phases[2].light, plan.phases[2].min_s

A row for each of 16 phases says when it changes at the soonest and the latest; masks say what it shows. 0xFFFF is "not
known": added to a clock it would be a time almost two hours away.
Source: NTCIP 1202 v02 with the SPaT object of the V2I hub (id 0xCD); held against recorded datagrams of 245 byte.
"""

import struct

from wayside_agent.core.signal_plan import Light, PhaseNow, SignalError, SignalPlan

ID = 0xCD
PHASE_COUNT = 16
_ROW = struct.Struct(">B6H")
_MASKS = struct.Struct(">11H")
_TAIL = struct.Struct(">4B3sH")
_HEADER_BYTES = 2
MIN_BYTES = _HEADER_BYTES + PHASE_COUNT * _ROW.size + _MASKS.size + _TAIL.size
MAX_BYTES = MIN_BYTES + 4
"""Newer controllers append the calls of pedestrians."""
_UNKNOWN = 0xFFFF
_STEP_S = 0.1
_DAY_S = 86_400


def parsed(datagram: bytes) -> SignalPlan:
    """What a controller says.

    Raises: SignalError: naming what is wrong.
    """
    if len(datagram) not in {MIN_BYTES, MAX_BYTES}:
        raise SignalError(f"the message has {len(datagram)} bytes, {MIN_BYTES} or {MAX_BYTES} are expected")
    if datagram[0] != ID or datagram[1] != PHASE_COUNT:
        raise SignalError(f"the message begins with {datagram[:2].hex()}, cd10 is expected")
    rows = [_ROW.unpack_from(datagram, _HEADER_BYTES + index * _ROW.size) for index in range(PHASE_COUNT)]
    if [row[0] for row in rows] != list(range(1, PHASE_COUNT + 1)):
        raise SignalError("the rows of the message are not the phases 1 to 16")
    masks = _MASKS.unpack_from(datagram, _HEADER_BYTES + PHASE_COUNT * _ROW.size)
    _, _, _, sequence, seconds, milliseconds = _TAIL.unpack_from(datagram, MIN_BYTES - _TAIL.size)
    day_s = int.from_bytes(seconds, "big") + milliseconds / 1000
    if day_s >= _DAY_S + 1:
        raise SignalError(f"the clock of the message is at {day_s} s of the day")
    lights = {row[0]: _light(row[0], *masks[:3], flashing=masks[9]) for row in rows}
    phases = {
        row[0]: PhaseNow(lights[row[0]], _seconds(row[1]), _seconds(row[2]))
        for row in rows
        if lights[row[0]] is not Light.DARK
    }
    return SignalPlan(phases, sequence, day_s)


def _light(phase: int, reds: int, yellows: int, greens: int, *, flashing: int) -> Light:
    """What a phase shows.

    Raises: SignalError: two colours at once.
    """
    bit = 1 << (phase - 1)
    shown = [light for mask, light in ((reds, Light.RED), (yellows, Light.YELLOW), (greens, Light.GREEN)) if mask & bit]
    if len(shown) > 1:
        raise SignalError(f"phase {phase} shows {' and '.join(shown)} at once")
    if not shown:
        return Light.DARK
    if flashing & bit:
        return Light.FLASHING_RED if shown[0] is Light.RED else Light.FLASHING_YELLOW
    return shown[0]


def _seconds(raw: int) -> float | None:
    return None if raw == _UNKNOWN else round(raw * _STEP_S, 1)
