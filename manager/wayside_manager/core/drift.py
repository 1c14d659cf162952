"""Why a node runs something else than the layers ask for. Usage: `cause_of(desired, status)`; `None`: it does not."""

from collections.abc import Mapping

from wayside_manager.core.configs import DriftCause
from wayside_manager.core.nodes import DesiredRecord, NodeStatus
from wayside_manager.core.reports import ConfigOutcome

_ANSWERS: Mapping[str, DriftCause] = {
    ConfigOutcome.PROVISIONAL: DriftCause.PROVISIONAL,
    ConfigOutcome.REJECTED: DriftCause.REJECTED,
    ConfigOutcome.REVERTED: DriftCause.REVERTED,
}
_SENTENCES = {
    DriftCause.WAITING: "its turn has not come, or the rollout that would bring it has ended",
    DriftCause.TOLD: "it was told and has not answered",
    DriftCause.PROVISIONAL: "it runs it on trial",
    DriftCause.REJECTED: "it refused it; its report says why",
    DriftCause.REVERTED: "it tried it and went back; its report says why",
    DriftCause.CHANGED: "it ran what it was told, and now runs something else: it was changed on the unit",
    DriftCause.UNKNOWN: "it has never said what it runs",
}


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


def sentence_of(cause: DriftCause, problem: str = "") -> str:
    """The manager's sentence on a cause; the node's own says more."""
    return problem or _SENTENCES.get(cause, "")
