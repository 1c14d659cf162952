"""Reads COER from the front, with bounds: every byte may be hostile.

reader = Reader(data)
reader.choice(); reader.octets(8); reader.opaque()

Source: ITU-T X.696 (canonical octet encoding rules).
"""

from wayside.errors import InvalidArgumentError

MAX_BYTES = 8192
"""Longest envelope that is looked at: a DSM has 1,400 bytes, UDP framings of vendors a little more."""
MAX_ITEMS = 128
"""In any list of an envelope."""
_LONG, _CONTEXT, _CLASS, _MAX_TAG = 0x80, 0x80, 0xC0, 0x3E
_MAX_INTEGER_BYTES = 8


class SpduError(InvalidArgumentError):
    """Bytes that are no envelope or certificate, or one of a form that is not known here."""


class Reader:
    """A position in some bytes.

    Raises, in every method: SpduError: the bytes end, or are not canonical.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) > MAX_BYTES:
            raise SpduError(f"an envelope of {len(data)} byte is not looked at; {MAX_BYTES} is the most")
        self.data = data
        self.at = 0

    def octets(self, size: int) -> bytes:
        """So many bytes."""
        end = self.at + size
        if end > len(self.data):
            raise SpduError(f"it ends at byte {len(self.data)}, inside a field")
        taken, self.at = self.data[self.at : end], end
        return taken

    def unsigned(self, size: int) -> int:
        """A number of a fixed size [byte]."""
        return int.from_bytes(self.octets(size), "big")

    def signed(self, size: int) -> int:
        """A number of a fixed size [byte], two's complement."""
        return int.from_bytes(self.octets(size), "big", signed=True)

    def length(self) -> int:
        """A length determinant; one that could be shorter is refused, as COER is canonical."""
        first = self.unsigned(1)
        if not first & _LONG:
            return first
        size = first & 0x7F
        value = self.unsigned(size) if size in {1, 2} else 0
        if value < _LONG or value >> 8 * (size - 1) == 0:
            raise SpduError(f"byte {self.at}: the length is not canonical, or too long")
        return value

    def opaque(self) -> bytes:
        """Bytes behind their length: an octet string or an open type."""
        return self.octets(self.length())

    def integer(self) -> int:
        """A number from 0 without an upper bound; of 8 bytes at most here."""
        content = self.opaque()
        is_padded = len(content) > 1 and content[0] == 0
        if not content or is_padded or len(content) > _MAX_INTEGER_BYTES:
            raise SpduError(f"byte {self.at}: the number is not canonical, or too large")
        return int.from_bytes(content, "big")

    def count(self) -> int:
        """Of a list."""
        count = self.integer()
        if count > MAX_ITEMS:
            raise SpduError(f"byte {self.at}: a list of {count}; {MAX_ITEMS} is the most")
        return count

    def enumerated(self) -> int:
        """The number of a name; those of our types are all below 128."""
        value = self.unsigned(1)
        if value & _LONG:
            raise SpduError(f"byte {self.at}: no enumeration here has so many names")
        return value

    def choice(self) -> int:
        """The number of an alternative, 0 to 62."""
        tag = self.unsigned(1)
        if tag & _CLASS != _CONTEXT or tag & ~_CLASS > _MAX_TAG:
            raise SpduError(f"byte {self.at}: 0x{tag:02x} is no tag of an alternative")
        return tag & ~_CLASS

    def preamble(self, optional_count: int, *, extensible: bool = True) -> tuple[bool, list[bool]]:
        """Whether a sequence has additions, and which of its optional fields, in their order; 8 bits at most."""
        bits = self.unsigned(1)
        is_extended = extensible and bool(bits & _LONG)
        first = 6 if extensible else 7
        there = [bool(bits >> first - index & 1) for index in range(optional_count)]
        if bits & (1 << first + 1 - optional_count) - 1:
            raise SpduError(f"byte {self.at}: the bits that fill a preamble are not zero")
        return is_extended, there

    def additions(self) -> list[bytes | None]:
        """The values of a sequence's additions; `None` for one that is not there."""
        bitmap = self.opaque()
        if len(bitmap) < 2 or bitmap[0] > 7 or len(bitmap) > 1 + MAX_ITEMS // 8:  # noqa: PLR2004  # unused bits, then bits
            raise SpduError(f"byte {self.at}: the map of additions is not canonical")
        count = 8 * (len(bitmap) - 1) - bitmap[0]
        bits = int.from_bytes(bitmap[1:], "big") >> bitmap[0]
        return [self.opaque() if bits >> count - 1 - index & 1 else None for index in range(count)]

    def end(self) -> None:
        """Nothing may follow."""
        if self.at != len(self.data):
            raise SpduError(f"{len(self.data) - self.at} bytes follow its end")
