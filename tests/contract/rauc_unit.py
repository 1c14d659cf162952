"""A real RAUC with two image files for slots, on a bus of its own; bundles signed by a throw-away key."""

import asyncio
import importlib.util
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wayside_agent.drivers.component_rauc import RaucComponent
from wayside_agent.drivers.rauc_bus import RaucBus
from wayside_agent.ports.components import Payload
from wayside_agent.ports.errors import DeviceAbsentError

PROGRAMS = ("rauc", "dbus-daemon", "mksquashfs", "openssl")
COMPATIBLE = "sim-rootfs"
SLOT_BYTES = 1024 * 1024
BACKEND = """#!/bin/sh
cd "$(dirname "$0")" || exit 1
case "$1" in
    get-primary) cat primary ;;
    set-primary) echo "$2" >primary ;;
    get-state) cat "state-$2" ;;
    set-state) echo "$3" >"state-$2" ;;
esac
"""
BUS = """<busconfig><type>system</type><listen>unix:path={}</listen><auth>EXTERNAL</auth><policy context="default">
<allow user="*"/><allow own="*"/><allow send_destination="*"/><allow send_type="method_call"/>
<allow send_type="signal"/><allow send_requested_reply="true"/>
<allow receive_type="method_call"/><allow receive_type="signal"/>
<allow receive_requested_reply="true"/>
</policy></busconfig>"""
SYSTEM = """[system]
compatible={compatible}
bootloader=custom
mountprefix={folder}/mnt
statusfile={folder}/status
activate-installed={activates}
[handlers]
bootloader-custom-backend={folder}/backend
[keyring]
path={folder}/cert.pem
[slot.rootfs.0]
device={folder}/a.img
type=raw
bootname=A
[slot.rootfs.1]
device={folder}/b.img
type=raw
bootname=B
"""


def missing() -> str:
    """Why no RAUC can be run here; empty: one can."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"needs {', '.join(absent)}: apt-get install rauc rauc-service dbus squashfs-tools openssl"
    if importlib.util.find_spec("dbus_fast") is None:
        return "needs dbus-fast, the agent's extra `rauc`"
    if os.geteuid() != 0:
        return "RAUC mounts bundles, which only root may"
    return "" if Path("/dev/loop-control").exists() else "RAUC mounts bundles, and there are no loop devices"


@dataclass(slots=True)
class RaucUnit:
    """A machine that can be started from either slot."""

    folder: Path
    booted: str = "A"

    @property
    def bus_address(self) -> str:
        return f"unix:path={self.folder}/bus"

    def driver(self) -> RaucComponent:
        options = RaucComponent.Options(state_file=str(self.folder / "trial"), bus_address=self.bus_address)
        return RaucComponent(options)

    def bundle(self, version: str, content: bytes, *, compatible: str = COMPATIBLE) -> Payload:
        folder, path = self.folder / f"bundle-{version}", self.folder / f"{version}.raucb"
        folder.mkdir()
        (folder / "rootfs.img").write_bytes(content)
        manifest = f"[update]\ncompatible={compatible}\nversion={version}\n[bundle]\nformat=plain\n"
        (folder / "manifest.raucm").write_text(f"{manifest}[image.rootfs]\nfilename=rootfs.img\n")
        keys = [f"--cert={self.folder / 'cert.pem'}", f"--key={self.folder / 'key.pem'}"]
        subprocess.run(["rauc", "bundle", *keys, str(folder), str(path)], check=True, capture_output=True)
        return Payload(path, version)

    def primary(self) -> str:
        """Slot the boot loader would start."""
        return (self.folder / "primary").read_text().strip()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RaucComponent]:
        """RAUC while the machine runs from its slot."""
        command = ["rauc", "service", f"--conf={self.folder}/system.conf", f"--override-boot-slot={self.booted}"]
        environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.bus_address}
        async with _process(command, environment):
            await self._until_there()
            yield self.driver()

    async def _until_there(self) -> None:
        """Asks until RAUC answers."""
        async with asyncio.timeout(20):
            while True:
                try:
                    async with RaucBus(self.bus_address) as bus:
                        await bus.slots()
                except DeviceAbsentError:
                    continue
                return


@asynccontextmanager
async def rauc_unit(folder: Path, *, activates: bool = False) -> AsyncIterator[RaucUnit]:
    """A unit whose RAUC is not started yet."""
    _make_key(folder)
    for name, content in (("backend", BACKEND), ("primary", "A\n"), ("state-A", "good\n"), ("state-B", "bad\n")):
        (folder / name).write_text(content)
    (folder / "backend").chmod(0o755)
    for name in ("a.img", "b.img"):
        (folder / name).write_bytes(bytes(SLOT_BYTES))
    settings = {"compatible": COMPATIBLE, "folder": folder, "activates": str(activates).lower()}
    (folder / "system.conf").write_text(SYSTEM.format_map(settings))
    (folder / "bus.conf").write_text(BUS.format(folder / "bus"))
    async with _process(
        ["dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--nopidfile", "--print-address"], None
    ) as bus:
        assert bus.stdout is not None
        await bus.stdout.readline()  # it listens
        yield RaucUnit(folder)


@asynccontextmanager
async def _process(command: list[str], environment: dict[str, str] | None) -> AsyncIterator[asyncio.subprocess.Process]:
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=quiet
    )
    try:
        yield process
    finally:
        process.terminate()
        await process.communicate()


def _make_key(folder: Path) -> None:
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=throw-away", "-days", "3"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*request, *files], check=True, capture_output=True)
