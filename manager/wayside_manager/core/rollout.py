"""Rollouts: their plans and records, and the table of what an operator may order when.

The planner that moves them on is `rollout_plan`. A rollout brings a release or configuration; the planner is one.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from wayside.errors import FailedPreconditionError
from wayside_manager.core.access import ROOT_TENANT
from wayside_manager.core.jobs import FleetWork
from wayside_manager.core.nodes import FetchPolicy, Label, UpdatePhase
from wayside_manager.core.selectors import NodeSelector

SECONDS_PER_DAY = 86_400.0


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
    """Retired, revoked, moved, or taken over by a newer change: no failure of what is rolled out."""
    EXPIRED = "expired"
    """The rollout ended before its turn came."""


class WaitReason(StrEnum):
    """Why a pending node is not told now; names as in `wayside.v1.RolloutWait.Reason`. The first that holds counts."""

    NONE = ""
    WAVE = "wave"
    PAUSED = "paused"
    BEGIN = "begin"
    RETRY = "retry"
    AWAY = "away"
    PENALTY = "penalty"
    BUSY = "busy"
    WINDOW = "window"
    CORRIDOR = "corridor"
    ROOM = "room"


class Fault(IntEnum):
    """What another try could make of the end that a node's word tells of."""

    NONE = 0
    """Nothing; or the word tells of no end."""
    PASSING = 1
    """It was the unit's own trouble, which passes."""
    GATE = 2
    """The release did not pass the health gate of the unit, or did not start."""


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
class Wave:
    """Some of the nodes, and the gate before the next ones; see `wayside.v1.RolloutWave`.

    Exactly one of count, percent and members (labels or sites) says which nodes.
    """

    count: int = 0
    percent: float = 0.0
    labels: tuple[Label, ...] = ()
    site_ids: tuple[str, ...] = ()
    min_success_count: int = 1
    min_success_percent: float = 0.0
    """0: every node of the wave that has not failed."""
    observation_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which units may be touched, in local time."""

    weekdays: frozenset[int] = frozenset()
    """ISO, 1 to 7, on which it begins; empty: every day."""
    begin_minute: int = 0
    """Of the local day, 0 to 1439."""
    duration_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """How a rollout goes about it; see `wayside.v1.RolloutPlan`. The defaults are those of an empty message."""

    waves: tuple[Wave, ...] = ()
    max_in_flight_count: int = 0
    """0: no bound but the waves and the corridors."""
    max_failure_count: int = 1
    max_failure_percent: float = 0.0
    """Of the nodes told so far. Both must be reached."""
    node_timeout_s: float = 3600.0
    deadline_s: float = 14 * SECONDS_PER_DAY
    windows: tuple[Window, ...] = ()
    time_zone: str = "UTC"
    """IANA; of nodes whose site names none."""
    max_corridor_percent: float = 0.0
    """0: the corridor's own alone."""
    is_dynamic: bool = False
    trial_timeout_s: float = 120.0
    needs_confirmation: bool = False
    needs_consent: bool = False
    """Of a person at each unit, before a release is installed."""
    may_interrupt_broadcast: bool = False
    fetch_policy: FetchPolicy = FetchPolicy.ANY
    reverses_failed_wave: bool = False
    """Nodes of the wave that failed go back to the release they had."""
    retry_count: int = 0
    """How often a node that could not take a release is told once more, 0 to 5."""
    retry_base_s: float = 600.0
    """Pause before the first such try; each next is twice as long."""
    retries_refused_by_gate: bool = False
    """Also where the release did not pass the health gate, or did not start."""
    begin_time: datetime | None = None
    """Nobody is told before; the deadline counts from then. `None`: at once."""


@dataclass(frozen=True, slots=True)
class WaveTimes:
    """When a wave began, and when its gate was passed."""

    begin_time: datetime | None = None
    pass_time: datetime | None = None


@dataclass(slots=True)  # not frozen: that makes one four times as dear, and a step makes one for every node
class RolloutNodeRecord:
    """One node of a rollout; nobody changes it."""

    node_id: str
    wave: int = 0
    """From 0."""
    state: RolloutNodeState = RolloutNodeState.PENDING
    phase: UpdatePhase = UpdatePhase.NONE
    """The node's newest word on this rollout. Of configuration: PROVISIONAL, COMMITTED (applied), ROLLED_BACK
    (reverted), FAILED (rejected)."""
    runs_target: bool = False
    """That word says that it runs what it should."""
    message: str = ""
    tell_time: datetime | None = None
    config_revision: int = 0
    """What it shall run, in a rollout of configuration."""
    report: bytes = b""
    """The word: a serialized `wayside.v1.UpdateReport` or `ConfigReport`. Empty: none yet, or not read."""
    resume_time: datetime | None = None
    """When it went on after it had been staged and waited. `None`: not since it was told."""
    attempt: int = 0
    """Tries before this one that did not succeed."""
    fault: Fault = Fault.NONE
    """What its word says of another try."""
    retry_time: datetime | None = None
    """It is told again no earlier, and its word is of the try before. `None`: it does not wait for a try."""


@dataclass(frozen=True, slots=True)
class RolloutRecord:
    """Who changes when. Nodes are apart: there may be thousands."""

    rollout_id: str
    create_time: datetime
    update_time: datetime
    deadline_time: datetime
    version: str = ""
    """Release to run; empty: a rollout of configuration, or a fleet job."""
    config_cause: str = ""
    plan: RolloutPlan = field(default_factory=RolloutPlan)
    selector: NodeSelector | None = None
    state: RolloutState = RolloutState.RUNNING
    message: str = ""
    """Why it stopped, in one sentence."""
    waves: tuple[WaveTimes, ...] = ()
    """One per wave there is, the implicit last one included."""
    retry_of: str = ""
    etag: str = ""
    tenant_id: str = ROOT_TENANT
    """It reaches nodes of this tenant and of those below it only."""
    job: FleetWork | None = None
    """Work to do, of a fleet job."""
    storm_alarm_id: str = ""
    """Paused: the storm it rests for. Running: one that a person resumed it in, which leaves it alone. Empty: none."""

    @property
    def what(self) -> str:
        """What is rolled out, for sentences: `1.2.0`, `configLayers/base` or `job self_test`."""
        return f"job {self.job.work.kind}" if self.job else self.version or self.config_cause

    @property
    def is_config(self) -> bool:
        """It brings configuration."""
        return not self.version and self.job is None


@dataclass(frozen=True, slots=True)
class RolloutSpec:
    """A rollout of a release, or a fleet job, to create; bounds already checked."""

    rollout_id: str
    version: str
    """Empty: a fleet job."""
    node_ids: tuple[str, ...]
    plan: RolloutPlan = field(default_factory=RolloutPlan)
    selector: NodeSelector | None = None
    request_id: str = ""
    """The same id again returns the same rollout."""
    retry_of: str = ""
    tenant_id: str = ROOT_TENANT
    job: FleetWork | None = None


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
