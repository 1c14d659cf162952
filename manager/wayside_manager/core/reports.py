"""Reports of nodes as the manager writes them: the serialized body beside the few facts lists and rollouts need.

The edge that knows protobuf makes a `Report` of a `wayside.v1.Report`; the store never parses one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wayside_manager.core.broadcasts import BroadcastFacts
from wayside_manager.core.node_health import CheckFacts
from wayside_manager.core.nodes import UpdatePhase

_MAX_LOST_COUNT = 10**12
"""Of one batch: a node that counts wildly must not overflow the sum, 64 bits in the database."""


class ConfigOutcome(StrEnum):
    """How a configuration fared; names as in `wayside.v1.ConfigReport.Outcome`. `NONE`: the report does not say."""

    NONE = ""
    APPLIED = "applied"
    REJECTED = "rejected"
    REVERTED = "reverted"
    PROVISIONAL = "provisional"


class ReportKind(StrEnum):
    """Which body a report has."""

    HEALTH = "health"
    CONFIG = "config"
    UPDATE = "update"
    JOB = "job"
    BROADCAST = "broadcast"


@dataclass(frozen=True, slots=True)
class HealthFacts:
    """Of a HealthReport."""

    running_release: str
    """Version of the release, without `releases/`. Empty: the factory software."""
    running_version: str
    running_config_revision: int
    report_period_s: float
    """0: the report does not say; the period known before stays."""
    model: str = ""
    running_config_sha256: str = ""
    """Empty: the report does not say; what is known stays."""
    config_trial: str = ""
    """Trial that is under way. Empty: none."""
    checks: tuple[CheckFacts, ...] = ()
    """At most 100, each name once."""
    autonomy_end_time: datetime | None = None
    """The first end of what the unit trusts by. `None`: it does not say."""
    autonomy_limit: str = ""
    """What ends first, such as `node certificate`."""
    start_count: int | None = None
    """Starts of the agent since the unit was set up. `None`: it does not say."""
    start_reason: str = ""
    """Why it was started last."""
    start_time: datetime | None = None
    """When, by the unit's clock."""


@dataclass(frozen=True, slots=True)
class JobFacts:
    """Of a JobReport."""

    job_id: str
    state: str
    """Name of `wayside.v1.Job.State`, lower case: `running`, `succeeded`, ..."""
    progress_percent: int
    """0 to 100."""
    message: str
    """At most 500 printable characters."""
    result_json: bytes
    """A JSON object of at most 64 KiB; empty: none, or what came is none."""
    begin_time: datetime | None
    """By the unit's clock."""


@dataclass(frozen=True, slots=True)
class JobWord:
    """What a node said of a job."""

    node_id: str
    facts: JobFacts


@dataclass(frozen=True, slots=True)
class ConfigFacts:
    """Of a ConfigReport."""

    running_config_revision: int
    revision: int = 0
    """It is about this one."""
    outcome: ConfigOutcome = ConfigOutcome.NONE
    trial: str = ""
    message: str = ""
    running_config_sha256: str = ""
    """Of what runs. Empty: the report does not bring it."""
    running_config: bytes = b""
    """What runs, JSON. Empty: the report does not bring it, or what it brings is no configuration."""


@dataclass(frozen=True, slots=True)
class UpdateFacts:
    """Of an UpdateReport. Versions and ids without their collection."""

    release: str
    rollout_id: str
    phase: UpdatePhase
    running_release: str
    running_version: str
    reason: str = ""
    """Why it failed, for programs; not checked."""
    attempt: int = 0
    """Try of the rollout it is about, from 0."""


@dataclass(frozen=True, slots=True)
class Report:
    """One fact about a node."""

    sequence: int
    """Position in the node's spool, from 1, rising. 0: a live report, which is in no spool."""
    record_time: datetime | None
    """By the node's clock."""
    time_quality: int
    """Number of `wayside.v1.TimeQuality`."""
    body: bytes
    """The serialized HealthReport, ConfigReport, UpdateReport, JobReport or BroadcastReport."""
    facts: HealthFacts | ConfigFacts | UpdateFacts | JobFacts | BroadcastFacts

    @property
    def kind(self) -> ReportKind:
        """Which body it has."""
        match self.facts:
            case HealthFacts():
                return ReportKind.HEALTH
            case ConfigFacts():
                return ReportKind.CONFIG
            case UpdateFacts():
                return ReportKind.UPDATE
            case JobFacts():
                return ReportKind.JOB
            case BroadcastFacts():
                return ReportKind.BROADCAST


@dataclass(frozen=True, slots=True)
class ReportBatch:
    """Reports of one node's spool, in rising sequence."""

    node_id: str
    spool_id: str
    reports: tuple[Report, ...]
    receive_time: datetime
    """By the manager's clock."""
    is_opening: bool = False
    """The node opened a session; there are no reports."""
    is_live: bool = False
    """How the node is now, ahead of what its spool still holds: shown, but no history and not acknowledged."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What writing reports brought about."""

    sequences: tuple[int, ...]
    """Per batch, the sequence up to which all is written."""
    retold_node_ids: frozenset[str] = frozenset()
    """Nodes that should be something else now: they run another version, say they are another model, ended a job."""
    event_cursor: int = 0
    """Of the newest event that was written with them. 0: none was."""
    job_ids: frozenset[str] = frozenset()
    """Jobs that have changed."""
    rollout_ids: frozenset[str] = frozenset()
    """Fleet jobs whose nodes have said something."""


@dataclass(frozen=True, slots=True)
class LastReport:
    """What presence is judged by."""

    receive_time: datetime | None
    """By the manager's clock. `None`: never."""
    report_period_s: float


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A row of the history."""

    spool_id: str
    sequence: int
    kind: ReportKind
    receive_time: datetime
    record_time: datetime | None
    time_quality: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """What is new in a batch, and what never came."""

    fresh: tuple[Report, ...]
    """In rising sequence, each once."""
    acknowledged_sequence: int
    lost_count: int
    """Numbers jumped over. The stream is in order, so they will never come."""


def received(acknowledged_sequence: int, reports: Iterable[Report]) -> Received:
    """The reports above a sequence, each once, and how many numbers they jump over.

    A spool counts from 1, so a first report with sequence 5 says that four were given up.
    """
    by_sequence = {report.sequence: report for report in reports if report.sequence > acknowledged_sequence}
    fresh = tuple(by_sequence[sequence] for sequence in sorted(by_sequence))
    if not fresh:
        return Received((), acknowledged_sequence, 0)
    newest = fresh[-1].sequence
    lost_count = newest - acknowledged_sequence - len(fresh)
    return Received(fresh, newest, min(lost_count, _MAX_LOST_COUNT))
