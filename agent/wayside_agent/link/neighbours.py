"""Artifacts from units near this one: `wayside://10.20.0.5:7445/nodes/rsu-1`. Satisfies `ports.updates.ArtifactPlace`.

The other must show a certificate of this fleet's authorities with the very name in the URL; what it sends is not
trusted for that.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import grpc

from wayside.errors import InvalidArgumentError, ResourceExhaustedError, UnavailableError
from wayside.neighbours import neighbour, server_name
from wayside.v1 import node_service_pb2 as wire
from wayside.v1 import node_service_pb2_grpc
from wayside_agent.core.download import Order
from wayside_agent.link.artifact_stream import MEBIBYTE, Sender, artifact_stream
from wayside_agent.link.credentials import channel_credentials
from wayside_agent.ports.identity import Identity

FIRST_TIMEOUT_S = 10.0
"""A neighbour is near: who does not answer by then is not there."""
CHUNK_TIMEOUT_S = 30.0
_OPTIONS = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", 2 * MEBIBYTE),
    ("grpc.enable_http_proxy", 0),
    ("grpc.enable_retries", 0),
)


class NeighbourPlace:
    """Units near this one."""

    def __init__(self, identity: Callable[[], Identity]) -> None:
        """Stores values; `identity` is what the unit shows now."""
        self._identity = identity

    async def fetch(self, address: str, order: Order, *, offset_bytes: int) -> AsyncIterator[bytes]:
        """See ArtifactPlace."""
        near = neighbour(address)
        name = f"the neighbour {near.node_id}"
        options = (*_OPTIONS, ("grpc.ssl_target_name_override", server_name(near.node_id)))
        credentials = channel_credentials(self._identity())
        async with grpc.aio.secure_channel(near.address, credentials, options=options) as channel:
            stub = node_service_pb2_grpc.NodeServiceStub(channel)
            request = wire.FetchArtifactRequest(sha256=order.sha256, offset_bytes=offset_bytes)
            sender = Sender(name, near.address, FIRST_TIMEOUT_S, CHUNK_TIMEOUT_S)
            stream = artifact_stream(stub.FetchArtifact(request), sender, order.release, offset_bytes)
            position = offset_bytes
            try:
                async with aclosing(stream):
                    async for chunk in stream:
                        position += len(chunk)
                        if position > order.size_bytes:
                            raise InvalidArgumentError(f"{name} sent more than {order.size_bytes} bytes")
                        yield chunk
            except ResourceExhaustedError as error:  # it serves others now
                raise UnavailableError(str(error), reason=error.reason) from error
