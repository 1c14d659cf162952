"""One gRPC server with two TLS ports: nodes and certified operators on one, enrolment and tokens on the other.

grpc's Python API cannot *ask* for a client certificate, only demand one or none, hence two ports. Every service is on
both; who may call what is decided by identity, not by port.
Usage: `server = Server(...)`; `ports = await server.start(...)`; `await server.stop(grace_s=5)`.
"""

import asyncio
import logging
from dataclasses import dataclass

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from wayside.errors import UnavailableError
from wayside.v1 import (
    config_service_pb2,
    config_service_pb2_grpc,
    enrollment_service_pb2,
    enrollment_service_pb2_grpc,
    fleet_service_pb2,
    fleet_service_pb2_grpc,
    node_service_pb2,
    node_service_pb2_grpc,
    release_service_pb2,
    release_service_pb2_grpc,
)
from wayside_manager.api.calls import Calls
from wayside_manager.api.config_service import ConfigService
from wayside_manager.api.enrollment_service import EnrollmentService
from wayside_manager.api.failures import translated_errors
from wayside_manager.api.fleet_service import FleetService
from wayside_manager.api.identity import Gate
from wayside_manager.api.node_service import NodeService
from wayside_manager.api.release_service import ReleaseService
from wayside_manager.api.scopes import Scoped

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
    )
)
OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.so_reuseport", 0),  # a second manager on the port must fail, not share it
    ("grpc.max_receive_message_length", MESSAGE_MAX_BYTES),
    ("grpc.max_send_message_length", -1),  # a page of 1,000 nodes with health is a few MB
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.keepalive_time_ms", 120_000),  # finds peers that vanished; 10,000 idle streams: 83 pings a second
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),  # lets agents ping each 10 s and not oftener
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 2),
    ("grpc.max_concurrent_streams", 1_000),  # per connection
)


@dataclass(frozen=True, slots=True)
class Services:
    """The servicers."""

    node: NodeService
    enrollment: EnrollmentService
    fleet: FleetService
    config: ConfigService
    release: ReleaseService


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What the server shows and whom it trusts, as PEM."""

    certificate_pem: bytes
    key_pem: bytes
    authorities_pem: bytes


class Server:
    """The gRPC server."""

    def __init__(self, services: Services, gate: Gate, calls: Calls) -> None:
        self._calls = calls
        self._health = health.aio.HealthServicer()
        self._server = grpc.aio.server(
            interceptors=[Scoped(translated_errors), Scoped(gate.admitted)], options=list(OPTIONS)
        )
        node_service_pb2_grpc.add_NodeServiceServicer_to_server(services.node, self._server)
        enrollment_service_pb2_grpc.add_EnrollmentServiceServicer_to_server(services.enrollment, self._server)
        fleet_service_pb2_grpc.add_FleetServiceServicer_to_server(services.fleet, self._server)
        config_service_pb2_grpc.add_ConfigServiceServicer_to_server(services.config, self._server)
        release_service_pb2_grpc.add_ReleaseServiceServicer_to_server(services.release, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection(
            (*_SERVICE_NAMES, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME),
            self._server,
        )

    async def start(
        self, tls: TlsFiles, *, listen_address: str, device_port: int, operator_port: int
    ) -> tuple[int, int]:
        """Listens and serves; the actual device port and operator port.

        Raises: UnavailableError: a port is taken or the address is not ours.
        """
        pair = [(tls.key_pem, tls.certificate_pem)]
        device = grpc.ssl_server_credentials(pair, root_certificates=tls.authorities_pem, require_client_auth=True)
        operator = grpc.ssl_server_credentials(pair)
        ports = (
            self._bound(listen_address, device_port, device, field="device_port"),
            self._bound(listen_address, operator_port, operator, field="operator_port"),
        )
        await self._server.start()
        for name in _SERVICE_NAMES:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return ports

    async def stop(self, *, grace_s: float) -> None:
        """Says so to health watchers, ends long calls with UNAVAILABLE and lets short ones finish."""
        try:
            async with asyncio.timeout(grace_s + STOP_MARGIN_S):
                await self._health.enter_graceful_shutdown()
                self._calls.stop()
                await self._server.stop(grace_s)
        except TimeoutError:
            logger.warning("calls did not end within %.1f s; the manager stops without them", grace_s + STOP_MARGIN_S)

    def _bound(self, listen_address: str, port: int, credentials: grpc.ServerCredentials, *, field: str) -> int:
        try:
            return self._server.add_secure_port(authority(listen_address, port), credentials)
        except RuntimeError as exc:
            raise UnavailableError(
                f"{field}: cannot listen on {authority(listen_address, port)}; free the port or choose another",
                reason="CANNOT_LISTEN",
            ) from exc


def authority(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
