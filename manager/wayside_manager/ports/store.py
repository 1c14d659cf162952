"""All parts of the store at once, for `app.py`."""

from typing import Protocol

from wayside_manager.ports.access import (
    ApprovalStore,
    CredentialStore,
    OperatorStore,
    PlaceStore,
    PolicyStore,
    TenantStore,
)
from wayside_manager.ports.alarms import AlarmEngineStore, AlarmStore
from wayside_manager.ports.audit import AuditStore
from wayside_manager.ports.broadcasts import BroadcastStore, BroadcastSweepStore, BroadcastTellStore
from wayside_manager.ports.config import ConfigStore
from wayside_manager.ports.deltas import DeltaStore
from wayside_manager.ports.enrollment import EnrollmentStore
from wayside_manager.ports.events import EventDeliveryStore, EventSinkStore, EventStore
from wayside_manager.ports.health import HealthStore, HistoryStore
from wayside_manager.ports.jobs import JobArtifactStore, JobStore, JobSweepStore, JobTellStore
from wayside_manager.ports.neighbours import NeighbourStore
from wayside_manager.ports.nodes import DesiredStore, NodeStore
from wayside_manager.ports.release_trust import ReleaseTrustStore
from wayside_manager.ports.releases import ReleaseStore
from wayside_manager.ports.reports import ReportStore
from wayside_manager.ports.rollouts import RolloutStepStore, RolloutStore
from wayside_manager.ports.sites import RadioLicenceStore, SiteStore


class Store(
    NodeStore,
    EnrollmentStore,
    ReportStore,
    HealthStore,
    HistoryStore,
    ConfigStore,
    ReleaseStore,
    ReleaseTrustStore,
    DeltaStore,
    NeighbourStore,
    RolloutStore,
    RolloutStepStore,
    JobStore,
    JobTellStore,
    JobSweepStore,
    JobArtifactStore,
    BroadcastStore,
    BroadcastTellStore,
    BroadcastSweepStore,
    DesiredStore,
    SiteStore,
    RadioLicenceStore,
    CredentialStore,
    OperatorStore,
    TenantStore,
    PlaceStore,
    ApprovalStore,
    PolicyStore,
    AuditStore,
    EventStore,
    EventSinkStore,
    EventDeliveryStore,
    AlarmStore,
    AlarmEngineStore,
    Protocol,
):
    """All of it, for `app.py`; handlers and loops ask for the parts they use."""
