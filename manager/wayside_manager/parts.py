"""What a manager consists of: which services answer calls, and which loops run beside them.

Usage: `Server(services(parts), gate(parts), calls, door)`, then one task per entry of `loops(parts)`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from wayside_manager.api.access.service import AccessService
from wayside_manager.api.alarm_service import AlarmService
from wayside_manager.api.approval_service import ApprovalService
from wayside_manager.api.audit_service import AuditService
from wayside_manager.api.authority_service import AuthorityService
from wayside_manager.api.broadcast_service import BroadcastService
from wayside_manager.api.calls import Calls
from wayside_manager.api.config_service import ConfigService
from wayside_manager.api.enrollment_service import EnrollmentService
from wayside_manager.api.event_service import EventService
from wayside_manager.api.fleet_service import FleetService
from wayside_manager.api.gate.gate import Gate
from wayside_manager.api.gate.limits import CallRates
from wayside_manager.api.health_service import HealthService
from wayside_manager.api.history_samples import sample_of
from wayside_manager.api.job_service import JobParts, JobService
from wayside_manager.api.job_uploads import JobUploads
from wayside_manager.api.neighbours import Neighbours
from wayside_manager.api.node_service import NodeService, ReleaseSource
from wayside_manager.api.radio_licence_service import RadioLicenceService
from wayside_manager.api.release_service import ReleaseService
from wayside_manager.api.rollout_service import RolloutService
from wayside_manager.api.server import Services
from wayside_manager.api.sessions import Sessions
from wayside_manager.api.shell_bridge import ShellBridge
from wayside_manager.api.site_service import SiteService
from wayside_manager.core.artifact_places import ArtifactPlaces
from wayside_manager.core.event_sinks import Pace
from wayside_manager.ports.events import EventSender
from wayside_manager.ports.jobs import JobFiles
from wayside_manager.ports.store import Store
from wayside_manager.ports.wakeups import Bus
from wayside_manager.services.alarm_engine import AlarmEngine
from wayside_manager.services.audit_seals import AuditSeals
from wayside_manager.services.authorities import Authorities
from wayside_manager.services.broadcast_sweep import BroadcastSweep
from wayside_manager.services.certifier import Certifier
from wayside_manager.services.deltas import Bounds, Deltas, LocalArtifacts
from wayside_manager.services.denial_log import DenialLog
from wayside_manager.services.desired_look import DesiredLook
from wayside_manager.services.event_delivery import EventDelivery
from wayside_manager.services.history import History, Kept
from wayside_manager.services.job_sweep import JobSweep
from wayside_manager.services.oidc import JwksVerifier
from wayside_manager.services.passwords import Passwords
from wayside_manager.services.presence_sweep import PresenceSweep
from wayside_manager.services.release_trust import ReleaseTrust
from wayside_manager.services.report_writer import ReportWriter
from wayside_manager.services.retention import Retention
from wayside_manager.services.revocation_list import RevocationList
from wayside_manager.services.revocations import Revocations
from wayside_manager.services.rollout_stepper import RolloutStepper
from wayside_manager.services.silence import Silences
from wayside_manager.services.trust import TrustKeeper
from wayside_manager.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """What the services are made of."""

    store: Store
    artifacts: LocalArtifacts
    places: ArtifactPlaces
    delta_folder: Path
    job_files: JobFiles
    bus: Bus
    writer: ReportWriter
    authorities: Authorities
    trust: TrustKeeper
    release_trust: ReleaseTrust
    revoked: RevocationList
    calls: Calls
    sessions: Sessions
    shells: ShellBridge
    denials: DenialLog
    seals: AuditSeals
    sender: EventSender
    settings: Settings
    now: Callable[[], datetime]


def gate(parts: Parts) -> Gate:
    """The one who lets calls in."""
    settings = parts.settings
    rates = CallRates(
        attempts_per_s=settings.attempts_per_s,
        node_per_s=settings.node_calls_per_s,
        operator_per_s=settings.operator_calls_per_s,
        unlimited=settings.door.limits().unlimited,
    )
    oidc = None if settings.oidc is None else JwksVerifier(**msgspec.structs.asdict(settings.oidc))
    return Gate(parts.store, now=parts.now, note=parts.denials.note, rates=rates, oidc=oidc)


def services(parts: Parts) -> Services:
    """What answers calls."""
    store, bus, calls, now = parts.store, parts.bus, parts.calls, parts.now
    life, near = timedelta(days=parts.settings.node_certificate_days), parts.settings.neighbours
    certifier = Certifier(parts.authorities, life=life, may_serve=near.enabled)
    neighbours = Neighbours(store, max_distance_m=near.max_distance_m if near.enabled else None, now=now)
    uploads = JobUploads(store, parts.job_files, bus, calls, now=now)
    jobs = JobParts(parts.job_files, bus, calls, parts.sessions, parts.shells)
    return Services(
        node=NodeService(
            store,
            ReleaseSource(parts.artifacts, parts.release_trust, parts.places, neighbours),
            parts.writer,
            parts.sessions,
            certifier,
            uploads=uploads,
            shells=parts.shells,
            now=now,
        ),
        enrollment=EnrollmentService(
            store, certifier, bus, now=now, returning=timedelta(days=parts.settings.returning_days)
        ),
        fleet=FleetService(store, bus, calls, now=now),
        config=ConfigService(store, bus, now=now),
        release=ReleaseService(
            store,
            parts.artifacts,
            parts.release_trust,
            now=now,
            artifact_max_bytes=parts.settings.artifact_max_bytes,
        ),
        rollout=RolloutService(store, bus, calls, now=now),
        job=JobService(store, jobs, now=now),
        broadcast=BroadcastService(store, bus, now=now),
        site=SiteService(store, bus, now=now),
        radio_licence=RadioLicenceService(store, now=now),
        access=AccessService(store, Passwords(), parts.authorities, now=now),
        approval=ApprovalService(store, now=now),
        event=EventService(store, parts.sender, bus, now=now),
        alarm=AlarmService(store, bus, now=now),
        health=HealthService(store, now=now, minutes=timedelta(days=parts.settings.minute_history_days)),
        audit=AuditService(store, parts.seals),
        authority=AuthorityService(store, parts.authorities, bus, now=now),
    )


def _kept(settings: Settings) -> Kept:
    return Kept(timedelta(days=settings.minute_history_days), timedelta(days=settings.hour_history_days))


def _delta_loop(parts: Parts) -> tuple[tuple[str, Callable[[], Awaitable[None]]], ...]:
    asked = parts.settings.deltas
    if not asked.enabled:
        return ()
    bounds = Bounds(memory_bytes=asked.memory_mib << 20, timeout_s=asked.timeout_s)
    made = Deltas(parts.store, parts.artifacts, parts.bus, folder=parts.delta_folder, bounds=bounds, now=parts.now)
    return (("deltas", made.run),)


def loops(parts: Parts) -> tuple[tuple[str, Callable[[], Awaitable[None]]], ...]:
    """What runs as long as the manager does, by name."""
    store, bus, now, settings = parts.store, parts.bus, parts.now, parts.settings
    pace = Pace(settings.event_attempts, settings.event_retry_s)
    return (
        *_delta_loop(parts),
        ("report-writer", parts.writer.run),
        ("sessions", parts.sessions.run),
        ("desired-look", DesiredLook(store, bus).run),
        ("session-trust", parts.sessions.watch_trust),
        ("trust", parts.trust.run),
        ("revocation-list", parts.revoked.run),
        ("denial-log", parts.denials.run),
        ("audit-seals", parts.seals.run),
        ("revocations", Revocations(store, parts.calls, now=now).run),
        ("rollout-stepper", RolloutStepper(store, bus, now=now).run),
        ("job-sweep", JobSweep(store, parts.job_files, bus, now=now).run),
        ("broadcast-sweep", BroadcastSweep(store, bus, now=now).run),
        ("alarms", AlarmEngine(store, bus, now=now, admit_at=parts.sessions.admit_at).run),
        ("presence-sweep", PresenceSweep(store, bus, now=now).run),
        ("silences", Silences(store, bus, now=now).run),
        ("history", History(store, sample_of, now=now, kept=_kept(settings)).run),
        ("event-delivery", EventDelivery(store, parts.sender, bus, now=now, pace=pace).run),
        (
            "retention",
            Retention(store, now=now, history_days=settings.history_days, events_days=settings.events_days).run,
        ),
    )
