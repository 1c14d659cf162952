"""A manager with two tenants that own one of everything, and calls of any RPC by its descriptor.

All that belongs to the second tenant carries a random marker, so that one byte of it in an answer to the first shows.
"""

import asyncio
import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from cryptography.hazmat.primitives import serialization
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message

from tests.link.manager_api.peer import CALL_S, LocalManager, NodeCredential, Peer, csr, layer, release_archive, role
from wayside.errors import FailedPreconditionError, WaysideError
from wayside.status import from_rpc_error
from wayside.v1 import (
    access_service_pb2,
    config_service_pb2,
    enrollment_service_pb2,
    fleet_service_pb2,
    node_pb2,
    release_service_pb2,
)
from wayside_manager.services.authority import new_key

KEY = new_key()
CSR_PEM = csr(KEY)
KEY_PEM = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)
FIRST_MESSAGE_S = 2.0


@dataclass(frozen=True)
class Answer:
    """What came of a call: `OK`, or code and reason such as `NOT_FOUND NODE_NOT_FOUND`."""

    result: str
    said: str = ""
    content: bytes = b""


@dataclass
class Land:
    """What one tenant owns."""

    tenant_id: str
    mark: str
    """Part of every name in it."""
    node_id: str
    ids: dict[str, str] = field(default_factory=dict)
    """Of one thing of each kind, by collection."""
    credential: NodeCredential | None = None

    @property
    def tenant(self) -> str:
        return f"tenants/{self.tenant_id}"

    def name(self, collection: str) -> str:
        return f"{collection}/{self.ids[collection]}"

    def secrets(self) -> set[str]:
        """What nobody outside may ever read."""
        return {self.mark, self.ids["rollouts"], self.ids["enrollmentTokens"], self.ids["credentials"]}


@dataclass
class World:
    """A manager, its first admin, two tenants and a token of every role in the first."""

    manager: LocalManager
    admin: Peer
    own: Land
    other: Land
    tokens: dict[str, str] = field(default_factory=dict)
    counter: Iterator[int] = field(default_factory=itertools.count)

    def fresh(self, land: Land) -> str:
        return f"x{next(self.counter)}-{land.mark}"

    async def call(self, channel: grpc.aio.Channel, method: str, token: str, *messages: Message) -> Answer:
        """One call of any kind; of a stream down, the first message is read."""
        found = descriptor(method)
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        maker = getattr(channel, f"{_kind(found.client_streaming)}_{_kind(found.server_streaming)}")
        rpc = maker(method, _serialized, message_factory.GetMessageClass(found.output_type).FromString)
        call = rpc(iter(messages) if found.client_streaming else messages[0], timeout=CALL_S, metadata=metadata)
        try:
            reply = await (_first(call) if found.server_streaming else call)
        except grpc.aio.AioRpcError as exc:
            error = from_rpc_error(exc)
            result = exc.code().name if error.reason == exc.code().name else f"{exc.code().name} {error.reason}"
            return Answer(result, f"{error.message} {dict(error.metadata)}")
        finally:
            call.cancel()
        return Answer("OK", str(reply), b"" if reply is None else reply.SerializeToString())


def descriptor(method: str) -> MethodDescriptor:
    """`/wayside.v1.FleetService/GetNode`."""
    service, _, name = method.removeprefix("/").partition("/")
    return Default().FindServiceByName(service).methods_by_name[name]


def message_of(method: str) -> Any:  # noqa: ANN401  # a class that is made at run time
    """The class of a method's requests."""
    return message_factory.GetMessageClass(descriptor(method).input_type)


async def _first(call: Any) -> Message | None:  # noqa: ANN401  # grpc's own type
    try:
        async with asyncio.timeout(FIRST_MESSAGE_S):
            answer = await call.read()
    except TimeoutError:  # it is open and has nothing to say
        return None
    if answer is not grpc.aio.EOF:
        message: Message = answer
        return message
    if await call.code() is not grpc.StatusCode.OK:
        trailers = await call.trailing_metadata()
        raise grpc.aio.AioRpcError(await call.code(), grpc.aio.Metadata(), trailers, await call.details(), None)
    return None


def _kind(is_stream: bool) -> str:  # a word for a flag
    return "stream" if is_stream else "unary"


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


async def settled(manager: LocalManager, admin: Peer) -> World:
    """Both tenants with one of everything, and an operator for each role of the first."""
    mark = f"zq{secrets.token_hex(5)}"
    world = World(manager, admin, Land("alpha", "alpha", "n-alpha"), Land(f"t-{mark}", mark, f"n-{mark}"))
    for number, land in enumerate((world.own, world.other), start=1):
        await _settle(world, land, version=f"{number}.0.0-{land.mark}")
    for word in ("viewer", "operator", "release-manager", "approver", "admin", "auditor", "integrator"):
        world.tokens[word] = await admin.make_operator(f"{word}-alpha", role(word, "alpha"))
    world.tokens["nobody"] = await admin.make_operator("nobody-alpha")
    world.tokens["root admin"] = manager.token
    await admin.set_policy(four_eyes_actions=[access_service_pb2.DANGEROUS_ACTION_RETIRE])
    return world


