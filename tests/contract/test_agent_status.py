"""The status socket: who may open it, who may block it, and what is left of an agent that was killed."""

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from wayside_agent.ports.errors import DeviceFaultError
from wayside_agent.services.status import SOCKET_NAME, StatusServer, read_snapshot

SNAPSHOT: Mapping[str, object] = {"is_running": True, "node": "rsu-1"}


@asynccontextmanager
async def serving(directory: Path, snapshot: Mapping[str, object] = SNAPSHOT) -> AsyncIterator[None]:
    server = StatusServer(directory, lambda: snapshot)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(server.run())
        await asyncio.sleep(0)  # its first step makes the socket
        yield
        task.cancel()


async def asked(directory: Path) -> dict[str, object] | None:
    return await asyncio.to_thread(read_snapshot, directory)


async def test_two_clients_get_a_document_each(tmp_path: Path) -> None:
    async with serving(tmp_path), asyncio.TaskGroup() as group:
        answers = [group.create_task(asked(tmp_path)) for _ in range(2)]
    assert [answer.result() for answer in answers] == [SNAPSHOT, SNAPSHOT]


async def test_only_the_own_user_may_ask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        async with serving(tmp_path):
            assert stat.S_IMODE((tmp_path / SOCKET_NAME).stat().st_mode) == 0o600
    finally:
        os.umask(before)


async def test_the_socket_of_a_killed_agent_gives_way(tmp_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / SOCKET_NAME))
    dead.close()
    assert await asked(tmp_path) is None
    async with serving(tmp_path):
        assert await asked(tmp_path) == SNAPSHOT
    assert not (tmp_path / SOCKET_NAME).exists()


async def test_a_directory_may_lie_deep_and_need_not_be_there(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["x" * 50] * 8)
    assert await asked(deep) is None
    async with serving(deep):
        assert await asked(deep) == SNAPSHOT


async def test_a_client_that_never_reads_holds_up_nobody(tmp_path: Path) -> None:
    large = {"is_running": True, "readings": "x" * 10_000_000}
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    async with serving(tmp_path, large):
        await asyncio.get_running_loop().sock_connect(client, str(tmp_path / SOCKET_NAME))
        answer = await asked(tmp_path)
        assert answer == large
    assert _left(client) < len(json.dumps(large))  # it was thrown out, not waited for
    client.close()


def _left(client: socket.socket) -> int:
    """Bytes that a client could still read before the end [byte]."""
    size_bytes = 0
    try:
        while chunk := client.recv(1 << 20):
            size_bytes += len(chunk)
    except ConnectionResetError:
        pass
    return size_bytes


async def test_a_place_where_no_socket_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / SOCKET_NAME).mkdir()
    with pytest.raises(DeviceFaultError, match=r"status\.sock: cannot be made .*runtime_dir"):
        await StatusServer(tmp_path, lambda: SNAPSHOT).run()
    with pytest.raises(DeviceFaultError, match=r"cannot be made .*runtime_dir"):
        await StatusServer(Path("/proc/nowhere"), lambda: SNAPSHOT).run()
