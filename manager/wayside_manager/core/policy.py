"""Who may call what: one row per RPC; what is not in the table is denied.

The gate reads it for every call: who must call, with which permission, for which thing of whom, and whether the call is
audited or can need a second person.
Usage: `RULES["/wayside.v1.FleetService/GetNode"].permission`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from wayside_manager.core.access import Permission
from wayside_manager.core.approvals import Danger


class Caller(StrEnum):
    """What a caller has proven to be."""

    ANYONE = "anyone"
    """Nothing proven."""
    NODE = "node"
    OPERATOR = "operator"


class Target(StrEnum):
    """What of the call the permission must cover."""

    SELF = "self"
    """Nothing but the caller: a node's own things, an operator's own."""
    ROOT = "root"
    """The whole deployment: a whole binding in the root tenant."""
    LISTED = "listed"
    """What the caller may see of many things; the handler asks the store with the caller's reach."""
    NEW = "new"
    """A new thing in the tenant that `field` names; empty: the only tenant the caller is bound to."""
    STREAMED = "streamed"
    """As NEW, but the tenant is in the first message of a stream: the handler asks `admitted_tenant`."""
    NODE = "nodes"
    SITE = "sites"
    CORRIDOR = "corridors"
    GROUP = "groups"
    GEOFENCE = "geofences"
    RADIO_LICENCE = "radioLicences"
    ALARM = "alarms"
    JOB = "jobs"
    SINK = "eventSinks"
    LAYER = "configLayers"
    RELEASE = "releases"
    ROLLOUT = "rollouts"
    BROADCAST = "broadcasts"
    TOKEN = "enrollmentTokens"  # noqa: S105  # a word, no secret
    REQUEST = "enrollmentRequests"
    APPROVAL = "approvals"
    OPERATOR = "operators"
    CREDENTIAL = "credentials"
    TENANT = "tenants"


@dataclass(frozen=True, slots=True)
class Rule:
    """What one RPC asks of its caller."""

    caller: Caller
    permission: Permission | None = None
    """For operators. `None`: any operator."""
    target: Target = Target.SELF
    field: str = "name"
    """Path of the request's field that names the thing, or the tenant of a new one."""
    tenant_field: str = ""
    """Path of the field that names the tenant of a thing that is not there yet. Empty: it must be there."""
    is_own_allowed: bool = False
    """An operator may do it for itself, or with its own credential, without the permission; empty `field`: itself."""
    is_change: bool = False
    """It is audited when it is done. Denials and failures of operators are audited always."""
    danger: Danger | None = None
    """It needs a second person when the policy names this, unless an operator does it for itself."""


_P, _T = Permission, Target


def _read(permission: Permission | None, target: Target, field: str = "name", *, own: bool = False) -> Rule:
    return Rule(Caller.OPERATOR, permission, target, field, is_own_allowed=own)


def _write(
    permission: Permission | None,
    target: Target,
    field: str = "name",
    *,
    tenant: str = "",
    danger: Danger | None = None,
    own: bool = False,
) -> Rule:
    return Rule(
        Caller.OPERATOR,
        permission,
        target,
        field,
        tenant_field=tenant,
        is_own_allowed=own,
        is_change=True,
        danger=danger,
    )


_ANYONE = Rule(Caller.ANYONE)
_NODE = Rule(Caller.NODE)
_V1 = "/wayside.v1."


def _site_rules(kind: str, kinds: str, field: str, target: Target, *, service: str = "SiteService") -> dict[str, Rule]:
    """The four calls of one kind of thing."""
    read, write, called = Permission.SITES_READ, Permission.SITES_WRITE, f"{_V1}{service}"
    # a radio licence alters no configuration
    danger = None if target is Target.RADIO_LICENCE else Danger.FLEET_CONFIG
    return {
        f"{called}/Apply{kind}": _write(write, target, f"{field}.name", tenant=f"{field}.tenant", danger=danger),
        f"{called}/Get{kind}": _read(read, target),
        f"{called}/List{kinds}": _read(read, Target.LISTED),
        f"{called}/Delete{kind}": _write(write, target, danger=danger),
    }


