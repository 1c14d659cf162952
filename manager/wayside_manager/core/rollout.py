"""Rollouts: their records, and the table of what an operator may order when.

The planner that moves them on is `rollout_plan`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wayside.errors import FailedPreconditionError
from wayside_manager.core.access import ROOT_TENANT
from wayside_manager.core.nodes import UpdatePhase


class RolloutState(StrEnum):
    """Lifecycle of a rollout; names as in `wayside.v1.Rollout.State`."""

    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"


class RolloutNodeState(StrEnum):
    """Progress of one node; names as in `wayside.v1.RolloutNode.State`."""

    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    """The node was retired, revoked or moved meanwhile; FAILED on the wire, but no failure of the release."""


class RolloutOrder(StrEnum):
    """What an operator may say to a rollout."""

    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"


NEXT: dict[tuple[RolloutState, RolloutOrder], RolloutState] = {
    (RolloutState.RUNNING, RolloutOrder.PAUSE): RolloutState.PAUSED,
    (RolloutState.RUNNING, RolloutOrder.RESUME): RolloutState.RUNNING,
    (RolloutState.RUNNING, RolloutOrder.ABORT): RolloutState.ABORTED,
    (RolloutState.PAUSED, RolloutOrder.PAUSE): RolloutState.PAUSED,
    (RolloutState.PAUSED, RolloutOrder.RESUME): RolloutState.RUNNING,
    (RolloutState.PAUSED, RolloutOrder.ABORT): RolloutState.ABORTED,
    (RolloutState.ABORTED, RolloutOrder.ABORT): RolloutState.ABORTED,
}
ENDED = frozenset({RolloutState.SUCCEEDED, RolloutState.FAILED, RolloutState.ABORTED})


@dataclass(frozen=True, slots=True)
class RolloutNodeRecord:
    """One node of a rollout."""

    node_id: str
    state: RolloutNodeState = RolloutNodeState.PENDING
    phase: UpdatePhase = UpdatePhase.NONE
    """The node's newest word on this rollout."""
    running_release: str = ""
    """What it said in that word that it runs."""
    update_report: bytes = b""
    """That word: a serialized `wayside.v1.UpdateReport`. Empty: none yet."""


@dataclass(frozen=True, slots=True)
class RolloutRecord:
    """Who gets a release, how many at a time, and when to stop."""

    rollout_id: str
    version: str
    """Release to run."""
    max_in_flight_count: int
    max_failure_count: int
    create_time: datetime
    update_time: datetime
    state: RolloutState = RolloutState.RUNNING
    nodes: tuple[RolloutNodeRecord, ...] = ()
    """Sorted by node id."""
    message: str = ""
    """Why it stopped, in one sentence."""
    etag: str = ""
    tenant_id: str = ROOT_TENANT
    """It reaches nodes of this tenant and of those below it only."""


@dataclass(frozen=True, slots=True)
class RolloutSpec:
    """A rollout to create; bounds already checked."""

    rollout_id: str
    version: str
    node_ids: tuple[str, ...]
    max_in_flight_count: int = 1
    max_failure_count: int = 1
    request_id: str = ""
    """The same id again returns the same rollout."""
    tenant_id: str = ROOT_TENANT


def state_after(rollout_id: str, state: RolloutState, order: RolloutOrder) -> RolloutState:
    """The state after an operator's order.

    Raises: FailedPreconditionError: the rollout has ended.
    """
    try:
        return NEXT[state, order]
    except KeyError:
        raise FailedPreconditionError(
            f"rollout {rollout_id} has {state} and takes no more orders; start a new one", reason="ROLLOUT_ENDED"
        ) from None
