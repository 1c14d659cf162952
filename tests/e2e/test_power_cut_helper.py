"""Real helpers that are killed in the midst of their work, or whose system calls fail by chance."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.helper_door import HARDWARE, NODE, Unit
from tests.releases import archive
from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside_agent import boot
from wayside_agent.core.installing import Answer, Done, answered, encoded
from wayside_agent.core.update import ReleaseTarget
from wayside_agent.drivers.installer_process import Helper, InstallerProcess
from wayside_agent.drivers.slot_dir import SlotDir
from wayside_agent.ports.errors import DeviceFaultError
from wayside_agent.ports.installer import Metadata
from wayside_demo.power_cut.campaign import quick_folder

FILES = {f"site/wayside_agent/part{number}.py": f"X = {number}\n".encode() * 2_000 for number in range(40)}
RELEASE = archive("1.1.0", FILES)
KILLED_AT = (0.0, 0.2, 0.7)
"""How far the helper says it is when it is killed."""
FAULTS = {
    "posix/io/rw/write": 0.02,
    "posix/io/rw/write/reduce": 0.2,
    "posix/io/rw/read": 0.001,
    "posix/io/sync/fsync": 0.01,
    "posix/io/dir/rename": 0.3,
    "posix/io/dir/unlink": 0.3,
    "posix/io/oc/open": 0.001,
}
"""What libfiu lets fail, and how often: so that an installation does well about as often as not."""
ROUNDS = 2
TIMEOUT_S = 60.0


class World:
    """A unit's folders, a manager in memory, and the daemon's end."""

    def __init__(self, root: Path) -> None:
        self.unit = Unit(root)
        self.unit.order(RELEASE)
        self.slots = SlotDir(SlotDir.Options(directory=str(self.unit.slots)))
        helper = Helper(self.unit.state, self.unit.state / "roots", HARDWARE)
        self.installer = InstallerProcess(helper, self, self.slots, node=NODE, now_s=lambda: self.unit.now_s)
        self.target = ReleaseTarget("releases/1.1.0", "1.1.0", self.unit.sha256(), len(RELEASE), "rollouts/r1")

    async def metadata(self, *, image_root_version: int, director_root_version: int) -> Metadata:
        assert (image_root_version, director_root_version) == (1, 1)
        return self.unit.signed.sent()

    async def started(self) -> str:
        """The slot that a trial would start now; empty: none can be tried."""
        try:
            await self.slots.choose("a", gate_timeout_s=20.0)
        except FailedPreconditionError:
            return ""
        return boot.next_start(self.unit.slots).slot

    def is_whole(self) -> bool:
        return all((self.unit.slots / "a" / name).read_bytes() == content for name, content in FILES.items())


@pytest.fixture
async def world() -> AsyncIterator[World]:
    with quick_folder() as folder:
        made = World(folder)
        async with made.slots:
            yield made


def kill_children() -> None:
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has ended meanwhile
            for child in (task / "children").read_text().split():
                os.kill(int(child), signal.SIGKILL)


async def test_a_helper_that_is_killed_leaves_no_slot_that_starts_and_the_next_one_finishes(world: World) -> None:
    agreement = await world.installer.agree(world.target)
    for at in KILLED_AT:

        def progress(ratio: float, at: float = at) -> None:
            if ratio >= at:
                kill_children()

        with pytest.raises(DeviceFaultError, match="killed by signal 9"):
            await world.installer.install(agreement, world.unit.artifact, is_delta=False, progress=progress)
        assert boot.next_start(world.unit.slots).slot == ""
        assert await world.started() == ""
    await world.installer.install(agreement, world.unit.artifact, is_delta=False, progress=lambda _: None)
    assert await world.started() == "a"
    assert world.is_whole()


def faulty(world: World, line: bytes, name: str, probability: float) -> Answer | None:
    """The last answer of a helper whose calls fail by chance; `None`: it has none."""
    command = ["fiu-run", "-x", "-f", "", "-c", f"enable_random name={name},probability={probability}", sys.executable]
    helper = ["-m", "wayside_agent.update", "--state-dir", str(world.unit.state), "--hardware-id", HARDWARE]
    ended = subprocess.run(
        [*command, *helper, "--parent", str(os.getpid())],
        input=line,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    try:
        return answered(ended.stdout.splitlines()[-1])
    except (IndexError, InvalidArgumentError):
        return None


@pytest.mark.skipif(not shutil.which("fiu-run"), reason="needs fiu-run, of Debian's package fiu-utils")
@pytest.mark.parametrize("name", FAULTS)
async def test_a_helper_whose_calls_fail_says_so_or_has_done_it(world: World, name: str) -> None:
    await world.installer.agree(world.target)
    for _ in range(ROUNDS):
        slot, is_there = await world.slots.reserve(world.unit.sha256())
        if is_there:
            break
        last = faulty(world, encoded(world.unit.install(slot=slot)), name, FAULTS[name])
        if isinstance(last, Done):
            await world.slots.fill(slot, world.unit.sha256())
            assert world.is_whole()
        else:
            assert boot.next_start(world.unit.slots).slot == ""
            assert await world.started() == ""
    agreement = await world.installer.agree(world.target)
    await world.installer.install(agreement, world.unit.artifact, is_delta=False, progress=lambda _: None)
    assert await world.started() == "a"
    assert world.is_whole()