RULES: Mapping[str, Rule] = {
    # the token, key or password inside is the proof
    f"{_V1}EnrollmentService/Enroll": Rule(Caller.ANYONE, is_change=True),
    f"{_V1}AccessService/SignIn": Rule(Caller.ANYONE, is_change=True),
    f"{_V1}NodeService/Session": _NODE,
    f"{_V1}NodeService/FetchArtifact": _NODE,
    f"{_V1}NodeService/CheckPeer": _NODE,
    f"{_V1}NodeService/FetchTrust": _NODE,
    f"{_V1}NodeService/FetchConfig": _NODE,
    f"{_V1}NodeService/GetAuthorities": _NODE,
    f"{_V1}NodeService/RenewCertificate": Rule(Caller.NODE, is_change=True),
    f"{_V1}NodeService/ConfirmCertificate": Rule(Caller.NODE, is_change=True),
    f"{_V1}EnrollmentService/CreateEnrollmentToken": _write(_P.NODES_ADMIT, _T.NEW, "tenant"),
    f"{_V1}EnrollmentService/ListEnrollmentTokens": _read(_P.NODES_ADMIT, _T.LISTED),
    f"{_V1}EnrollmentService/RevokeEnrollmentToken": _write(_P.NODES_ADMIT, _T.TOKEN),
    # every row names its tenant: the handler judges them one by one with the caller's reach
    f"{_V1}EnrollmentService/ImportNodes": _write(_P.NODES_ADMIT, _T.LISTED),
    # a waiting unit belongs to nobody yet
    f"{_V1}EnrollmentService/ListEnrollmentRequests": _read(_P.NODES_ADMIT, _T.LISTED),
    f"{_V1}EnrollmentService/ApproveEnrollmentRequest": _write(_P.NODES_ADMIT, _T.NEW, "tenant"),
    f"{_V1}EnrollmentService/RejectEnrollmentRequest": _write(_P.NODES_ADMIT, _T.LISTED),
    f"{_V1}FleetService/GetNode": _read(_P.NODES_READ, _T.NODE),
    f"{_V1}FleetService/ListNodes": _read(_P.NODES_READ, _T.LISTED),
    f"{_V1}FleetService/WatchNodes": _read(_P.NODES_READ, _T.LISTED),
    f"{_V1}FleetService/UpdateNode": _write(_P.NODES_WRITE, _T.NODE, "node.name"),
    f"{_V1}FleetService/RetireNode": _write(_P.NODES_EXPEL, _T.NODE, danger=Danger.RETIRE),
    # never needs a second person: it is what one does when a unit was stolen
    f"{_V1}FleetService/RevokeNode": _write(_P.NODES_EXPEL, _T.NODE),
    **_site_rules("Site", "Sites", "site", _T.SITE),
    **_site_rules("Corridor", "Corridors", "corridor", _T.CORRIDOR),
    **_site_rules("Group", "Groups", "group", _T.GROUP),
    **_site_rules("Geofence", "Geofences", "geofence", _T.GEOFENCE),
    **_site_rules("RadioLicence", "RadioLicences", "radio_licence", _T.RADIO_LICENCE, service="RadioLicenceService"),
    f"{_V1}RadioLicenceService/ListRadioMismatches": _read(_P.SITES_READ, _T.LISTED),
    # every feature may name another tenant: the handler judges them with the caller's reach
    f"{_V1}SiteService/ImportGeoJson": _write(_P.SITES_WRITE, _T.LISTED, danger=Danger.FLEET_CONFIG),
    f"{_V1}SiteService/ExportGeoJson": _read(_P.SITES_READ, _T.LISTED),
    f"{_V1}SiteService/SelectNodes": _read(_P.NODES_READ, _T.LISTED),
    f"{_V1}SiteService/JudgeTrack": _read(_P.SITES_READ, _T.LISTED),
    f"{_V1}ConfigService/GetConfigLayer": _read(_P.CONFIG_READ, _T.LAYER),
    f"{_V1}ConfigService/ListConfigLayers": _read(_P.CONFIG_READ, _T.LISTED),
    f"{_V1}ConfigService/ListConfigLayerRevisions": _read(_P.CONFIG_READ, _T.LAYER),
    f"{_V1}ConfigService/GetNodeConfig": _read(_P.CONFIG_READ, _T.NODE, "node"),
    f"{_V1}ConfigService/ListNodeConfigs": _read(_P.CONFIG_READ, _T.NODE, "node"),
    f"{_V1}ConfigService/ExplainNodeConfig": _read(_P.CONFIG_READ, _T.NODE, "node"),
    f"{_V1}ConfigService/PreviewConfig": _read(_P.CONFIG_READ, _T.LISTED),
    f"{_V1}ConfigService/ListConfigDrift": _read(_P.CONFIG_READ, _T.LISTED),
    f"{_V1}ConfigService/GetConfigSchema": _read(_P.CONFIG_READ, _T.LISTED),
    f"{_V1}ConfigService/ApplyConfigLayer": _write(
        _P.CONFIG_WRITE, _T.LAYER, "config_layer.name", tenant="config_layer.tenant", danger=Danger.FLEET_CONFIG
    ),
    f"{_V1}ConfigService/DeleteConfigLayer": _write(_P.CONFIG_WRITE, _T.LAYER, danger=Danger.FLEET_CONFIG),
    f"{_V1}ConfigService/RollbackConfigLayer": _write(_P.CONFIG_WRITE, _T.LAYER, danger=Danger.FLEET_CONFIG),
    f"{_V1}ConfigService/ExtendConfigTrial": _write(_P.CONFIG_WRITE, _T.NODE, "node"),
    f"{_V1}ConfigService/ConfirmConfigTrial": _write(_P.CONFIG_WRITE, _T.NODE, "node"),
    f"{_V1}ConfigService/CancelConfigTrial": _write(_P.CONFIG_WRITE, _T.NODE, "node"),
    f"{_V1}ReleaseService/GetRelease": _read(_P.RELEASES_READ, _T.RELEASE),
    f"{_V1}ReleaseService/ListReleases": _read(_P.RELEASES_READ, _T.LISTED),
    f"{_V1}ReleaseService/CreateRelease": _write(_P.RELEASES_WRITE, _T.STREAMED, "spec.tenant"),
    f"{_V1}ReleaseService/RetireRelease": _write(_P.RELEASES_WRITE, _T.RELEASE),
    f"{_V1}ReleaseService/GetReleaseTrust": _read(_P.RELEASES_READ, _T.ROOT),
    f"{_V1}ReleaseService/UpdateReleaseTrust": _write(_P.RELEASES_WRITE, _T.ROOT, danger=Danger.KEYS),
    f"{_V1}RolloutService/GetRollout": _read(_P.ROLLOUTS_READ, _T.ROLLOUT),
    f"{_V1}RolloutService/ListRollouts": _read(_P.ROLLOUTS_READ, _T.LISTED),
    f"{_V1}RolloutService/ListRolloutNodes": _read(_P.ROLLOUTS_READ, _T.ROLLOUT),
    f"{_V1}RolloutService/WatchRollout": _read(_P.ROLLOUTS_READ, _T.ROLLOUT),
    f"{_V1}RolloutService/CreateRollout": _write(_P.ROLLOUTS_START, _T.NEW, "tenant", danger=Danger.FLEET_ROLLOUT),
    f"{_V1}RolloutService/PauseRollout": _write(_P.ROLLOUTS_STEER, _T.ROLLOUT),
    f"{_V1}RolloutService/ResumeRollout": _write(_P.ROLLOUTS_STEER, _T.ROLLOUT),
    f"{_V1}RolloutService/AbortRollout": _write(_P.ROLLOUTS_STEER, _T.ROLLOUT),
    # the same thing once more to those it was meant for: no more than resuming
    f"{_V1}RolloutService/RetryRollout": _write(_P.ROLLOUTS_STEER, _T.ROLLOUT, danger=Danger.FLEET_ROLLOUT),
    f"{_V1}NodeService/UploadJobArtifact": _NODE,
    f"{_V1}NodeService/OpenShell": _NODE,
    f"{_V1}FleetService/ListEvents": _read(_P.ALARMS_READ, _T.LISTED),
    f"{_V1}FleetService/WatchEvents": _read(_P.ALARMS_READ, _T.LISTED),
    f"{_V1}HealthService/GetNodeHealth": _read(_P.NODES_READ, _T.NODE, "node"),
    f"{_V1}HealthService/ListNodeHealth": _read(_P.NODES_READ, _T.LISTED),
    f"{_V1}HealthService/ListHealthHistory": _read(_P.NODES_READ, _T.NODE, "node"),
    f"{_V1}HealthService/GetAvailability": _read(_P.NODES_READ, _T.LISTED),
    f"{_V1}AlarmService/GetAlarm": _read(_P.ALARMS_READ, _T.ALARM),
    f"{_V1}AlarmService/ListAlarms": _read(_P.ALARMS_READ, _T.LISTED),
    f"{_V1}AlarmService/AcknowledgeAlarm": _write(_P.ALARMS_ACT, _T.ALARM),
    f"{_V1}AlarmService/ShelveAlarm": _write(_P.ALARMS_ACT, _T.ALARM),
    f"{_V1}AlarmService/GetRestoreReport": _read(_P.ALARMS_READ, _T.ALARM),
    f"{_V1}AlarmService/GetAlarmPolicy": _read(_P.ALARMS_READ, _T.LISTED),
    f"{_V1}AlarmService/UpdateAlarmPolicy": _write(_P.ALARMS_RULE, _T.ROOT),
    f"{_V1}EventService/ApplyEventSink": _write(_P.ALARMS_RULE, _T.SINK, "event_sink.name", tenant="event_sink.tenant"),
    f"{_V1}EventService/GetEventSink": _read(_P.ALARMS_RULE, _T.SINK),
    f"{_V1}EventService/ListEventSinks": _read(_P.ALARMS_RULE, _T.LISTED),
    f"{_V1}EventService/DeleteEventSink": _write(_P.ALARMS_RULE, _T.SINK),
    f"{_V1}EventService/TestEventSink": _write(_P.ALARMS_RULE, _T.SINK),
    f"{_V1}EventService/ListDeadLetters": _read(_P.ALARMS_RULE, _T.SINK, "event_sink"),
    f"{_V1}EventService/RetryDeadLetters": _write(_P.ALARMS_RULE, _T.SINK, "event_sink"),
    # shells and files onto units need JOBS_SHELL besides, which the handler asks for
    f"{_V1}JobService/CreateJob": _write(_P.JOBS_RUN, _T.NODE, "node", danger=Danger.SHELL),
    f"{_V1}JobService/CreateFleetJob": _write(_P.JOBS_RUN, _T.NEW, "tenant", danger=Danger.FLEET_JOB),
    f"{_V1}JobService/GetJob": _read(_P.JOBS_READ, _T.JOB),
    f"{_V1}JobService/ListJobs": _read(_P.JOBS_READ, _T.LISTED),
    f"{_V1}JobService/WatchJob": _read(_P.JOBS_READ, _T.JOB),
    f"{_V1}JobService/CancelJob": _write(_P.JOBS_RUN, _T.JOB),
    # what units bring up may hold more than what everybody may see
    f"{_V1}JobService/FetchJobArtifact": _write(_P.JOBS_RUN, _T.JOB, "job"),
    f"{_V1}JobService/AttachShell": Rule(Caller.OPERATOR, _P.JOBS_SHELL, _T.STREAMED, "name", is_change=True),
    # never needs a second person: it is what one does when everything burns
    f"{_V1}JobService/StopEverything": _write(_P.FLEET_STOP, _T.LISTED),
    f"{_V1}BroadcastService/GetBroadcast": _read(_P.NODES_READ, _T.BROADCAST),
    f"{_V1}BroadcastService/ListBroadcasts": _read(_P.NODES_READ, _T.LISTED),
    f"{_V1}BroadcastService/ListBroadcastReceipts": _read(_P.NODES_READ, _T.BROADCAST, "broadcast"),
    f"{_V1}BroadcastService/PublishBroadcast": _write(
        _P.BROADCASTS_PUBLISH, _T.BROADCAST, "broadcast.name", tenant="broadcast.tenant", danger=Danger.FLEET_BROADCAST
    ),
    # never needs a second person: it is what one does when the wrong thing is on the air
    f"{_V1}BroadcastService/WithdrawBroadcast": _write(_P.BROADCASTS_PUBLISH, _T.BROADCAST),
    f"{_V1}AccessService/SignOut": _write(None, _T.SELF),
    f"{_V1}AccessService/GetCaller": _read(None, _T.SELF),
    f"{_V1}AccessService/CreateOperator": _write(_P.OPERATORS_WRITE, _T.LISTED, danger=Danger.ROLES),
    f"{_V1}AccessService/GetOperator": _read(_P.OPERATORS_READ, _T.OPERATOR, own=True),
    f"{_V1}AccessService/ListOperators": _read(_P.OPERATORS_READ, _T.LISTED),
    f"{_V1}AccessService/UpdateOperator": _write(_P.OPERATORS_WRITE, _T.OPERATOR, "operator.name", danger=Danger.ROLES),
    # whoever makes a credential for somebody else can be that person, and so the second one
    f"{_V1}AccessService/SetPassword": _write(
        _P.OPERATORS_WRITE, _T.OPERATOR, "operator", danger=Danger.ROLES, own=True
    ),
    f"{_V1}AccessService/CreateApiToken": _write(
        _P.OPERATORS_WRITE, _T.OPERATOR, "operator", danger=Danger.ROLES, own=True
    ),
    f"{_V1}AccessService/IssueOperatorCertificate": _write(
        _P.OPERATORS_WRITE, _T.OPERATOR, "operator", danger=Danger.ROLES, own=True
    ),
    f"{_V1}AccessService/ListCredentials": _read(_P.OPERATORS_READ, _T.OPERATOR, "operator", own=True),
    f"{_V1}AccessService/RevokeCredential": _write(_P.OPERATORS_WRITE, _T.CREDENTIAL, own=True),
    f"{_V1}AccessService/CreateTenant": _write(_P.TENANTS_WRITE, _T.TENANT, "tenant.parent", danger=Danger.ROLES),
    f"{_V1}AccessService/ListTenants": _read(_P.TENANTS_READ, _T.LISTED),
    f"{_V1}AccessService/DeleteTenant": _write(_P.TENANTS_WRITE, _T.TENANT, danger=Danger.ROLES),
    f"{_V1}AccessService/GetAccessPolicy": _read(_P.POLICY_READ, _T.ROOT),
    f"{_V1}AccessService/UpdateAccessPolicy": _write(_P.POLICY_WRITE, _T.ROOT, danger=Danger.POLICY),
    f"{_V1}ApprovalService/GetApproval": _read(_P.APPROVALS_READ, _T.APPROVAL),
    f"{_V1}ApprovalService/ListApprovals": _read(_P.APPROVALS_READ, _T.LISTED),
    f"{_V1}ApprovalService/DecideApproval": _write(_P.APPROVALS_DECIDE, _T.APPROVAL),
    f"{_V1}AuditService/ListAuditEntries": _read(_P.AUDIT_READ, _T.LISTED),
    f"{_V1}AuditService/VerifyAudit": _read(_P.AUDIT_READ, _T.ROOT),
    # what leaves the house is noted
    f"{_V1}AuditService/ExportAudit": _write(_P.AUDIT_READ, _T.ROOT),
    f"{_V1}AuthorityService/ListAuthorities": _read(_P.KEYS_READ, _T.ROOT),
    f"{_V1}AuthorityService/CreateAuthority": _write(_P.KEYS_WRITE, _T.ROOT, danger=Danger.KEYS),
    f"{_V1}AuthorityService/ActivateAuthority": _write(_P.KEYS_WRITE, _T.ROOT, danger=Danger.KEYS),
    f"{_V1}AuthorityService/RetireAuthority": _write(_P.KEYS_WRITE, _T.ROOT, danger=Danger.KEYS),
    "/grpc.health.v1.Health/Check": _ANYONE,  # load balancers carry no credential
    "/grpc.health.v1.Health/Watch": _ANYONE,
    "/grpc.health.v1.Health/List": _read(None, _T.SELF),
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": _ANYONE,  # the contract is public
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": _ANYONE,
}
