"""Why a node runs something else than the layers ask for. Usage: `cause_of(desired, status)`; `None`: it does not."""

from collections.abc import Mapping
from dataclasses import dataclass

from wayside_manager.core.configs import DriftCause
from wayside_manager.core.nodes import DesiredRecord, NodeStatus, UpdatePhase
from wayside_manager.core.reports import ConfigOutcome
from wayside_manager.core.rollout import ENDED, RolloutNodeState, RolloutState

_ANSWERS: Mapping[str, DriftCause] = {
    ConfigOutcome.PROVISIONAL: DriftCause.PROVISIONAL,
    ConfigOutcome.REJECTED: DriftCause.REJECTED,
    ConfigOutcome.REVERTED: DriftCause.REVERTED,
}
_REFUSALS: Mapping[UpdatePhase, DriftCause] = {
    UpdatePhase.ROLLED_BACK: DriftCause.REVERTED,
    UpdatePhase.FAILED: DriftCause.REJECTED,
}
_ENDS: Mapping[RolloutState, str] = {
    RolloutState.ABORTED: "was aborted",
    RolloutState.FAILED: "failed",
    RolloutState.SUCCEEDED: "ended",
}
_SENTENCES = {
    DriftCause.WAITING: "no rollout brings it; apply it again",
    DriftCause.TOLD: "it was told and has not answered",
    DriftCause.PROVISIONAL: "it runs it on trial",
    DriftCause.REJECTED: "it refused it; its report says why",
    DriftCause.REVERTED: "it tried it and went back; its report says why",
    DriftCause.CHANGED: "it ran what it was told, and now runs something else: it was changed on the unit",
    DriftCause.UNKNOWN: "it has never said what it runs",
}


@dataclass(frozen=True, slots=True)
class Try:
    """How far the newest rollout of what a node should run came with it."""

    rollout_id: str
    rollout_state: RolloutState
    node_state: RolloutNodeState
    phase: UpdatePhase
    message: str


def cause_of(desired: DesiredRecord, status: NodeStatus) -> DriftCause | None:
    """The first of these that holds.

    The layers make nothing it could run; it never said what it runs; it said that it runs what it was told, and now
    runs something else; what it was told is not what the layers ask for; what it answered to what it was told, if it
    did. A node that no layer ever reached runs what it likes, and so does not drift.
    """
    if desired.config_problem:
        return DriftCause.INVALID
    if desired.target_config_revision == 0:
        return None
    if not status.running_config_sha256:
        return DriftCause.UNKNOWN
    # its word on the very trial it was told
    answer = status.config_outcome if desired.config_revision and status.config_trial == desired.config_trial else ""
    if status.running_config_sha256 == desired.target_config_sha256:
        return DriftCause.PROVISIONAL if answer == ConfigOutcome.PROVISIONAL else None
    return _cause_of_other(desired, status.running_config_sha256, answer)


def _cause_of_other(desired: DesiredRecord, running_sha256: str, answer: str) -> DriftCause:
    if answer == ConfigOutcome.APPLIED and running_sha256 != desired.config_sha256:
        return DriftCause.CHANGED
    if desired.config_sha256 != desired.target_config_sha256:
        return DriftCause.WAITING
    return _ANSWERS.get(answer, DriftCause.TOLD)


def cause_after(tried: Try) -> tuple[DriftCause, str]:
    """Why a node that is told something else than it should run is so, and the sentence on it.

    Who refused it, went back from it or said nothing was told its former configuration again; that stays the cause
    until somebody applies or retries. The rest waits.
    """
    if tried.node_state is RolloutNodeState.FAILED:
        cause = _REFUSALS.get(tried.phase, DriftCause.TOLD)
        return cause, tried.message or sentence_of(cause)
    name = f"rollout {tried.rollout_id}"
    if tried.node_state is RolloutNodeState.SKIPPED:
        return DriftCause.WAITING, f"it left {name}: {tried.message}; apply or retry"
    if tried.rollout_state in ENDED:
        return DriftCause.WAITING, f"{name} {_ENDS[tried.rollout_state]} before its turn came; apply or retry"
    paused = ", which is paused" if tried.rollout_state is RolloutState.PAUSED else ""
    return DriftCause.WAITING, f"its turn has not come in {name}{paused}"


def sentence_of(cause: DriftCause, problem: str = "") -> str:
    """The manager's sentence on a cause; the node's own says more."""
    return problem or _SENTENCES.get(cause, "")
