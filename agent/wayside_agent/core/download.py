"""Rules of a download: how fast, how often it is reported, when it fits.

Usage: `ready_s = paced_until_s(ready_s, now_s, len(chunk), max_bytes_per_s)`; wait until then before the next chunk.
"""

from dataclasses import dataclass

REPORT_PERIOD_S = 1.0
REPORT_SHARE = 0.05
"""Progress is reported when it got this much further, and not more often than the period."""
RESERVE_BYTES = 16 * 1024 * 1024
"""Space a download leaves for spools and state."""

MIN_BYTES_PER_S = 512
"""A source that is slower is as good as away: a release of 10 MB would take five hours."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be fetched."""

    release: str
    """`releases/{version}`; of a delta, the one it leads to."""
    sha256: str
    size_bytes: int
    is_delta: bool = False
    room_bytes: int = 0
    """Space that is needed beside it, for what is made of it."""


def paced_until_s(ready_s: float, now_s: float, size_bytes: int, max_bytes_per_s: int) -> float:
    """When the next chunk may be asked for, on the clock of `now_s`; a rate of 0 is unlimited.

    Time not used is not saved up: after a pause there is no burst.
    """
    if max_bytes_per_s <= 0:
        return now_s
    return max(ready_s, now_s) + size_bytes / max_bytes_per_s


def is_drip(gained_bytes: int, waited_s: float) -> bool:
    """Whether a source brought so little in the time it was waited for that another is better."""
    return gained_bytes < waited_s * MIN_BYTES_PER_S


def is_report_due(done_bytes: int, total_bytes: int, *, reported_bytes: int, since_report_s: float) -> bool:
    """Whether progress is worth a report."""
    return since_report_s >= REPORT_PERIOD_S and done_bytes - reported_bytes >= total_bytes * REPORT_SHARE


def space_problem(*, missing_bytes: int, free_bytes: int) -> str:
    """Why the rest of a download does not fit, in one sentence; empty: it fits."""
    if free_bytes >= missing_bytes + RESERVE_BYTES:
        return ""
    return (
        f"disk: {missing_bytes // 1_000_000 + 1} MB are to be fetched and {RESERVE_BYTES // 1_000_000} MB kept free, "
        f"{free_bytes // 1_000_000} MB are free; free space and roll out again"
    )
