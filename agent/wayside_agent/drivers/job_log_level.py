"""Logs more, or less, for a while. It goes back by itself; after a restart the level is that of the settings anyway."""

import asyncio
import logging

from wayside_agent.core.job_work import LogLevel
from wayside_agent.ports.jobs import Assignment, Yield

logger = logging.getLogger(__name__)


class LogLevelWorker:
    """Sets the level of the root logger; one per agent, for it knows what to go back to."""

    def __init__(self, usual: str) -> None:
        self._usual = usual
        self._timer: asyncio.TimerHandle | None = None

    async def work(self, assignment: Assignment[LogLevel]) -> Yield:
        """See `ports.jobs.Worker`. A later one replaces an earlier one."""
        asked = assignment.work
        if self._timer is not None:
            self._timer.cancel()
        logging.getLogger().setLevel(asked.level)
        self._timer = asyncio.get_running_loop().call_later(asked.duration_s, self._go_back)
        logger.warning("log level: %s for %g s, as %s asks", asked.level, asked.duration_s, assignment.job)
        return Yield(f"{asked.level} for {asked.duration_s:g} s, then {self._usual} again")

    def _go_back(self) -> None:
        logging.getLogger().setLevel(self._usual)
        logger.info("log level: %s again", self._usual)
