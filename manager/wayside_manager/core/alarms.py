"""Alarms: what is wrong, from the moment it began until it is over, as the engine and the store know it.

The machine that makes them is `alarm_step`; what becomes an alarm is `alarm_rules`; which nodes have a cause in common
is `alarm_areas`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from wayside_manager.core.alarm_rules import AlarmRule
from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.core.node_health import HealthState
from wayside_manager.core.nodes import NodeKind

UNREACHABLE = "node.unreachable"
"""A node that is not heard from."""
AREA_UNREACHABLE = "area.unreachable"
AREA_POWER = "area.power"
"""An area whose nodes said that they run on battery before they fell silent."""
SUPPLY_CHECK = "power.supply"
TRUST_PREFIX = "releaseTrust/"
"""Of the subjects of alarms of what people signed of releases, as in the audit trail."""
SHELVE_MAX = timedelta(days=30)
SHELF_END_MAX = SHELVE_MAX + timedelta(days=1)
"""A shelf that ends later than this from now is of a clock that was ahead; managers' clocks differ a little."""


class Contact(StrEnum):
    """Whether a node is heard from, as far as this manager can know."""

    HEARD = "heard"
    SILENT = "silent"
    UNSURE = "unsure"
    """The manager has not run long enough to tell: what is known of the node stays as it is."""


class AlarmState(StrEnum):
    """Lifecycle; names as in `wayside.v1.Alarm.State`."""

    RAISED = "raised"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Finding:
    """A check of a node that is not ok."""

    kind: str
    """Name of the check."""
    state: HealthState
    since: datetime
    """By the node's clock."""
    reason: str


@dataclass(frozen=True, slots=True)
class AlarmNode:
    """What the engine must know of a node in service."""

    node_id: str
    tenant_id: str
    kind: NodeKind
    contact: Contact
    silent_since: datetime | None = None
    """When it became lost; `None`: it is not."""
    last_heard: datetime | None = None
    site_id: str = ""
    areas: tuple[str, ...] = ()
    """`powerFeeds/x`, `backhauls/x`, `sites/x`, `corridors/x`."""
    findings: tuple[Finding, ...] = ()
    """Its newest, also when it is silent."""
    lost_report_count: int = 0
    """Reports it has given up, in all."""

    @property
    def is_on_battery(self) -> bool:
        """Its newest word says that the supply is gone."""
        return any(found.kind == SUPPLY_CHECK and found.state is HealthState.FAILED for found in self.findings)


@dataclass(frozen=True, slots=True)
class TrustEnd:
    """When a file that people signed of releases ends."""

    repository: str
    """`image` or `director`."""
    role: str
    """`root` or `targets`."""
    expire_time: datetime

    @property
    def subject(self) -> str:
        """As alarms and the audit trail call it."""
        return f"{TRUST_PREFIX}{self.repository}.{self.role}"


@dataclass(frozen=True, slots=True)
class AlarmMember:
    """One node of an area alarm."""

    node_id: str
    site_id: str
    lost_time: datetime
    return_time: datetime | None = None
    lost_report_count: int = 0
    """Reports it had given up, in all, when it was lost."""


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """One thing that is wrong."""

    alarm_id: str
    kind: str
    subject: str
    tenant_id: str
    base_severity: Severity
    severity: Severity
    """Escalation included."""
    message: str
    begin_time: datetime
    raise_time: datetime
    node_id: str = ""
    """Empty: the subject is an area, or something of the manager's."""
    site_id: str = ""
    state: AlarmState = AlarmState.RAISED
    clear_time: datetime | None = None
    over_since: datetime | None = None
    """Since when it is right again, while it waits to be cleared."""
    occurrence_count: int = 1
    acknowledger: str = ""
    acknowledge_time: datetime | None = None
    note: str = ""
    shelve_end: datetime | None = None
    escalation_level: int = 0
    parent_id: str = ""
    is_storm: bool = False
    etag: str = ""
    member_count: int = 1
    recovered_count: int = 0

    @property
    def is_area(self) -> bool:
        """It is about many nodes."""
        return not self.node_id and not self.is_of_trust

    @property
    def is_of_trust(self) -> bool:
        """It is about what people signed of releases."""
        return self.subject.startswith(TRUST_PREFIX)

    @property
    def is_told(self) -> bool:
        """Somebody should hear of it: nothing explains it, and nobody has put it aside."""
        return not self.parent_id and self.shelve_end is None


@dataclass(frozen=True, slots=True)
class AlarmPolicy:
    """What becomes an alarm; see `wayside.v1.AlarmPolicy`. The defaults are those of an empty message."""

    rules: Mapping[str, AlarmRule] = field(default_factory=dict)
    """Changes of the table that comes with the product, by kind."""
    storm_percent: float = 50.0
    storm_min_count: int = 3
    storm_window: timedelta = timedelta(minutes=5)
    escalate_after: timedelta = timedelta(hours=4)
    """0: never."""
    reconnects_per_s: float = 100.0
    etag: str = ""


Key = tuple[str, str]
"""Kind and subject: one alarm holds for both together."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything the engine decides on."""

    nodes: Mapping[str, AlarmNode]
    """Nodes in service."""
    alarms: tuple[AlarmRecord, ...] = ()
    """Those that are raised."""
    members: Mapping[str, tuple[AlarmMember, ...]] = field(default_factory=dict)
    """Of area alarms, by alarm."""
    pending: Mapping[Key, datetime] = field(default_factory=dict)
    """What was found and is not raised yet, with when the manager saw it first."""
    trust_ends: tuple[TrustEnd, ...] = ()
    """Of the newest of each file that people sign."""


@dataclass(frozen=True, slots=True)
class AlarmStep:
    """What changes. The manager writes all of it at once."""

    alarms: tuple[AlarmRecord, ...] = ()
    """New ones and those that changed."""
    members: Mapping[str, tuple[AlarmMember, ...]] = field(default_factory=dict)
    """Members that joined, left or came back, by alarm."""
    events: tuple[NewEvent, ...] = ()
    pending: Mapping[Key, datetime] = field(default_factory=dict)
    """To be given to the next step."""

    @property
    def is_change(self) -> bool:
        """There is something to write."""
        return bool(self.alarms or self.members or self.events)
