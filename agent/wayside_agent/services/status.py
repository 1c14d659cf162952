"""Answers `wayside-agent status`: one JSON document per connection on a socket only the unit's own user can open."""

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

SOCKET_NAME = "status.sock"
WRITE_TIMEOUT_S = 5.0


class StatusServer:
    """Serves snapshots of the running agent."""

    def __init__(self, directory: Path, snapshot: Callable[[], Mapping[str, object]]) -> None:
        self._directory = directory
        self._snapshot = snapshot

    async def run(self) -> None:
        """Serves for ever."""
        self._directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        path = self._directory / SOCKET_NAME
        path.unlink(missing_ok=True)
        # The name of a socket may have 107 bytes only; through its directory's descriptor any depth fits.
        descriptor = os.open(self._directory, os.O_DIRECTORY | os.O_RDONLY)
        try:
            server = await asyncio.start_unix_server(self._answer, f"/proc/self/fd/{descriptor}/{SOCKET_NAME}")
            path.chmod(0o600)
            async with server:
                await server.serve_forever()
        finally:
            os.close(descriptor)
            path.unlink(missing_ok=True)

    async def _answer(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                writer.write(json.dumps(self._snapshot(), separators=(",", ":")).encode())
                await writer.drain()
        except (ConnectionError, TimeoutError):
            pass  # whoever asked is gone
        finally:
            writer.close()


def read_snapshot(directory: Path) -> dict[str, object] | None:
    """What the running agent says of itself; `None`: it does not run."""
    import socket  # here: only the status command needs it

    try:
        descriptor = os.open(directory, os.O_DIRECTORY | os.O_RDONLY)
    except OSError:
        return None
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(WRITE_TIMEOUT_S)
            client.connect(f"/proc/self/fd/{descriptor}/{SOCKET_NAME}")
            received = b"".join(iter(lambda: client.recv(65536), b""))
        snapshot: dict[str, object] = json.loads(received)
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)
    return snapshot
