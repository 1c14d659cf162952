"""Where a call comes from, and what its outcome means to the door.

Usage: operator port: `[Scoped(guard.guarded), Scoped(gate.admitted), Scoped(guard.proving)]`; device port:
`[Scoped(direct), Scoped(gate.admitted)]`. A servicer asks `calling_address()`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from urllib.parse import unquote

from wayside.errors import PermissionDeniedError, ResourceExhaustedError, UnauthenticatedError
from wayside_manager.api.door import Door
from wayside_manager.api.scopes import Context

_ADDRESS: ContextVar[str] = ContextVar("calling_address", default="")


def calling_address() -> str:
    """The IP address of the client whose call this is; empty outside a call."""
    return _ADDRESS.get()


def address_of(peer: str) -> str:
    """The address in what gRPC calls a direct peer: `ipv4:10.0.0.5:4711`, `ipv6:%5B::1%5D:4711`; empty for others."""
    family, _, rest = peer.partition(":")
    if family not in {"ipv4", "ipv6"}:
        return ""
    return unquote(rest.rpartition(":")[0]).strip("[]")


@asynccontextmanager
async def direct(_method: str, context: Context, _request: object) -> AsyncIterator[None]:
    """The scope of a call on a port of gRPC's own."""
    reset = _ADDRESS.set(address_of(context.peer()))
    try:
        yield
    finally:
        _ADDRESS.reset(reset)


class Guard:
    """Scopes of a call that came through the door."""

    def __init__(self, door: Door, *, is_for_anyone: Callable[[str], bool]) -> None:
        self._door = door
        self._is_for_anyone = is_for_anyone

    @asynccontextmanager
    async def guarded(self, method: str, context: Context, _request: object) -> AsyncIterator[None]:
        """Around the gate: counts bad credentials, and who does not slow down when told.

        Raises: PermissionDeniedError: the caller came round the door, from this host.
        """
        peer = context.peer()
        address = self._door.origin(peer)
        if not address:
            raise PermissionDeniedError(
                f"{method} is served on the operator port only; call it there", reason="NOT_THROUGH_THE_DOOR"
            )
        reset = _ADDRESS.set(address)
        try:
            yield
        except UnauthenticatedError:
            self._door.failed(peer)
            raise
        except ResourceExhaustedError:
            self._door.pressed(peer)
            raise
        finally:
            _ADDRESS.reset(reset)

    @asynccontextmanager
    async def proving(self, method: str, context: Context, _request: object) -> AsyncIterator[None]:
        """Inside the gate: who got here with a credential has proven it. A call anyone may make proves nothing."""
        if not self._is_for_anyone(method):
            self._door.proven(context.peer())
        yield
