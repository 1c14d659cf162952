"""Data files: whatever is cut off where, readers find the old file or the new one, whole."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from wayside_agent.drivers.component_file import FileComponent
from wayside_agent.ports.components import Payload
from wayside_agent.ports.errors import DeviceAbsentError

CALLS = ("fsync", "replace", "rename", "link", "unlink")
CUTS_MAX = 100


class CutError(BaseException):
    """The process ends here."""


def component(folder: Path) -> FileComponent:
    return FileComponent(FileComponent.Options(folder=str(folder), file_name="town.map"))


def payload(folder: Path, version: str) -> Payload:
    path = folder / f"payload-{version}"
    path.write_bytes(version.encode() * 1_000)
    return Payload(path, version)


async def proven(driver: FileComponent, wanted: Payload) -> None:
    await driver.install(wanted, lambda _: None)
    await driver.activate()
    await driver.confirm()


async def test_a_cut_at_any_call_leaves_the_old_or_the_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = payload(tmp_path, "1"), payload(tmp_path, "2")
    for cut in range(1, CUTS_MAX):
        folder = tmp_path / str(cut)
        folder.mkdir()
        await proven(component(folder), old)
        left = [cut]

        def counting(call: Callable[..., object], left: list[int] = left) -> Callable[..., object]:
            def counted(*arguments: object, **named: object) -> object:
                left[0] -= 1
                if left[0] == 0:
                    raise CutError
                return call(*arguments, **named)

            return counted

        with monkeypatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, counting(getattr(os, name)))
            try:
                await proven(component(folder), new)
            except CutError:
                pass
            else:
                break
        held = (folder / "town.map").read_bytes()
        assert held in {b"1" * 1_000, b"2" * 1_000}
        assert await component(folder).version() == held[:1].decode()
        await component(folder).revert()
        await proven(component(folder), new)
        assert await component(folder).version() == "2"
        assert sorted(path.name for path in folder.iterdir()) == [".town.map.json", "town.map"]
    else:
        pytest.fail("no life without a cut was reached")
    assert cut > 8


async def test_a_first_file_that_is_taken_back_leaves_none(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    driver = component(tmp_path / "maps")
    await driver.install(payload(tmp_path, "1"), lambda _: None)
    await driver.activate()
    await driver.revert()
    assert await driver.version() == ""
    assert not (tmp_path / "maps" / "town.map").exists()


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeviceAbsentError, match="maps: no such folder"):
        await component(tmp_path / "maps").precheck(payload(tmp_path, "1"))
