"""Files of jobs on a small disk: they leave what spools and state need, and long names fit."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.job_worker import worked
from wayside.errors import ResourceExhaustedError
from wayside_agent.core.job_work import FilePull, FilePush
from wayside_agent.drivers.files import RESERVE_BYTES
from wayside_agent.drivers.job_files import FilePullWorker, FilePushWorker


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mount = tmp_path / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={RESERVE_BYTES + 1024 * 1024}", "tmpfs", str(mount)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


async def test_a_file_that_is_fetched_never_takes_the_reserve(small_disk: Path, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(bytes(3 * 1024 * 1024))
    worker = FilePullWorker((str(tmp_path),), refused=())
    with pytest.raises(ResourceExhaustedError, match="the unit's disk has to spare"):
        await worked(worker, FilePull(f"{tmp_path}/log"), small_disk / "work", max_bytes=10_000_000)
    used_bytes = sum(path.stat().st_size for path in (small_disk / "work").iterdir())
    assert used_bytes <= 1024 * 1024


async def test_a_file_with_a_long_name_of_other_letters_is_put(tmp_path: Path) -> None:
    name = "路" * 85  # 255 bytes, the most a name has
    await worked(FilePushWorker((str(tmp_path),), refused=()), FilePush(f"{tmp_path}/{name}", b"x"), tmp_path / "work")
    assert (tmp_path / name).read_bytes() == b"x"
