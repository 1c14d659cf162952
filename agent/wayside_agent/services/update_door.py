"""Takes what a person at the unit says of an update: one word per connection on a socket only the unit's user can open.

Usage: `await door.run()` in the agent; `said(directory, "confirm")` in the command.
"""

import asyncio
import json
import os
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

from wayside.errors import FailedPreconditionError, UnavailableError, WaysideError
from wayside_agent.ports.errors import DeviceFaultError
from wayside_agent.services.status import TIMEOUT_S, listening

SOCKET_NAME = "update.sock"
WORDS = {b"confirm": True, b"refuse": False}
MAX_WORD_BYTES = 16
_CREDENTIALS = struct.Struct("3i")


class UpdateDoor:
    """Where people answer."""

    def __init__(self, directory: Path, answer: Callable[[bool, str], Awaitable[str]]) -> None:
        """Stores values; `answer` takes whether they agree and who they are, and gives the sentence that is kept."""
        self._directory = directory
        self._answer = answer

    async def run(self) -> None:
        """Listens for ever.

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
            async with await asyncio.start_unix_server(self._hear, sock=listener, limit=MAX_WORD_BYTES):
                await asyncio.Event().wait()
        finally:
            path.unlink(missing_ok=True)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                word = (await reader.readline()).strip()
                writer.write(json.dumps(await self._said(word, _who(writer))).encode())
                await writer.drain()
        except (ConnectionError, TimeoutError, ValueError):
            writer.transport.abort()  # whoever asked is gone, or does not speak our language
        finally:
            writer.close()

    async def _said(self, word: bytes, who: str) -> dict[str, str]:
        if word not in WORDS:
            return {"error": "update: the word must be confirm or refuse"}
        try:
            return {"done": await self._answer(WORDS[word], who)}
        except WaysideError as error:
            return {"error": str(error)}


def said(directory: Path, word: str) -> str:
    """What the running agent keeps of a word.

    Raises: UnavailableError: it does not run. FailedPreconditionError: there is nothing to answer.
    """
    try:
        descriptor = os.open(directory, os.O_DIRECTORY | os.O_RDONLY)
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(TIMEOUT_S)
                client.connect(f"/proc/self/fd/{descriptor}/{SOCKET_NAME}")
                client.sendall(f"{word}\n".encode())
                answer: dict[str, str] = json.loads(b"".join(iter(lambda: client.recv(65536), b"")))
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise UnavailableError("the agent does not answer; start it, and run this as its user or as root") from error
    if "error" in answer:
        raise FailedPreconditionError(answer["error"])
    return answer["done"]


def _who(writer: asyncio.StreamWriter) -> str:
    """The user at the other end, as the kernel knows them."""
    peer: socket.socket = writer.get_extra_info("socket")
    _, uid, _ = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
