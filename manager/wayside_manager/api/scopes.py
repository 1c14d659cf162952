"""Puts something around every call of a gRPC server, unary or streaming, even mid-stream.

A grpc.aio interceptor sees only the handler and its name. Identity and errors need the call's context as well, so the
handler is replaced by one that runs inside a *scope*: an async context manager made for each call.
Usage: `grpc.aio.server(interceptors=[Scoped(translated_errors), Scoped(gate.admitted)])`; the first is the outermost.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, TypeAlias

import grpc
import grpc.aio

# grpc types requests, answers and handlers as Any: what they are is the servicers' business
Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
Scope: TypeAlias = Callable[[str, Context], AbstractAsyncContextManager[None]]
EOF = grpc.aio.EOF  # what `context.read()` returns at the end
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
MaybeHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"


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
    """Runs every call inside a scope, which gets the method (`/wayside.v1.FleetService/GetNode`) and the context."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[MaybeHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> MaybeHandler:
        """The handler, inside the scope."""
        handler = await continuation(handler_call_details)
        if handler is None:  # no such method: grpc itself answers UNIMPLEMENTED
            return None
        return _wrapped(handler, handler_call_details.method, self._scope)


def _wrapped(handler: Handler, method: str, scope: Scope) -> Handler:
    inner: Any = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream

    async def answered(request: Any, context: Context) -> Any:  # noqa: ANN401  # grpc's own types, see above
        async with scope(method, context):
            return await inner(request, context)

    async def streamed(request: Any, context: Context) -> None:  # noqa: ANN401  # grpc's own types, see above
        async with scope(method, context):
            await _sent(inner(request, context), context)

    makers: dict[tuple[bool, bool], tuple[Any, Any]] = {
        (False, False): (grpc.unary_unary_rpc_method_handler, answered),
        (False, True): (grpc.unary_stream_rpc_method_handler, streamed),
        (True, False): (grpc.stream_unary_rpc_method_handler, answered),
        (True, True): (grpc.stream_stream_rpc_method_handler, streamed),
    }
    make, behaviour = makers[handler.request_streaming, handler.response_streaming]
    wrapped: Handler = make(behaviour, handler.request_deserializer, handler.response_serializer)
    return wrapped


async def _sent(answers: AsyncGenerator[Any, None] | Awaitable[None], context: Context) -> None:
    """Runs a streaming handler of either kind: one that yields, or one that writes by itself."""
    if isinstance(answers, AsyncGenerator):
        async with aclosing(answers):
            async for answer in answers:
                await send(context, answer)
    else:
        await answers
