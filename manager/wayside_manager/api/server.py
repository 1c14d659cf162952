"""Two gRPC servers of the same services: nodes and certified operators on one port, enrolment and tokens on the other.

grpc's Python API cannot *ask* for a client certificate, only demand one or none, hence two ports. Every service is on
both; who may call what is decided by identity, not by port. The operator port is the door's: its server is on loopback.
Usage: `server = Server(...)`; `ports = await server.start(...)`; `await server.stop(grace_s=5)`.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import TypeAlias

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from wayside.errors import UnavailableError
from wayside.v1 import (
    access_service_pb2,
    access_service_pb2_grpc,
    alarm_service_pb2_grpc,
    approval_service_pb2,
    approval_service_pb2_grpc,
    audit_service_pb2,
    audit_service_pb2_grpc,
    authority_service_pb2,
    authority_service_pb2_grpc,
    broadcast_service_pb2,
    broadcast_service_pb2_grpc,
    config_service_pb2,
    config_service_pb2_grpc,
    enrollment_service_pb2,
    enrollment_service_pb2_grpc,
    event_service_pb2,
    event_service_pb2_grpc,
    fleet_service_pb2,
    fleet_service_pb2_grpc,
    health_service_pb2,
    health_service_pb2_grpc,
    job_service_pb2,
    job_service_pb2_grpc,
    node_service_pb2,
    node_service_pb2_grpc,
    radio_licence_service_pb2,
    radio_licence_service_pb2_grpc,
    release_service_pb2,
    release_service_pb2_grpc,
    rollout_service_pb2,
    rollout_service_pb2_grpc,
    site_service_pb2,
    site_service_pb2_grpc,
)
from wayside_manager.api.access.service import AccessService
from wayside_manager.api.alarm_service import AlarmService
from wayside_manager.api.approval_service import ApprovalService
from wayside_manager.api.audit_service import AuditService
from wayside_manager.api.authority_service import AuthorityService
from wayside_manager.api.broadcast_service import BroadcastService
from wayside_manager.api.calls import Calls
from wayside_manager.api.config_service import ConfigService
from wayside_manager.api.door.door import LOOPBACK, Door
from wayside_manager.api.enrollment_service import EnrollmentService
from wayside_manager.api.event_service import EventService
from wayside_manager.api.failures import translated_errors
from wayside_manager.api.fleet_service import FleetService
from wayside_manager.api.gate.gate import Gate, is_for_anyone
from wayside_manager.api.health_service import HealthService
from wayside_manager.api.job_service import JobService
from wayside_manager.api.node_service import NodeService
from wayside_manager.api.origin import Guard, direct
from wayside_manager.api.radio_licence_service import RadioLicenceService
from wayside_manager.api.release_service import ReleaseService
from wayside_manager.api.rollout_service import RolloutService
from wayside_manager.api.scopes import Scope, Scoped
from wayside_manager.api.site_service import SiteService
from wayside_manager.api.tls import LiveTls

logger = logging.getLogger(__name__)

MESSAGE_MAX_BYTES = 4 * 1024 * 1024 + 64 * 1024  # a 1 MiB chunk and room for a page of 1,000 nodes upstream
STOP_MARGIN_S = 3.0  # for handlers to unwind after their calls were cancelled
_SERVICE_NAMES = tuple(
    module.DESCRIPTOR.services_by_name[name].full_name
    for module, name in (
        (node_service_pb2, "NodeService"),
        (enrollment_service_pb2, "EnrollmentService"),
        (fleet_service_pb2, "FleetService"),
        (config_service_pb2, "ConfigService"),
        (release_service_pb2, "ReleaseService"),
        (rollout_service_pb2, "RolloutService"),
        (job_service_pb2, "JobService"),
        (broadcast_service_pb2, "BroadcastService"),
        (site_service_pb2, "SiteService"),
        (radio_licence_service_pb2, "RadioLicenceService"),
        (event_service_pb2, "EventService"),
        (health_service_pb2, "HealthService"),
        (access_service_pb2, "AccessService"),
        (approval_service_pb2, "ApprovalService"),
        (audit_service_pb2, "AuditService"),
        (authority_service_pb2, "AuthorityService"),
    )
)
_Options: TypeAlias = tuple[tuple[str, int], ...]
_OPTIONS: _Options = (
    ("grpc.so_reuseport", 0),  # a second manager on the port must fail, not share it
    ("grpc.max_receive_message_length", MESSAGE_MAX_BYTES),
    ("grpc.max_send_message_length", -1),  # a page of 1,000 nodes with health is a few MB
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.absolute_max_metadata_size", 16 * 1024),  # else some above are let through
    ("grpc.keepalive_time_ms", 120_000),  # finds peers that vanished; 10,000 idle streams: 83 pings a second
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),  # lets agents ping each 10 s and not oftener
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 2),  # then GOAWAY with ENHANCE_YOUR_CALM
    ("grpc.max_concurrent_streams", 100),  # per connection
    ("grpc.http2.max_deallocating_streams", 1_000),  # calls that are over but not yet freed do not count; tried
)
DEVICE_OPTIONS: _Options = (
    *_OPTIONS,
    ("grpc.server_handshake_timeout_ms", 30_000),  # slow links, and 10,000 nodes that come back at once
    ("grpc.max_connection_idle_ms", 600_000),  # without a call
)
OPERATOR_OPTIONS: _Options = (
    *_OPTIONS,
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_connection_idle_ms", 300_000),
)


@dataclass(frozen=True, slots=True)
class Services:
    """The servicers."""

    node: NodeService
    enrollment: EnrollmentService
    fleet: FleetService
    config: ConfigService
    release: ReleaseService
    rollout: RolloutService
    job: JobService
    broadcast: BroadcastService
    site: SiteService
    radio_licence: RadioLicenceService
    event: EventService
    health: HealthService
    alarm: AlarmService
    access: AccessService
    approval: ApprovalService
    audit: AuditService
    authority: AuthorityService


class Server:
    """The gRPC servers of both ports."""

    def __init__(self, services: Services, gate: Gate, calls: Calls, door: Door) -> None:
        self._calls = calls
        self._door = door
        self._health = health.aio.HealthServicer()
        guard = Guard(door, is_for_anyone=is_for_anyone)
        self._device = self._server(services, DEVICE_OPTIONS, direct, gate.admitted)
        self._operator = self._server(services, OPERATOR_OPTIONS, guard.guarded, gate.admitted, guard.proving)

    async def start(
        self, tls: LiveTls, *, listen_address: str, device_port: int, operator_port: int
    ) -> tuple[int, int]:
        """Listens and serves; the actual device port and operator port.

        Raises: UnavailableError: a port is taken or the address is not ours.
        """
        device_port = _bound(self._device, tls, authority(listen_address, device_port), field="device_port")
        server_port = _bound(self._operator, tls, authority(LOOPBACK, 0), field="operator_port")
        try:
            operator_port = await self._door.listen(listen_address, operator_port)
        except OSError as exc:
            raise _cannot_listen("operator_port", authority(listen_address, operator_port)) from exc
        await self._device.start()
        await self._operator.start()
        self._door.open(server_port)
        for name in _SERVICE_NAMES:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return device_port, operator_port

    async def stop(self, *, grace_s: float) -> None:
        """Says so to health watchers, ends long calls with UNAVAILABLE and lets short ones finish."""
        self._door.shut()
        try:
            async with asyncio.timeout(grace_s + STOP_MARGIN_S), asyncio.TaskGroup() as group:
                await self._health.enter_graceful_shutdown()
                self._calls.stop()
                group.create_task(self._device.stop(grace_s))
                group.create_task(self._operator.stop(grace_s))
        except TimeoutError:
            logger.warning("calls did not end within %.1f s; the manager stops without them", grace_s + STOP_MARGIN_S)
        finally:
            self._door.close()

    def _server(self, services: Services, options: _Options, *scopes: Scope) -> grpc.aio.Server:
        interceptors = [Scoped(scope) for scope in (translated_errors, *scopes)]
        interceptors.append(Scoped(self._calls.kept, is_for_streams_only=True))
        server = grpc.aio.server(interceptors=interceptors, options=list(options))
        node_service_pb2_grpc.add_NodeServiceServicer_to_server(services.node, server)
        enrollment_service_pb2_grpc.add_EnrollmentServiceServicer_to_server(services.enrollment, server)
        fleet_service_pb2_grpc.add_FleetServiceServicer_to_server(services.fleet, server)
        config_service_pb2_grpc.add_ConfigServiceServicer_to_server(services.config, server)
        release_service_pb2_grpc.add_ReleaseServiceServicer_to_server(services.release, server)
        rollout_service_pb2_grpc.add_RolloutServiceServicer_to_server(services.rollout, server)
        job_service_pb2_grpc.add_JobServiceServicer_to_server(services.job, server)
        broadcast_service_pb2_grpc.add_BroadcastServiceServicer_to_server(services.broadcast, server)
        site_service_pb2_grpc.add_SiteServiceServicer_to_server(services.site, server)
        radio_licence_service_pb2_grpc.add_RadioLicenceServiceServicer_to_server(services.radio_licence, server)
        event_service_pb2_grpc.add_EventServiceServicer_to_server(services.event, server)
        health_service_pb2_grpc.add_HealthServiceServicer_to_server(services.health, server)
        alarm_service_pb2_grpc.add_AlarmServiceServicer_to_server(services.alarm, server)
        access_service_pb2_grpc.add_AccessServiceServicer_to_server(services.access, server)
        approval_service_pb2_grpc.add_ApprovalServiceServicer_to_server(services.approval, server)
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(services.audit, server)
        authority_service_pb2_grpc.add_AuthorityServiceServicer_to_server(services.authority, server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection(
            (*_SERVICE_NAMES, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME),
            server,
        )
        return server


def _bound(server: grpc.aio.Server, tls: LiveTls, address: str, *, field: str) -> int:
    try:
        return server.add_secure_port(address, tls.credentials(demands_certificate=field == "device_port"))
    except RuntimeError as exc:
        raise _cannot_listen(field, address) from exc


def _cannot_listen(field: str, address: str) -> UnavailableError:
    return UnavailableError(
        f"{field}: cannot listen on {address}; free the port or choose another", reason="CANNOT_LISTEN"
    )


def authority(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
