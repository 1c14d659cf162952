"""What every RPC is expected to answer to whom, written by hand and read by test_policy_matrix.

Nothing here looks at the policy table: who changes the one must change the other.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from tests.link.manager_api import matrix_things as made
from tests.link.manager_api.matrix_world import CSR_PEM, Land, World, message_of
from tests.link.manager_api.peer import layer, release_archive, role, upload
from wayside.v1 import access_service_pb2, broadcast_pb2, event_pb2, job_pb2, node_pb2, site_pb2, site_service_pb2

ALL = "viewer operator release-manager approver admin auditor integrator"
VIEW = "viewer operator release-manager approver admin auditor"
OPS = "operator admin"
RUN = "operator release-manager admin"
NOT_FOUND = "NOT_FOUND {}_NOT_FOUND"
OTHER_TRIAL = "FAILED_PRECONDITION TRIAL_OTHER"
Build = Callable[[World, Land, str], Awaitable[tuple[Message, ...]]]


@dataclass(frozen=True)
class Row:
    """One RPC, for operators."""

    roles: str
    """Which roles open it, in the tenant of the role."""
    about: str
    """`thing` or `new thing` of a tenant, the `list` of what one sees, the `deployment`, or the `caller`."""
    build: Build
    hidden: str = ""
    """What is said of another tenant's thing: as if it were not there."""
    done: str = "OK"
    """What is said to somebody who may."""


def _fields(**fields: Any) -> Build:  # noqa: ANN401  # fields of a message
    """A request with the same fields each time; a function is asked for its value, a word in braces is filled in."""

    async def build(world: World, land: Land, method: str) -> tuple[Message, ...]:
        values = {}
        for name, value in fields.items():
            values[name] = await _value(value, world, land)
        return (message_of(method)(**values),)

    return build


async def _value(value: Any, world: World, land: Land) -> Any:  # noqa: ANN401  # of a field
    if isinstance(value, str):
        return value.format(tenant=land.tenant, fresh=world.fresh(land), **{key: land.name(key) for key in land.ids})
    if callable(value):
        found = value(world, land)
        return await found if hasattr(found, "__await__") else found
    return value


def _new(collection: str, maker: Callable[[World, Land], Awaitable[str]]) -> Callable[[World, Land], Awaitable[str]]:
    async def name(world: World, land: Land) -> str:
        return f"{collection}/{await maker(world, land)}"

    return name


def _thing(roles: str, word: str, *, done: str = "OK", **fields: Any) -> Row:  # noqa: ANN401  # fields of a message
    return Row(roles, "thing", _fields(**fields), NOT_FOUND.format(word), done)


def _new_thing(roles: str, *, done: str = "OK", **fields: Any) -> Row:  # noqa: ANN401  # fields of a message
    return Row(roles, "new thing", _fields(**fields), NOT_FOUND.format("TENANT"), done)


def _list(roles: str, *, hidden: str = "", done: str = "OK", **fields: Any) -> Row:  # noqa: ANN401  # fields of a message
    return Row(roles, "list", _fields(**fields), hidden, done)


def _deployment(*, done: str = "OK", **fields: Any) -> Row:  # noqa: ANN401  # fields of a message
    return Row("", "deployment", _fields(**fields), done=done)


def _node_of(_world: World, land: Land) -> node_pb2.Node:
    return node_pb2.Node(name=land.name("nodes"), display_name=f"name {land.mark}")


def _layer_of(_world: World, land: Land) -> Any:  # noqa: ANN401  # a message
    changed = layer(land.ids["configLayers"])
    changed.tenant = land.tenant
    return changed


def _sink_of(_world: World, land: Land) -> event_pb2.EventSink:
    return made.sink(land, land.ids["eventSinks"])


def _licence_of(_world: World, land: Land) -> site_pb2.RadioLicence:
    return made.licence(land, land.ids["radioLicences"], land.node_id)


def _broadcast_of(_world: World, land: Land) -> broadcast_pb2.Broadcast:
    return made.broadcast(land, land.ids["broadcasts"])


