"""A manager with two tenants that own one of everything, and calls of any RPC by its descriptor.

All that belongs to the second tenant carries a random marker, so that one byte of it in an answer to the first shows.
"""

import asyncio
import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
import pytest
from cryptography.hazmat.primitives import serialization
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message

from tests.link.manager_api.peer import LocalManager, NodeCredential, Peer, csr
from tests.link.manager_api.stubs import CALL_S, is_status_lost
from wayside.status import from_rpc_error
from wayside_manager.services.authority import new_key

KEY = new_key()
CSR_PEM = csr(KEY)
KEY_PEM = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)


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
    served: set[str] = field(default_factory=set)
    """Every method that is registered, whether reflection lists it or not."""
    counter: Iterator[int] = field(default_factory=itertools.count)
    first_message_s: float = 2.0
    """How long a stream down may say nothing."""

    def fresh(self, land: Land) -> str:
        return f"x{next(self.counter)}-{land.mark}"

    async def call(self, channel: grpc.aio.Channel, method: str, token: str, *messages: Message) -> Answer:
        """One call of any kind; of a stream down, the first message is read."""
        await channel.channel_ready()  # else a first message would be waited for while a busy machine connects
        while (answer := await self._call(channel, method, token, *messages)) is None:
            pass
        return answer

    async def _call(self, channel: grpc.aio.Channel, method: str, token: str, *messages: Message) -> Answer | None:
        """`None`: what the server said was lost."""
        found = descriptor(method)
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        maker = getattr(channel, f"{_kind(found.client_streaming)}_{_kind(found.server_streaming)}")
        rpc = maker(method, _serialized, message_factory.GetMessageClass(found.output_type).FromString)
        call = rpc(iter(messages) if found.client_streaming else messages[0], timeout=CALL_S, metadata=metadata)
        try:
            reply = await (_first(call, self.first_message_s) if found.server_streaming else call)
        except grpc.aio.AioRpcError as exc:
            if is_status_lost(exc):
                return None
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


async def _first(call: Any, wait_s: float) -> Message | None:  # noqa: ANN401  # grpc's own type
    try:
        async with asyncio.timeout(wait_s):
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


@contextmanager
def noting_what_is_served(patch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Fills in the methods of whatever is registered at a gRPC server meanwhile."""
    servers, served = type(grpc.aio.server()), set[str]()
    add = servers.add_generic_rpc_handlers

    def noting(self: grpc.aio.Server, handlers: Iterable[Any]) -> None:
        handlers = tuple(handlers)
        for handler in handlers:
            served.update(handler._method_handlers)
        add(self, handlers)

    patch.setattr(servers, "add_generic_rpc_handlers", noting)
    yield served
