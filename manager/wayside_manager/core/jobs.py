"""Jobs: one-off work of a node, as the manager keeps it. What becomes of one, `job_life` says.

Usage: `new_job(job_id="j1", node_id="rsu-1", work=work, now=now)` is one that begins to wait.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wayside.errors import FailedPreconditionError
from wayside_manager.core.access import ROOT_TENANT

OPEN_MAX_COUNT = 100
"""Jobs of one node that have not ended."""
ARTIFACT_MAX_COUNT = 20
NOTE_MAX_CHARS = 500
SHELL_LOG = "session.log"
"""The recording of a shell; the manager writes it."""
LOSE_AFTER = timedelta(minutes=10)
"""How long the last word of a job may be under way once the node's time for it is over."""
UPLOAD_AFTER_END = timedelta(days=1)
"""How long after its outcome a job may still bring files: they can be larger than the line is fast."""


class JobKind(StrEnum):
    """Which work; names as in the fields of `wayside.v1.JobSpec.work`."""

    REBOOT = "reboot"
    RESTART_SERVICE = "restart_service"
    SELF_TEST = "self_test"
    DEBUG_BUNDLE = "debug_bundle"
    PACKET_CAPTURE = "packet_capture"
    DIAGNOSTIC = "diagnostic"
    LOG_LEVEL = "log_level"
    NETWORK_PROBE = "network_probe"
    FILE_PULL = "file_pull"
    FILE_PUSH = "file_push"
    GNSS_SNAPSHOT = "gnss_snapshot"
    CAN_SNAPSHOT = "can_snapshot"
    SHELL = "shell"


DOWN_KINDS = frozenset({JobKind.REBOOT, JobKind.RESTART_SERVICE, JobKind.FILE_PUSH, JobKind.SHELL})
"""Work that can take the unit down: while it is under way, the unit counts as in flight for the corridors."""
REACHING_IN = frozenset({JobKind.SHELL, JobKind.FILE_PUSH})
"""Work that lets a person do anything on the unit."""


class JobState(StrEnum):
    """Lifecycle; names as in `wayside.v1.Job.State`."""

    QUEUED = "queued"
    """The node was never told."""
    TOLD = "told"
    """It was told and has said nothing: it may have begun. Operators see QUEUED."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUSED = "refused"
    LOST = "lost"


OPEN = frozenset({JobState.QUEUED, JobState.TOLD, JobState.RUNNING})
ENDED = frozenset(JobState) - OPEN


@dataclass(frozen=True, slots=True)
class JobWork:
    """What to do; bounds already checked."""

    kind: JobKind
    spec: bytes
    """A serialized `wayside.v1.JobSpec` with its defaults filled in."""
    ttl_s: float = 3600.0
    """Time from its being made in which the node must begin."""
    timeout_s: float = 600.0
    """Time it may take from its begin."""
    artifact_max_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class FleetWork:
    """What a fleet job asks of each of its nodes."""

    work: JobWork
    requester: str = ""
    """`operators/{operator}`."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class JobArtifact:
    """A file that a job brought."""

    file: str
    size_bytes: int
    sha256: str
    """Lower-case hex. Empty: the manager itself is writing it."""
    received_bytes: int = 0

    @property
    def is_whole(self) -> bool:
        """All of it is here."""
        return self.sha256 != "" and self.received_bytes == self.size_bytes


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One job."""

    job_id: str
    node_id: str
    work: JobWork
    create_time: datetime
    expire_time: datetime
    """A node that has not begun by then never does."""
    lose_time: datetime
    """Without a last word of a node that was told, it is lost then."""
    state: JobState = JobState.QUEUED
    progress_percent: int = 0
    message: str = ""
    result_json: bytes = b""
    """A JSON object. Empty: none."""
    note: str = ""
    requester: str = ""
    rollout_id: str = ""
    begin_time: datetime | None = None
    """By the node's clock."""
    end_time: datetime | None = None
    tell_time: datetime | None = None
    is_cancelling: bool = False
    late_report: str = ""
    tenant_id: str = ROOT_TENANT
    etag: str = ""

    @property
    def is_open(self) -> bool:
        """It has no outcome."""
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class JobsChanged:
    """Who must hear of a change of jobs."""

    job_ids: frozenset[str] = frozenset()
    node_ids: frozenset[str] = frozenset()
    """Their desired state has changed."""
    rollout_ids: frozenset[str] = frozenset()
    event_cursor: int = 0
    """Of the newest event written with it; 0: none."""


def shells_forbidden() -> FailedPreconditionError:
    """The answer to whoever asks for a shell where there are none."""
    return FailedPreconditionError(
        "the access policy of this deployment allows no shells; have 'allows_shells' set first",
        reason="SHELLS_FORBIDDEN",
    )


def new_job(  # what a job is made of, all by name
    *,
    job_id: str,
    node_id: str,
    work: JobWork,
    now: datetime,
    requester: str = "",
    note: str = "",
    rollout_id: str = "",
    tenant_id: str = ROOT_TENANT,
) -> JobRecord:
    """A job that begins to wait now."""
    expire_time = now + timedelta(seconds=work.ttl_s)
    return JobRecord(
        job_id=job_id,
        node_id=node_id,
        work=work,
        create_time=now,
        expire_time=expire_time,
        lose_time=expire_time + timedelta(seconds=work.timeout_s) + LOSE_AFTER,
        requester=requester,
        note=note,
        rollout_id=rollout_id,
        tenant_id=tenant_id,
    )
