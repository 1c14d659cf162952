"""What is signed of releases, on the wire. Usage: `trust_message(trust, key_pem)`, `metadata_files(metadata)`."""

from collections.abc import Iterable

from wayside.v1 import node_service_pb2, release_service_pb2
from wayside_manager.api.node_messages import timestamp
from wayside_manager.core.release_trust.files import Repository, Trust, TrustFile, TrustRole
from wayside_manager.ports.release_trust import NodeMetadata

_ENDS = (
    ("image root", Repository.IMAGE, TrustRole.ROOT),
    ("director root", Repository.DIRECTOR, TrustRole.ROOT),
    ("image targets", Repository.IMAGE, TrustRole.TARGETS),
)
"""What people sign, as release_service.proto calls it."""


def trust_message(trust: Trust, manager_public_key_pem: str) -> release_service_pb2.ReleaseTrust:
    """Who may say what is installed."""
    message = release_service_pb2.ReleaseTrust(
        image_root=content(trust, Repository.IMAGE, TrustRole.ROOT),
        director_root=content(trust, Repository.DIRECTOR, TrustRole.ROOT),
        image_targets=content(trust, Repository.IMAGE, TrustRole.TARGETS),
        manager_public_key_pem=manager_public_key_pem,
    )
    files = ((what, trust.newest(repository, role)) for what, repository, role in _ENDS)
    for what, file in sorted(((what, file) for what, file in files if file), key=lambda each: each[1].expire_time):
        message.ends.add(what=what, expire_time=timestamp(file.expire_time))
    return message


def content(trust: Trust, repository: Repository, role: TrustRole) -> bytes:
    """The bytes of the newest file; empty: there is none."""
    file = trust.newest(repository, role)
    return b"" if file is None else file.content


def metadata_message(metadata: NodeMetadata) -> node_service_pb2.FetchTrustResponse:
    """What a node fetches, in the order in which it verifies it."""
    trust, direction = metadata.situation.trust, metadata.situation.direction
    answer = node_service_pb2.FetchTrustResponse(image=_roots(metadata.image_roots))
    for role in (TrustRole.TIMESTAMP, TrustRole.SNAPSHOT, TrustRole.TARGETS):
        file = trust.newest(Repository.IMAGE, role)
        if file is not None:
            answer.image.append(_file(role, file.version, file.content))
    answer.director.extend(_roots(metadata.director_roots))
    if direction is not None:
        answer.director.append(_file(TrustRole.TIMESTAMP, direction.version, direction.timestamp))
        answer.director.append(_file(TrustRole.SNAPSHOT, direction.version, direction.snapshot))
        answer.director.append(_file(TrustRole.TARGETS, direction.version, direction.targets))
    return answer


def _roots(files: Iterable[TrustFile]) -> list[node_service_pb2.MetadataFile]:
    return [_file(TrustRole.ROOT, file.version, file.content) for file in files]


def _file(role: TrustRole, version: int, content: bytes) -> node_service_pb2.MetadataFile:
    name = f"{role}.json" if role is TrustRole.TIMESTAMP else f"{version}.{role}.json"
    return node_service_pb2.MetadataFile(name=name, content=content)
