"""The manager as the command line sees it: typed calls with a timeout, failures as our errors.

async with connected(context) as manager:
    answer = await manager.call(manager.fleet.GetNode, GetNodeRequest(name="nodes/rsu-1"))
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar, cast

import grpc
import grpc.aio
from google.protobuf.message import Message

from wayside.errors import InvalidArgumentError, WaysideError
from wayside.status import from_rpc_error
from wayside.v1 import (
    access_service_pb2,
    access_service_pb2_grpc,
    alarm_service_pb2_grpc,
    approval_service_pb2_grpc,
    audit_service_pb2_grpc,
    authority_service_pb2_grpc,
    broadcast_service_pb2_grpc,
    config_service_pb2_grpc,
    enrollment_service_pb2_grpc,
    event_service_pb2_grpc,
    fleet_service_pb2_grpc,
    health_service_pb2_grpc,
    job_service_pb2_grpc,
    radio_licence_service_pb2_grpc,
    release_service_pb2_grpc,
    rollout_service_pb2_grpc,
    site_service_pb2_grpc,
)
from wayside_manager.api.identity import REQUEST_ID_HEADER
from wayside_manager.cli.context import Context

CALL_TIMEOUT_S = 30.0
UPLOAD_TIMEOUT_S = 3600.0  # 4 GB at 10 Mbit/s
WATCH_TIMEOUT_S = 7 * 86_400.0  # a week: longer than a rollout a person follows
_SMALL_BYTES = 4 * 1024  # what the manager takes at once of a connection that has not logged in, and more

_OPTIONS = (
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),  # the configuration of a large fleet
    ("grpc.keepalive_time_ms", 30_000),  # notices a manager that vanished while a watch is silent
    ("grpc.keepalive_timeout_ms", 10_000),
)

Request = TypeVar("Request")
Reply = TypeVar("Reply")


class ManagerClient:
    """The services an operator may call, over one channel."""

    def __init__(self, channel: grpc.aio.Channel, *, address: str, token: str, approval: str = "") -> None:
        self.fleet: fleet_service_pb2_grpc.FleetServiceAsyncStub = fleet_service_pb2_grpc.FleetServiceStub(channel)
        self.config: config_service_pb2_grpc.ConfigServiceAsyncStub = config_service_pb2_grpc.ConfigServiceStub(channel)
        self.release: release_service_pb2_grpc.ReleaseServiceAsyncStub = release_service_pb2_grpc.ReleaseServiceStub(
            channel
        )
        self.rollout: rollout_service_pb2_grpc.RolloutServiceAsyncStub = rollout_service_pb2_grpc.RolloutServiceStub(
            channel
        )
        self.site: site_service_pb2_grpc.SiteServiceAsyncStub = site_service_pb2_grpc.SiteServiceStub(channel)
        self.radio_licence: radio_licence_service_pb2_grpc.RadioLicenceServiceAsyncStub = (
            radio_licence_service_pb2_grpc.RadioLicenceServiceStub(channel)
        )
        self.enrollment: enrollment_service_pb2_grpc.EnrollmentServiceAsyncStub = (
            enrollment_service_pb2_grpc.EnrollmentServiceStub(channel)
        )
        self.access: access_service_pb2_grpc.AccessServiceAsyncStub = access_service_pb2_grpc.AccessServiceStub(channel)
        self.approval: approval_service_pb2_grpc.ApprovalServiceAsyncStub = (
            approval_service_pb2_grpc.ApprovalServiceStub(channel)
        )
        self.audit: audit_service_pb2_grpc.AuditServiceAsyncStub = audit_service_pb2_grpc.AuditServiceStub(channel)
        self.authority: authority_service_pb2_grpc.AuthorityServiceAsyncStub = (
            authority_service_pb2_grpc.AuthorityServiceStub(channel)
        )
        self.health: health_service_pb2_grpc.HealthServiceAsyncStub = health_service_pb2_grpc.HealthServiceStub(channel)
        self.alarm: alarm_service_pb2_grpc.AlarmServiceAsyncStub = alarm_service_pb2_grpc.AlarmServiceStub(channel)
        self.event: event_service_pb2_grpc.EventServiceAsyncStub = event_service_pb2_grpc.EventServiceStub(channel)
        self.broadcast: broadcast_service_pb2_grpc.BroadcastServiceAsyncStub = (
            broadcast_service_pb2_grpc.BroadcastServiceStub(channel)
        )
        self.job: job_service_pb2_grpc.JobServiceAsyncStub = job_service_pb2_grpc.JobServiceStub(channel)
        self._address = address
        headers = {"authorization": f"Bearer {token}" if token else "", "wayside-approval": approval}
        self._metadata = tuple((name, value) for name, value in headers.items() if value)
        self._is_proven = False

    async def call(
        self,
        rpc: "grpc.aio.UnaryUnaryMultiCallable[Request, Reply]",
        request: Request,
        *,
        timeout_s: float = CALL_TIMEOUT_S,
    ) -> Reply:
        """The answer of a unary call.

        Raises: WaysideError: what the manager answered, or `UnavailableError`.
        """
        try:
            if not self._is_proven and isinstance(request, Message) and request.ByteSize() > _SMALL_BYTES:
                await self._log_in()
            answer = await rpc(request, timeout=timeout_s, metadata=self._metadata)
        except grpc.aio.AioRpcError as exc:
            raise self._failure(exc) from exc
        self._is_proven = True
        return answer

    async def upload(
        self, rpc: "grpc.aio.StreamUnaryMultiCallable[Request, Reply]", requests: AsyncIterator[Request]
    ) -> Reply:
        """The answer to a stream of messages; all but the first are sent when the manager has let the call in.

        Raises: WaysideError: what the manager answered, or `UnavailableError`.
        """
        opened: asyncio.Future[grpc.aio.StreamUnaryCall[Request, Reply]] = asyncio.get_running_loop().create_future()
        try:
            if not self._is_proven:
                await self._log_in()
            call = rpc(_patient(requests, opened), timeout=UPLOAD_TIMEOUT_S, metadata=self._metadata)
            opened.set_result(call)
            return await call
        except grpc.aio.AioRpcError as exc:
            raise self._failure(exc) from exc

    async def watch(
        self, rpc: "grpc.aio.UnaryStreamMultiCallable[Request, Reply]", request: Request
    ) -> AsyncIterator[Reply]:
        """The answers of a server stream, as they come.

        Raises: WaysideError: what the manager answered, or `UnavailableError`.
        """
        call = rpc(request, timeout=WATCH_TIMEOUT_S, metadata=self._metadata)
        try:
            async for answer in call:
                yield answer
        except grpc.aio.AioRpcError as exc:
            raise self._failure(exc) from exc
        finally:
            call.cancel()  # a reader that stops early ends the stream; one that has ended takes no harm

    async def converse(
        self, rpc: "grpc.aio.StreamStreamMultiCallable[Request, Reply]", requests: AsyncIterator[Request]
    ) -> AsyncIterator[Reply]:
        """The answers of a stream that goes both ways, as they come.

        Raises: WaysideError: what the manager answered, or `UnavailableError`.
        """
        call = rpc(requests, timeout=WATCH_TIMEOUT_S, metadata=self._metadata)
        try:
            async for answer in call:
                yield answer
        except grpc.aio.AioRpcError as exc:
            raise self._failure(exc) from exc
        finally:
            call.cancel()

    async def _log_in(self) -> None:
        """Shows the credential in a small call first: a connection without one may send little, and slowly."""
        await self.access.GetCaller(
            access_service_pb2.GetCallerRequest(), timeout=CALL_TIMEOUT_S, metadata=self._metadata
        )

    def _failure(self, exc: grpc.aio.AioRpcError) -> WaysideError:
        return from_rpc_error(exc, peer=f"the manager at {self._address}")


async def _patient(
    requests: AsyncIterator[Request], opened: "asyncio.Future[grpc.aio.StreamUnaryCall[Request, Reply]]"
) -> AsyncIterator[Request]:
    """The first message, and the others once the manager has let the call in.

    It answers with headers then; who is refused gets none. A write that meets a refusal would hide why, for grpc.aio
    forgets the status (grpc/grpc issue 36066).
    """
    yield await anext(requests)
    call = await opened
    headers = cast("Iterable[tuple[str, str | bytes]]", await call.initial_metadata())  # types-grpcio has it wrong
    if REQUEST_ID_HEADER not in {name for name, _ in headers}:
        return
    async for request in requests:
        yield request


@asynccontextmanager
async def connected(context: Context, *, approval: str = "") -> AsyncIterator[ManagerClient]:
    """The manager a context points to; the connection is made by the first call. Calls show an approval, if given.

    Raises: InvalidArgumentError: the certificate or key of the context cannot be used.
    """
    credentials = _credentials(context)
    async with grpc.aio.secure_channel(context.address, credentials, options=_OPTIONS) as channel:
        yield ManagerClient(channel, address=context.address, token=context.token, approval=approval)


def _credentials(context: Context) -> grpc.ChannelCredentials:
    if b"-----BEGIN CERTIFICATE-----" not in context.ca_pem:
        raise InvalidArgumentError("ca_file holds no certificate in PEM")
    return grpc.ssl_channel_credentials(
        root_certificates=context.ca_pem,
        private_key=context.key_pem or None,
        certificate_chain=context.certificate_pem or None,
    )
