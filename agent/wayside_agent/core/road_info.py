"""What the manager wants on the air, and where each of it stands now.

What has begun goes on while nobody knows the time, and what has not waits: a unit that lost its clock with its power
must neither silence the road nor begin early. An instant that is certainly over counts also then.
Usage: `standing(held, now_s, is_exact=True)`.
"""

from enum import StrEnum
from typing import NamedTuple

import msgspec

MAX_COUNT = 64
"""Broadcasts of a `BroadcastSet` that are wanted."""
MAX_TARGETS = 2 * MAX_COUNT
MAX_MESSAGE_BYTES = 16 * 1024
MAX_REASON_CHARS = 500
"""Of a `BroadcastReport`."""
_CLOCKLESS = "the unit does not know the time"


class State(StrEnum):
    """Where a broadcast stands; names as in `wayside.v1.BroadcastReport.State`."""

    ON_AIR = "ON_AIR"
    WAITING = "WAITING"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    ENDED = "ENDED"
    DRILLED = "DRILLED"


class Standing(NamedTuple):
    """A state, and why."""

    state: State
    reason: str = ""


class Held(msgspec.Struct, frozen=True):
    """A broadcast as the disk keeps it."""

    name: str
    """`broadcasts/{broadcast}`."""
    revision: int
    message: bytes
    """UPER."""
    profile: str
    begin_s: float | None
    """Seconds since 1970, as every time here; `None`: at once."""
    end_s: float | None
    """`None`: until it is wanted no more."""
    is_drill: bool
    has_begun: bool = False
    has_ended: bool = False
    end_reason: str = ""
    """Why it ended before its end; empty: it did not."""
    said: str = ""
    """State that was reported last; empty: none."""
    said_reason: str = ""

    @property
    def source(self) -> str:
        """From whom it is, for what repeats."""
        return f"manager/{self.name.removeprefix('broadcasts/')}"

    @property
    def wish(self) -> "Held":
        """What the manager wants, without what came of it; a revision alone does not tell: one may come twice.

        A manager that was restored from a backup, or that forgot a name and uses it again, counts from where it was.
        """
        return msgspec.structs.replace(self, has_begun=False, has_ended=False, end_reason="", said="", said_reason="")


def standing(held: Held, now_s: float, *, is_exact: bool) -> Standing:
    """Where a broadcast stands at a time; not exact: it is later than that, nobody knows by how much."""
    if held.has_ended or (held.end_s is not None and now_s >= held.end_s):
        return Standing(State.ENDED, held.end_reason)
    if held.is_drill:
        return Standing(State.DRILLED)
    if held.has_begun or held.begin_s is None or now_s >= held.begin_s:
        stays = "" if is_exact or held.end_s is None else f"{_CLOCKLESS}; it stays on the air until it does"
        return Standing(State.ON_AIR, stays)
    return Standing(State.WAITING, "" if is_exact else _CLOCKLESS)


def next_s(held: Held, now_s: float) -> float | None:
    """How long until it begins or ends [s]; `None`: neither is ahead."""
    if held.has_ended:
        return None
    ahead = [each - now_s for each in (held.begin_s, held.end_s) if each is not None and each > now_s]
    return min(ahead, default=None)
