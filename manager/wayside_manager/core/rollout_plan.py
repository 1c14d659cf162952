"""What a rollout does next, from what is known of its nodes and of the roads they stand on. No clock, no I/O.

In this order: what nodes said settles them (`rollout_facts`), or has them tried again (`rollout_retries`); thresholds,
gates and the deadline say whether it goes on (`rollout_verdict`, `rollout_waves`); then it tells who may be told
(`rollout_turns`, `rollout_roads`, `windows`), or, when it has ended, calls back who has not switched. Abort, failure
and deadline end it in the same way, whatever it was doing.
Usage: `step = next_step(rollout, nodes, facts, roads, now=now)`; an empty step means there is nothing to write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from wayside_manager.core.rollout import (
    ENDED,
    RolloutNodeRecord,
    RolloutNodeState,
    RolloutRecord,
    RolloutState,
    WaitReason,
    WaveTimes,
)
from wayside_manager.core.rollout_facts import BETWEEN, NodeFacts, message_of, patience_s, recalled, settled
from wayside_manager.core.rollout_retries import retried
from wayside_manager.core.rollout_reversal import last_begun, reverses, taken_back
from wayside_manager.core.rollout_roads import Road, Roads
from wayside_manager.core.rollout_turns import Turns
from wayside_manager.core.rollout_verdict import Verdict, judged
from wayside_manager.core.windows import open_until

__all__ = ["NodeFacts", "Road", "Roads", "RolloutStep", "next_step"]

_SHALL_RUN = frozenset({RolloutNodeState.IN_FLIGHT, RolloutNodeState.SUCCEEDED})
_GIVEN_UP = frozenset({RolloutNodeState.FAILED, RolloutNodeState.EXPIRED})


@dataclass(frozen=True, slots=True)
class RolloutStep:
    """Changes to write in one transaction."""

    state: RolloutState
    message: str
    waves: tuple[WaveTimes, ...]
    node_states: Mapping[str, RolloutNodeState]
    """Only nodes that change."""
    node_messages: Mapping[str, str] = field(default_factory=dict)
    """Why they failed or were skipped, when the planner says so and not the node."""
    assigned_node_ids: tuple[str, ...] = ()
    """Nodes that shall run it from now on."""
    withdrawn_node_ids: tuple[str, ...] = ()
    """Nodes that shall run what they were told before."""
    window_ends: Mapping[str, datetime] = field(default_factory=dict)
    """Of nodes that are told a release in a window: when it closes."""
    retry_times: Mapping[str, datetime] = field(default_factory=dict)
    """Nodes whose try did not succeed and who stay pending: when they may be told again."""
    waits: Mapping[str, WaitReason] = field(default_factory=dict)
    """Why each node that stays pending waits. Not written."""

    def changes(self, rollout: RolloutRecord) -> bool:
        """Whether there is anything to write."""
        present = (rollout.state, rollout.message, rollout.waves)
        return bool(self.node_states or self.retry_times) or (self.state, self.message, self.waves) != present


def next_step(
    rollout: RolloutRecord,
    nodes: Sequence[RolloutNodeRecord],
    facts: Mapping[str, NodeFacts],
    roads: Roads,
    *,
    now: datetime,
) -> RolloutStep:
    """What to do now. Applying it and asking again with the same facts and time changes nothing more.

    Only where more nodes may be told than `TELL_MAX`, the next step tells the next ones.

    The nodes are told in the order they come in; `facts` names every one of them.
    """
    is_live = rollout.state not in ENDED
    told_before = now - timedelta(seconds=patience_s(rollout.plan))
    states = [settled(node, facts[node.node_id], is_live=is_live, told_before=told_before) for node in nodes]
    retry_times = retried(rollout, nodes, states, now=now)
    verdict = judged(rollout, nodes, states, now=now)
    waits: Mapping[str, WaitReason] = {}
    if verdict.state in ENDED:
        states = _without_retries(nodes, states, retry_times)
        retry_times = {}
        is_past_deadline = now >= rollout.deadline_time
        states = [
            recalled(node, state, is_past_deadline=is_past_deadline) for node, state in zip(nodes, states, strict=True)
        ]
        if reverses(rollout.plan, verdict, is_past_deadline=is_past_deadline):
            wave = last_begun(verdict.waves)
            states = [taken_back(node, state, wave) for node, state in zip(nodes, states, strict=True)]
    else:
        turns = Turns(rollout, verdict.open_wave, roads, now=now, retry_times=retry_times)
        waits = turns.hand_out(nodes, states, facts)
    step = _difference(rollout, nodes, states, verdict, waits=waits, retry_times=retry_times, now=now)
    return replace(step, window_ends=_window_ends(rollout, step, facts, now=now))


def _without_retries(
    nodes: Sequence[RolloutNodeRecord], states: list[RolloutNodeState], retry_times: Mapping[str, datetime]
) -> list[RolloutNodeState]:
    """Nobody is tried again by a rollout that ends: who would have been has failed."""
    if not retry_times:
        return states
    return [
        RolloutNodeState.FAILED if node.node_id in retry_times else state
        for node, state in zip(nodes, states, strict=True)
    ]


def _difference(
    rollout: RolloutRecord,
    nodes: Sequence[RolloutNodeRecord],
    states: Sequence[RolloutNodeState],
    verdict: Verdict,
    *,
    waits: Mapping[str, WaitReason],
    retry_times: Mapping[str, datetime],
    now: datetime,
) -> RolloutStep:
    timeout_s = patience_s(rollout.plan)
    changed = [(node, state) for node, state in zip(nodes, states, strict=True) if state is not node.state]
    said = (
        (node, message_of(node, state, timeout_s=timeout_s, is_retried=node.node_id in retry_times))
        for node, state in changed
    )
    begun = {node.wave for node, state in changed if state is RolloutNodeState.IN_FLIGHT}
    waves = tuple(
        WaveTimes(now, times.pass_time) if index in begun and times.begin_time is None else times
        for index, times in enumerate(verdict.waves)
    )
    return RolloutStep(
        state=verdict.state,
        message=verdict.message,
        waves=waves,
        node_states={node.node_id: state for node, state in changed},
        node_messages={node.node_id: message for node, message in said if message or node.retry_time is not None},
        assigned_node_ids=tuple(
            node.node_id for node, state in changed if state in _SHALL_RUN and node.state not in _SHALL_RUN
        ),
        withdrawn_node_ids=tuple(node.node_id for node, state in changed if _is_withdrawn(node, state)),
        retry_times=retry_times,
        waits=waits,
    )


def _window_ends(
    rollout: RolloutRecord, step: RolloutStep, facts: Mapping[str, NodeFacts], *, now: datetime
) -> Mapping[str, datetime]:
    """When the windows close in which nodes are told a release."""
    windows = rollout.plan.windows
    if not windows or not rollout.version:
        return {}
    zones = {node_id: facts[node_id].zone for node_id in step.assigned_node_ids}
    ends = {zone: open_until(windows, now, zone) for zone in set(zones.values())}
    return {node_id: end for node_id, zone in zones.items() if (end := ends[zone]) is not None}


def _is_withdrawn(node: RolloutNodeRecord, state: RolloutNodeState) -> bool:
    # who has switched and was given up finishes by itself: called back half-way it would switch once more
    is_left_alone = state in _GIVEN_UP and node.phase in BETWEEN
    return node.state in _SHALL_RUN and state not in _SHALL_RUN and not is_left_alone
