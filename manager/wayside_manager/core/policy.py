"""Who may call what. One row per RPC; what is not in the table is denied.

Usage: `may_call("/wayside.v1.FleetService/GetNode", Caller.OPERATOR)`.
"""

from enum import StrEnum


class Caller(StrEnum):
    """What a caller has proven to be."""

    ANYONE = "anyone"
    """Nothing proven."""
    NODE = "node"
    OPERATOR = "operator"


_EVERYBODY = frozenset(Caller)
_NODE = frozenset({Caller.NODE})
_OPERATOR = frozenset({Caller.OPERATOR})

ALLOWED: dict[str, frozenset[Caller]] = {
    "/wayside.v1.EnrollmentService/Enroll": _EVERYBODY,  # the token inside is the proof
    "/wayside.v1.NodeService/Session": _NODE,
    "/wayside.v1.NodeService/FetchArtifact": _NODE,
    "/wayside.v1.NodeService/FetchConfig": _NODE,
    "/wayside.v1.FleetService/GetNode": _OPERATOR,
    "/wayside.v1.FleetService/ListNodes": _OPERATOR,
    "/wayside.v1.FleetService/UpdateNode": _OPERATOR,
    "/wayside.v1.FleetService/RetireNode": _OPERATOR,
    "/wayside.v1.FleetService/WatchNodes": _OPERATOR,
    "/wayside.v1.FleetService/CreateEnrollmentToken": _OPERATOR,
    "/wayside.v1.ConfigService/ApplyConfigLayer": _OPERATOR,
    "/wayside.v1.ConfigService/GetConfigLayer": _OPERATOR,
    "/wayside.v1.ConfigService/ListConfigLayers": _OPERATOR,
    "/wayside.v1.ConfigService/DeleteConfigLayer": _OPERATOR,
    "/wayside.v1.ConfigService/GetNodeConfig": _OPERATOR,
    "/wayside.v1.ReleaseService/CreateRelease": _OPERATOR,
    "/wayside.v1.ReleaseService/GetRelease": _OPERATOR,
    "/wayside.v1.ReleaseService/ListReleases": _OPERATOR,
    "/wayside.v1.ReleaseService/CreateRollout": _OPERATOR,
    "/wayside.v1.ReleaseService/GetRollout": _OPERATOR,
    "/wayside.v1.ReleaseService/ListRollouts": _OPERATOR,
    "/wayside.v1.ReleaseService/WatchRollout": _OPERATOR,
    "/wayside.v1.ReleaseService/PauseRollout": _OPERATOR,
    "/wayside.v1.ReleaseService/ResumeRollout": _OPERATOR,
    "/wayside.v1.ReleaseService/AbortRollout": _OPERATOR,
    "/grpc.health.v1.Health/Check": _EVERYBODY,  # load balancers carry no credential
    "/grpc.health.v1.Health/Watch": _EVERYBODY,
    "/grpc.health.v1.Health/List": _OPERATOR,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": _EVERYBODY,  # the contract is public
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": _EVERYBODY,
}


def may_call(method: str, caller: Caller) -> bool:
    """Whether a caller of this kind may call a method, given by its full name `/package.Service/Method`."""
    return caller in ALLOWED.get(method, frozenset())
