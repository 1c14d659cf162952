"""Images through a real SWUpdate: signed, streamed, written, refused."""

import asyncio
import hashlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from tests.contract.component_unit import ComponentUnit, ordered
from tests.contract.update_unit import DEAF, GOOD
from tests.releases import archive
from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside.release_manifest import Component
from wayside_agent.core.gate import Vitals
from wayside_agent.core.swupdate_ipc import MESSAGE_BYTES, install_request, status, status_request
from wayside_agent.core.update import Phase
from wayside_agent.drivers.component_swupdate import SwupdateComponent
from wayside_agent.ports.components import Activation, Payload
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError

ABSENT = [program for program in ("swupdate", "openssl") if shutil.which(program) is None]
needs_swupdate = pytest.mark.skipif(bool(ABSENT), reason=f"needs {', '.join(ABSENT)}: apt-get install swupdate openssl")
NEW = b"new root file system\n" * 5_000


@dataclass(frozen=True, slots=True)
class Unit:
    """SWUpdate, a copy it may write, and boot variables in a file."""

    folder: Path

    def driver(self, **options: tuple[str, ...] | str) -> SwupdateComponent:
        boot = str(self.folder / "boot")
        chosen: dict[str, tuple[str, ...] | str] = {
            "version_command": ("cat", boot),
            "activate_command": ("cp", str(self.folder / "next"), boot),
            "confirm_command": ("true",),
            "revert_command": ("cp", str(self.folder / "before"), boot),
            "mode_command": ("echo", "stable,copy2"),
            **options,
        }
        named = {**chosen, "socket": str(self.folder / "sockinstctrl")}
        return SwupdateComponent(msgspec.convert(named, SwupdateComponent.Options))

    def image(self, version: str, content: bytes = NEW) -> Payload:
        """A signed `.swu`."""
        copy = (
            f'{{ images: ( {{ filename = "rootfs.img"; device = "{self.folder}/b.img"; type = "raw"; '
            f'installed-directly = true; sha256 = "{hashlib.sha256(content).hexdigest()}"; }} ); }}'
        )
        described = self.folder / "sw-description"
        head = f'version = "{version}"; hardware-compatibility = [ "1" ];'
        described.write_text(f"software = {{ {head} stable: {{ copy2: {copy}; }}; }}\n")
        keys = ["-signer", str(self.folder / "cert.pem"), "-inkey", str(self.folder / "key.pem")]
        options = ["-outform", "DER", "-nosmimecap", "-binary", "-in", str(described)]
        signed = subprocess.run(["openssl", "cms", "-sign", *keys, *options], check=True, capture_output=True).stdout
        path = self.folder / f"{version}.swu"
        files = {"sw-description": described.read_bytes(), "sw-description.sig": signed, "rootfs.img": NEW}
        path.write_bytes(b"".join(cpio(name, data) for name, data in {**files, "TRAILER!!!": b""}.items()))
        return Payload(path, version)


def cpio(name: str, content: bytes) -> bytes:
    """An entry of a CPIO archive with checksums (`070702`), as SWUpdate reads it."""
    title = name.encode() + b"\0"
    fields = (1, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(title), sum(content) & 0xFFFFFFFF)
    head = b"070702" + b"".join(b"%08X" % field for field in fields) + title
    return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)


@pytest.fixture
async def unit(tmp_path: Path) -> AsyncIterator[Unit]:
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=throw-away", "-days", "3"]
    files = ["-keyout", "key.pem", "-out", "cert.pem", "-addext", "extendedKeyUsage=emailProtection"]
    quiet = asyncio.subprocess.DEVNULL
    key = await asyncio.create_subprocess_exec(*request, *files, cwd=tmp_path, stderr=quiet)
    assert await key.wait() == 0
    (tmp_path / "b.img").write_bytes(bytes(1024 * 1024))
    for name, version in (("boot", "1"), ("before", "1"), ("next", "2")):
        (tmp_path / name).write_text(version)
    process = await asyncio.create_subprocess_exec(
        "swupdate", "-v", "-k", str(tmp_path / "cert.pem"), "-H", "board:1", "-q", "stable,copy2",
        cwd=tmp_path, env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=asyncio.subprocess.PIPE, stderr=quiet,
    )  # fmt: skip
    assert process.stdout is not None
    while b"sockinstctrl" not in await process.stdout.readline():
        assert not process.stdout.at_eof()
    async with asyncio.TaskGroup() as group:
        drain = group.create_task(process.stdout.read())
        yield Unit(tmp_path)
        process.terminate()
        await process.wait()
        await drain