def _operator_of(_world: World, land: Land) -> access_service_pb2.Operator:
    return access_service_pb2.Operator(name=land.name("operators"), display_name="changed")


def _new_operator(world: World, land: Land) -> access_service_pb2.Operator:
    bindings = [role("viewer", land.tenant_id)]
    return access_service_pb2.Operator(name=f"operators/{world.fresh(land)}", bindings=bindings)


def _new_tenant(world: World, land: Land) -> access_service_pb2.Tenant:
    kind = access_service_pb2.Tenant.KIND_ROAD_OPERATOR
    return access_service_pb2.Tenant(name=f"tenants/{world.fresh(land)}", parent=land.tenant, kind=kind)


async def _upload(world: World, land: Land, _method: str) -> tuple[Message, ...]:
    version = made.new_version(world)
    return tuple(upload(release_archive(version), version=version, tenant=land.tenant))


def _new_place(collection: str, world: World, land: Land) -> dict[str, object]:
    """What must be said of any new site, corridor, group or geofence."""
    place: dict[str, object] = {"name": f"{collection}/{world.fresh(land)}", "tenant": land.tenant}
    return place | ({"geometry_json": made.SQUARE} if collection == "geofences" else {})


_NO_PLACES = b'{"type": "FeatureCollection", "features": []}'
_THEN, _LATER = Timestamp(seconds=1), Timestamp(seconds=61)
_POINT = site_service_pb2.TrackPoint(position=node_pb2.Position(latitude_degrees=0.5), time=Timestamp(seconds=1))
_MASK = {"paths": ["display_name"]}
_TEST = job_pb2.JobSpec(self_test=job_pb2.SelfTestJob())
_SOME = node_pb2.NodeSelector(all_nodes=True)

