"""Whether a node is heard from, judged against its own report period.

Right at the default rate: at one report each 30 s a healthy node never shows as late, because the bound
for "online" holds one period and its jitter. (A fixed 15 s bound against a 60 s heartbeat is what a peer got wrong.)
Reports alone count, not streams: a stream that breaks says only that the network did, and one that comes back at once
would flap; a unit that loses power leaves its stream open for minutes. At the default rates a node that dies is late
within 38.5 s and lost within two heartbeats of its last report.
Usage: `presence(now, last_report_time, report_period_s=30.0)`.
"""

from datetime import datetime
from enum import StrEnum

ONLINE_PERIODS = 1.25
"""Agents jitter a period by up to a tenth; the rest is network and batching."""
ONLINE_MARGIN_S = 1.0
"""At a period of 1 s a quarter of it is less than one slow round trip over a mobile network."""
LOST_PERIODS = 2.0
"""As in `wayside.v1.Presence`: two periods without a report."""


class Presence(StrEnum):
    """Whether a node is heard from; names as in `wayside.v1.Presence`."""

    NEVER_SEEN = "never_seen"
    ONLINE = "online"
    LATE = "late"
    LOST = "lost"


def online_limit_s(report_period_s: float) -> float:
    """Greatest age of the newest report of a node that is online [s]."""
    return report_period_s * ONLINE_PERIODS + ONLINE_MARGIN_S


def lost_limit_s(report_period_s: float) -> float:
    """Greatest age of the newest report of a node that is not lost [s]; never below the limit for online."""
    return max(report_period_s * LOST_PERIODS, online_limit_s(report_period_s))


def presence(now: datetime, last_report_time: datetime | None, *, report_period_s: float) -> Presence:
    """The presence of a node. A report from the future, after a clock was set back, counts as new."""
    if last_report_time is None:
        return Presence.NEVER_SEEN
    age_s = (now - last_report_time).total_seconds()
    if age_s <= online_limit_s(report_period_s):
        return Presence.ONLINE
    return Presence.LATE if age_s <= lost_limit_s(report_period_s) else Presence.LOST


def next_change_s(age_s: float, *, report_period_s: float) -> float | None:
    """Time until silence changes the presence [s]; `None`: it is lost and stays so."""
    for limit_s in (online_limit_s(report_period_s), lost_limit_s(report_period_s)):
        if age_s <= limit_s:
            return limit_s - age_s
    return None