@needs_swupdate
async def test_an_image_is_streamed_written_and_activated(unit: Unit) -> None:
    driver, ratios = unit.driver(), list[float]()
    await driver.install(unit.image("2"), ratios.append)
    assert (unit.folder / "b.img").read_bytes().startswith(NEW)
    assert ratios == sorted(ratios)
    assert ratios[-1] == 1.0
    assert await driver.version() == "1"
    assert await driver.activate() is Activation.AT_BOOT
    assert await driver.version() == "2"
    await driver.confirm()
    await driver.revert()
    assert await driver.version() == "1"


@needs_swupdate
async def test_what_swupdate_refuses_is_refused_before_anything_is_written(unit: Unit) -> None:
    wanted = unit.image("2", b"other bytes than those signed")
    with pytest.raises(FailedPreconditionError, match=r"2\.swu: SWUpdate: .*; look into its log"):
        await unit.driver().install(wanted, lambda _: None)
    wanted = unit.image("2")
    wanted.path.write_bytes(wanted.path.read_bytes().replace(b'version = "2"', b'version = "3"'))
    with pytest.raises(FailedPreconditionError, match=r"2\.swu: SWUpdate: "):
        await unit.driver().install(wanted, lambda _: None)
    assert not any((unit.folder / "b.img").read_bytes())


@needs_swupdate
async def test_a_program_of_the_boot_loader_that_fails_is_named(unit: Unit) -> None:
    with pytest.raises(DeviceFaultError, match="false: ended with 1"):
        await unit.driver(confirm_command=("false",)).confirm()
    with pytest.raises(FailedPreconditionError, match="false: ended with 1"):
        await unit.driver(activate_command=("false",)).activate()
    with pytest.raises(DeviceAbsentError, match="no-such-program: cannot be run"):
        await unit.driver(version_command=("no-such-program",)).version()


async def test_a_swupdate_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "2.swu").write_bytes(b"")
    with pytest.raises(DeviceAbsentError, match="sockinstctrl: SWUpdate is not there"):
        await Unit(tmp_path).driver().precheck(Payload(tmp_path / "2.swu", "2"))


@pytest.mark.parametrize("content", [b"", b"\0" * MESSAGE_BYTES, b"\xff" * MESSAGE_BYTES], ids=["none", "zero", "ones"])
def test_what_is_no_message_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidArgumentError):
        status(content)


def test_every_message_has_the_size_of_the_union() -> None:
    request = install_request(software_set="stable", running_mode="copy2", is_dry_run=True)
    assert len(request) == len(status_request()) == MESSAGE_BYTES
    with pytest.raises(InvalidArgumentError, match="at most 255"):
        install_request(software_set="s" * 256, running_mode="", is_dry_run=True)


@needs_swupdate
@pytest.mark.parametrize(
    ("vitals", "phase", "version"), [(GOOD, Phase.COMMITTED, "2"), (DEAF, Phase.ROLLED_BACK, "1")], ids=["good", "deaf"]
)
async def test_an_image_that_comes_with_a_release_stays_or_goes_with_it(
    unit: Unit, vitals: Vitals, phase: Phase, version: str
) -> None:
    whole = ComponentUnit(unit.folder)
    whole.vitals_on_trial = vitals
    whole.use(image=unit.driver(takes_effect="AT_ONCE"))
    agent = Component(name="agent", version="1.1.0", driver="slot")
    image = Component(name="image", version="2", driver="swupdate", file="payload/image.swu")
    files = {"site/a": b"", "payload/image.swu": unit.image("2").path.read_bytes()}
    ended = await whole.rested(ordered(whole, archive(files=files, components=(agent, image))))
    assert (ended.phase, (unit.folder / "boot").read_text()) == (phase, version)
    assert (unit.folder / "b.img").read_bytes().startswith(NEW)
