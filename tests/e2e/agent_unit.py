"""One enrolled unit without a manager, and a driver of a third party that misbehaves as settings tell it."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.link.agent_peer import credentials
from wayside_demo.stage import BIN

SETTINGS = """\
state_dir = "state"
database_dir = "dbc"

[node]
id = "rsu-1"
esn = "ESN-1"
kind = "rsu"

[manager]
device_address = "127.0.0.1:1"
enrollment_address = "127.0.0.1:1"

"""
SIMULATORS = (
    '[[can]]\nname = "body"\ndriver = "simulator"\n[gnss]\ndriver = "simulator"\n[radio]\ndriver = "simulator"\n'
)
ROGUE = """\
import asyncio
import os
import signal
import msgspec
from wayside_agent.core.frames import BusCounters


def stop_in(phase):
    if os.environ.get("STOP_IN") == phase:
        os.kill(os.getpid(), signal.SIGTERM)


stop_in("import")


class Rogue:
    class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        fault: str = ""

    def __init__(self, options):
        self._fault = options.fault
        stop_in("make")

    async def __aenter__(self):
        stop_in("open")
        return self

    async def __aexit__(self, *_):
        stop_in("close")
        if self._fault == "hangs at the end":
            await asyncio.sleep(3600)

    async def read(self):
        stop_in("read")
        if os.environ.get("STOP_IN") == "close":
            os.kill(os.getpid(), signal.SIGTERM)
        if self._fault == "a bug":
            raise ZeroDivisionError("a bug of a driver")
        if self._fault == "a cancel of nobody":
            raise asyncio.CancelledError
        await asyncio.Event().wait()

    def counters(self):
        return BusCounters()
"""


class Unit:
    """One enrolled unit and the processes it starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = folder / "agent.toml"
        self.identity = folder / "state" / "identity"
        self.environment = {key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"}
        self.processes: list[subprocess.Popen[str]] = []
        self.configure(SIMULATORS)
        self.enrol()

    def configure(self, devices: str) -> None:
        self.settings.write_text(SETTINGS + devices)

    def enrol(self) -> None:
        self.identity.mkdir(mode=0o700, parents=True)
        own = credentials()
        (self.identity / "key.pem").write_bytes(own.key_pem)
        (self.identity / "certificate.pem").write_bytes(own.certificate_pem)
        (self.identity / "authorities.pem").write_bytes(own.certificate_pem)
        (self.identity / "node").write_text("rsu-1\n")

    def install(self, name: str, source: str, entry: str = "rogue:Rogue") -> None:
        """A driver of a third party, found as any other."""
        site = self.folder / "site"
        metadata = site / "rogue-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: rogue\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[wayside.can]\n{name} = {entry}\n")
        (site / "rogue.py").write_text(source)
        self.environment["PYTHONPATH"] = str(site)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [str(BIN / "wayside-agent"), *(arguments or ("run",)), "--settings", str(self.settings)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def ended(self, *arguments: str) -> tuple[int, str]:
        """Exit status and standard error of a process that ends by itself."""
        process = self.start(*arguments)
        _, errors = process.communicate(timeout=20)
        return process.returncode, errors

    def until_running(self, process: "subprocess.Popen[str]", words: str = '"running"') -> str:
        """Reads its log until it says so."""
        assert process.stderr
        log = ""
        for line in process.stderr:
            log += line
            if words in line:
                return log
        pytest.fail(f"it ended: {log}")
