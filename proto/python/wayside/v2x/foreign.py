"""Frames of other regions among ours: SAE J2735 (US) and ETSI ITS (Europe), known by their begin.

    found = foreign(data)      # Foreign(family=Family.J2735, name="SPAT", frame=b"…"), or None

Their first bytes are also those of a Chinese BSM: ask only about what no profile of ours reads. A frame in the envelope
of IEEE 1609.2 is taken out of it; the signature is not looked at.
Source: SAE J2735 (MessageFrame, DSRCmsgID), ETSI TS 102 894-2 (ItsPduHeader), IEEE 1609.2 (COER), ITU-T X.691.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Family(StrEnum):
    """Whose messages."""

    J2735 = "j2735"
    ETSI = "etsi"


J2735_NAMES: Mapping[int, str] = {
    18: "MAP",
    19: "SPAT",
    20: "BSM",
    21: "CSR",
    22: "EVA",
    23: "ICA",
    24: "NMEA",
    25: "PDM",
    26: "PVD",
    27: "RSA",
    28: "RTCM",
    29: "SRM",
    30: "SSM",
    31: "TIM",
    32: "PSM",
    33: "RSM",
    41: "SDSM",
}
ETSI_NAMES: Mapping[int, str] = {
    1: "DENM",
    2: "CAM",
    3: "POI",
    4: "SPATEM",
    5: "MAPEM",
    6: "IVIM",
    9: "SREM",
    10: "SSEM",
    13: "RTCMEM",
    14: "CPM",
    16: "VAM",
}
_ETSI_VERSIONS = (1, 2)
_ETSI_HEADER_BYTES = 6
_ENVELOPE_VERSION, _UNSECURED, _SIGNED = 3, 0x80, 0x81
_HAS_DATA = 0x40
_LONG = 0x80
_LONG_MAX = 0xBF
BEGINS = frozenset(
    [
        *(bytes((0, number)) for number in J2735_NAMES),
        *(bytes((version, number)) for version in _ETSI_VERSIONS for number in ETSI_NAMES),
        bytes((_ENVELOPE_VERSION, _UNSECURED)),
        bytes((_ENVELOPE_VERSION, _SIGNED)),
    ]
)
"""The first two bytes of all that `foreign` knows."""


class Foreign(NamedTuple):
    """A frame that is not ours."""

    family: Family
    name: str
    """Of its kind, as its standard calls it."""
    frame: bytes
    """Without envelope."""
    body: bytes
    """What stands behind the header of a J2735 frame; of ETSI, the whole frame."""


def foreign(data: bytes) -> Foreign | None:
    """The frame that some bytes are, or hold; `None`: none of a kind that is known."""
    inner = _unwrapped(data)
    if inner is not None:
        return _j2735(inner, is_whole=False)
    return _j2735(data, is_whole=True) or _etsi(data)


def _unwrapped(data: bytes) -> bytes | None:
    """What an envelope holds, and maybe more behind it."""
    if data[:2] == bytes((_ENVELOPE_VERSION, _SIGNED)) and len(data) > 4 and data[3] & _HAS_DATA:  # noqa: PLR2004
        data = data[4:]
    if data[:2] != bytes((_ENVELOPE_VERSION, _UNSECURED)) or len(data) < 4:  # noqa: PLR2004
        return None
    size_of_length = 1 + (data[2] & 0x7F if data[2] & _LONG else 0)
    return data[2 + size_of_length :]


def _j2735(data: bytes, *, is_whole: bool) -> Foreign | None:
    """An extension bit of 0, 15 bits of the kind, and an open type whose length fits."""
    name = J2735_NAMES.get(int.from_bytes(data[:2], "big"))
    if name is None or len(data) < 4:  # noqa: PLR2004
        return None
    begin, size_bytes = 3, data[2]
    if _LONG <= size_bytes <= _LONG_MAX:
        begin, size_bytes = 4, int.from_bytes(data[2:4], "big") & 0x3FFF
    end = begin + size_bytes
    if data[2] > _LONG_MAX or not size_bytes or end > len(data) or (is_whole and end != len(data)):
        return None
    return Foreign(Family.J2735, name, data[:end], data[begin:end])


def _etsi(data: bytes) -> Foreign | None:
    """Protocol version, kind and station, a byte, a byte and four."""
    if len(data) <= _ETSI_HEADER_BYTES or data[0] not in _ETSI_VERSIONS or data[1] not in ETSI_NAMES:
        return None
    return Foreign(Family.ETSI, ETSI_NAMES[data[1]], data, data)
