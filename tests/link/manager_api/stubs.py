"""A channel, the stubs of every service over it, and calls that tests often make."""

from collections.abc import AsyncGenerator, Iterator
from typing import Any, TypeVar

import grpc
import grpc.aio

from wayside.status import from_rpc_error
from wayside.v1 import (
    access_service_pb2,
    access_service_pb2_grpc,
    alarm_pb2,
    alarm_service_pb2,
    alarm_service_pb2_grpc,
    approval_service_pb2,
    approval_service_pb2_grpc,
    audit_service_pb2_grpc,
    authority_service_pb2_grpc,
    broadcast_service_pb2_grpc,
    config_service_pb2,
    config_service_pb2_grpc,
    enrollment_service_pb2,
    enrollment_service_pb2_grpc,
    event_service_pb2_grpc,
    fleet_service_pb2,
    fleet_service_pb2_grpc,
    health_service_pb2_grpc,
    job_pb2,
    job_service_pb2,
    job_service_pb2_grpc,
    node_pb2,
    node_service_pb2_grpc,
    radio_licence_service_pb2_grpc,
    release_service_pb2,
    release_service_pb2_grpc,
    rollout_pb2,
    rollout_service_pb2,
    rollout_service_pb2_grpc,
    site_pb2,
    site_service_pb2,
    site_service_pb2_grpc,
)

CALL_S = 30.0
Request = TypeVar("Request")
Reply = TypeVar("Reply")


def is_status_lost(error: grpc.aio.AioRpcError) -> bool:
    """Whether grpc.aio forgot what the server said: a write that met the end of its call (grpc/grpc issue 36066)."""
    return error.code() is grpc.StatusCode.INTERNAL and "Internal error from Core" in (error.details() or "")


