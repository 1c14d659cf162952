"""Waves: who belongs to which, when the gate of one is passed, and how far a rollout has come.

Usage: `waves = waves_of(plan, nodes)` when a rollout is made; `progress(plan, times, tallies, now=now)` at every step.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wayside_manager.core.rollout import RolloutPlan, Wave, WaveTimes
from wayside_manager.core.selectors import Selectable

_DEFAULT_WAVE = Wave()
_ROUNDING = 1e-9
"""What a share of a whole number may be off by in binary: 7 % of 100 is 7.000000000000001."""


@dataclass(slots=True)
class Tally:
    """The nodes of one wave, those that were skipped left out."""

    node_count: int = 0
    succeeded_count: int = 0
    failed_count: int = 0
    unsettled_count: int = 0
    """Pending or in flight."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rollout has come."""

    times: tuple[WaveTimes, ...]
    open_wave: int
    """The last wave, from 0, whose nodes may be told."""
    is_through: bool
    """Every wave passed its gate."""


def waves_of(plan: RolloutPlan, nodes: Iterable[Selectable]) -> dict[str, int]:
    """The wave of each node, from 0. Nodes that no wave of the plan takes are in one after its last.

    Who joins a dynamic rollout later belongs to the last wave there is, whatever its members.
    """
    left = sorted(nodes, key=lambda node: node.node_id)
    node_count = len(left)
    waves: dict[str, int] = {}
    for index, wave in enumerate(plan.waves):
        taken = {node.node_id for node in _taken(wave, left, node_count)}
        waves.update(dict.fromkeys(taken, index))
        left = [node for node in left if node.node_id not in taken]
    return waves | {node.node_id: len(plan.waves) for node in left}


def wave_count(plan: RolloutPlan, waves: Mapping[str, int]) -> int:
    """Waves there are, the implicit last one included if a node is in it. At least 1."""
    return max(1, len(plan.waves), 1 + max(waves.values(), default=0))


def gate_of(plan: RolloutPlan, index: int) -> Wave:
    """The wave with that index; of the implicit last one, the wave whose gate it has."""
    return plan.waves[min(index, len(plan.waves) - 1)] if plan.waves else _DEFAULT_WAVE


def needed_count(gate: Wave, node_count: int, failed_count: int = 0) -> int:
    """Nodes of a wave of that size that must have succeeded before its gate is passed.

    A gate without a share asks for everybody who has not failed: failures are the plan's thresholds' business.
    """
    share = node_count - failed_count
    if gate.min_success_percent:
        share = math.ceil(gate.min_success_percent * node_count / 100.0 - _ROUNDING)
    return min(node_count, max(gate.min_success_count or 1, share))


def progress(
    plan: RolloutPlan, times: Sequence[WaveTimes], tallies: Sequence[Tally], *, now: datetime, is_over: bool = False
) -> Progress:
    """How far it has come; both sequences hold every wave.

    A gate must hold until the next wave begins: if a node is lost while its wave is watched, the wave has not passed,
    and the watch begins anew when it passes again. `is_over`: nothing is left to watch for.
    """
    after = list(times)
    for index, tally in enumerate(tallies):
        gate = gate_of(plan, index)
        after[index] = time = _timed(after, index, holds=_holds(gate, tally), now=now)
        if time.pass_time is None:
            return Progress(tuple(after), index, is_through=False)
        is_watched = not is_over and now < time.pass_time + timedelta(seconds=gate.observation_s)
        if is_watched and index + 1 < len(tallies):
            return Progress(tuple(after), index, is_through=False)
    return Progress(tuple(after), len(tallies) - 1, is_through=True)


def _taken(wave: Wave, left: Sequence[Selectable], node_count: int) -> Sequence[Selectable]:
    if wave.labels or wave.site_ids:
        return [
            node
            for node in left
            if node.labels.issuperset(wave.labels) and (not wave.site_ids or node.site_id in wave.site_ids)
        ]
    if wave.percent:
        return left[: math.ceil(wave.percent * node_count / 100.0 - _ROUNDING)]
    return left[: wave.count]


def _holds(gate: Wave, tally: Tally) -> bool:
    return tally.succeeded_count >= needed_count(gate, tally.node_count, tally.failed_count)


def _timed(times: Sequence[WaveTimes], index: int, *, holds: bool, now: datetime) -> WaveTimes:
    time = times[index]
    if time.pass_time is None:
        return WaveTimes(time.begin_time or now, now) if holds else time
    is_next_begun = index + 1 < len(times) and times[index + 1].begin_time is not None
    return time if holds or is_next_begun else WaveTimes(time.begin_time, None)
