"""What a rollout does next, from what is known of its nodes and of the roads they stand on. No clock, no I/O.

Usage: `step = next_step(rollout, nodes, facts, roads, now=now)`; an empty step means there is nothing to write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import (
    RolloutNodeRecord,
    RolloutNodeState,
    RolloutRecord,
    RolloutState,
    WaitReason,
    WaveTimes,
)


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What the planner looks at of a node beside its word on the rollout."""

    is_gone: bool = False
    """Retired, revoked, moved to a tenant the rollout does not reach, or (dynamic, no turn yet) no longer selected."""
    is_heard: bool = True
    """Online or late: worth to be given its turn."""
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


@dataclass(frozen=True, slots=True)
class Road:
    """A corridor: which sites are adjacent, and how much of it may be in flight."""

    corridor_id: str
    site_ids: tuple[str, ...]
    """In order; neighbours are adjacent, on a ring also the last and the first."""
    is_ring: bool = False
    max_percent: float = 20.0
    """Of its sites; one site always may."""


@dataclass(frozen=True, slots=True)
class Roads:
    """Every corridor, and the sites other rollouts have in flight."""

    roads: tuple[Road, ...] = ()
    busy_site_ids: frozenset[str] = frozenset()


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
    waits: Mapping[str, WaitReason] = field(default_factory=dict)
    """Why each node that stays pending waits. Not written."""

    def changes(self, rollout: RolloutRecord) -> bool:
        """Whether there is anything to write."""
        present = (rollout.state, rollout.message, rollout.waves)
        return bool(self.node_states) or (self.state, self.message, self.waves) != present


def next_step(
    rollout: RolloutRecord,
    nodes: Sequence[RolloutNodeRecord],
    facts: Mapping[str, NodeFacts],
    roads: Roads,
    *,
    now: datetime,
) -> RolloutStep:
    """What to do now. Applying it and asking again with the same facts and time changes nothing more."""
    raise NotImplementedError
