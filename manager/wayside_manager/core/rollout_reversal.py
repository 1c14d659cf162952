"""The way back of a wave that failed: its nodes that succeeded go back to the release they had.

Only where the plan says so, and only if the rollout stopped for failures: a deadline that came reverses nothing.
Whether a unit may go back is signed (`return_to_counter` of a release); one that may not stays and says DOWNGRADE.
Usage: `if reverses(plan, verdict, is_past_deadline=False): taken_back(node, state, last_begun(verdict.waves))`.
"""

from collections.abc import Sequence

from wayside_manager.core.rollout import RolloutNodeRecord, RolloutNodeState, RolloutPlan, RolloutState, WaveTimes
from wayside_manager.core.rollout_verdict import Verdict


def reverses(plan: RolloutPlan, verdict: Verdict, *, is_past_deadline: bool) -> bool:
    """Whether the wave that failed goes back."""
    return plan.reverses_failed_wave and verdict.state is RolloutState.FAILED and not is_past_deadline


def last_begun(waves: Sequence[WaveTimes]) -> int:
    """The wave that was under way when it failed; -1: none had begun."""
    return max((index for index, wave in enumerate(waves) if wave.begin_time is not None), default=-1)


def taken_back(node: RolloutNodeRecord, state: RolloutNodeState, wave: int) -> RolloutNodeState:
    """The state of a node once its wave has failed. Who was never told ran it before, and keeps it."""
    is_of_it = node.wave == wave and node.tell_time is not None
    return RolloutNodeState.FAILED if is_of_it and state is RolloutNodeState.SUCCEEDED else state
