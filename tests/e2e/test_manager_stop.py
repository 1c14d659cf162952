"""A manager process that is told to stop, or whose callers vanish: it ends in time, says why, and leaves nothing."""

import asyncio
import json
import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.link.manager_api.peer import Clock, LocalManager, Session, release_archive, upload
from tests.signing import give_roots
from wayside.errors import ResourceExhaustedError, UnavailableError
from wayside.v1 import fleet_service_pb2, node_pb2, release_service_pb2, rollout_service_pb2
from wayside_manager.app import Endpoints
from wayside_manager.settings import DataFolder

BIN = Path(sys.executable).parent
GRACE_S = 1.0
END_S = GRACE_S + 10.0
SESSION_COUNT = 50
FETCHER = """
import asyncio, sys
from pathlib import Path
import grpc.aio
from wayside.v1 import node_service_pb2, node_service_pb2_grpc

async def main(address, folder, release):
    ca, key, certificate = ((Path(folder) / name).read_bytes() for name in ("ca", "key", "certificate"))
    credentials = grpc.ssl_channel_credentials(ca, key, certificate)
    async with grpc.aio.secure_channel(address, credentials) as channel:
        request = node_service_pb2.FetchArtifactRequest(release=release)
        call = node_service_pb2_grpc.NodeServiceStub(channel).FetchArtifact(request)
        await call.read()
        print("reading", flush=True)
        await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


class Process:
    """A manager as an operator runs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = DataFolder(folder / "manager")
        self._log = folder / "manager.log"
        init = [str(BIN / "wayside-manager"), "init", str(self.folder.path), "--device-port", "0"]
        subprocess.run([*init, "--operator-port", "0"], check=True, capture_output=True)
        asyncio.run(give_roots(self.folder))
        with self.folder.settings.open("a") as settings:
            settings.write(f"stop_grace_s = {GRACE_S}\nattempts_per_s = 1000.0\n")  # all units enrol from here
        self._process = self._started()
        assert self._process.stdout is not None
        self._process.stdout.readline()  # says where it listens once it does
        endpoints = json.loads(self.folder.endpoints.read_text())
        self.peers = LocalManager(
            self.folder, Endpoints(endpoints["device_address"], endpoints["operator_address"]), Clock()
        )

    def _started(self) -> "subprocess.Popen[str]":
        serve = [str(BIN / "wayside-manager"), "serve", "--data", str(self.folder.path)]
        with self._log.open("w") as log:
            return subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=log, text=True)

    def send(self, how: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(how)

    def end(self) -> int:
        """Waits for its end; the exit status."""
        return self._process.wait(END_S)

    def wait_until_it_stops(self) -> None:
        """Returns when it has noticed that it should."""
        while self.folder.endpoints.exists():
            os.sched_yield()

    def limit_files(self, size_bytes: int) -> None:
        """From now on no file may become larger, as on a full disk."""
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size_bytes, size_bytes))

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def log(self, level: str = "") -> list[str]:
        """The lines of its log, of one level or all."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [line["message"] for line in lines if level in {"", line["level"]}]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    manager = Process(tmp_path)
    yield manager
    manager.close()


def fetch_and_die(address: str, folder: Path) -> None:
    """Kills a program in the middle of a download."""
    command = [sys.executable, "-c", FETCHER, address, str(folder), "releases/1.1.0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as fetcher:
        assert fetcher.stdout is not None
        assert fetcher.stdout.readline() == "reading\n"
        fetcher.kill()


async def held_upload(started: asyncio.Event) -> AsyncIterator[release_service_pb2.CreateReleaseRequest]:
    """An upload that stops half-way."""
    for request in upload(release_archive("9.0.0", payload=bytes(range(256)) * 16384), version="9.0.0"):
        yield request
        started.set()
        await asyncio.Event().wait()


async def test_a_stop_ends_sessions_watches_and_uploads_in_time(process: Process) -> None:
    nodes = [await process.peers.enroll(f"rsu-{index}") for index in range(SESSION_COUNT)]
    async with AsyncExitStack() as stack:
        operator = await stack.enter_async_context(process.peers.operator())
        sessions = [Session(await stack.enter_async_context(process.peers.node(node))) for node in nodes]
        for session in sessions:
            await session.opened()
            await session.until("desired_state")
            # many of these are more than the window of a watcher that does not read holds
            await session.report(1, health=node_pb2.HealthReport(spools=[node_pb2.SpoolHealth(name="x" * 4000)]))
        for session in sessions:
            await session.until("ack")
        slow = operator.fleet.WatchNodes(fleet_service_pb2.WatchNodesRequest(), metadata=operator.metadata)
        await slow.wait_for_connection()
        started = asyncio.Event()
        sent = operator.release.CreateRelease(held_upload(started), metadata=operator.metadata)
        await started.wait()

        process.send()
        ends = [await session.ended() for session in sessions]
        assert await asyncio.to_thread(process.end) == 0
        slow.cancel()
        sent.cancel()

    assert {type(end) for end in ends} == {UnavailableError}
    assert not process.folder.endpoints.exists()
    assert process.log("ERROR") == []


async def test_a_second_signal_ends_it_at_once(process: Process) -> None:
    async with process.peers.operator() as operator:
        started = asyncio.Event()
        sent = operator.release.CreateRelease(held_upload(started), metadata=operator.metadata)
        await started.wait()
        process.send()
        await asyncio.to_thread(process.wait_until_it_stops)
        process.send()
        assert await asyncio.to_thread(process.end) == -signal.SIGTERM
        sent.cancel()


async def test_a_full_disk_refuses_an_upload_and_leaves_nothing(process: Process) -> None:
    archive = release_archive("1.1.0", payload=random.Random(1).randbytes(8 << 20))  # noqa: S311  # no secret
    process.limit_files(4 << 20)
    async with process.peers.operator() as operator:
        with pytest.raises(ResourceExhaustedError, match="disk is full; free space"):
            await operator.publish(archive, version="1.1.0")
        assert not [path for path in process.folder.artifacts.rglob("*") if path.is_file()]
        await operator.publish(release_archive("1.1.0"), version="1.1.0")


async def test_killed_downloads_are_no_error(process: Process, tmp_path: Path) -> None:
    node = await process.peers.enroll("rsu-0")
    archive = release_archive("1.1.0", payload=random.Random(1).randbytes(24 << 20))  # noqa: S311  # no secret
    for name, text in (("ca", node.authorities_pem), ("key", node.key_pem), ("certificate", node.certificate_pem)):
        (tmp_path / name).write_text(text)
    async with process.peers.operator() as operator, process.peers.node(node) as peer:
        await operator.publish(archive, version="1.1.0")
        session = await Session(peer).opened()
        await session.report(1)
        selector = node_pb2.NodeSelector(nodes=["nodes/rsu-0"])
        request = rollout_service_pb2.CreateRolloutRequest(release="releases/1.1.0", selector=selector)
        await operator.call(operator.rollout.CreateRollout, request)
        while not (await session.until("desired_state")).HasField("release"):
            pass
        for _ in range(5):
            await asyncio.to_thread(fetch_and_die, process.peers.endpoints.device_address, tmp_path)
        await operator.get_node("rsu-0")
    process.send()
    assert await asyncio.to_thread(process.end) == 0
    assert process.log("ERROR") == []
    assert process.log("WARNING") == []
