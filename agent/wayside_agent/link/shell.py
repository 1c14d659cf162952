"""The operator's end of a shell, over one call.

Usage: `async with opened_terminal(call, address, job) as terminal: …`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from wayside.errors import UnavailableError
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.link.session import translated
from wayside_agent.ports.jobs import Typed

MAX_BYTES = 64 * 1024
"""Of one message, either way."""
MAX_SIDE = 1000
"""Rows and columns of a terminal at most."""
WRITE_TIMEOUT_S = 60.0

Call = grpc.aio.StreamStreamCall[wire.OpenShellRequest, wire.OpenShellResponse]


class ManagerTerminal:
    """`ports.jobs.Terminal` over a call."""

    def __init__(self, call: Call, address: str) -> None:
        self._call = call
        self._address = address
        self._reading: asyncio.Task[object] | None = None

    async def typed(self) -> Typed | None:
        """See `ports.jobs.Terminal`."""
        response = await self._read()
        if not isinstance(response, wire.OpenShellResponse):
            return None
        return Typed(response.input[:MAX_BYTES], _side(response.rows), _side(response.columns))

    async def show(self, content: bytes) -> None:
        """See `ports.jobs.Terminal`. To an operator who has left nothing is shown; `typed` says that."""
        await self._said(wire.OpenShellRequest(output=content[:MAX_BYTES]))

    async def say(self, request: wire.OpenShellRequest) -> None:
        """Sends one message.

        Raises: WaysideError.
        """
        if not await self._said(request):
            raise UnavailableError(f"{self._address}: the shell was ended before it began")

    async def _said(self, request: wire.OpenShellRequest) -> bool:
        """Sends one message; False: the other side has ended the call, and is content.

        Raises: WaysideError.
        """
        with translated(self._address):
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                try:
                    await self._call.write(request)
                except asyncio.InvalidStateError:
                    await self._call.read()  # raises what the call ended with
                    return False
        return True

    async def close(self) -> None:
        """Says that nothing more comes, and waits for the manager to have everything that was shown.

        Raises: WaysideError.
        """
        with translated(self._address):
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._call.done_writing()
                while isinstance(await self._read(), wire.OpenShellResponse):
                    pass

    async def _read(self) -> object:
        """The next message. gRPC ends a whole call when a read of it is cancelled, so the read goes on without us."""
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._awaited(), name="shell-read")
        with translated(self._address):
            response = await asyncio.shield(self._reading)
        self._reading = None
        return response

    async def _awaited(self) -> object:
        return await self._call.read()

    async def leave(self) -> None:
        """Ends the call, and what still reads."""
        self._call.cancel()
        if self._reading is not None:
            await asyncio.wait((self._reading,))
            if not self._reading.cancelled():
                self._reading.exception()  # taken notice of


@asynccontextmanager
async def opened_terminal(call: Call, address: str, job: str) -> AsyncIterator[ManagerTerminal]:
    """A terminal for a job; see `ports.jobs.Terminals`."""
    terminal = ManagerTerminal(call, address)
    try:
        await terminal.say(wire.OpenShellRequest(job=job))
        yield terminal
        await terminal.close()
    finally:
        await terminal.leave()


def _side(value: int) -> int:
    """Rows or columns as a terminal may have them; 0: as before."""
    return min(max(0, value), MAX_SIDE)
