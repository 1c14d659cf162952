"""What a rollout does next, from what is known of its nodes.

    node      hears of it           becomes
    any       retired               SKIPPED
    any       COMMITTED, runs it    SUCCEEDED      COMMITTED but runs another: FAILED
    any       ROLLED_BACK, FAILED   FAILED
    any       no word, runs it      SUCCEEDED      (it ran the release before its turn)
    PENDING   -                     IN_FLIGHT      while RUNNING, in service, heard from, and there is room
    IN_FLIGHT not switched yet      PENDING        when the rollout has ended: it keeps what it runs

A node between the old and the new release keeps its place, heard from or not. An ended rollout hands out nothing and
only settles those. Usage: `step = next_step(rollout, facts)`; an empty step means there is nothing to write.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import ENDED, RolloutNodeRecord, RolloutNodeState, RolloutRecord, RolloutState

_UNSETTLED = frozenset({RolloutNodeState.PENDING, RolloutNodeState.IN_FLIGHT})
_BROKEN_OFF = frozenset({UpdatePhase.ROLLED_BACK, UpdatePhase.FAILED})
_BETWEEN = frozenset({UpdatePhase.SWITCHING, UpdatePhase.PROVISIONAL})
_NAMED_COUNT = 5
"""Failed nodes a message names: enough to look, short enough to read."""
_SILENT = frozenset({UpdatePhase.NONE, UpdatePhase.IDLE})


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What the planner looks at of a node beside its word on the rollout."""

    is_gone: bool = False
    """Retired, revoked, or moved to a tenant the rollout does not reach: it gets nothing from it any more."""
    is_heard: bool = True
    """Online or late: worth to be given its turn."""
    running_release: str = ""
    phase: UpdatePhase = UpdatePhase.NONE
    """Of its newest update, whichever rollout asked for it."""


@dataclass(frozen=True, slots=True)
class RolloutStep:
    """Changes to write in one transaction."""

    state: RolloutState
    message: str
    node_states: Mapping[str, RolloutNodeState]
    """Only nodes that change."""
    assigned_node_ids: tuple[str, ...] = ()
    """Nodes that shall run the release from now on."""
    withdrawn_node_ids: tuple[str, ...] = ()
    """Nodes that shall run what they were told before."""

    def changes(self, rollout: RolloutRecord) -> bool:
        """Whether there is anything to write."""
        return bool(self.node_states) or (self.state, self.message) != (rollout.state, rollout.message)


def next_step(rollout: RolloutRecord, facts: Mapping[str, NodeFacts]) -> RolloutStep:
    """What to do now. Applying it and asking again with the same facts changes nothing more."""
    after = [replace(node, state=_settled(rollout, node, facts[node.node_id])) for node in rollout.nodes]
    state, message = _ended(rollout, after)
    if state is RolloutState.RUNNING:
        after = _handed_out(rollout, after, facts)
    elif state in ENDED:
        after = [_recalled(node) for node in after]
    return _difference(rollout, after, state, message)


def _settled(rollout: RolloutRecord, node: RolloutNodeRecord, facts: NodeFacts) -> RolloutNodeState:
    if node.state not in _UNSETTLED or (rollout.state in ENDED and node.state is RolloutNodeState.PENDING):
        return node.state
    if facts.is_gone:
        return RolloutNodeState.SKIPPED
    if node.phase in _BROKEN_OFF:
        return RolloutNodeState.FAILED
    if node.phase is UpdatePhase.COMMITTED:
        runs_it = node.running_release == rollout.version
        return RolloutNodeState.SUCCEEDED if runs_it else RolloutNodeState.FAILED
    runs_already = node.phase in _SILENT and facts.running_release == rollout.version and facts.phase not in _BETWEEN
    return RolloutNodeState.SUCCEEDED if runs_already else node.state


def _ended(rollout: RolloutRecord, nodes: list[RolloutNodeRecord]) -> tuple[RolloutState, str]:
    if rollout.state in ENDED:
        return rollout.state, rollout.message
    failed = [node.node_id for node in nodes if node.state is RolloutNodeState.FAILED]
    is_done = not any(node.state in _UNSETTLED for node in nodes)
    if len(failed) >= rollout.max_failure_count or (is_done and failed):
        named = ", ".join(failed[:_NAMED_COUNT]) + (", ..." if len(failed) > _NAMED_COUNT else "")
        return RolloutState.FAILED, f"{len(failed)} of {len(nodes)} nodes could not run {rollout.version}: {named}"
    if is_done:
        skipped_count = sum(node.state is RolloutNodeState.SKIPPED for node in nodes)
        return (
            RolloutState.SUCCEEDED,
            f"{skipped_count} nodes were retired, revoked or moved meanwhile" if skipped_count else "",
        )
    return rollout.state, rollout.message


def _handed_out(
    rollout: RolloutRecord, nodes: list[RolloutNodeRecord], facts: Mapping[str, NodeFacts]
) -> list[RolloutNodeRecord]:
    room = rollout.max_in_flight_count - sum(node.state is RolloutNodeState.IN_FLIGHT for node in nodes)
    after = []
    for node in nodes:
        if room > 0 and node.state is RolloutNodeState.PENDING and facts[node.node_id].is_heard:
            after.append(replace(node, state=RolloutNodeState.IN_FLIGHT))
            room -= 1
        else:
            after.append(node)
    return after


def _recalled(node: RolloutNodeRecord) -> RolloutNodeRecord:
    """The node back in the queue, unless it has switched and must finish."""
    if node.state is RolloutNodeState.IN_FLIGHT and node.phase not in _BETWEEN:
        return replace(node, state=RolloutNodeState.PENDING)
    return node


def _difference(
    rollout: RolloutRecord, after: list[RolloutNodeRecord], state: RolloutState, message: str
) -> RolloutStep:
    before = {node.node_id: node.state for node in rollout.nodes}
    changed = {node.node_id: node.state for node in after if node.state is not before[node.node_id]}
    was_in_flight = {node_id for node_id in changed if before[node_id] is RolloutNodeState.IN_FLIGHT}
    shall_run = {RolloutNodeState.IN_FLIGHT, RolloutNodeState.SUCCEEDED}
    return RolloutStep(
        state=state,
        message=message,
        node_states=changed,
        assigned_node_ids=tuple(n for n, to in changed.items() if to in shall_run and n not in was_in_flight),
        withdrawn_node_ids=tuple(n for n, to in changed.items() if to not in shall_run and n in was_in_flight),
    )
