"""Cuts the power at every file-system step of an update and looks at what starts afterwards.

Runs as a process of its own: it forks once per cut, so it must have no threads. A cut kills the process at the n-th
step and halves every file written and not yet synced, which is what a disk may do. Prints one JSON line.
Usage: python power_cut_child.py WORK_DIR ARTIFACT_1.1.0 ARTIFACT_1.2.0
"""

import asyncio
import hashlib
import json
import os
import shutil
import sys
import traceback
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from tests.contract.slot_installer import SlotInstaller
from tests.slots import put
from wayside_agent import boot
from wayside_agent.core.gate import Vitals
from wayside_agent.core.update import Consent, Phase, ReleaseTarget, Update, UpdateStatus
from wayside_agent.drivers.downloads import DownloadDir
from wayside_agent.drivers.files import StateFile
from wayside_agent.drivers.slot_dir import SlotDir
from wayside_agent.ports.errors import RestartRequestedError
from wayside_agent.services.ota import Ota
from wayside_agent.services.update_world import World
from wayside_agent.update import artifact

GOOD = Vitals(manager_reached=True, fix_dimension=3, radio_messages_per_s=10.0)
DEAF = Vitals(manager_reached=True, fix_dimension=3)
LIVES = 12


class EndedError(Exception):
    """The update has ended, in this phase."""


