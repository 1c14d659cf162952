"""Root file systems that come with a release, through a real RAUC: the machine starts into the new one or returns."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.component_unit import ComponentUnit, ordered
from tests.contract.rauc_unit import RaucUnit, missing, rauc_unit
from tests.contract.update_unit import DEAF
from tests.releases import archive
from wayside.release_manifest import Component
from wayside_agent.core.update import Phase, ReleaseTarget

WHY_NOT = missing()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "runs here")
NEW = b"new root file system\n" * 1_000


class RaucMachine(ComponentUnit):
    """A unit whose machine starts from what RAUC has made primary."""

    def __init__(self, root: Path, rauc: RaucUnit) -> None:
        super().__init__(root)
        self._rauc = rauc

    async def start(self, target: ReleaseTarget | None, *, is_told: bool = True, is_launched: bool = True) -> None:
        async with self._rauc.running() as driver:
            self.use(rootfs=driver)
            await super().start(target, is_told=is_told, is_launched=is_launched)

    def reboot(self) -> None:
        self.computer.starts += 1
        self._rauc.booted = self._rauc.primary()


@pytest.fixture
async def rauc(tmp_path: Path) -> AsyncIterator[RaucUnit]:
    async with rauc_unit(tmp_path) as made:
        yield made


def release(rauc: RaucUnit, version: str = "2.0.0") -> bytes:
    files = {"site/wayside_agent/__init__.py": b"", "payload/rootfs.raucb": rauc.bundle(version, NEW).path.read_bytes()}
    agent = Component(name="agent", version="1.1.0", driver="slot")
    rootfs = Component(name="rootfs", version=version, driver="rauc", file="payload/rootfs.raucb")
    return archive(files=files, components=(agent, rootfs))


async def test_a_root_file_system_comes_with_the_agent_and_is_confirmed_once_both_are_proven(
    tmp_path: Path, rauc: RaucUnit
) -> None:
    unit = RaucMachine(tmp_path, rauc)
    done = await unit.rested(ordered(unit, release(rauc)))
    assert (done.phase, unit.computer.starts, rauc.primary()) == (Phase.COMMITTED, 2, "B")
    assert {each.name: each.version for each in done.components} == {"rootfs": "2.0.0"}
    assert (tmp_path / "state-B").read_text().strip() == "good"


async def test_a_gate_that_refuses_brings_the_old_root_file_system_and_the_old_agent_back(
    tmp_path: Path, rauc: RaucUnit
) -> None:
    unit = RaucMachine(tmp_path, rauc)
    unit.vitals_on_trial = DEAF
    failed = await unit.rested(ordered(unit, release(rauc)))
    assert (failed.phase, failed.reason, failed.running_release) == (Phase.ROLLED_BACK, "GATE", "")
    assert (unit.computer.starts, rauc.booted, rauc.primary()) == (3, "A", "A")


async def test_a_root_file_system_that_the_boot_loader_leaves_fails_the_gate(tmp_path: Path, rauc: RaucUnit) -> None:
    unit = RaucMachine(tmp_path, rauc)
    reboot = unit.reboot

    def falls_back() -> None:
        (tmp_path / "primary").write_text("A\n")
        reboot()

    unit.reboot = falls_back  # type: ignore[method-assign]  # a boot loader that counts starts does so
    failed = await unit.rested(ordered(unit, release(rauc)))
    assert (failed.phase, rauc.primary()) == (Phase.ROLLED_BACK, "A")
    assert "component rootfs: nothing known runs, the release brings 2.0.0" in failed.message


async def test_a_bundle_of_another_version_than_the_release_says_is_refused_by_its_driver(
    tmp_path: Path, rauc: RaucUnit
) -> None:
    unit = RaucMachine(tmp_path, rauc)
    agent = Component(name="agent", version="1.1.0", driver="slot")
    rootfs = Component(name="rootfs", version="3.0.0", driver="rauc", file="payload/rootfs.raucb")
    files = {"site/a": b"", "payload/rootfs.raucb": rauc.bundle("2.0.0", NEW).path.read_bytes()}
    failed = await unit.rested(ordered(unit, archive(files=files, components=(agent, rootfs))))
    assert failed.phase is Phase.FAILED
    assert "says it is version '2.0.0', the release '3.0.0'" in failed.message
    assert not (tmp_path / "b.img").read_bytes().startswith(NEW)
