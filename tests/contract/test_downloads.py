"""Downloads on disk: what was appended is there after kill -9, and only one artifact is kept."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wayside.errors import InvalidArgumentError, ResourceExhaustedError
from wayside_agent.drivers.downloads import DownloadDir

SHA = hashlib.sha256(b"abcdef").hexdigest()
KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from wayside_agent.drivers.downloads import DownloadDir

async def main():
    async with DownloadDir(Path(sys.argv[1])) as downloads:
        await downloads.append(sys.argv[2], b"abc")
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.fixture
async def downloads(tmp_path: Path) -> AsyncIterator[DownloadDir]:
    async with DownloadDir(tmp_path) as opened:
        yield opened


def killed_after_three_bytes(directory: Path) -> int:
    return subprocess.run([sys.executable, "-c", KILLED, str(directory), SHA], timeout=30, check=False).returncode


async def test_bytes_appended_before_a_kill_are_kept_and_the_rest_completes_them(
    downloads: DownloadDir, tmp_path: Path
) -> None:
    assert killed_after_three_bytes(tmp_path) == -signal.SIGKILL
    assert await downloads.size(SHA) == 3
    await downloads.append(SHA, b"def")
    path, actual = await downloads.finish(SHA)
    assert (path.name, actual) == (f"{SHA}.part", SHA)


async def test_nothing_fetched_has_no_hash(downloads: DownloadDir) -> None:
    assert await downloads.size(SHA) == 0
    assert (await downloads.finish(SHA))[1] == ""


async def test_another_artifact_takes_the_place_of_the_first(downloads: DownloadDir) -> None:
    other = hashlib.sha256(b"other").hexdigest()
    await downloads.append(SHA, b"abc")
    assert await downloads.size(other) == 0
    assert await downloads.size(SHA) == 0


async def test_discarding_leaves_nothing(downloads: DownloadDir) -> None:
    await downloads.append(SHA, b"abc")
    await downloads.discard()
    assert await downloads.size(SHA) == 0


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "a" * 63, "a" * 64 + "\n"])
async def test_what_is_no_hash_becomes_no_file(name: str, downloads: DownloadDir) -> None:
    with pytest.raises(InvalidArgumentError, match="is no SHA-256"):
        await downloads.append(name, b"abc")


async def test_a_full_disk_is_said_so(downloads: DownloadDir, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fdatasync", full)
    with pytest.raises(ResourceExhaustedError, match="disk full"):
        await downloads.append(SHA, bytes(5 * 1024 * 1024))


async def test_a_file_that_stayed_as_it_was_is_read_once(
    downloads: DownloadDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    await downloads.append(SHA, b"abcdef")
    first = await downloads.finish(SHA)

    def unread(*_: object) -> None:
        raise AssertionError("it was read again")

    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", unread)
        assert await downloads.finish(SHA) == first
    first[0].write_bytes(b"abcdeX")
    assert (await downloads.finish(SHA))[1] == hashlib.sha256(b"abcdeX").hexdigest()