async def _settle(world: World, land: Land, *, version: str) -> None:
    admin, tenant = world.admin, land.tenant
    await admin.make_tenant(land.tenant_id)
    for node_id in (land.node_id, f"busy-{land.mark}"):
        token = await admin.enrollment_token(node=f"nodes/{node_id}", tenant=tenant)
        credential = await world.manager.enroll(node_id, token=token)
        land.credential = land.credential or credential
        labels = [node_pb2.Label(key="group", value=f"group-{land.mark}")]
        node = node_pb2.Node(name=f"nodes/{node_id}", site=f"site-{land.mark}", labels=labels)
        await admin.call(
            admin.fleet.UpdateNode, fleet_service_pb2.UpdateNodeRequest(node=node, update_mask=_mask("site", "labels"))
        )
    made = layer(f"l-{land.mark}")
    made.tenant = tenant
    await admin.apply(made)
    await admin.publish(release_archive(version), version=version, tenant=tenant, notes=f"notes-{land.mark}")
    await admin.make_operator(f"o-{land.mark}", role("viewer", land.tenant_id))
    land.ids |= {"nodes": land.node_id, "configLayers": f"l-{land.mark}", "releases": version}
    land.ids |= {"operators": f"o-{land.mark}", "tenants": land.tenant_id}
    land.ids["rollouts"] = await rollout(world, land, f"busy-{land.mark}")
    land.ids["enrollmentTokens"] = await enrollment_token(world, land)
    land.ids["credentials"] = await credential_of(world, land)


def _mask(*paths: str) -> Any:  # noqa: ANN401  # a well-known type
    mask = fleet_service_pb2.UpdateNodeRequest().update_mask
    mask.paths.extend(paths)
    return mask


async def rollout(world: World, land: Land, node_id: str) -> str:
    request = release_service_pb2.CreateRolloutRequest(
        release=land.name("releases"), selector=node_pb2.NodeSelector(nodes=[f"nodes/{node_id}"]), tenant=land.tenant
    )
    made = await world.admin.call(world.admin.release.CreateRollout, request)
    return made.rollout.name.removeprefix("rollouts/")


async def aborted_rollout(world: World, land: Land) -> str:
    rollout_id = await rollout(world, land, land.node_id)
    request = release_service_pb2.AbortRolloutRequest(name=f"rollouts/{rollout_id}")
    await world.admin.call(world.admin.release.AbortRollout, request)
    return rollout_id


async def enrollment_token(world: World, land: Land) -> str:
    request = enrollment_service_pb2.CreateEnrollmentTokenRequest(tenant=land.tenant)
    made = await world.admin.call(world.admin.enrollment.CreateEnrollmentToken, request)
    return made.name.removeprefix("enrollmentTokens/")


async def credential_of(world: World, land: Land) -> str:
    request = access_service_pb2.CreateApiTokenRequest(operator=land.name("operators"))
    made = await world.admin.call(world.admin.access.CreateApiToken, request)
    return made.credential.name.removeprefix("credentials/")


async def node(world: World, land: Land) -> str:
    """A new node that nobody has enrolled as yet."""
    key = new_key().public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    wanted = registration(world, land, key_pem=pem)
    request = enrollment_service_pb2.ImportNodesRequest(registrations=[wanted])
    done = await world.admin.call(world.admin.enrollment.ImportNodes, request)
    assert done.results[0].outcome == enrollment_service_pb2.NodeImportResult.OUTCOME_CREATED, done
    return wanted.node_id


def registration(world: World, land: Land, *, key_pem: str = KEY_PEM) -> enrollment_service_pb2.NodeRegistration:
    node_id = world.fresh(land)
    return enrollment_service_pb2.NodeRegistration(
        node_id=node_id, esn=f"E-{node_id}", kind=node_pb2.NODE_KIND_RSU, public_key_pem=key_pem, tenant=land.tenant
    )


async def config_layer(world: World, land: Land) -> str:
    made: config_service_pb2.ConfigLayer = layer(world.fresh(land))
    made.tenant = land.tenant
    await world.admin.apply(made)
    return made.name.removeprefix("configLayers/")


async def tenant(world: World, land: Land) -> str:
    tenant_id = world.fresh(land)
    await world.admin.make_tenant(tenant_id, parent=land.tenant_id)
    return tenant_id


async def approval(world: World, land: Land) -> str:
    """What the first admin asks a second person for."""
    request = fleet_service_pb2.RetireNodeRequest(name=land.name("nodes"), etag=f"e{next(world.counter)}")
    try:
        await world.admin.call(world.admin.fleet.RetireNode, request)
    except FailedPreconditionError as exc:
        return exc.metadata["approval"].removeprefix("approvals/")
    except WaysideError as exc:
        raise AssertionError(exc.message) from exc
    raise AssertionError("nobody asked for a second person")
