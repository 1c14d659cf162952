"""What a message is, who sent it, where and how fast, from its first bytes: an RSU hears thousands of BSM a second.

    seen = peek(data)      # Peek(kind=MessageKind.BSM, message_count=117, …)

The bits that are read are the same in every profile. Ranges of what is read are held; the rest is not looked at.
Source: T/CSAE 53, YD/T 3709-2020.
"""

from enum import StrEnum

from msgspec import Struct

from wayside.v2x.codec import decode
from wayside.v2x.foreign import BEGINS, Family, foreign
from wayside.v2x.profile import Profile
from wayside.v2x.units import UNITS
from wayside.v2x.uper import MAX_MESSAGE_BYTES, DecodeError

_LATITUDE, _LONGITUDE, _SPEED, _HEADING = (UNITS[name] for name in ("Latitude", "Longitude", "Speed", "Heading"))
_LATITUDE_LOW, _LATITUDE_SPAN = -900_000_000, 1_800_000_001
_LONGITUDE_LOW, _LONGITUDE_SPAN = -1_799_999_999, 3_600_000_000
_HEADING_MAX = 28_800
_BSM_BYTES = 33
"""Up to here heading reaches at most, with every optional field before it."""
_BITS_64 = (1 << 64) - 1
_OPTIONAL_RSI_TIME = 4
_FOREIGN_MAX = 3
"""First bytes of other regions: J2735 0, ETSI 1 and 2, an envelope of IEEE 1609.2 3."""


class MessageKind(StrEnum):
    """Alternatives of MessageFrame, in the order of the CHOICE."""

    BSM = "BSM"
    MAP = "MAP"
    RSM = "RSM"
    SPAT = "SPAT"
    RSI = "RSI"
    EXTENSION = "EXTENSION"
    """Behind the extension bit, and none of phase 2 below."""
    J2735 = "J2735"
    """Not ours: a frame of SAE J2735, whatever it holds."""
    ETSI = "ETSI"
    """Not ours: a message of ETSI ITS."""
    RTCM = "RTCM"
    RSC = "RSC"
    SSM = "SSM"
    VIR = "VIR"
    PAM = "PAM"
    PSM = "PSM"
    CLPMM = "CLPMM"


_ROOT = (MessageKind.BSM, MessageKind.MAP, MessageKind.RSM, MessageKind.SPAT, MessageKind.RSI)
_PHASE2 = {
    10: MessageKind.RTCM,
    11: MessageKind.RSC,
    12: MessageKind.SSM,
    13: MessageKind.VIR,
    14: MessageKind.PAM,
    15: MessageKind.PSM,
    16: MessageKind.CLPMM,
}
"""By messageId."""
_EXTENSION_FRAME = 0x80
"""The extension bit and the number 0: MessageFrameExt."""


def message_kind(message: bytes) -> MessageKind | None:
    """The kind of a UPER MessageFrame, or `None` if its first bits name no alternative."""
    if not message:
        return None
    first = message[0]
    if first <= _FOREIGN_MAX and message[:2] in BEGINS and (region := _region(message)):
        return region
    if first & 0x80:
        return _extension(message)
    index = first >> 4
    return _ROOT[index] if index < len(_ROOT) else None


def _extension(data: bytes) -> MessageKind:
    """The kind by messageId: behind one or two bytes of length, and the extension bit of the SEQUENCE."""
    begin = 2 if data[1:2] < b"\x80" else 3
    if data[0] != _EXTENSION_FRAME or len(data) < begin + 2:
        return MessageKind.EXTENSION
    return _PHASE2.get(int.from_bytes(data[begin : begin + 2], "big") & 0x7FFF, MessageKind.EXTENSION)


def _region(data: bytes) -> MessageKind | None:
    """Whose frame it is that begins as a BSM of ours would; what any profile of ours reads is ours."""
    found = foreign(data)
    if found is None:
        return None
    for profile in Profile:
        try:
            decode(data, profile)
        except DecodeError:
            continue
        return None
    return MessageKind.J2735 if found.family is Family.J2735 else MessageKind.ETSI


