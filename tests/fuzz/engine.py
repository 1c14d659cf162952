"""What a parser of hostile bytes must keep to, and a fast source of hostile bytes.

`checked(target, data)` runs one case and raises `CrashError` for anything but what the parser says it raises.
`Mutator` makes cases from good examples, tens of thousands a second, the same ones for the same seed.
"""

import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType

from wayside.errors import WaysideError

HANG_S = 5.0
SIZE_MAX_BYTES = 20_000
_EDGES = (0, 1, 0x7F, 0x80, 0xFE, 0xFF, 0x20, 0x0A, 0x22, 0x2C, 0x2F, 0x3D, 0x5B, 0x7B)
_NUMBERS = (b"0", b"-1", b"255", b"256", b"65536", b"2147483648", b"9223372036854775808", b"1e400", b"nan", b"-0.0")


@dataclass(frozen=True)
class Target:
    """One parser."""

    name: str
    parse: Callable[[bytes], object]
    """Takes the bytes as they come off the wire."""
    seeds: Callable[[], tuple[bytes, ...]]
    """Good examples."""
    allowed: tuple[type[Exception], ...] = ()
    """What it says it raises, beside `WaysideError`."""
    words: tuple[bytes, ...] = ()
    """What matters to its grammar."""


class CrashError(Exception):
    """A case that broke the rules."""

    def __init__(self, target: Target, data: bytes, what: str) -> None:
        super().__init__(f"{target.name}: {what}; the case: {data[:400]!r}{' …' if len(data) > 400 else ''}")
        self.target = target.name
        self.data = data


class HangError(Exception):
    """Raised inside a parser that takes too long."""


def checked(target: Target, data: bytes) -> None:
    """Runs one case.

    Raises: CrashError: another exception than those allowed, or longer than 5 s.
    """
    begin_s = time.monotonic()
    expected: tuple[type[Exception], ...] = (WaysideError, *target.allowed)
    try:
        target.parse(data)
    except expected:
        pass
    except HangError as exc:
        raise CrashError(target, data, f"longer than {HANG_S:g} s") from exc
    except Exception as exc:
        raise CrashError(target, data, f"{type(exc).__name__}: {exc}") from exc
    if time.monotonic() - begin_s > HANG_S:
        raise CrashError(target, data, f"longer than {HANG_S:g} s")


def _hung(_number: int, _frame: FrameType | None) -> None:
    raise HangError


def run(target: Target, cases: Callable[[], bytes], count: int) -> None:
    """Runs many cases in this process, each under a timer. Must be called from the main thread.

    Raises: CrashError: the first that broke the rules.
    """
    before = signal.signal(signal.SIGALRM, _hung)
    try:
        for _ in range(count):
            data = cases()
            signal.setitimer(signal.ITIMER_REAL, HANG_S)
            checked(target, data)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Mutator:
    """Makes cases by changing good ones."""

    def __init__(self, target: Target, seed: int) -> None:
        self._seeds = target.seeds()
        self._words = target.words + _NUMBERS
        self._random = random.Random(f"{target.name} {seed}")  # noqa: S311  # repeatable on purpose, no secret
        self._changes: Sequence[Callable[[bytearray], None]] = (
            self._flip,
            self._flip,
            self._edge,
            self._insert,
            self._delete,
            self._repeat,
            self._splice,
            self._word,
            self._word,
            self._truncate,
        )

    def __call__(self) -> bytes:
        """The next case."""
        dice = self._random
        if dice.random() < 0.03:
            return dice.randbytes(dice.randrange(0, 300))
        data = bytearray(dice.choice(self._seeds))
        for _ in range(dice.choice((0, 1, 1, 1, 2, 2, 3, 5, 9))):
            dice.choice(self._changes)(data)
        return bytes(data[:SIZE_MAX_BYTES])

    def _at(self, data: bytearray) -> int:
        return self._random.randrange(len(data) + 1)

    def _flip(self, data: bytearray) -> None:
        if data:
            data[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)

    def _edge(self, data: bytearray) -> None:
        if data:
            data[self._random.randrange(len(data))] = self._random.choice(_EDGES)

    def _insert(self, data: bytearray) -> None:
        at = self._at(data)
        data[at:at] = self._random.randbytes(self._random.choice((1, 1, 2, 4, 16)))

    def _delete(self, data: bytearray) -> None:
        at = self._at(data)
        del data[at : at + self._random.choice((1, 1, 2, 4, 16, 64))]

    def _repeat(self, data: bytearray) -> None:
        at, count = self._at(data), self._random.choice((2, 3, 10, 200))
        data[at:at] = data[at : at + self._random.choice((1, 4, 16))] * count

    def _splice(self, data: bytearray) -> None:
        other = self._random.choice(self._seeds)
        begin = self._random.randrange(len(other) + 1)
        at = self._at(data)
        data[at : at + self._random.choice((0, 8, 1000))] = other[begin : begin + 200]

    def _word(self, data: bytearray) -> None:
        at = self._at(data)
        data[at : at + self._random.choice((0, 0, 1, 4))] = self._random.choice(self._words)

    def _truncate(self, data: bytearray) -> None:
        del data[self._at(data) :]
