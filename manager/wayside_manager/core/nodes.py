"""Nodes as the manager keeps them: what operators say, what the node says, what it should be.

Usage: `reconciling(node)` tells whether a node still differs from what it should be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class NodeKind(StrEnum):
    """What a unit is."""

    RSU = "rsu"
    OBU = "obu"


class NodeState(StrEnum):
    """Lifecycle of a node."""

    ENROLLED = "enrolled"
    RETIRED = "retired"
    REGISTERED = "registered"
    """Known before its first call; only the holder of the registered key can enrol as it."""
    REVOKED = "revoked"
    """Its certificates were taken back; a unit enrols as it again with a token bound to it."""


class UpdatePhase(StrEnum):
    """Where the update machine of a node stands; names as in `wayside.v1.UpdateReport.Phase`. `NONE`: never heard."""

    NONE = ""
    IDLE = "idle"
    CHECKING = "checking"
    DOWNLOADING = "downloading"
    VERIFYING = "verifying"
    STAGED = "staged"
    INSTALLING = "installing"
    SWITCHING = "switching"
    PROVISIONAL = "provisional"
    COMMITTED = "committed"
    REVERTING = "reverting"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"


class ConfigDecision(StrEnum):
    """Who decides on a trial of a configuration; see `wayside.v1.ConfigTarget.Decision`."""

    GATE = ""
    HOLD = "hold"
    CONFIRM = "confirm"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, order=True)
class Label:
    """An operator's key and value on a node."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """What the node says of itself. Written by reports only."""

    last_report_time: datetime | None = None
    """When the manager last accepted a report."""
    report_period_s: float = 30.0
    """Period the node reports at; 30 s is the default of `NodeConfig.report_period`."""
    health: bytes = b""
    """Newest serialized `wayside.v1.HealthReport`. Empty: none yet."""
    config_report: bytes = b""
    """Newest serialized `wayside.v1.ConfigReport`. Empty: none yet."""
    update_report: bytes = b""
    """Newest serialized `wayside.v1.UpdateReport`. Empty: none yet."""
    running_release: str = ""
    """Version of the release that runs. Empty: the factory software."""
    running_version: str = ""
    """Version the software that runs reports."""
    running_config_revision: int = 0
    update_phase: UpdatePhase = UpdatePhase.NONE
    model: str = ""
    running_config_sha256: str = ""
    """Of what runs; empty: it never said."""
    config_outcome: str = ""
    """Of its newest word on a configuration: applied, rejected, reverted, provisional. Empty: none yet."""
    config_trial: str = ""
    """Trial that word is about."""
    config_since_time: datetime | None = None
    """When the manager first heard that word."""
    lost_report_count: int = 0
    """Reports the node numbered and the manager never received, over all spools."""


class FetchPolicy(StrEnum):
    """What a node may fetch of a release; see `wayside.v1.FetchPolicy`, where ANY is UNSPECIFIED."""

    ANY = ""
    NEVER_FULL = "never_full"
    FULL_UNMETERED = "full_unmetered"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a rollout asks of the units beside the release; part of its plan."""

    needs_consent: bool = False
    """Of a person at the unit."""
    may_interrupt_broadcast: bool = False
    fetch_policy: FetchPolicy = FetchPolicy.ANY


@dataclass(frozen=True, slots=True)
class ReleaseAssignment:
    """A release a node should run, everything a node needs to fetch and prove it."""

    version: str
    sha256: str
    size_bytes: int
    rollout_id: str
    asked: Asked = Asked()
    attempt: int = 0
    """Try of the rollout, from 0."""
    end_time: datetime | None = None
    """It installs no later: the window it was told in closes. `None`: any time."""


@dataclass(frozen=True, slots=True)
class DesiredRecord:
    """What a node should be, whole. `revision` rises with every change and with nothing else."""

    node_id: str
    revision: int = 0
    config_revision: int = 0
    """0: no layer ever reached the node; it keeps what it runs."""
    config_sha256: str = ""
    release: ReleaseAssignment | None = None
    """`None`: it keeps what it runs."""
    target_config_revision: int = 0
    """What the layers ask for; `config_revision` follows when the node's turn comes."""
    target_config_sha256: str = ""
    config_problem: str = ""
    """Why the layers make no configuration the node could run; the target then stays as it was."""
    config_trial: str = ""
    config_trial_timeout_s: float = 120.0
    config_decision: ConfigDecision = ConfigDecision.GATE


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """One unit."""

    node_id: str
    esn: str
    kind: NodeKind
    create_time: datetime
    update_time: datetime
    etag: str
    """Changes with every operator change."""
    desired: DesiredRecord
    status: NodeStatus = NodeStatus()
    display_name: str = ""
    site_id: str = ""
    variables: Mapping[str, str | int | float | bool] = field(default_factory=dict, hash=False)
    labels: tuple[Label, ...] = ()
    """Sorted by key, keys unique."""
    state: NodeState = NodeState.ENROLLED
    tenant_id: str = "root"
    certificate_expire_time: datetime | None = None
    """When the certificate the node shows now ends. `None`: it has none."""


@dataclass(frozen=True, slots=True)
class NodeChange:
    """What an operator changes; `None` leaves a value alone."""

    display_name: str | None = None
    site_id: str | None = None
    """Empty: none any more."""
    variables: Mapping[str, str | int | float | bool] | None = field(default=None, hash=False)
    labels: tuple[Label, ...] | None = None
    tenant_id: str | None = None


def reconciling(node: NodeRecord) -> bool:
    """Whether the configuration or the release that runs differs from what it should be, its turn come or not."""
    desired, status = node.desired, node.status
    if desired.target_config_revision and desired.target_config_sha256 != status.running_config_sha256:
        return True
    return fetches(node)


def fetches(node: NodeRecord) -> bool:
    """Whether the node should run another release than it does, and so may have to fetch it."""
    return node.desired.release is not None and node.desired.release.version != node.status.running_release