class PowerCut:
    """Counts file-system steps below a directory, and ends the process at one of them."""

    def __init__(self, root: Path, cut_at: int) -> None:
        self.root, self.cut_at, self.count = str(root), cut_at, 0
        self.unsynced: set[str] = set()
        os.fsync = os.fdatasync = self.fsync  # type: ignore[assignment]  # the disk of this test is this object

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR):
            if str(args[0]).startswith(self.root):
                self.step()
                self.unsynced.add(str(args[0]))
        elif event in {"os.rename", "os.remove", "os.mkdir", "os.rmdir"}:
            self.step()
            if event == "os.rename" and str(args[0]) in self.unsynced:
                self.unsynced.discard(str(args[0]))
                self.unsynced.add(str(args[1]))

    def fsync(self, descriptor: int) -> None:
        self.step()
        self.unsynced.discard(str(Path(f"/proc/self/fd/{descriptor}").readlink()))

    def step(self) -> None:
        self.count += 1
        if self.count == self.cut_at:
            for name in self.unsynced:
                if Path(name).exists():
                    os.truncate(name, Path(name).stat().st_size // 2)
            os._exit(9)


class Source:
    """A manager with artifacts in memory."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.contents = contents

    async def fetch(self, release: str, *, offset_bytes: int, delta_sha256: str = "") -> AsyncIterator[bytes]:  # noqa: ARG002  # it knows whole releases only
        content = self.contents[release]
        for begin in range(offset_bytes, len(content), 1000):
            yield content[begin : begin + 1000]


class Unit:
    """One unit whose process ends and starts again until its update has ended."""

    def __init__(self, root: Path, contents: dict[str, bytes], trees: dict[str, str], after: Vitals) -> None:
        self.root, self.trees, self.after = root, trees, after
        self.source = Source(contents)
        self.now_s = 0.0

    def live(self, target: ReleaseTarget) -> Phase:
        for _ in range(LIVES):
            slot = boot.next_start(self.root / "slots").slot
            self.check(slot)
            try:
                asyncio.run(self.run(slot, target))
            except RestartRequestedError:
                continue
            except EndedError as ended:
                return Phase(str(ended))
        raise AssertionError(f"the update did not end in {LIVES} starts")

    def check(self, slot: str) -> None:
        if slot:
            held = json.loads((self.root / "slots" / slot / "slot.json").read_bytes())
            found = tree_hash(self.root / "slots" / slot / "site")
            assert found == self.trees[held["version"]], f"slot {slot} starts and is not whole"

    async def run(self, slot: str, target: ReleaseTarget) -> None:
        async def report(status: UpdateStatus) -> None:
            at_end = {Phase.COMMITTED, Phase.ROLLED_BACK, Phase.FAILED}
            if status.rollout == target.rollout and status.phase in at_end:
                raise EndedError(status.phase)

        async def pause(seconds: float) -> None:
            self.now_s += seconds
            await asyncio.sleep(0)

        options = SlotDir.Options(directory=str(self.root / "slots"), running_slot=slot)
        async with SlotDir(options) as slots, DownloadDir(self.root / "downloads") as downloads:
            running = await slots.running()
            world = World(
                slots=slots,
                installer=SlotInstaller(slots, self.root),
                source=self.source,
                downloads=downloads,
                store=StateFile(self.root / "update.state", Update),
                consents=StateFile(self.root / "consent.state", Consent),
                report=report,
                vitals=lambda: self.after if running.is_provisional else GOOD,
                max_download_bytes_per_s=lambda: 0,
                gate_timeout_s=lambda: 20.0,
                clock=lambda: self.now_s,
                pause=pause,
            )
            ota = Ota(world)
            ota.follow(target)
            await ota.run()


def tree_hash(path: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(str(file.relative_to(path)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def in_child(act: Callable[[], None]) -> int:
    """The exit status of something done in a fork: 0 done, 9 cut, 1 it went wrong and said so."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        except BaseException:  # noqa: BLE001 # whatever it is, the parent must see that it failed
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def target_of(version: str, content: bytes) -> ReleaseTarget:
    digest = hashlib.sha256(content).hexdigest()
    return ReleaseTarget(f"releases/{version}", version, digest, len(content), f"rollouts/{version}")


def cut_everywhere(
    start: Path, unit_at: Callable[[Path], Unit], target: ReleaseTarget, expected: set[Phase]
) -> dict[str, object]:
    """Cuts at step 1, 2, … until an update goes through uncut."""
    problems, cut_at = [], 0
    while True:
        cut_at += 1
        root = start.with_name(f"{start.name}-{cut_at}")
        shutil.copytree(start, root)

        def cut(root: Path = root, cut_at: int = cut_at) -> None:
            power = PowerCut(root, cut_at)
            sys.addaudithook(power.hook)
            unit_at(root).live(target)

        def go_on(root: Path = root) -> None:
            unit = unit_at(root)
            phase = unit.live(target)
            assert phase in expected, f"ended in {phase}"
            slot = boot.next_start(root / "slots").slot
            unit.check(slot)
            version = json.loads((root / "slots" / slot / "slot.json").read_bytes())["version"]
            assert (version == target.version) == (phase is Phase.COMMITTED), f"{phase} and {version} starts"

        status = in_child(cut)
        if in_child(go_on) != 0 or status not in {0, 9}:
            problems.append(cut_at)
        shutil.rmtree(root)
        if status != 9:
            return {"cuts": cut_at - 1, "problems": problems}


def main() -> None:
    work = Path(sys.argv[1])
    old, new = (Path(name).read_bytes() for name in sys.argv[2:4])
    setattr(artifact, "compile_tree", lambda _: None)  # noqa: B010 # a process per cut; byte code is not the point
    contents = {"releases/1.1.0": old, "releases/1.2.0": new}
    trees: dict[str, str] = {}
    start = work / "start"
    for version, content in (("1.1.0", old), ("1.2.0", new)):  # what a whole slot of each looks like
        alone = work / f"alone-{version}"

        async def install(alone: Path = alone, version: str = version, content: bytes = content) -> None:
            async with SlotDir(SlotDir.Options(directory=str(alone / "slots"))) as slots:
                slot = await put(slots, alone, content, version)
                trees[version] = tree_hash(alone / "slots" / slot / "site")

        asyncio.run(install())
    start.mkdir()
    assert Unit(start, contents, trees, GOOD).live(target_of("1.1.0", old)) is Phase.COMMITTED
    target = target_of("1.2.0", new)
    result = {
        "proven": cut_everywhere(start, lambda root: Unit(root, contents, trees, GOOD), target, {Phase.COMMITTED}),
        "refused": cut_everywhere(start, lambda root: Unit(root, contents, trees, DEAF), target, {Phase.ROLLED_BACK}),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
