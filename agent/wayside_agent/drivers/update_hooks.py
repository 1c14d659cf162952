"""Commands of the unit's owner at the states of an update: no shell, a time limit, and an exit code that is an answer.

0: go on. 75 (EX_TEMPFAIL): wait, and ask again. Any other: no, which ends an update that is not being installed yet.

**Tested with:** programs that agree, ask to wait, refuse, hang and are not there.
**Source:** sysexits.h.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence

from wayside_agent.core.update import Update
from wayside_agent.ports.hooks import Answer, Word

EXIT_WAIT = 75
PASSED_ON = ("PATH", "LANG", "LC_ALL")


class HookCommands:
    """One command for each phase that has one."""

    def __init__(self, commands: Mapping[str, Sequence[str]], *, timeout_s: float) -> None:
        """Stores values; `commands` by phase in lower case, such as `staged`."""
        self._commands = commands
        self._timeout_s = timeout_s

    async def ask(self, update: Update) -> Answer:
        """Runs the command of the phase the update is in, if there is one, and waits for it; never raises."""
        phase = update.phase.lower()
        command = self._commands.get(phase)
        if not command:
            return Answer()
        name = f"the hook of `{phase}`"
        try:
            status = await self._status(command, update)
        except TimeoutError:  # an OSError, too
            return Answer(Word.REFUSE, f"{name} did not end within {self._timeout_s:g} s and was stopped")
        except OSError as error:
            return Answer(Word.REFUSE, f"{name} cannot be started ({error.strerror}); correct update.hooks")
        if status == 0:
            return Answer()
        if status == EXIT_WAIT:
            return Answer(Word.WAIT, f"{name} asks to wait")
        return Answer(Word.REFUSE, f"{name} refused with status {status}; its log says why")

    async def _status(self, command: Sequence[str], update: Update) -> int:
        target = update.target
        told = {
            "WAYSIDE_PHASE": update.phase.lower(),
            "WAYSIDE_RELEASE": target.release if target else "",
            "WAYSIDE_VERSION": target.version if target else "",
        }
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ} | told,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                return await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
