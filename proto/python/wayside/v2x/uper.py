"""Tools of the generated readers and writers: what is rare in a message (ITU-T X.691, unaligned packed encoding).

A reader holds the whole message as one number `v` and counts the bits that are left in `p`; a writer appends to a
number `a` that begins with a 1. Cutting below bit 0 raises ValueError: the message ends too early.
"""

from collections.abc import Callable
from typing import TypeVar

from wayside.errors import InvalidArgumentError

Value = TypeVar("Value")
MAX_MESSAGE_BYTES = 16_384
"""No message of ours is longer; the air carries 1,400 bytes of one (YD/T 3708)."""
_ASCII_MAX = 127


class DecodeError(InvalidArgumentError):
    """The bytes are no message of this profile; says which field is wrong."""


class EncodeError(InvalidArgumentError):
    """The message cannot be sent as it is; says which field is wrong."""


def out_of_range(label: str, value: object, low: int, high: int) -> EncodeError:
    """The error for a value outside its range."""
    return EncodeError(f"{label}: {value} is not between {low} and {high}")


def read_small(v: int, p: int) -> tuple[int, int]:
    """A normally small number, below 64: nobody extends a standard more often."""
    p -= 7
    value = (v >> p) & 127
    if value >= 64:  # noqa: PLR2004  # the first of the 7 bits
        raise DecodeError("extension: its number is too large")
    return value, p


def write_small(value: int, a: int, label: str) -> int:
    """Appends a normally small number."""
    if not 0 <= value < 64:  # noqa: PLR2004
        raise EncodeError(f"{label}: {value} is beyond what an extension can number")
    return a << 7 | value


def read_length(v: int, p: int) -> tuple[int, int]:
    """How many bytes or bits follow, up to 16,383."""
    p -= 8
    first = (v >> p) & 255
    if first < 128:  # noqa: PLR2004
        return first, p
    if first >= 192:  # noqa: PLR2004
        raise DecodeError("extension: it comes in fragments, and no message is that long")
    p -= 8
    return (v >> p) & 16383, p


def read_open(v: int, p: int) -> tuple[bytes, int]:
    """The bytes of an open type, or of an OCTET STRING without bounds."""
    count, p = read_length(v, p)
    p -= 8 * count
    return ((v >> p) & ((1 << 8 * count) - 1)).to_bytes(count, "big"), p


def write_open(value: bytes, a: int) -> int:
    """Appends an open type."""
    count = len(value)
    if count >= MAX_MESSAGE_BYTES:
        raise EncodeError(f"extension: {count} bytes are more than a message can hold")
    a = a << 8 | count if count < 128 else a << 16 | 32768 | count  # noqa: PLR2004
    return a << 8 * count | int.from_bytes(value, "big")


def read_text(v: int, p: int, count: int) -> tuple[str, int]:
    """An IA5String: seven bits a character."""
    p -= 7 * count
    packed = v >> p
    return bytes((packed >> 7 * place) & 127 for place in range(count - 1, -1, -1)).decode("ascii"), p


def write_text(text: str, a: int, label: str) -> int:
    """Appends an IA5String."""
    for letter in text:
        code = ord(letter)
        if code > _ASCII_MAX:
            raise EncodeError(f"{label}: {letter!r} is no ASCII letter")
        a = a << 7 | code
    return a


def read_longer_bits(v: int, p: int, size: int) -> tuple[int, int]:
    """A BIT STRING that is longer or shorter than we know: the bits we know, missing ones 0."""
    count, p = read_length(v, p)
    p -= count
    value = (v >> p) & ((1 << count) - 1)
    return value >> count - size if count >= size else value << size - count, p


def skip_additions(v: int, p: int) -> int:
    """Passes over the fields that came after the extension mark of a SEQUENCE."""
    last, p = read_small(v, p)
    count = last + 1
    p -= count
    for _ in range(((v >> p) & ((1 << count) - 1)).bit_count()):
        length, p = read_length(v, p)
        p -= 8 * length
    if p < 0:
        raise ValueError
    return p


def whole(a: int) -> bytes:
    """What was written, filled up with zeros to whole bytes; at least one."""
    bits = a.bit_length() - 1
    padding = -bits % 8 if bits else 8
    return ((a - (1 << bits)) << padding).to_bytes((bits + padding) // 8, "big")


def read_whole(data: bytes, read: Callable[[int, int], tuple[Value, int]]) -> Value:
    """One value that fills the bytes, but for fewer than 8 zero bits.

    Raises: DecodeError: it ends too early, something follows it, or a field is outside its range.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise DecodeError(f"message: {len(data)} bytes are more than {MAX_MESSAGE_BYTES}")
    v = int.from_bytes(data, "big")
    try:
        value, left = read(v, 8 * len(data))
    except (ValueError, OverflowError):
        raise DecodeError("message: it ends before its last field") from None
    if left >= 8 and (left != 8 or len(data) > 1):  # noqa: PLR2004
        raise DecodeError(f"message: {left // 8} bytes follow its end")
    if v & ((1 << left) - 1):
        raise DecodeError("message: the bits after its end are not zero")
    return value
