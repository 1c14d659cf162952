"""What the planner knows of a node, and what the node's word makes of it.

    state       hears of it               becomes
    unsettled   gone                      SKIPPED
    unsettled   ROLLED_BACK, FAILED       FAILED
    unsettled   COMMITTED                 SUCCEEDED, or FAILED when it runs something else
    unsettled   no word, runs it          SUCCEEDED      (whoever asked for it)
    IN_FLIGHT   nothing for too long      FAILED         (STAGED and heard of: it waits, and is not silent)
    SUCCEEDED   ROLLED_BACK, FAILED       FAILED         while the rollout runs

Unsettled is PENDING or IN_FLIGHT; everything else is for good. Who waits for its next try (`rollout_retries`) has had
its word counted.
Usage: `settled(node, facts, is_live=True, told_before=time)`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import RolloutNodeRecord, RolloutNodeState, RolloutPlan

BETWEEN = frozenset({UpdatePhase.SWITCHING, UpdatePhase.PROVISIONAL, UpdatePhase.REVERTING})
"""It has switched and must finish: it cannot be called back."""
UNSETTLED = frozenset({RolloutNodeState.PENDING, RolloutNodeState.IN_FLIGHT})
_REPORT_S = 60.0
"""For the word that a trial is over to come in."""
BROKEN_OFF = frozenset({UpdatePhase.ROLLED_BACK, UpdatePhase.FAILED})
CLOSING = BROKEN_OFF | {UpdatePhase.COMMITTED}
"""The last word a node has on what it was told."""
_IN_FLIGHT, _SUCCEEDED = RolloutNodeState.IN_FLIGHT, RolloutNodeState.SUCCEEDED
"""Asked of every node: to look up a member of an enumeration costs 0.1 us."""
_OVER = frozenset({RolloutNodeState.SUCCEEDED, RolloutNodeState.SKIPPED})


@dataclass(slots=True)  # not frozen: that makes one several times as dear, and a step makes one for every site
class NodeFacts:
    """What the planner looks at of a node beside its word on the rollout; nobody changes it."""

    is_gone: bool = False
    """Retired, revoked, moved to a tenant the rollout does not reach, or (dynamic, no turn yet) no longer selected."""
    is_heard: bool = True
    """Online or late: worth to be given its turn."""
    is_silent: bool = False
    """Nobody has heard it for as long as a node may take."""
    runs_target: bool = False
    """It says of itself, whoever asked for it, that it runs what this rollout brings."""
    is_between: bool = False
    """Its newest update or configuration trial, whichever asked for it, is under way."""
    is_busy: bool = False
    """In flight in another rollout."""
    is_penalised: bool = False
    site_id: str = ""
    """Empty: no site, so no corridor."""
    zone: tzinfo = UTC
    """Of its site, else of the plan."""


def patience_s(plan: RolloutPlan) -> float:
    """How long a node may take [s]; where a person must confirm, at least as long as the trial and its report."""
    if not plan.needs_confirmation:
        return plan.node_timeout_s
    return max(plan.node_timeout_s, plan.trial_timeout_s + _REPORT_S)


def settled(node: RolloutNodeRecord, facts: NodeFacts, *, is_live: bool, told_before: datetime) -> RolloutNodeState:
    """The state after the node's word. `is_live`: the rollout has not ended; `told_before`: too long ago."""
    state, phase = node.state, node.phase
    if state not in UNSETTLED:
        is_lost = is_live and state is _SUCCEEDED and phase in BROKEN_OFF
        return RolloutNodeState.FAILED if is_lost else state
    if facts.is_gone:
        return RolloutNodeState.SKIPPED
    if phase in CLOSING:
        if phase is UpdatePhase.COMMITTED and node.runs_target:
            return _SUCCEEDED
        if node.retry_time is None:
            return RolloutNodeState.FAILED
    if facts.runs_target and not facts.is_between and phase not in BETWEEN:
        return RolloutNodeState.SUCCEEDED
    is_late = state is _IN_FLIGHT and _is_late(node, facts, told_before)
    return RolloutNodeState.FAILED if is_late else state


def _is_late(node: RolloutNodeRecord, facts: NodeFacts, told_before: datetime) -> bool:
    since = node.resume_time or node.tell_time
    if since is None or since > told_before:
        return False
    return node.phase is not UpdatePhase.STAGED or facts.is_silent  # who says what it waits for is not late


def recalled(node: RolloutNodeRecord, state: RolloutNodeState, *, is_past_deadline: bool) -> RolloutNodeState:
    """The state once the rollout has ended: who has switched may finish until the deadline, others are called back."""
    if state not in UNSETTLED:
        return state
    may_finish = state is RolloutNodeState.IN_FLIGHT and node.phase in BETWEEN and not is_past_deadline
    return state if may_finish else RolloutNodeState.EXPIRED


def holds_site(node: RolloutNodeRecord, facts: NodeFacts, state: RolloutNodeState | None = None) -> bool:
    """Whether a node counts as in flight for the corridors: it may be down, or about to be.

    That is who is in flight, and who was told and then called back or given up without a word of its own, as long as
    nobody hears it or it says that it is between. `state`: the state to be, if not the node's.
    """
    state = state or node.state
    if state is RolloutNodeState.IN_FLIGHT:
        return True
    if node.tell_time is None or facts.is_gone or state in _OVER or node.phase in CLOSING:
        return False
    return facts.is_between or not facts.is_heard


def was_told(node: RolloutNodeRecord, state: RolloutNodeState) -> bool:
    """Whether a node counts among those told so far."""
    if state is RolloutNodeState.PENDING or state is RolloutNodeState.EXPIRED:
        return node.tell_time is not None
    return state is not RolloutNodeState.SKIPPED


def message_of(node: RolloutNodeRecord, state: RolloutNodeState, *, timeout_s: float, is_retried: bool = False) -> str:
    """Why a node becomes that, when it is not the node that says so. Empty: it is, or there is nothing to say."""
    if state is RolloutNodeState.SKIPPED:
        return "it was retired, revoked or moved, or is no longer selected"
    if state is RolloutNodeState.EXPIRED:
        return _why_expired(node)
    if not (state is RolloutNodeState.FAILED or is_retried) or node.phase in BROKEN_OFF:
        return ""
    if node.state is _SUCCEEDED or (node.phase is UpdatePhase.COMMITTED and node.runs_target):
        return "its wave failed: it goes back to what it ran before"
    if node.phase is UpdatePhase.COMMITTED:
        return "it says that it is done, but runs something else"
    return f"no word for {timeout_s:g} s that it is done"


def _why_expired(node: RolloutNodeRecord) -> str:
    if node.state is RolloutNodeState.IN_FLIGHT:
        return "the rollout ended before it was done"
    return "" if node.retry_time is None else "the rollout ended before it was tried again"
