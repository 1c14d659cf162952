"""How much of a backlog goes out at once: what the line carries in about a second, so that nothing new waits long.

    size = PartSize()
    part = size.part(records)               # the first of them, at least one
    size = size.after(part, elapsed_s)      # once the other side has them

Begin anew with every connection: another line may carry less. No line can be made faster than its slowest record.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Protocol, TypeVar

FIRST_BYTES = 8 * 1024  # a second of 64 kbit/s
LEAST_BYTES = 256
MOST_BYTES = 256 * 1024  # a quarter of what a session of the manager holds before it stops reading
PART_S = 1.0  # half of the 2 s that live data may wait
GROW_BELOW_S = 0.6


class Sized(Protocol):
    """A record of some length."""

    @property
    def payload(self) -> bytes:
        """What takes its time on the line."""


R = TypeVar("R", bound=Sized)


@dataclass(frozen=True, slots=True)
class PartSize:
    """Of one connection."""

    size_bytes: int = FIRST_BYTES

    def part(self, records: Sequence[R]) -> Sequence[R]:
        """The first records of a backlog, as many as fit; at least one, if there is any."""
        totals = accumulate(len(record.payload) for record in records)
        return records[: max(1, sum(total <= self.size_bytes for total in totals))]

    def after(self, part: Sequence[Sized], elapsed_s: float) -> "PartSize":
        """The size of the next part, by how long the other side took to have this one [s]."""
        sent_bytes = sum(len(record.payload) for record in part)
        if elapsed_s > PART_S:
            fitting_bytes = int(min(sent_bytes, self.size_bytes) * PART_S / elapsed_s)
            return replace(self, size_bytes=max(LEAST_BYTES, fitting_bytes))
        if elapsed_s < GROW_BELOW_S and sent_bytes > self.size_bytes // 2:  # a part that is not full proves nothing
            return replace(self, size_bytes=min(MOST_BYTES, self.size_bytes * 2))
        return self
