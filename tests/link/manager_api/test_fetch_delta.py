"""`FetchArtifact.delta_sha256`: a node gets the delta to the release it should run, from any byte, and nothing else."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.peer import Clock, LocalManager, NodeCredential, Peer, Session
from tests.releases import archive
from wayside.errors import NotFoundError, OutOfRangeError, PermissionDeniedError
from wayside.v1 import node_pb2, node_service_pb2, release_pb2, release_service_pb2, rollout_service_pb2
from wayside_manager.app import running
from wayside_manager.settings import DataFolder

NOISE = Random(8).randbytes(60_000)  # noqa: S311  # repeatable bytes, no secrets
VERSIONS = ("1.0.0", "1.1.0", "1.2.0")
READY_S = 60.0


@dataclass(frozen=True)
class Prepared:
    """A folder of a manager that has deltas to 1.1.0, which the node should run, and to 1.2.0, which it should not."""

    folder: Path
    node: NodeCredential
    deltas: dict[str, release_pb2.ReleaseDelta]
    """By the version they lead to."""


@dataclass
class Fetching:
    """The node, and the manager it fetches from."""

    prepared: Prepared
    manager: LocalManager
    node: Peer

    async def bytes(self, delta_sha256: str, *, release: str = "1.1.0", offset: int = 0) -> bytes:
        """What the node gets."""
        request = node_service_pb2.FetchArtifactRequest(
            release=f"releases/{release}", offset_bytes=offset, delta_sha256=delta_sha256
        )
        found, at = b"", offset
        async for part in self.node.stream(self.node.node.FetchArtifact, request):
            assert part.offset_bytes == at
            found, at = found + part.content, at + len(part.content)
        return found

    def file(self, version: str) -> Path:
        return self.manager.folder.artifacts / self.prepared.deltas[version].sha256


async def prepare(folder: Path) -> Prepared:
    """A manager's first minute: it publishes, hears what a node runs, tells it to run something else, makes deltas."""
    data = DataFolder(folder)
    async with (
        running(data, SETTINGS, now=Clock()) as endpoints,
        (manager := LocalManager(data, endpoints, Clock())).operator() as operator,
    ):
        credential, trees = await manager.enroll("rsu-1"), []
        for version in VERSIONS:
            content = archive(version, files={"site/noise": NOISE, "site/version.py": version.encode()})
            trees.append((await operator.publish(content, version=version)).release.tree_sha256)
        async with manager.node(credential) as node:
            session = await Session(node, tree_sha256=trees[0]).opened()
            await session.report(1)
            chosen = node_pb2.NodeSelector(nodes=["nodes/rsu-1"])
            request = rollout_service_pb2.CreateRolloutRequest(release="releases/1.1.0", selector=chosen)
            await operator.call(operator.rollout.CreateRollout, request)
            while not (await session.until("desired_state")).release.delta.sha256:
                pass
            session.call.cancel()
        deltas = {version: await delta_to(operator, version) for version in VERSIONS[1:]}
    return Prepared(folder, credential, deltas)


async def delta_to(operator: Peer, version: str) -> release_pb2.ReleaseDelta:
    """A delta to a release, once one is ready."""
    request = release_service_pb2.GetReleaseRequest(name=f"releases/{version}")
    async with asyncio.timeout(READY_S):
        while True:
            release = (await operator.call(operator.release.GetRelease, request)).release
            for delta in release.deltas:
                if delta.state == release_pb2.ReleaseDelta.STATE_READY:
                    return delta


