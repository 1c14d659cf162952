"""Whether a rollout goes on: thresholds, gates and the deadline, and the sentence that says why it does not.

Usage: `verdict = judged(rollout, nodes, states, now=now)`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wayside_manager.core.rollout import (
    ENDED,
    RolloutNodeRecord,
    RolloutNodeState,
    RolloutRecord,
    RolloutState,
    WaveTimes,
)
from wayside_manager.core.rollout_facts import UNSETTLED, was_told
from wayside_manager.core.rollout_waves import Progress, Tally, gate_of, needed_count, progress

_NAMED_COUNT = 5
"""Nodes a message names: enough to look, short enough to read."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the rollout as a whole."""

    state: RolloutState
    message: str
    waves: tuple[WaveTimes, ...]
    open_wave: int = -1
    """The last wave whose nodes may be told."""


def judged(
    rollout: RolloutRecord,
    nodes: Sequence[RolloutNodeRecord],
    states: Sequence[RolloutNodeState],
    *,
    now: datetime,
) -> Verdict:
    """The verdict, with the nodes in these states. An ended rollout stays as it is."""
    if rollout.state in ENDED:
        return Verdict(rollout.state, rollout.message, rollout.waves)
    times = _all_times(rollout, nodes)
    tallies = _tallies(len(times), nodes, states)
    is_over = now >= rollout.deadline_time
    done = progress(rollout.plan, times, tallies, now=now, is_over=is_over)
    if message := _too_many_failures(rollout, nodes, states):
        return Verdict(RolloutState.FAILED, message, done.times)
    if (
        not done.is_through
        and tallies[done.open_wave].unsettled_count == 0
        and done.times[done.open_wave].pass_time is None
    ):
        return Verdict(RolloutState.FAILED, _gate_sentence(rollout, done, tallies), done.times)
    if is_over and not done.is_through:
        message = f"the deadline came: {_gate_sentence(rollout, done, tallies)}"
        return Verdict(RolloutState.FAILED, message, done.times)
    if is_over or (done.is_through and not any(tally.unsettled_count for tally in tallies)):
        return Verdict(RolloutState.SUCCEEDED, _leftovers(rollout, nodes, states), done.times)
    return Verdict(rollout.state, rollout.message, done.times, done.open_wave)


def _all_times(rollout: RolloutRecord, nodes: Sequence[RolloutNodeRecord]) -> tuple[WaveTimes, ...]:
    missing_count = max((node.wave for node in nodes), default=0) + 1 - len(rollout.waves)
    return rollout.waves + (WaveTimes(),) * missing_count


def _tallies(count: int, nodes: Sequence[RolloutNodeRecord], states: Sequence[RolloutNodeState]) -> tuple[Tally, ...]:
    tallies = tuple(Tally() for _ in range(count))
    counts = Counter(zip([node.wave for node in nodes], states, strict=True))
    for (wave, state), node_count in counts.items():
        tally = tallies[wave]
        if state is RolloutNodeState.SKIPPED:
            continue
        tally.node_count += node_count
        if state is RolloutNodeState.SUCCEEDED:
            tally.succeeded_count += node_count
        elif state is RolloutNodeState.FAILED:
            tally.failed_count += node_count
        elif state in UNSETTLED:
            tally.unsettled_count += node_count
    return tallies


def _too_many_failures(
    rollout: RolloutRecord, nodes: Sequence[RolloutNodeRecord], states: Sequence[RolloutNodeState]
) -> str:
    failed = _ids(nodes, states, RolloutNodeState.FAILED)
    if len(failed) < (rollout.plan.max_failure_count or 1):
        return ""
    told_count = sum(was_told(node, state) for node, state in zip(nodes, states, strict=True))
    if len(failed) * 100.0 < rollout.plan.max_failure_percent * told_count:
        return ""
    return f"{len(failed)} of {told_count} nodes told could not run {rollout.what}: {_named(failed)}"


def _gate_sentence(rollout: RolloutRecord, done: Progress, tallies: Sequence[Tally]) -> str:
    tally = tallies[done.open_wave]
    needed = needed_count(gate_of(rollout.plan, done.open_wave), tally.node_count, tally.failed_count)
    return (
        f"wave {done.open_wave + 1} of {len(tallies)} has not passed its gate; {tally.succeeded_count} of "
        f"{tally.node_count} nodes run {rollout.what}, {needed} must"
    )


def _leftovers(rollout: RolloutRecord, nodes: Sequence[RolloutNodeRecord], states: Sequence[RolloutNodeState]) -> str:
    failed = _ids(nodes, states, RolloutNodeState.FAILED)
    skipped = _ids(nodes, states, RolloutNodeState.SKIPPED)
    late = [node.node_id for node, state in zip(nodes, states, strict=True) if state in UNSETTLED]
    words = (
        (failed, f"could not run {rollout.what}"),
        (skipped, "left meanwhile"),
        (late, "did not come before the deadline"),
    )
    return "; ".join(f"{len(ids)} of {len(nodes)} nodes {what}: {_named(ids)}" for ids, what in words if ids)


def _ids(nodes: Sequence[RolloutNodeRecord], states: Sequence[RolloutNodeState], wanted: RolloutNodeState) -> list[str]:
    return [node.node_id for node, state in zip(nodes, states, strict=True) if state is wanted]


def _named(node_ids: Sequence[str]) -> str:
    return ", ".join(node_ids[:_NAMED_COUNT]) + (", ..." if len(node_ids) > _NAMED_COUNT else "")
