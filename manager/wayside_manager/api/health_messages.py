"""Health as units report it: from the message to facts within bounds.

A unit in trouble must be heard, so what is wrong in one check costs that check or that field, never the report; what is
malformed in a report's own fields is `api.report_messages`' affair.
Usage: `check_facts(message.checks)`, `autonomy(message.autonomy)`.
"""

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp

from wayside.v1 import health_pb2, node_pb2
from wayside_manager.core.node_health import CheckFacts, HealthState

CHECKS_MAX = 100  # as HealthReport.checks says
REASON_MAX_CHARS = 200  # as HealthCheck.reason says
UNIT_MAX_CHARS = 32
COUNT_MAX = 2**53  # of a counter; more is no count
NAME_MAX_CHARS = 80
_NAME = re.compile(r"[a-z0-9._-]{1,80}", re.ASCII)
_STATES = {
    health_pb2.HEALTH_STATE_DEGRADED: HealthState.DEGRADED,
    health_pb2.HEALTH_STATE_FAILED: HealthState.FAILED,
}
_START_REASONS = frozenset({"boot", "asked", "crash", "watchdog"})
_ENDS = (
    ("node_certificate_expire_time", "node certificate"),
    ("authority_expire_time", "authority"),
    ("revocation_list_expire_time", "revocation list"),
    ("metadata_expire_time", "release metadata"),
    ("signing_expire_time", "signing credential"),
)


def check_facts(messages: Iterable[health_pb2.HealthCheck]) -> tuple[CheckFacts, ...]:
    """The checks of a report in order: the first of each name, at most 100, those without a proper name left out.

    A state nobody set, or nobody here knows, is unknown. Of a check that is ok nothing but its name is kept.
    """
    taken: dict[str, CheckFacts] = {}
    for message in messages:
        if len(taken) == CHECKS_MAX:
            break
        name = message.name
        if name in taken or len(name) > NAME_MAX_CHARS or (well := _well(name)) is None:
            continue
        taken[name] = well if message.state == health_pb2.HEALTH_STATE_OK else _check(message)
    return tuple(taken.values())


@lru_cache(maxsize=4_096)
def _well(name: str) -> CheckFacts | None:
    """The check of this name when it is ok, made once: every unit says the same forty each half minute.

    `None`: it is no name of a check.
    """
    return CheckFacts(name, HealthState.OK) if _NAME.fullmatch(name) else None


def _check(message: health_pb2.HealthCheck) -> CheckFacts:
    state = _STATES.get(message.state, HealthState.UNKNOWN)
    has_value = message.HasField("value") and math.isfinite(message.value)
    return CheckFacts(
        name=message.name,
        state=state,
        reason=printable(message.reason, max_chars=REASON_MAX_CHARS),
        since_time=possible_time(message.since_time) if message.HasField("since_time") else None,
        value=message.value if has_value else None,
        unit=printable(message.unit, max_chars=UNIT_MAX_CHARS),
    )


def autonomy(message: node_pb2.AutonomyHealth) -> tuple[datetime | None, str]:
    """When the first of what the unit trusts by ends, and what that is; `None` and empty: it does not say."""
    ends = [
        (end, limit)
        for field, limit in _ENDS
        if message.HasField(field) and (end := possible_time(getattr(message, field))) is not None  # type: ignore[arg-type]  # names above
    ]
    return min(ends, default=(None, ""))


def start_count(message: node_pb2.SoftwareHealth) -> int | None:
    """Starts of the agent; `None`: the unit does not say, or counts impossibly."""
    return message.start_count if 1 <= message.start_count <= COUNT_MAX else None


def start_reason(message: node_pb2.SoftwareHealth) -> str:
    """Why the agent was started last; empty: not known."""
    return message.start_reason if message.start_reason in _START_REASONS else ""


def possible_time(stamp: Timestamp) -> datetime | None:
    """The time, if there is such a one and clocks can show it: from 1970 on."""
    try:
        return stamp.ToDatetime(tzinfo=UTC) if stamp.seconds >= 0 else None
    except (ValueError, OverflowError):
        return None


def printable(text: str, *, max_chars: int) -> str:
    """The beginning of a text, with a space for whatever does not print: lists and logs show it on one line."""
    cut = text[:max_chars]
    return cut if cut.isprintable() else "".join(each if each.isprintable() else " " for each in cut)
