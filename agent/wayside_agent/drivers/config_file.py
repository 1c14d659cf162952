"""Keeps the state of the configuration in one durable file, and knows the time that counts for a trial.

Before configurations went on trial there was a file `config.state` of another format. It is left as it is: a release on
trial that is taken back finds it again. Until the manager speaks, a unit that comes from there runs the defaults.

Tested with: ext4, tmpfs; a power cut at every step (`tests/e2e/test_config_power_cut.py`).
Source: `drivers.files`; proc_sys_kernel(5) (boot_id), clock_gettime(2) (CLOCK_BOOTTIME).
"""

import asyncio
import secrets
import time
from pathlib import Path

from wayside_agent.core.config_state import ConfigState, Moment
from wayside_agent.drivers.files import StateFile

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")


class ConfigFile:
    """`ports.configs.ConfigStore` in a file."""

    def __init__(self, path: Path) -> None:
        self._file = StateFile(path, ConfigState)

    def load(self) -> ConfigState | None:
        """What was saved; `None` before the first time, or when the file was corrupt.

        Raises: DeviceFaultError: the disk refuses.
        """
        return self._file.load()

    async def save(self, state: ConfigState) -> None:
        """Makes it durable.

        Raises: ResourceExhaustedError, DeviceFaultError: what was stored before stands.
        """
        await asyncio.to_thread(self._file.save, state)


class BootClock:
    """Time since the computer started, and which start it was; sleep counts, and nobody can set it."""

    def __init__(self, boot_id_file: Path = BOOT_ID_FILE) -> None:
        try:
            self._boot_id = boot_id_file.read_text().strip()
        except (
            OSError
        ):  # each start of the agent then counts as one of the computer: a trial gets shorter, never longer
            self._boot_id = secrets.token_hex(16)

    def now(self) -> Moment:
        """The present moment."""
        return Moment(self._boot_id, time.clock_gettime(time.CLOCK_BOOTTIME))
