"""Starts of the agent: how many, how many nobody asked for, and why the newest was.

    starts, start = started(before, End("watchdog"), boot_id="...", utc_s=1_790_000_000.0)

A start is asked for if the agent before it ended on a word: a stop, a switch of releases. Else it was ended: by a bug,
the kernel, a watchdog, or with the whole computer.
Times are seconds since 1970 as the system clock tells them at the start. One that is not set yet hides no start, and
one that was ahead makes none count for ever: what lies over a day ahead of a clock that is set came from such a one.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

DAY_S = 86_400.0
CLOCK_SET_S = 1_767_225_600.0
"""2026-01-01: a clock that tells less than when this was written was never set."""
_KEPT = 100
"""Unasked starts whose times are kept: a day with more is bad enough."""


class StartReason(StrEnum):
    """Why the agent was started, as in `wayside.v1.SoftwareHealth`."""

    UNKNOWN = ""
    BOOT = "boot"
    ASKED = "asked"
    CRASH = "crash"
    WATCHDOG = "watchdog"


@dataclass(frozen=True, slots=True)
class Starts:
    """What the disk keeps."""

    boot_id: str = ""
    """Of the computer, when the agent was started last."""
    start_count: int = 0
    unasked_count: int = 0
    unasked_times_s: tuple[float, ...] = ()
    """Of the newest, in their order."""
    ended: bool = False
    """The agent has ended because it was asked to."""


@dataclass(frozen=True, slots=True)
class Start:
    """The newest start."""

    reason: StartReason = StartReason.UNKNOWN
    time_s: float = 0.0
    starts: Starts = field(default_factory=Starts)

    def unasked_per_day(self, utc_s: float) -> float | None:
        """Unasked starts of the last day [1/d]; `None`: nobody counts."""
        if self.reason is StartReason.UNKNOWN:
            return None
        is_set = utc_s >= CLOCK_SET_S
        ages_s = (utc_s - time_s for time_s in self.starts.unasked_times_s)
        return float(sum(age_s < DAY_S and (age_s > -DAY_S or not is_set) for age_s in ages_s))


def started(before: Starts | None, result: str, *, boot_id: str, utc_s: float) -> tuple[Starts, Start]:
    """What the disk keeps from now on, and the start that it is.

    Args:
        before: What it kept; `None`: this is the first start.
        result: What systemd said of the end before (`SERVICE_RESULT`); empty: nothing.
        boot_id: Of the computer, now.
        utc_s: Now, seconds since 1970.
    """
    held = before or Starts(boot_id=boot_id, ended=True)
    was_asked = held.ended or (result == "success" and held.boot_id == boot_id)
    told_s = utc_s if utc_s >= CLOCK_SET_S else max((utc_s, *held.unasked_times_s[-1:]))
    times_s = held.unasked_times_s if was_asked else (*held.unasked_times_s, told_s)[-_KEPT:]
    starts = Starts(boot_id, held.start_count + 1, held.unasked_count + (not was_asked), times_s)
    return starts, Start(_reason(held, result, boot_id, was_asked=was_asked), utc_s, starts)


def ended(starts: Starts) -> Starts:
    """What the disk keeps once the agent has ended as it was asked to."""
    return replace(starts, ended=True)


def _reason(held: Starts, result: str, boot_id: str, *, was_asked: bool) -> StartReason:
    if held.boot_id != boot_id:
        return StartReason.BOOT
    if was_asked:
        return StartReason.ASKED
    return StartReason.WATCHDOG if result == "watchdog" else StartReason.CRASH
