"""The AID (PSID) of a V2X application, in its p-encoding of 1 to 4 bytes.

Source: IEEE 1609.3-2016, 8.1.3; YD/T 3708-2020 uses the same for DSMP (111 is `6F`, 3618 is `8DA2`).
"""

from wayside.v2x.peek import MessageKind


class LayoutError(ValueError):
    """A datagram is not in the expected layout, or a layout makes no sense."""


REGULAR_IDS = {
    MessageKind.BSM: 111,
    MessageKind.MAP: 3618,
    MessageKind.SPAT: 3619,
    MessageKind.RSI: 3620,
    MessageKind.RSM: 3623,
}
"""AID per kind, of the regular form (ordinary vehicle, static RSI).

Source: AID and access-layer profile of the C-V2X interoperability tests of 2020.
"""

VEHICLE_IDS = (111, 112)
"""AID of the BSM of an ordinary vehicle: regular, and with an event. Source: T/CSAE 159-2020."""
MESSAGE_IDS = {
    **dict.fromkeys((111, 112, 113, 114), MessageKind.BSM),
    3618: MessageKind.MAP,
    3619: MessageKind.SPAT,
    **dict.fromkeys((3620, 3621, 3622), MessageKind.RSI),
    3623: MessageKind.RSM,
}
"""Every AID that carries messages: also events, emergency vehicles, RSI that change. Source: as above."""

_P_RANGES = (  # size [byte], first value, what is added, source: IEEE 1609.3
    (1, 0x0, 0x0),
    (2, 0x80, 0x7F80),
    (3, 0x4080, 0xBFBF80),
    (4, 0x204080, 0xDFDFBF80),
)
_P_VALUE_MAX = 0x1020407F


def p_encoded(value: int) -> bytes:
    """An AID in 1 to 4 bytes.

    Raises: LayoutError: below 0 or above 0x1020407F.
    """
    if not 0 <= value <= _P_VALUE_MAX:
        raise LayoutError(f"the application id {value} cannot be p-encoded, it must be 0 to {_P_VALUE_MAX}")
    size_bytes, _, added = next(row for row in reversed(_P_RANGES) if value >= row[1])
    return (value + added).to_bytes(size_bytes, "big")


def p_decoded(data: bytes) -> tuple[int, int]:
    """The AID at the start of `data`, and how many bytes it takes.

    Raises: LayoutError: too short, or a first byte above 0xEF.
    """
    ones = next((size for size, limit in ((1, 0x80), (2, 0xC0), (3, 0xE0), (4, 0xF0)) if data[:1] < bytes([limit])), 0)
    if not data or not ones or len(data) < ones:
        raise LayoutError("there is no p-encoded application id")
    return int.from_bytes(data[:ones], "big") - _P_RANGES[ones - 1][2], ones