OPERATOR_CALLS: dict[str, Row] = {
    "EnrollmentService/CreateEnrollmentToken": _new_thing(OPS, tenant="{tenant}"),
    "EnrollmentService/ListEnrollmentTokens": _list(OPS),
    "EnrollmentService/RevokeEnrollmentToken": _thing(
        OPS, "TOKEN", name=_new("enrollmentTokens", made.enrollment_token)
    ),
    "EnrollmentService/ImportNodes": _list(
        OPS, validate_only=True, registrations=lambda world, land: [made.registration(world, land)]
    ),
    "EnrollmentService/ListEnrollmentRequests": _list(OPS),
    "EnrollmentService/ApproveEnrollmentRequest": _new_thing(
        OPS, done=NOT_FOUND.format("REQUEST"), name=f"enrollmentRequests/{'0' * 24}", tenant="{tenant}"
    ),
    "EnrollmentService/RejectEnrollmentRequest": _list(
        OPS, done=NOT_FOUND.format("REQUEST"), name=f"enrollmentRequests/{'0' * 24}"
    ),
    "FleetService/GetNode": _thing(ALL, "NODE", name="{nodes}"),
    "FleetService/ListNodes": _list(ALL),
    "FleetService/WatchNodes": _list(ALL),
    "FleetService/UpdateNode": _thing(OPS, "NODE", node=_node_of, update_mask=_MASK),
    "FleetService/RetireNode": _thing(
        "admin", "NODE", name="{nodes}", done="FAILED_PRECONDITION APPROVAL_REQUIRED"
    ),  # the policy of the test's manager asks for a second person
    "FleetService/RevokeNode": _thing("admin", "NODE", name=_new("nodes", made.node)),
    "FleetService/ListEvents": _list(ALL),
    "FleetService/WatchEvents": _list(ALL),
    "EventService/ApplyEventSink": _new_thing("admin", event_sink=_sink_of),
    "EventService/GetEventSink": _thing("admin", "EVENT_SINK", name="{eventSinks}"),
    "EventService/ListEventSinks": _list("admin"),
    "EventService/DeleteEventSink": _thing("admin", "EVENT_SINK", name=_new("eventSinks", made.event_sink)),
    "EventService/TestEventSink": _thing(
        "admin", "EVENT_SINK", done="UNAVAILABLE SINK_UNAVAILABLE", name="{eventSinks}"
    ),
    "EventService/ListDeadLetters": _thing("admin", "EVENT_SINK", event_sink="{eventSinks}"),
    "EventService/RetryDeadLetters": _thing("admin", "EVENT_SINK", event_sink="{eventSinks}"),
    "ConfigService/GetConfigLayer": _thing(VIEW, "LAYER", name="{configLayers}"),
    "ConfigService/ListConfigLayers": _list(VIEW),
    "ConfigService/ListConfigLayerRevisions": _thing(VIEW, "LAYER", name="{configLayers}"),
    "ConfigService/GetNodeConfig": _thing(VIEW, "NODE", node="{nodes}"),
    "ConfigService/ListNodeConfigs": _thing(VIEW, "NODE", node="{nodes}"),
    "ConfigService/ExplainNodeConfig": _thing(VIEW, "NODE", node="{nodes}"),
    "ConfigService/PreviewConfig": _list(VIEW),
    "ConfigService/ListConfigDrift": _list(VIEW),
    "ConfigService/GetConfigSchema": _list(VIEW),
    "ConfigService/ApplyConfigLayer": _new_thing(OPS, config_layer=_layer_of),
    "ConfigService/DeleteConfigLayer": _thing(OPS, "LAYER", name=_new("configLayers", made.config_layer)),
    "ConfigService/RollbackConfigLayer": _thing(OPS, "LAYER", name=_new("configLayers", made.changed_config_layer)),
    "ConfigService/ExtendConfigTrial": _thing(
        OPS, "NODE", done=OTHER_TRIAL, node="{nodes}", trial="none", timeout=Duration(seconds=60)
    ),
    "ConfigService/ConfirmConfigTrial": _thing(OPS, "NODE", done=OTHER_TRIAL, node="{nodes}", trial="none"),
    "ConfigService/CancelConfigTrial": _thing(OPS, "NODE", done=OTHER_TRIAL, node="{nodes}", trial="none"),
    "SiteService/GetSite": _thing(ALL, "SITE", name="{sites}"),
    "SiteService/ListSites": _list(ALL),
    "SiteService/ApplySite": _new_thing(OPS, site=lambda world, land: _new_place("sites", world, land)),
    "SiteService/DeleteSite": _thing(OPS, "SITE", name=_new("sites", made.site)),
    "SiteService/GetCorridor": _thing(ALL, "CORRIDOR", name="{corridors}"),
    "SiteService/ListCorridors": _list(ALL),
    "SiteService/ApplyCorridor": _new_thing(OPS, corridor=lambda world, land: _new_place("corridors", world, land)),
    "SiteService/DeleteCorridor": _thing(OPS, "CORRIDOR", name=_new("corridors", made.corridor)),
    "SiteService/GetGroup": _thing(ALL, "GROUP", name="{groups}"),
    "SiteService/ListGroups": _list(ALL),
    "SiteService/ApplyGroup": _new_thing(OPS, group=lambda world, land: _new_place("groups", world, land)),
    "SiteService/DeleteGroup": _thing(OPS, "GROUP", name=_new("groups", made.group)),
    "SiteService/GetGeofence": _thing(ALL, "GEOFENCE", name="{geofences}"),
    "SiteService/ListGeofences": _list(ALL),
    "SiteService/ApplyGeofence": _new_thing(OPS, geofence=lambda world, land: _new_place("geofences", world, land)),
    "SiteService/DeleteGeofence": _thing(OPS, "GEOFENCE", name=_new("geofences", made.geofence)),
    "SiteService/ImportGeoJson": _list(OPS, geojson=_NO_PLACES),
    "SiteService/ExportGeoJson": _list(ALL),
    "SiteService/SelectNodes": _list(ALL, selector=_SOME),
    "SiteService/JudgeTrack": _list(
        ALL,
        hidden=NOT_FOUND.format("GEOFENCE"),
        points=[_POINT],
        geofences=lambda _world, land: [land.name("geofences")],
    ),
    "RadioLicenceService/GetRadioLicence": _thing(ALL, "RADIO_LICENCE", name="{radioLicences}"),
    "RadioLicenceService/ListRadioLicences": _list(ALL),
    "RadioLicenceService/ListRadioMismatches": _list(ALL),
    "RadioLicenceService/ApplyRadioLicence": _new_thing(OPS, radio_licence=_licence_of),
    "RadioLicenceService/DeleteRadioLicence": _thing(
        OPS, "RADIO_LICENCE", name=_new("radioLicences", made.radio_licence)
    ),
    "ReleaseService/GetRelease": _thing(VIEW, "RELEASE", name="{releases}"),
    "ReleaseService/ListReleases": _list(VIEW),
    "ReleaseService/CreateRelease": Row("release-manager admin", "new thing", _upload, NOT_FOUND.format("TENANT")),
    "ReleaseService/RetireRelease": _thing("release-manager admin", "RELEASE", name=_new("releases", made.release)),
    "ReleaseService/GetReleaseTrust": _deployment(),
    "ReleaseService/UpdateReleaseTrust": _deployment(done="INVALID_ARGUMENT METADATA_INVALID", image_roots=[b"{}"]),
    "RolloutService/GetRollout": _thing(VIEW, "ROLLOUT", name="{rollouts}"),
    "RolloutService/ListRollouts": _list(VIEW),
    "RolloutService/ListRolloutNodes": _thing(VIEW, "ROLLOUT", name="{rollouts}"),
    "RolloutService/WatchRollout": _thing(VIEW, "ROLLOUT", name="{rollouts}"),
    "RolloutService/CreateRollout": _new_thing(
        "release-manager admin",
        done=NOT_FOUND.format("RELEASE"),
        release="releases/9.9.9",
        selector=_SOME,
        tenant="{tenant}",
    ),
    "RolloutService/PauseRollout": _thing("operator release-manager admin", "ROLLOUT", name="{rollouts}"),
    "RolloutService/ResumeRollout": _thing("operator release-manager admin", "ROLLOUT", name="{rollouts}"),
    "RolloutService/AbortRollout": _thing(
        "operator release-manager admin", "ROLLOUT", name=_new("rollouts", made.aborted_rollout)
    ),
    "RolloutService/RetryRollout": _thing(
        "operator release-manager admin", "ROLLOUT", done="FAILED_PRECONDITION ROLLOUT_LIVE", name="{rollouts}"
    ),
    "HealthService/GetNodeHealth": _thing(ALL, "NODE", node="{nodes}"),
    "HealthService/ListNodeHealth": _list(ALL),
    "HealthService/ListHealthHistory": _thing(ALL, "NODE", node="{nodes}", begin_time=_THEN, end_time=_LATER),
    "HealthService/GetAvailability": _list(ALL, begin_time=_THEN),
    "AlarmService/GetAlarm": _thing(ALL, "ALARM", name="{alarms}"),
    "AlarmService/ListAlarms": _list(ALL),
    "AlarmService/AcknowledgeAlarm": _thing(OPS, "ALARM", name="{alarms}"),
    "AlarmService/ShelveAlarm": _thing(OPS, "ALARM", name="{alarms}"),
    "AlarmService/GetRestoreReport": _thing(ALL, "ALARM", name="{alarms}"),
    "AlarmService/GetAlarmPolicy": _list(ALL),
    "AlarmService/UpdateAlarmPolicy": _deployment(done="ABORTED ETAG_MISMATCH", policy={"etag": "stale"}),
    "JobService/CreateJob": _thing(RUN, "NODE", node="{nodes}", spec=_TEST),
    "JobService/CreateFleetJob": _new_thing(
        RUN, done="INVALID_ARGUMENT JOB_INVALID", selector=_SOME, spec=job_pb2.JobSpec(), tenant="{tenant}"
    ),
    "JobService/GetJob": _thing(VIEW, "JOB", name="{jobs}"),
    "JobService/ListJobs": _list(VIEW),
    "JobService/WatchJob": _thing(VIEW, "JOB", name="{jobs}"),
    "JobService/CancelJob": _thing(RUN, "JOB", name=_new("jobs", made.job)),
    "JobService/FetchJobArtifact": _thing(RUN, "JOB", done="NOT_FOUND NO_FILE", job="{jobs}", file="none"),
    "JobService/AttachShell": _thing("admin", "JOB", done="FAILED_PRECONDITION NO_SHELL", name="{jobs}"),
    # it must not stop what the other rows need
    "JobService/StopEverything": _list(RUN, done="INVALID_ARGUMENT REASON_MISSING"),
    "BroadcastService/PublishBroadcast": _new_thing(OPS, broadcast=_broadcast_of),
    "BroadcastService/GetBroadcast": _thing(ALL, "BROADCAST", name="{broadcasts}"),
    "BroadcastService/ListBroadcasts": _list(ALL),
    "BroadcastService/ListBroadcastReceipts": _thing(ALL, "BROADCAST", broadcast="{broadcasts}"),
    "BroadcastService/WithdrawBroadcast": _thing(OPS, "BROADCAST", name="{broadcasts}"),
    "AccessService/SignOut": Row("", "caller", _fields()),
    "AccessService/GetCaller": Row("", "caller", _fields()),
    "AccessService/CreateOperator": _list("admin", operator=_new_operator),
    "AccessService/GetOperator": _thing("admin auditor", "OPERATOR", name="{operators}"),
    "AccessService/ListOperators": _list("admin auditor"),
    "AccessService/UpdateOperator": _thing("admin", "OPERATOR", operator=_operator_of, update_mask=_MASK),
    "AccessService/SetPassword": _thing("admin", "OPERATOR", operator="{operators}"),
    "AccessService/CreateApiToken": _thing("admin", "OPERATOR", operator="{operators}"),
    "AccessService/IssueOperatorCertificate": _thing(
        "admin", "OPERATOR", operator="{operators}", certificate_request_pem=CSR_PEM
    ),
    "AccessService/ListCredentials": _thing("admin auditor", "OPERATOR", operator="{operators}"),
    "AccessService/RevokeCredential": _thing("admin", "CREDENTIAL", name=_new("credentials", made.credential_of)),
    "AccessService/CreateTenant": _thing("admin", "TENANT", tenant=_new_tenant),
    "AccessService/ListTenants": _list(ALL),
    "AccessService/DeleteTenant": _thing("admin", "TENANT", name=_new("tenants", made.tenant)),
    "AccessService/GetAccessPolicy": _deployment(),
    "AccessService/UpdateAccessPolicy": _deployment(done="ABORTED ETAG_MISMATCH", policy={"etag": "stale"}),
    "ApprovalService/GetApproval": _thing(VIEW, "APPROVAL", name=_new("approvals", made.approval)),
    "ApprovalService/ListApprovals": _list(VIEW),
    "ApprovalService/DecideApproval": _thing("approver admin", "APPROVAL", name=_new("approvals", made.approval)),
    "AuditService/ListAuditEntries": _list("admin auditor"),
    "AuditService/VerifyAudit": _deployment(),
    "AuditService/ExportAudit": _deployment(),
    "AuthorityService/ListAuthorities": _deployment(),
    "AuthorityService/CreateAuthority": _deployment(),
    "AuthorityService/ActivateAuthority": _deployment(
        done="NOT_FOUND AUTHORITY_NOT_FOUND", name=f"authorities/{'0' * 24}"
    ),
    "AuthorityService/RetireAuthority": _deployment(
        done="NOT_FOUND AUTHORITY_NOT_FOUND", name=f"authorities/{'0' * 24}"
    ),
}
"""By service and method of package wayside.v1."""

NODE_CALLS = frozenset(
    f"NodeService/{name}"
    for name in (
        "Session",
        "FetchArtifact",
        "CheckPeer",
        "FetchTrust",
        "FetchConfig",
        "GetAuthorities",
        "RenewCertificate",
        "ConfirmCertificate",
        "UploadJobArtifact",
        "OpenShell",
    )
)
CALLS_OF_ANYONE = frozenset({"EnrollmentService/Enroll", "AccessService/SignIn"})
STANDARD_CALLS_OF_ANYONE = frozenset(
    {
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    }
)
STANDARD_CALLS_OF_OPERATORS = frozenset({"/grpc.health.v1.Health/List"})