@pytest.fixture(scope="module")
def prepared(made_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Made once: the manager looks for deltas every few seconds only."""
    folder = tmp_path_factory.mktemp("deltas") / "manager"
    return asyncio.run(prepare(shutil.copytree(made_folder, folder)))


@pytest.fixture
async def fetching(prepared: Prepared, tmp_path: Path, clock: Clock) -> AsyncIterator[Fetching]:
    folder = DataFolder(shutil.copytree(prepared.folder, tmp_path / "copy"))
    clock.push(seconds=60)  # the lease of the manager before has ended
    async with running(folder, SETTINGS, now=clock) as endpoints:
        manager = LocalManager(folder, endpoints, clock)
        async with manager.node(prepared.node) as node:
            yield Fetching(prepared, manager, node)


async def test_the_delta_comes_whole_and_from_any_byte(fetching: Fetching) -> None:
    delta, content = fetching.prepared.deltas["1.1.0"], fetching.file("1.1.0").read_bytes()
    assert len(content) == delta.size_bytes
    for offset in (0, 1, delta.size_bytes // 2, delta.size_bytes):
        assert await fetching.bytes(delta.sha256, offset=offset) == content[offset:]


async def test_offsets_are_those_of_the_delta_not_of_the_release(fetching: Fetching) -> None:
    delta = fetching.prepared.deltas["1.1.0"]
    assert len(await fetching.bytes("", offset=delta.size_bytes + 1)) > 0
    for offset in (-1, delta.size_bytes + 1, 1 << 62):
        with pytest.raises(OutOfRangeError) as raised:
            await fetching.bytes(delta.sha256, offset=offset)
        assert raised.value.reason == "OFFSET"


@pytest.mark.parametrize(
    "delta_sha256",
    ["0" * 64, "f" * 63, "../../node.key", "a" * 60_000, "\n", "%s' OR 1=1 --"],
    ids=["unknown", "short", "path", "long", "line-break", "sql"],
)
async def test_a_delta_that_is_not_there_is_denied(fetching: Fetching, delta_sha256: str) -> None:
    with pytest.raises(PermissionDeniedError) as raised:
        await fetching.bytes(delta_sha256)
    assert raised.value.reason == "DELTA_NOT_DESIRED"
    assert len(str(raised.value)) < 300


async def test_a_delta_to_another_release_is_denied(fetching: Fetching) -> None:
    other = fetching.prepared.deltas["1.2.0"].sha256
    with pytest.raises(PermissionDeniedError) as raised:
        await fetching.bytes(other)
    assert raised.value.reason == "DELTA_NOT_DESIRED"
    with pytest.raises(PermissionDeniedError) as raised:
        await fetching.bytes(other, release="1.2.0")
    assert raised.value.reason == "RELEASE_NOT_DESIRED"


async def test_no_other_artifact_comes_by_the_name_of_a_delta(fetching: Fetching) -> None:
    known = {delta.sha256 for delta in fetching.prepared.deltas.values()}
    there = {path.name for path in fetching.manager.folder.artifacts.iterdir() if path.is_file()}
    assert known < there
    for sha256 in sorted(there - known):
        with pytest.raises(PermissionDeniedError):
            await fetching.bytes(sha256)


async def test_a_delta_of_a_release_that_does_not_exist_is_not_found(fetching: Fetching) -> None:
    with pytest.raises(NotFoundError):
        await fetching.bytes(fetching.prepared.deltas["1.1.0"].sha256, release="9.9.9")


async def test_a_delta_whose_bytes_are_lost_is_not_found(fetching: Fetching) -> None:
    fetching.file("1.1.0").unlink()
    with pytest.raises(NotFoundError) as raised:
        await fetching.bytes(fetching.prepared.deltas["1.1.0"].sha256)
    assert raised.value.reason == "ARTIFACT_NOT_FOUND"


async def test_a_delta_to_a_retired_release_is_denied(fetching: Fetching) -> None:
    delta = fetching.prepared.deltas["1.1.0"]
    async with fetching.manager.operator() as operator:
        request = release_service_pb2.RetireReleaseRequest(name="releases/1.1.0")
        await operator.call(operator.release.RetireRelease, request)
    reason, content = "", fetching.file("1.1.0").read_bytes()
    async with asyncio.timeout(READY_S):
        while not reason:  # the manager looks for what it can drop every few seconds
            try:
                assert await fetching.bytes(delta.sha256) == content
            except (PermissionDeniedError, NotFoundError) as error:  # it may be dropped while it is sent
                reason = error.reason
    assert reason in {"DELTA_NOT_DESIRED", "ARTIFACT_NOT_FOUND"}
