"""Puts something around every call of a gRPC server, unary or streaming, even mid-stream.

A grpc.aio interceptor sees only the handler and its name. Identity and errors need the call's context as well, so the
handler is replaced by one that runs inside a *scope*: an async context manager made for each call. A unary request is
decoded by the first scope that asks for it: whoever has not shown a credential does not get its bytes read.
Usage: `grpc.aio.server(interceptors=[Scoped(translated_errors), Scoped(gate.admitted)])`; the first is the outermost.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, TypeAlias, cast

import grpc
import grpc.aio

# grpc types requests, answers and handlers as Any: what they are is the servicers' business
Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
EOF = grpc.aio.EOF  # what `context.read()` returns at the end
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
MaybeHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"


class Unread:
    """A request as it came, decoded when somebody looks at it."""

    def __init__(self, decode: Callable[[bytes], Any] | None, content: bytes) -> None:
        self._decode = decode
        self._content = content
        self._message: Any = None

    @property
    def size_bytes(self) -> int:
        """Its size on the wire."""
        return len(self._content)

    def message(self) -> Any:  # noqa: ANN401  # grpc's own types, see above
        """The message, the same each time.

        Raises: DecodeError: the bytes are none.
        """
        if self._message is None:
            self._message = self._decode(self._content) if self._decode else self._content
        return self._message


Scope: TypeAlias = Callable[[str, Context, Unread | None], AbstractAsyncContextManager[None]]
"""Gets the method (`/wayside.v1.FleetService/GetNode`), the context, and the request, `None` where it is a stream."""


class _Reader:
    """Stands where grpc expects a decoder, and decodes nothing yet."""

    def __init__(self, decode: Callable[[bytes], Any] | None) -> None:
        self._decode = decode

    def __call__(self, content: bytes) -> Unread:
        return Unread(self._decode, content)


def metadata_of(context: Context) -> tuple[tuple[str, str | bytes], ...]:
    """The headers of a call."""
    # types-grpcio has the element type of metadata wrong: it iterates over pairs
    return tuple(cast("Iterable[tuple[str, str | bytes]]", context.invocation_metadata() or ()))


class CallerLeftError(Exception):
    """Nothing can be sent to the caller or read from it any more: it is gone, and that is normal."""


async def send(context: Context, message: object) -> None:
    """Sends one message of a stream.

    Raises: CallerLeftError.
    """
    try:
        await context.write(message)
    except (grpc.aio.InternalError, grpc.aio.UsageError) as exc:  # a failed batch, a call that has ended
        raise CallerLeftError(str(exc)) from exc


async def received(context: Context) -> Any:  # noqa: ANN401  # grpc's own types, see above
    """The next message of a stream, or `EOF`.

    Raises: CallerLeftError.
    """
    try:
        return await context.read()
    except (grpc.aio.InternalError, grpc.aio.UsageError) as exc:
        raise CallerLeftError(str(exc)) from exc


class Scoped(grpc.aio.ServerInterceptor):
    """Runs every call inside a scope, or every call that is a stream either way."""

    def __init__(self, scope: Scope, *, is_for_streams_only: bool = False) -> None:
        self._scope = scope
        self._is_for_streams_only = is_for_streams_only

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[MaybeHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> MaybeHandler:
        """The handler, inside the scope."""
        handler = await continuation(handler_call_details)
        if handler is None:  # no such method: grpc itself answers UNIMPLEMENTED
            return None
        if self._is_for_streams_only and not (handler.request_streaming or handler.response_streaming):
            return handler
        return _wrapped(handler, handler_call_details.method, self._scope)


def _wrapped(handler: Handler, method: str, scope: Scope) -> Handler:
    inner: Any = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    is_stream, reader = handler.request_streaming, handler.request_deserializer
    is_innermost = not isinstance(reader, _Reader)
    if is_innermost and not is_stream:
        reader = _Reader(reader)

    def read(request: Any) -> Any:  # noqa: ANN401  # grpc's own types, see above
        return request.message() if is_innermost and not is_stream else request

    async def answered(request: Any, context: Context) -> Any:  # noqa: ANN401  # grpc's own types, see above
        async with scope(method, context, None if is_stream else request):
            return await inner(read(request), context)

    async def streamed(request: Any, context: Context) -> None:  # noqa: ANN401  # grpc's own types, see above
        async with scope(method, context, None if is_stream else request):
            await _sent(inner(read(request), context), context)

    makers: dict[tuple[bool, bool], tuple[Any, Any]] = {
        (False, False): (grpc.unary_unary_rpc_method_handler, answered),
        (False, True): (grpc.unary_stream_rpc_method_handler, streamed),
        (True, False): (grpc.stream_unary_rpc_method_handler, answered),
        (True, True): (grpc.stream_stream_rpc_method_handler, streamed),
    }
    make, behaviour = makers[is_stream, handler.response_streaming]
    wrapped: Handler = make(behaviour, reader, handler.response_serializer)
    return wrapped


async def _sent(answers: AsyncGenerator[Any, None] | Awaitable[None], context: Context) -> None:
    """Runs a streaming handler of either kind: one that yields, or one that writes by itself."""
    if isinstance(answers, AsyncGenerator):
        async with aclosing(answers):
            async for answer in answers:
                await send(context, answer)
    else:
        await answers
