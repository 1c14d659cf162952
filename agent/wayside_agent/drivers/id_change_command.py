"""Tells the radio or its security chip that the vehicle's temporary id changes, by a command of the unit's owner.

The command gets the new id as `WAYSIDE_TEMPORARY_ID`, 16 hex digits, and may change certificate and MAC; the vehicle
speaks under the new id when it has ended, or has been stopped after its time. No shell.

**Tested with:** programs that agree, fail, hang and are not there.
**Source:** T/CSAE 53 (temporary id); that all ids of a vehicle change at once is what keeps it from being followed.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Sequence

PASSED_ON = ("PATH", "LANG", "LC_ALL")

logger = logging.getLogger(__name__)


class IdChangeCommand:
    """One command."""

    def __init__(self, command: Sequence[str], *, timeout_s: float) -> None:
        """Stores values."""
        self._command = command
        self._timeout_s = timeout_s
        self.fault = ""
        """Why it did not do its work, in one sentence; empty: it did."""

    async def __call__(self, new_id: bytes) -> None:
        """Runs it and waits for its end; never raises. What is wrong is logged when it begins and when it is over."""
        fault = await self._why_not(new_id)
        if fault and not self.fault:
            logger.warning("the radio was not told of the new temporary id: %s", fault)
        elif self.fault and not fault:
            logger.info("the radio is told of new temporary ids again")
        self.fault = fault

    async def _why_not(self, new_id: bytes) -> str:
        try:
            status = await self._status(new_id)
        except TimeoutError:  # an OSError, too
            return f"the command did not end within {self._timeout_s:g} s and was stopped"
        except OSError as error:
            return f"the command cannot be started ({error.strerror}); correct v2x.vehicle.id_change_command"
        return "" if status == 0 else f"the command ended with status {status}; its log says why"

    async def _status(self, new_id: bytes) -> int:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ}
            | {"WAYSIDE_TEMPORARY_ID": new_id.hex()},
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                return await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