class Stubs:
    """Calls over a channel; failures come as our errors."""

    def __init__(self, channel: grpc.aio.Channel, token: str = "") -> None:
        self.channel = channel
        self.metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self.fleet: fleet_service_pb2_grpc.FleetServiceAsyncStub = fleet_service_pb2_grpc.FleetServiceStub(channel)
        self.config: config_service_pb2_grpc.ConfigServiceAsyncStub = config_service_pb2_grpc.ConfigServiceStub(channel)
        self.release: release_service_pb2_grpc.ReleaseServiceAsyncStub = release_service_pb2_grpc.ReleaseServiceStub(
            channel
        )
        self.rollout: rollout_service_pb2_grpc.RolloutServiceAsyncStub = rollout_service_pb2_grpc.RolloutServiceStub(
            channel
        )
        self.broadcast: broadcast_service_pb2_grpc.BroadcastServiceAsyncStub = (
            broadcast_service_pb2_grpc.BroadcastServiceStub(channel)
        )
        self.job: job_service_pb2_grpc.JobServiceAsyncStub = job_service_pb2_grpc.JobServiceStub(channel)
        self.site: site_service_pb2_grpc.SiteServiceAsyncStub = site_service_pb2_grpc.SiteServiceStub(channel)
        self.radio_licence: radio_licence_service_pb2_grpc.RadioLicenceServiceAsyncStub = (
            radio_licence_service_pb2_grpc.RadioLicenceServiceStub(channel)
        )
        self.node: node_service_pb2_grpc.NodeServiceAsyncStub = node_service_pb2_grpc.NodeServiceStub(channel)
        self.enrollment: enrollment_service_pb2_grpc.EnrollmentServiceAsyncStub = (
            enrollment_service_pb2_grpc.EnrollmentServiceStub(channel)
        )
        self.access: access_service_pb2_grpc.AccessServiceAsyncStub = access_service_pb2_grpc.AccessServiceStub(channel)
        self.approval: approval_service_pb2_grpc.ApprovalServiceAsyncStub = (
            approval_service_pb2_grpc.ApprovalServiceStub(channel)
        )
        self.audit: audit_service_pb2_grpc.AuditServiceAsyncStub = audit_service_pb2_grpc.AuditServiceStub(channel)
        self.health: health_service_pb2_grpc.HealthServiceAsyncStub = health_service_pb2_grpc.HealthServiceStub(channel)
        self.alarm: alarm_service_pb2_grpc.AlarmServiceAsyncStub = alarm_service_pb2_grpc.AlarmServiceStub(channel)
        self.event: event_service_pb2_grpc.EventServiceAsyncStub = event_service_pb2_grpc.EventServiceStub(channel)
        self.authority: authority_service_pb2_grpc.AuthorityServiceAsyncStub = (
            authority_service_pb2_grpc.AuthorityServiceStub(channel)
        )

    async def call(
        self, rpc: "grpc.aio.UnaryUnaryMultiCallable[Request, Reply]", request: Request, **headers: str
    ) -> Reply:
        """The answer of a unary call; `x_request_id="a"` sends the header `x-request-id`."""
        extra = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        try:
            return await rpc(request, timeout=CALL_S, metadata=(*self.metadata, *extra))
        except grpc.aio.AioRpcError as exc:
            raise from_rpc_error(exc) from exc

    async def stream(
        self, rpc: "grpc.aio.UnaryStreamMultiCallable[Request, Reply]", request: Request
    ) -> AsyncGenerator[Reply, None]:
        """The answers of a server stream."""
        call = rpc(request, timeout=CALL_S, metadata=self.metadata)
        try:
            async for answer in call:
                yield answer
        except grpc.aio.AioRpcError as exc:
            raise from_rpc_error(exc) from exc
        finally:
            call.cancel()

    async def upload(
        self, requests: Iterator[release_service_pb2.CreateReleaseRequest]
    ) -> release_service_pb2.CreateReleaseResponse:
        """The answer to an upload."""
        try:
            return await self.release.CreateRelease(requests, timeout=CALL_S, metadata=self.metadata)
        except grpc.aio.AioRpcError as exc:
            raise from_rpc_error(exc) from exc

    async def get_node(self, node_id: str) -> node_pb2.Node:
        return (await self.call(self.fleet.GetNode, fleet_service_pb2.GetNodeRequest(name=f"nodes/{node_id}"))).node

    async def enrollment_token(self, **fields: Any) -> str:  # noqa: ANN401  # fields of a message
        request = enrollment_service_pb2.CreateEnrollmentTokenRequest(**fields)
        return (await self.call(self.enrollment.CreateEnrollmentToken, request)).token

    async def make_tenant(self, tenant_id: str, *, parent: str = "root") -> None:
        made = access_service_pb2.Tenant(
            name=f"tenants/{tenant_id}", parent=f"tenants/{parent}", kind=access_service_pb2.Tenant.KIND_CITY
        )
        await self.call(self.access.CreateTenant, access_service_pb2.CreateTenantRequest(tenant=made))

    async def make_site(self, site_id: str, *, tenant: str = "tenants/root") -> str:
        """Makes a site; its name."""
        site = site_pb2.Site(name=f"sites/{site_id}", tenant=tenant)
        return (await self.call(self.site.ApplySite, site_service_pb2.ApplySiteRequest(site=site))).site.name

    async def make_operator(self, operator_id: str, *bindings: access_service_pb2.Binding) -> str:
        """Makes an operator with these roles; its token."""
        made = access_service_pb2.Operator(name=f"operators/{operator_id}", bindings=bindings)
        await self.call(self.access.CreateOperator, access_service_pb2.CreateOperatorRequest(operator=made))
        return await self.api_token(operator_id)

    async def api_token(self, operator_id: str, *limits: access_service_pb2.Binding) -> str:
        """A token of an operator that may do no more than `limits`; without any, all it may."""
        request = access_service_pb2.CreateApiTokenRequest(operator=f"operators/{operator_id}", bindings=limits)
        return (await self.call(self.access.CreateApiToken, request)).token

    async def decide(self, approval: str, *, granted: bool = True) -> approval_service_pb2.Approval:
        request = approval_service_pb2.DecideApprovalRequest(name=approval, granted=granted)
        return (await self.call(self.approval.DecideApproval, request)).approval

    async def set_policy(self, **fields: Any) -> None:  # noqa: ANN401  # fields of a message
        policy = access_service_pb2.AccessPolicy(**fields)
        await self.call(self.access.UpdateAccessPolicy, access_service_pb2.UpdateAccessPolicyRequest(policy=policy))

    async def apply(
        self,
        layer: config_service_pb2.ConfigLayer,
        **fields: Any,  # noqa: ANN401  # fields of a message
    ) -> config_service_pb2.ApplyConfigLayerResponse:
        request = config_service_pb2.ApplyConfigLayerRequest(config_layer=layer, **fields)
        return await self.call(self.config.ApplyConfigLayer, request)

    async def create_job(self, node_id: str, job_id: str = "", *, note: str = "", **spec: Any) -> job_pb2.Job:  # noqa: ANN401  # fields of a message
        """Asks a node for work."""
        request = job_service_pb2.CreateJobRequest(
            node=f"nodes/{node_id}", job_id=job_id, note=note, spec=job_pb2.JobSpec(**spec)
        )
        return (await self.call(self.job.CreateJob, request)).job

    async def get_job(self, job_id: str) -> job_pb2.Job:
        return (await self.call(self.job.GetJob, job_service_pb2.GetJobRequest(name=f"jobs/{job_id}"))).job

    async def ended_job(self, job_id: str) -> job_pb2.Job:
        """A job when it has ended; waits for that."""
        request = job_service_pb2.WatchJobRequest(name=f"jobs/{job_id}")
        return [answer.job async for answer in self.stream(self.job.WatchJob, request)][-1]

    async def list_alarms(self, **fields: Any) -> list[alarm_pb2.Alarm]:  # noqa: ANN401  # fields of a message
        request = alarm_service_pb2.ListAlarmsRequest(**fields)
        return list((await self.call(self.alarm.ListAlarms, request)).alarms)

    async def get_rollout(self, name: str) -> rollout_pb2.Rollout:
        """A rollout by its name, `rollouts/{rollout}`."""
        return (await self.call(self.rollout.GetRollout, rollout_service_pb2.GetRolloutRequest(name=name))).rollout

    async def rollout_nodes(self, name: str) -> dict[str, rollout_pb2.RolloutNode]:
        """The first 1,000 nodes of a rollout, by node id."""
        request = rollout_service_pb2.ListRolloutNodesRequest(name=name, page_size=1_000)
        nodes = (await self.call(self.rollout.ListRolloutNodes, request)).nodes
        return {node.node.removeprefix("nodes/"): node for node in nodes}

    async def ended_rollout(self, name: str) -> rollout_pb2.Rollout:
        """A rollout when it has ended; waits for that."""
        request = rollout_service_pb2.WatchRolloutRequest(name=name)
        return [answer.rollout async for answer in self.stream(self.rollout.WatchRollout, request)][-1]
