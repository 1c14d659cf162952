"""Fetching and putting files: allowed folders only, no link followed, whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from tests.contract.job_worker import worked
from wayside.errors import InvalidArgumentError, NotFoundError, ResourceExhaustedError, WaysideError
from wayside_agent.core.job_work import FilePull, FilePush, RefusedError
from wayside_agent.drivers.job_files import FilePullWorker, FilePushWorker


class Land:
    """An allowed folder, one beside it, and the agent's own."""

    def __init__(self, base: Path) -> None:
        self.allowed, self.outside, self.state = base / "allowed", base / "outside", base / "allowed" / "state"
        self.work = base / "work"
        for folder in (self.allowed / "inner", self.outside, self.state / "identity"):
            folder.mkdir(parents=True)
        (self.outside / "secret").write_text("outside")
        (self.state / "identity" / "key.pem").write_text("key")
        (self.allowed / "inner" / "a log.txt").write_text("a line\n")
        self.pull = FilePullWorker([str(self.allowed)], refused=[self.state / "identity"])
        self.push = FilePushWorker([str(self.allowed)], refused=[self.state])

    async def fetched(self, path: Path | str, *, max_bytes: int = 1000) -> bytes:
        found = await worked(self.pull, FilePull(str(path)), self.work, max_bytes=max_bytes)
        return (self.work / found.files[0]).read_bytes()

    async def put(self, path: Path | str, content: bytes = b"new") -> None:
        await worked(self.push, FilePush(str(path), content), self.work)


@pytest.fixture
def land(tmp_path: Path) -> Land:
    return Land(tmp_path)


async def test_a_file_below_an_allowed_folder_is_fetched_under_a_plain_name(land: Land) -> None:
    assert await land.fetched(land.allowed / "inner" / "a log.txt") == b"a line\n"
    assert [path.name for path in land.work.iterdir()] == ["a_log.txt"]


async def test_a_file_is_put_whole_and_keeps_its_mode(land: Land) -> None:
    path = land.allowed / "inner" / "a log.txt"
    path.chmod(0o604)
    await land.put(path, b"other")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"other", 0o604)
    await land.put(land.allowed / "fresh", b"")
    assert stat.S_IMODE((land.allowed / "fresh").stat().st_mode) == 0o640
    assert sorted(path.name for path in land.allowed.iterdir()) == ["fresh", "inner", "state"]


BAD = {
    "relative": "allowed/inner",
    "up": "{allowed}/../outside/secret",
    "up at the end": "{allowed}/inner/..",
    "dot": "{allowed}/./inner",
    "double slash": "{allowed}//inner",
    "slash at the end": "{allowed}/inner/",
    "zero byte": "{allowed}/a\0b",
    "empty": "",
    "endless": "{allowed}/" + "a/" * 3000 + "a",
}


@pytest.mark.parametrize("path", BAD.values(), ids=BAD)
async def test_a_path_that_is_not_plain_is_no_path(land: Land, path: str) -> None:
    for tried in (land.fetched, land.put):
        with pytest.raises(InvalidArgumentError, match="path: "):
            await tried(path.format(allowed=land.allowed))


async def test_what_is_not_below_an_allowed_folder_is_refused(land: Land) -> None:
    for path in (land.outside / "secret", land.allowed, Path(f"{land.allowed}x") / "a"):
        for tried in (land.fetched, land.put):
            with pytest.raises(RefusedError, match=r"jobs\.p"):
                await tried(path)


@pytest.mark.parametrize("name", ["link", "folder/secret", "inner/deep/secret"])
async def test_no_link_leads_out(land: Land, name: str) -> None:
    (land.allowed / "link").symlink_to(land.outside / "secret")
    (land.allowed / "folder").symlink_to(land.outside)
    (land.allowed / "inner" / "deep").symlink_to("../../outside")
    with pytest.raises(RefusedError, match="link"):
        await land.fetched(land.allowed / name)
    with pytest.raises(RefusedError, match=r"link|no regular file"):
        await land.put(land.allowed / name)
    assert (land.outside / "secret").read_text() == "outside"


async def test_keys_and_the_agents_own_state_are_refused_whatever_is_allowed(land: Land) -> None:
    with pytest.raises(RefusedError, match="keys, secrets"):
        await land.fetched(land.state / "identity" / "key.pem")
    with pytest.raises(RefusedError, match="keys, secrets"):
        await land.put(land.state / "slots" / "a")
    everything = FilePullWorker(["/"], refused=[land.state / "identity"])
    with pytest.raises(RefusedError, match="keys, secrets"):
        await worked(everything, FilePull(str(land.state / "identity" / "key.pem")), land.work)


async def test_an_allowed_folder_that_is_a_link_opens_no_other_way_to_a_key(land: Land, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(land.state)
    aliased = FilePullWorker([str(tmp_path / "alias")], refused=[land.state / "identity"])
    with pytest.raises(RefusedError, match="keys, secrets"):
        await worked(aliased, FilePull(str(tmp_path / "alias" / "identity" / "key.pem")), land.work)


async def test_only_regular_files_are_fetched_or_replaced(land: Land) -> None:
    os.mkfifo(land.allowed / "pipe")
    for path in (land.allowed / "pipe", land.allowed / "inner"):
        with pytest.raises(RefusedError, match="no regular file"):
            await land.fetched(path)
        with pytest.raises(RefusedError, match="no regular file"):
            await land.put(path)


async def test_what_is_too_large_or_not_there_is_an_error(land: Land) -> None:
    (land.allowed / "large").write_bytes(b"x" * 1001)
    with pytest.raises(ResourceExhaustedError, match="1000 bytes"):
        await land.fetched(land.allowed / "large")
    for tried in (land.fetched, land.put):
        with pytest.raises(NotFoundError, match="is not there"):
            await tried(land.allowed / "nowhere" / "a")


async def test_a_folder_swapped_for_a_link_meanwhile_never_leads_out(land: Land) -> None:
    """The folder changes between folder and link all the time; what is fetched is from inside, or nothing is."""
    folder, kept, link = land.allowed / "d", land.allowed / "kept", land.allowed / "l"
    folder.mkdir()
    (folder / "secret").write_text("inside")
    for turn in range(200):
        if turn % 2:
            folder.rename(kept)
            link.symlink_to(land.outside)
            link.rename(folder)
        elif turn:
            folder.unlink()
            kept.rename(folder)
        try:
            assert await land.fetched(folder / "secret") == b"inside"
        except WaysideError:
            assert turn % 2
