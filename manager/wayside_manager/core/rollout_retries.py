"""Nodes that are told a release once more before they count as failed: why they may be, and when.

    fault_of(phase, reason)                           what a node's last word says of its next try
    retried(rollout, nodes, states, now=now)          who waits for its next try from now on, and until when

A try counts when the node ends it with such a word, or is silent for too long without having switched. Only the last
one makes it fail, so thresholds count a node once. Pauses double.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import (
    ENDED,
    SECONDS_PER_DAY,
    Fault,
    RolloutNodeRecord,
    RolloutNodeState,
    RolloutPlan,
    RolloutRecord,
)
from wayside_manager.core.rollout_facts import BETWEEN, BROKEN_OFF, CLOSING, UNSETTLED

RETRY_PAUSE_MAX_S = SECONDS_PER_DAY
# words of `UpdateReport.reason` that units of this version and the one before say; all others are for good
PASSING = frozenset(
    {
        "UNAVAILABLE",
        "DEADLINE_EXCEEDED",
        "RESOURCE_EXHAUSTED",
        "DISK_FULL",
        "DEVICE",
        "DEVICE_ABSENT",
        "DEVICE_FAULT",
        "DEVICE_TIMEOUT",
        "TIME",
    }
)
GATE = frozenset({"GATE", "LAUNCHER"})


def fault_of(phase: UpdatePhase, reason: str) -> Fault:
    """What kind of end a word tells of; `NONE`: of no end, or of one that another try would not change."""
    if phase not in BROKEN_OFF:
        return Fault.NONE
    return Fault.PASSING if reason in PASSING else Fault.GATE if reason in GATE else Fault.NONE


def retried(
    rollout: RolloutRecord, nodes: Sequence[RolloutNodeRecord], states: list[RolloutNodeState], *, now: datetime
) -> Mapping[str, datetime]:
    """When nodes that would have failed now are told again. Their states become PENDING, in place."""
    plan = rollout.plan
    if not plan.retry_count or not rollout.version or rollout.state in ENDED:
        return {}
    found: dict[str, datetime] = {}
    for index, node in enumerate(nodes):
        if states[index] is RolloutNodeState.FAILED and node.state in UNSETTLED and _may_try_again(node, plan):
            states[index] = RolloutNodeState.PENDING
            found[node.node_id] = now + timedelta(seconds=pause_s(plan, node.attempt))
    return found


def pause_s(plan: RolloutPlan, attempt: int) -> float:
    """How long a node rests after the try with this number, from 0 [s]."""
    return float(min(RETRY_PAUSE_MAX_S, plan.retry_base_s * 2**attempt))


def _may_try_again(node: RolloutNodeRecord, plan: RolloutPlan) -> bool:
    if node.attempt >= plan.retry_count:
        return False
    if node.phase in CLOSING:
        return node.fault is Fault.PASSING or (node.fault is Fault.GATE and plan.retries_refused_by_gate)
    return node.phase not in BETWEEN  # it was silent; who has switched finishes by itself
