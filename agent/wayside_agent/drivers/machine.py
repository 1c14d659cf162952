"""The computer the agent runs on: told to start again by a command of the unit's settings.

**Tested with:** programs that end, refuse and are not there.
**Source:** systemctl(1): it asks the service manager over D-Bus, which asks polkit whether the agent's user may.
"""

import asyncio
from collections.abc import Sequence

from wayside_agent.drivers.config_file import BootClock
from wayside_agent.drivers.job_process import ran
from wayside_agent.ports.errors import DeviceFaultError

FIELD = "update.reboot_command"
GOES_DOWN_S = 300.0
"""Within which a computer that was told to goes down; services have 90 s to end, as systemd has it."""
_SAID_BYTES = 64 * 1024
_LINE_CHARS = 200


class CommandMachine:
    """`ports.machine.Machine` by a command; an empty one cannot start it again."""

    def __init__(self, command: Sequence[str], *, goes_down_s: float = GOES_DOWN_S) -> None:
        """Stores values."""
        self._command = tuple(command)
        self._goes_down_s = goes_down_s
        self.boot_id = BootClock().now().boot_id

    @property
    def can_restart(self) -> bool:
        """Whether there is a command."""
        return bool(self._command)

    async def restart(self) -> None:
        """Runs the command and waits for the end.

        Raises: DeviceFaultError: it refuses, or the computer stays up. DeviceAbsentError: there is no such program.
        """
        if not self._command:
            raise DeviceFaultError(f"the machine must start again; set {FIELD} in the unit's settings")
        ended = await ran(self._command, max_bytes=_SAID_BYTES)
        if ended.status:
            said = " ".join(ended.text.split())[-_LINE_CHARS:]
            raise DeviceFaultError(
                f"{FIELD}: {self._command[0]} ended with status {ended.status} ({said or 'it said nothing'}); "
                "may the agent's user do this?"
            )
        await asyncio.sleep(self._goes_down_s)
        raise DeviceFaultError(f"{FIELD}: the machine is still up {self._goes_down_s:g} s after it; correct it")
