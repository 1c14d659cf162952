"""Answers `wayside-agent status`: one JSON document per connection on a socket only the unit's own user can open."""

import asyncio
import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from wayside_agent.ports.errors import DeviceFaultError

SOCKET_NAME = "status.sock"
TIMEOUT_S = 5.0
WAITING_MAX = 16  # clients that may wait to be taken


class StatusServer:
    """Serves snapshots of the running agent."""

    def __init__(self, directory: Path, snapshot: Callable[[], Mapping[str, object]]) -> None:
        self._directory = directory
        self._snapshot = snapshot
        self._writers: set[asyncio.StreamWriter] = set()

    async def run(self) -> None:
        """Serves for ever.

        Raises: DeviceFaultError: the socket cannot be made.
        """
        path = self._directory / SOCKET_NAME
        try:
            listener = listening(self._directory, SOCKET_NAME)
        except OSError as error:
            raise DeviceFaultError(
                f"{path}: cannot be made ({error.strerror}); correct the owner and mode of field runtime_dir"
            ) from error
        try:
            server = await asyncio.start_unix_server(self._answer, sock=listener, start_serving=False)
            try:
                await server.start_serving()
                await asyncio.Event().wait()
            finally:
                server.close()  # not waited for: a client that does not read must not hold up the end of the agent
                for writer in self._writers:
                    writer.transport.abort()
        finally:
            path.unlink(missing_ok=True)

    async def _answer(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                writer.write(json.dumps(self._snapshot(), separators=(",", ":")).encode())
                await writer.drain()
        except (ConnectionError, TimeoutError):
            writer.transport.abort()  # whoever asked is gone
        finally:
            writer.close()
            self._writers.discard(writer)


def listening(directory: Path, name: str) -> socket.socket:
    """A listening socket of mode 0600 from its first moment; one that a killed agent left behind gives way.

    Raises: OSError.
    """
    directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    (directory / name).unlink(missing_ok=True)
    # The name of a socket may have 107 bytes only; through its directory's descriptor any depth fits.
    descriptor = os.open(directory, os.O_DIRECTORY | os.O_RDONLY)
    listener = socket.socket(socket.AF_UNIX)
    try:
        os.fchmod(listener.fileno(), 0o600)  # Linux makes the file with the mode of the socket, see unix(7)
        listener.bind(f"/proc/self/fd/{descriptor}/{name}")
        listener.listen(WAITING_MAX)
    except OSError:
        listener.close()
        raise
    finally:
        os.close(descriptor)
    return listener


def read_snapshot(directory: Path) -> dict[str, object] | None:
    """What the running agent says of itself; `None`: it does not run."""
    try:
        descriptor = os.open(directory, os.O_DIRECTORY | os.O_RDONLY)
    except OSError:
        return None
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT_S)
            client.connect(f"/proc/self/fd/{descriptor}/{SOCKET_NAME}")
            received = b"".join(iter(lambda: client.recv(65536), b""))
        snapshot: dict[str, object] = json.loads(received)
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)
    return snapshot
