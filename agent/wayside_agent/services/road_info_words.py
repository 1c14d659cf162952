"""Broadcasts between the wire and the unit. Whatever is malformed becomes a refusal that says so, not an error.

Usage: `targets(desired_state)`; `None`: the manager says nothing of them. `report(name, 3, Standing(...), utc_s)` back.
"""

import re
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from wayside.v1 import broadcast_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.road_info import MAX_MESSAGE_BYTES, MAX_REASON_CHARS, MAX_TARGETS, Held, Standing
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND

_NAME = re.compile(r"broadcasts/[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True)
class Targets:
    """What the manager wants, by name."""

    wanted: dict[str, Held]
    withdrawn: dict[str, int]
    """Revision to answer for."""
    malformed: dict[str, tuple[int, str]]
    """Revision, and what is wrong."""
    unheard: set[str]
    """Of what is wanted, that of which the manager has no word."""


def targets(state: wire.DesiredState) -> Targets | None:
    """What the manager wants; `None`: it does not say, as older ones do not, and nothing changes."""
    if not state.HasField("broadcasts"):
        return None
    found = Targets({}, {}, {}, set())
    for each in state.broadcasts.broadcasts[:MAX_TARGETS]:
        if not _NAME.match(each.broadcast):
            continue
        if each.is_withdrawn:
            found.withdrawn[each.broadcast] = each.revision
        elif not 0 < len(each.message) <= MAX_MESSAGE_BYTES:
            why = f"message: {len(each.message)} bytes; 1 to {MAX_MESSAGE_BYTES} can be kept"
            found.malformed[each.broadcast] = each.revision, why
        else:
            found.wanted[each.broadcast] = _held(each)
            if each.is_unheard:
                found.unheard.add(each.broadcast)
    return found


def report(name: str, revision: int, standing: Standing, utc_s: float | None) -> wire.Report:
    """Word on a broadcast."""
    word = broadcast_pb2.BroadcastReport(
        broadcast=name,
        revision=revision,
        state=broadcast_pb2.BroadcastReport.State.Value(f"STATE_{standing.state}"),
        reason=standing.reason[:MAX_REASON_CHARS],
    )
    if utc_s is not None:
        word.time.FromMilliseconds(round(utc_s * 1000))
    return wire.Report(broadcast=word)


def _held(target: wire.BroadcastTarget) -> Held:
    return Held(
        name=target.broadcast,
        revision=target.revision,
        message=target.message,
        profile=target.profile,
        begin_s=_seconds(target.begin_time) if target.HasField("begin_time") else None,
        end_s=_seconds(target.end_time) if target.HasField("end_time") else None,
        is_drill=target.is_drill,
    )


def _seconds(stamp: Timestamp) -> float:
    return stamp.seconds + stamp.nanos / NANOSECONDS_PER_SECOND
