"""Which raw codes are no values: "not available", "error", out of range, declared invalid by a companion signal.

The rules, in the order they are asked; the first that speaks decides:

1. the value table names the code: `LABEL_REFUSALS` says whether the name means "no value"; any other name makes it one;
2. J1939 codes (`_J1939_CODES`), unsigned signals of J1939 messages only;
3. minimum and maximum of the database, if minimum < maximum, with half a step of tolerance for rounded bounds.

Besides, a one-bit companion signal that says "invalid" refuses the signals it governs, see `companions`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wayside_agent.core.signals import Message, Signal


class Refusal(StrEnum):
    """Why a raw code is no value."""

    NOT_AVAILABLE = "not-available"
    ERROR = "error"
    RESERVED = "reserved"
    INVALID = "invalid"
    OUT_OF_RANGE = "out-of-range"
    FLAGGED_INVALID = "flagged-invalid"
    NOT_A_NUMBER = "not-a-number"
    SHORT_FRAME = "short-frame"
    """The frame ended before the signal."""
    UNDEFINED_MULTIPLEXER = "undefined-multiplexer"
    """No signal belongs to the multiplexer's value; counted once per frame."""


# Whole names, lower case, words parted by one blank; of "a/b" and "a (remark)" each part is looked up.
LABEL_REFUSALS: Mapping[str, Refusal] = {
    "sna": Refusal.NOT_AVAILABLE,
    "signal not available": Refusal.NOT_AVAILABLE,
    "not available": Refusal.NOT_AVAILABLE,
    "notavailable": Refusal.NOT_AVAILABLE,
    "data not available": Refusal.NOT_AVAILABLE,
    "value not available": Refusal.NOT_AVAILABLE,
    "not avail": Refusal.NOT_AVAILABLE,
    "n a": Refusal.NOT_AVAILABLE,
    "na": Refusal.NOT_AVAILABLE,
    "unavailable": Refusal.NOT_AVAILABLE,
    "no data": Refusal.NOT_AVAILABLE,
    "invalid": Refusal.INVALID,
    "invalid value": Refusal.INVALID,
    "invalid data": Refusal.INVALID,
    "data invalid": Refusal.INVALID,
    "signal invalid": Refusal.INVALID,
    "not valid": Refusal.INVALID,
    "error": Refusal.ERROR,
    "signal error": Refusal.ERROR,
    "error indicator": Refusal.ERROR,
}

# A table with one of these names, or of a single bit, describes validity itself: its codes are values.
_VALIDITY_LABELS = frozenset({"valid", "data valid", "signal valid"})

