"""Jobs that run a program the unit's settings name: restart of the computer or of a service, diagnostics.

**Tested with:** programs of Debian 12; a restart of the agent as a real process.
**Source:** systemctl(1): it asks the service manager over D-Bus, which asks polkit whether the agent's user may.
"""

import asyncio
from collections.abc import Mapping, Sequence

from wayside_agent.core.job import RefusedError
from wayside_agent.core.job_work import Diagnostic, Reboot, RestartService
from wayside_agent.drivers.job_process import ran
from wayside_agent.ports.errors import DeviceFaultError, RestartRequestedError
from wayside_agent.ports.jobs import Assignment, Yield

_SAID_BYTES = 64 * 1024
_RESULT_CHARS = 16 * 1024
_LINE_CHARS = 200


class RebootWorker:
    """Restarts the computer; the outcome is found by the agent that starts after it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)

    async def work(self, _assignment: Assignment[Reboot]) -> Yield:
        """See `ports.jobs.Worker`. It ends only when the computer does not restart."""
        if not self._command:
            raise RefusedError("the unit's settings switch this off (jobs.reboot_command is empty)")
        await _run(self._command, "jobs.reboot_command")
        await asyncio.Event().wait()  # the computer goes down; if it does not, the job's time ends
        return Yield()


class RestartServiceWorker:
    """Restarts a service, or the agent itself."""

    def __init__(self, services: Mapping[str, Sequence[str]]) -> None:
        self._services = services

    async def work(self, assignment: Assignment[RestartService]) -> Yield:
        """See `ports.jobs.Worker`.

        Raises: RestartRequestedError: the agent is to be started again.
        """
        asked = assignment.work
        if not asked.service:
            raise RestartRequestedError(f"{assignment.job} wants the agent to start again")
        command = self._services.get(asked.service)
        if not command:
            raise RefusedError(
                f"{asked.service[:80]!r} is not one of the services in the unit's settings, [jobs.services]"
            )
        await _run(command, f"jobs.services.{asked.service}")
        return Yield("restarted")


class DiagnosticWorker:
    """Runs a diagnostic and brings what it says."""

    def __init__(self, diagnostics: Mapping[str, Sequence[str]]) -> None:
        self._diagnostics = diagnostics

    async def work(self, assignment: Assignment[Diagnostic]) -> Yield:
        """See `ports.jobs.Worker`. What is too long for a result comes as `output.txt`."""
        asked = assignment.work
        command = self._diagnostics.get(asked.diagnostic)
        if not command:
            raise RefusedError(
                f"{asked.diagnostic[:80]!r} is not one of the diagnostics in the unit's settings, [jobs.diagnostics]"
            )
        ended = await ran(command, max_bytes=assignment.max_bytes)
        files = []
        if len(ended.text) > _RESULT_CHARS:
            await asyncio.to_thread((assignment.folder / "output.txt").write_bytes, ended.output)
            files.append("output.txt")
        result = {"exit_status": ended.status, "output": ended.text[:_RESULT_CHARS], "is_cut": ended.is_cut}
        return Yield(f"exit status {ended.status}", result, files, is_success=not ended.status)


async def _run(command: Sequence[str], field: str) -> None:
    ended = await ran(command, max_bytes=_SAID_BYTES)
    if ended.status:
        said = " ".join(ended.text.split())[-_LINE_CHARS:]
        raise DeviceFaultError(
            f"{field}: {command[0]} ended with status {ended.status} ({said or 'it said nothing'}); "
            "may the agent's user do this?"
        )
