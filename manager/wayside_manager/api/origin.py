"""Where a call comes from, and what its outcome means to the door.

Usage: operator port: `[Scoped(guard.guarded), Scoped(gate.admitted), Scoped(guard.proving)]`; device port:
`[Scoped(direct), Scoped(gate.admitted)]`. A servicer asks `calling_address()`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import unquote

from wayside.errors import PermissionDeniedError, ResourceExhaustedError, UnauthenticatedError
from wayside_manager.api.door.door import Door
from wayside_manager.api.scopes import Context


@dataclass(slots=True)
class _Origin:
    """Where the present call comes from."""

    address: str = ""
    is_admitted: bool = False
    """It showed a good credential; what fails from then on is no failed login."""


_PRESENT: ContextVar[_Origin | None] = ContextVar("origin", default=None)


def calling_address() -> str:
    """The IP address of the client whose call this is; empty outside a call."""
    origin = _PRESENT.get()
    return "" if origin is None else origin.address


def address_of(peer: str) -> str:
    """The address in what gRPC calls a direct peer: `ipv4:10.0.0.5:4711`, `ipv6:%5B::1%5D:4711`; empty for others."""
    family, _, rest = peer.partition(":")
    if family not in {"ipv4", "ipv6"}:
        return ""
    return unquote(rest.rpartition(":")[0]).strip("[]")


@asynccontextmanager
async def direct(_method: str, context: Context, _request: object) -> AsyncIterator[None]:
    """The scope of a call on a port of gRPC's own."""
    reset = _PRESENT.set(_Origin(address_of(context.peer())))
    try:
        yield
    finally:
        _PRESENT.reset(reset)


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
        origin = _Origin(self._door.origin(peer))
        if not origin.address:
            raise PermissionDeniedError(
                f"{method} is served on the operator port only; call it there", reason="NOT_THROUGH_THE_DOOR"
            )
        reset = _PRESENT.set(origin)
        try:
            yield
        except UnauthenticatedError:
            if not origin.is_admitted:  # else a stream whose credential has ended meanwhile
                self._door.failed(peer)
            raise
        except ResourceExhaustedError:
            self._door.pressed(peer)
            raise
        finally:
            _PRESENT.reset(reset)

    @asynccontextmanager
    async def proving(self, method: str, context: Context, _request: object) -> AsyncIterator[None]:
        """Inside the gate: who got here with a credential has proven it. A call anyone may make proves nothing."""
        origin = _PRESENT.get()
        if origin is not None and not self._is_for_anyone(method):
            origin.is_admitted = True
            self._door.proven(context.peer())
        yield
