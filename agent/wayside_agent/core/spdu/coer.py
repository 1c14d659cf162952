"""Reads COER with bounds: numbers, strings, lists, and what later revisions have added.

Source: ITU-T X.696 (Canonical OER).
"""

from collections.abc import Callable

_MAX_COUNT = 64
"""Of anything a certificate lists."""
_LONG = 0x80
_LENGTH_MAX_BYTES = 2
_NUMBER_MAX_BYTES = 4


class SpduError(ValueError):
    """Bytes are no envelope, or one with something in it that is not understood."""


def choice(number: int) -> int:
    """The tag of an alternative."""
    return 0x80 | number


class Reader:
    """Walks through some bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0
        """Of the next byte."""

    def since(self, begin: int) -> bytes:
        """What was read since a place."""
        return self._data[begin : self.at]

    def take(self, size_bytes: int) -> bytes:
        """So many bytes."""
        end = self.at + size_bytes
        if end > len(self._data):
            raise SpduError(f"it ends inside a value at byte {self.at}")
        found, self.at = self._data[self.at : end], end
        return found

    def finish(self) -> None:
        """Nothing may follow."""
        if self.at != len(self._data):
            raise SpduError(f"{len(self._data) - self.at} byte follow it")

    def byte(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def number(self, size_bytes: int) -> int:
        """A number of fixed size."""
        return int.from_bytes(self.take(size_bytes), "big")

    def expect(self, value: int, name: str) -> None:
        """A byte that must be there."""
        found = self.byte()
        if found != value:
            raise SpduError(f"{name} is {found}, not {value}")

    def length(self) -> int:
        """A length, written in the shortest way."""
        first = self.byte()
        if first < _LONG:
            return first
        size_bytes = first & ~_LONG
        if not 1 <= size_bytes <= _LENGTH_MAX_BYTES:
            raise SpduError("a length is longer than anything may be")
        found = self.number(size_bytes)
        if found < _LONG or found >> (8 * (size_bytes - 1)) == 0:
            raise SpduError("a length is not written in the shortest way")
        return found

    def octets(self) -> bytes:
        """A string with its length."""
        return self.take(self.length())

    def unsigned(self) -> int:
        """An INTEGER from 0 without an upper bound; such are AIDs."""
        content = self.octets()
        if not 1 <= len(content) <= _NUMBER_MAX_BYTES or (len(content) > 1 and content[0] == 0):
            raise SpduError("a number is empty, too long or not written in the shortest way")
        return int.from_bytes(content, "big")

    def signed(self) -> int:
        """An INTEGER without bounds; such are lengths of chains."""
        content = self.octets()
        if not 1 <= len(content) <= _NUMBER_MAX_BYTES:
            raise SpduError("a number is empty or too long")
        return int.from_bytes(content, "big", signed=True)

    def count(self) -> int:
        """How many entries a list has."""
        found = self.unsigned()
        if found > _MAX_COUNT:
            raise SpduError(f"a list has more than {_MAX_COUNT} entries")
        return found

    def each(self, read: Callable[[], object]) -> None:
        """Reads a list."""
        for _ in range(self.count()):
            read()

    def extensions(self) -> tuple[int, ...]:
        """Passes over what later revisions have added to a sequence; the numbers of what is there."""
        bits = self.octets()
        if len(bits) < 2 or bits[0] > 7:  # noqa: PLR2004  # unused bits, then a bit for each addition
            raise SpduError("a list of additions cannot be")
        present = tuple(number for number in range(8 * len(bits) - 8) if bits[1 + number // 8] & 0x80 >> number % 8)
        if len(present) > _MAX_COUNT:
            raise SpduError(f"a list has more than {_MAX_COUNT} entries")
        for _ in present:
            self.octets()
        return present
