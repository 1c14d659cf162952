"""Keeps the state of the configuration in one durable file, and knows the time that counts for a trial.

Before configurations went on trial there was a file `config.state` of another format. It is left as it is: a release on
trial that is taken back finds it again. Until the manager speaks, a unit that comes from there runs the defaults.

Tested with: ext4, tmpfs; a power cut at every step (`tests/e2e/test_config_power_cut.py`).
Source: `drivers.files`, `drivers.boot_id`; clock_gettime(2) (CLOCK_BOOTTIME).
"""

import asyncio
import secrets
import time
from pathlib import Path

from wayside_agent.core.config_state import ConfigState, Moment
from wayside_agent.drivers.boot_id import BOOT_ID_FILE, boot_id
from wayside_agent.drivers.files import StateFile
from wayside_agent.ports.errors import DeviceFaultError

SAVE_TIMEOUT_S = 10.0
"""A worn flash takes seconds for a write; one that takes longer must not hold up the end of a trial."""


class ConfigFile:
    """`ports.configs.ConfigStore` in a file."""

    def __init__(self, path: Path, *, save_timeout_s: float = SAVE_TIMEOUT_S) -> None:
        self._path = path
        self._file = StateFile(path, ConfigState)
        self._save_timeout_s = save_timeout_s
        self._write: asyncio.Task[None] | None = None

    def load(self) -> ConfigState | None:
        """What was saved; `None` before the first time, or when the file was corrupt.

        Raises: DeviceFaultError: the disk refuses.
        """
        return self._file.load()

    async def save(self, state: ConfigState) -> None:
        """Makes it durable.

        A disk that hangs holds one write; another one does not begin before that has ended.

        Raises: ResourceExhaustedError, DeviceFaultError: what was stored before stands, or what the disk hangs with.
        """
        if self._write is not None:
            await self._wait(self._write)  # whatever became of it, this one is newer
        self._write = asyncio.get_running_loop().create_task(
            asyncio.to_thread(self._file.save, state), name="config-save"
        )
        await self._wait(self._write)
        write, self._write = self._write, None
        write.result()

    async def _wait(self, write: "asyncio.Task[None]") -> None:
        done, _ = await asyncio.wait((write,), timeout=self._save_timeout_s)
        if not done:
            raise DeviceFaultError(
                f"{self._path}: the disk has not answered for {self._save_timeout_s:g} s; check the disk"
            )
        write.exception()  # taken notice of


class BootClock:
    """Time since the computer started, and which start it was; sleep counts, and nobody can set it."""

    def __init__(self, boot_id_file: Path = BOOT_ID_FILE) -> None:
        try:
            self._boot_id = boot_id(boot_id_file)
        except OSError:
            # each start of the agent then counts as one of the computer: a trial gets shorter, never longer
            self._boot_id = secrets.token_hex(16)

    def now(self) -> Moment:
        """The present moment."""
        return Moment(self._boot_id, time.clock_gettime(time.CLOCK_BOOTTIME))