# SAE J1939-71 table 1 (measured values, judged by the top byte) and table 2 (discrete values of 2 and 4 bits); other
# sizes are not in the standard, there only "all ones" is common. First code of each range, counted from the top code.
_J1939_DISCRETE: Mapping[int, tuple[tuple[int, Refusal], ...]] = {
    2: ((3, Refusal.NOT_AVAILABLE), (2, Refusal.ERROR)),
    4: ((15, Refusal.NOT_AVAILABLE), (14, Refusal.ERROR)),
}
_J1939_TOP_BYTES = ((0xFF, Refusal.NOT_AVAILABLE), (0xFE, Refusal.ERROR), (0xFB, Refusal.RESERVED))
_J1939_MAX_SIZE_BITS = 32  # longer ones are texts, identities and bit fields, not measured values


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Which raw codes of a signal are values."""

    low: float
    """Smallest code (for floats: physical value) that may be a value."""
    high: float
    refused: Mapping[int, Refusal]
    """By name."""
    named: frozenset[int]
    """Values by name, wherever they lie."""
    floors: tuple[tuple[int, Refusal], ...] = ()
    """J1939: codes from here to the one above, largest first."""

    @property
    def ceiling(self) -> float:
        """Largest code that is a value without being named."""
        return min(self.high, self.floors[-1][0] - 1) if self.floors else self.high

    def refusal(self, code: float) -> Refusal | None:
        """Why a code is no value; `None`: it is one."""
        if code != code or math.isinf(code):  # noqa: PLR0124 - the test for NaN
            return Refusal.NOT_A_NUMBER
        if code in self.refused:
            return self.refused[int(code)]
        if code in self.named:
            return None
        for floor, refusal in self.floors:
            if code >= floor:
                return refusal
        return None if self.low <= code <= self.high else Refusal.OUT_OF_RANGE


def acceptance(signal: Signal, *, is_j1939: bool) -> Acceptance:
    """The rules above, applied to one signal."""
    low, high = _bounds(signal)
    refused, named = _labels(signal)
    floors = () if not is_j1939 or signal.is_signed or signal.is_float else _floors(signal.size_bits)
    return Acceptance(low, high, refused, named, floors)


def _bounds(signal: Signal) -> tuple[float, float]:
    low, high = signal.minimum, signal.maximum
    natural = (-math.inf, math.inf) if signal.is_float else signal.natural_range()
    if low is None or high is None or not low < high or signal.scale == 0:
        return natural
    if signal.is_float:
        return low, high
    ends = sorted(((low - signal.offset) / signal.scale, (high - signal.offset) / signal.scale))
    if not all(map(math.isfinite, ends)):
        return natural
    return max(natural[0], math.ceil(ends[0] - 0.5)), min(natural[1], math.floor(ends[1] + 0.5))


def _labels(signal: Signal) -> tuple[dict[int, Refusal], frozenset[int]]:
    parts = {code: _parts(label) for code, label in signal.labels}
    is_validity = signal.size_bits == 1 or any(part in _VALIDITY_LABELS for names in parts.values() for part in names)
    refused: dict[int, Refusal] = {}
    for code, names in parts.items():
        found = next((LABEL_REFUSALS[name] for name in names if name in LABEL_REFUSALS), None)
        if found is not None and not is_validity:
            refused[code] = found
    return refused, frozenset(parts) - frozenset(refused)


def _parts(label: str) -> list[str]:
    whole = re.sub(r"[\s_.-]+", " ", label.lower()).strip()
    parts = re.split(r"[/,;()]", whole)
    return [whole.replace("/", " "), *(part.strip() for part in parts)]


def _floors(size_bits: int) -> tuple[tuple[int, Refusal], ...]:
    if size_bits == 1 or size_bits > _J1939_MAX_SIZE_BITS:
        return ()
    if size_bits % 8 == 0:
        return tuple((top << (size_bits - 8), refusal) for top, refusal in _J1939_TOP_BYTES)
    return _J1939_DISCRETE.get(size_bits, (((1 << size_bits) - 1, Refusal.NOT_AVAILABLE),))


@dataclass(frozen=True, slots=True)
class Companion:
    """A one-bit signal that says whether others are valid."""

    flag: Signal
    valid_code: int


_FLAG_NAMES = (
    re.compile(r"(?P<stem>.*[^_])_?Valid(?:ity)?\Z"),
    re.compile(r"(?P<stem>.*[^_])_(?:VALID|VALIDITY|valid|validity)\Z"),
    re.compile(r"Valid(?:ity)?_(?P<stem>.+)\Z"),
)


def companions(message: Message) -> Mapping[str, Companion]:
    """The validity flag of each signal that has one, by the signal's name.

    A flag is one bit, always present, and named `<Stem>Valid`, `<Stem>_VALIDITY` or `Validity_<Stem>`. It governs the
    signals whose names begin with its stem, the longest stem first; the only flag of a message, if named `<Stem>Valid`,
    governs all of it (`PositionValid` of canmod-gps.dbc: Latitude, Longitude). Code 0 is invalid unless the value
    table says otherwise.
    """
    flags = {stem: signal for signal in message.signals if (stem := _stem(signal)) is not None}
    if len(flags) == 1 and next(iter(flags.values())).name.endswith("Valid"):
        flags = {"": next(iter(flags.values()))}
    governed: dict[str, Companion] = {}
    for signal in message.signals:
        stems = [stem for stem in flags if signal.name.startswith(stem)]
        if stems and not _is_flag(signal, tuple(flags.values())):
            flag = flags[max(stems, key=len)]
            governed[signal.name] = Companion(flag, _valid_code(flag))
    return governed


def _is_flag(signal: Signal, flags: Sequence[Signal]) -> bool:
    return any(signal.name == flag.name for flag in flags)


def _stem(signal: Signal) -> str | None:
    if signal.size_bits != 1 or signal.is_signed or signal.multiplexer is not None:
        return None
    for pattern in _FLAG_NAMES:
        match = pattern.match(signal.name)
        if match and not match["stem"].endswith(("In", "_IN")):  # "...InValid" says the opposite
            return match["stem"]
    return None


def _valid_code(flag: Signal) -> int:
    labels = {code: " ".join(_parts(label)[:1]) for code, label in flag.labels}
    return 0 if labels.get(1) in LABEL_REFUSALS and labels.get(0) not in LABEL_REFUSALS else 1