class Peek(Struct, frozen=True, gc=False):
    """The begin of a message, raw. What a kind does not have, or has further down, is `None`."""

    kind: MessageKind
    message_count: int | None = None
    """0 to 127."""
    id: bytes | None = None
    """8 byte; temporary for vehicles."""
    sec_mark_ms: int | None = None
    """In the minute; 60,000 and more: a leap second, or not known."""
    latitude_raw: int | None = None
    longitude_raw: int | None = None
    speed_raw: int | None = None
    heading_raw: int | None = None

    @property
    def latitude_deg(self) -> float | None:
        """WGS 84; `None`: not known."""
        return None if self.latitude_raw is None else _LATITUDE.value(self.latitude_raw)

    @property
    def longitude_deg(self) -> float | None:
        """WGS 84; `None`: not known."""
        return None if self.longitude_raw is None else _LONGITUDE.value(self.longitude_raw)

    @property
    def speed_mps(self) -> float | None:
        """`None`: not known."""
        return None if self.speed_raw is None else _SPEED.value(self.speed_raw)

    @property
    def heading_deg(self) -> float | None:
        """Clockwise from north; `None`: not known."""
        return None if self.heading_raw is None else _HEADING.value(self.heading_raw)


def peek(data: bytes) -> Peek:
    """Looks at a message.

    Raises: DecodeError: it is none, is cut off, or a field that was read is outside its range.
    """
    if not data or len(data) > MAX_MESSAGE_BYTES:
        raise DecodeError(f"message: {len(data)} bytes are none")
    try:
        if data[0] <= _FOREIGN_MAX and data[:2] in BEGINS and (region := _region(data)):
            return Peek(region)
        if data[0] < 16:  # noqa: PLR2004  # the four bits of a BSM
            return _bsm(data)
        return _other(data)
    except (ValueError, IndexError):
        raise DecodeError("message: it ends before its last field") from None


def _bsm(data: bytes) -> Peek:
    first, head = data[0], data[:_BSM_BYTES]
    v, p = int.from_bytes(head, "big"), 8 * len(head) - 99
    c = v >> p
    message_count, sender, sec_mark_ms = (c >> 80) & 127, ((c >> 16) & _BITS_64).to_bytes(8, "big"), c & 65535
    p -= 70 if first & 4 else 64  # behind the confidence of the time
    c = v >> p
    latitude, longitude = (c >> 32) & 0x7FFFFFFF, c & 0xFFFFFFFF
    p -= (16 if c >> 63 & 1 else 0) + (32 if first & 2 else 0)  # elevation, accuracy
    if first & 1:  # confidence, with or without that of the elevation
        p -= 9 if v >> (p - 1) & 1 else 5
    p -= 31
    c = v >> p
    heading = c & 32767
    if latitude > _LATITUDE_SPAN or longitude > _LONGITUDE_SPAN or heading > _HEADING_MAX:
        raise DecodeError("BSM: its position or heading is outside its range")
    return Peek(
        MessageKind.BSM,
        message_count,
        sender,
        sec_mark_ms,
        latitude + _LATITUDE_LOW,
        longitude + _LONGITUDE_LOW,
        (c >> 15) & 8191,
        heading,
    )


def _other(data: bytes) -> Peek:
    kind = message_kind(data)
    if kind is None:
        raise DecodeError("message: there is no such alternative")
    if data[0] & 0x80:
        return Peek(kind)
    head = data[:16]
    v, p = int.from_bytes(head, "big"), 8 * len(head)
    optional = {MessageKind.MAP: 1, MessageKind.RSM: 0, MessageKind.SPAT: 3, MessageKind.RSI: 3}[kind]
    p -= 4 + 1 + optional + 7
    message_count = (v >> p) & 127
    if kind is MessageKind.RSI and data[0] & _OPTIONAL_RSI_TIME:
        p -= 20
    if kind not in {MessageKind.RSM, MessageKind.RSI}:
        return Peek(kind, message_count)
    p -= 64
    return Peek(kind, message_count, ((v >> p) & _BITS_64).to_bytes(8, "big"))
