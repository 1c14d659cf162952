"""Ids that must come on a CAN bus, and which of them have not come in their time.

    watch = ExpectedIds({can_id("0C9"): 0.5}, mono_s=10.0)
    watch.take(batch, mono_s=10.1)
    watch.silent(mono_s=11.0)       # (0x0C9,)

A batch costs a look at its ids and no more; a bus on which nothing is expected costs nothing.
"""

from collections.abc import Mapping

from wayside_agent.core.frames import EXTENDED_FLAG, EXTENDED_MASK, FrameBatch

_STANDARD_DIGITS = 3
_ID_SIZE_BYTES = 4


class ExpectedIds:
    """What is expected on one bus."""

    def __init__(self, longest_s: Mapping[int, float], mono_s: float) -> None:
        """Begins now: an id has its whole time before it is missed.

        Args:
            longest_s: Longest silence by id, with its flag bits [s].
            mono_s: A steady clock.
        """
        self._longest_s = dict(longest_s)
        self._seen_mono_s = dict.fromkeys(longest_s, mono_s)

    def __len__(self) -> int:
        """Ids that are expected."""
        return len(self._longest_s)

    def begin(self, mono_s: float) -> None:
        """The bus was opened: what did not come while it was closed is no silence of the sender."""
        self._seen_mono_s = dict.fromkeys(self._longest_s, mono_s)

    def take(self, batch: FrameBatch, mono_s: float) -> None:
        """Notes which of them came."""
        ids = memoryview(batch.raw).cast("I")[:: batch.size_bytes // _ID_SIZE_BYTES].tolist()
        for found in self._longest_s.keys() & ids:
            self._seen_mono_s[found] = mono_s

    def silent(self, mono_s: float) -> tuple[int, ...]:
        """Those that are overdue, in rising order, without flag bits."""
        overdue = [each for each, s in self._longest_s.items() if mono_s - self._seen_mono_s[each] > s]
        return tuple(sorted(each & EXTENDED_MASK for each in overdue))


def can_id(digits: str) -> int:
    """The id, with its flag bit, of 3 hexadecimal digits (11 bits) or 8 (29 bits), as candump writes it."""
    value = int(digits, 16)
    return value if len(digits) == _STANDARD_DIGITS else value | EXTENDED_FLAG
