"""Has a worker do one piece of work, as the service would."""

import asyncio
from pathlib import Path
from typing import Any

from wayside_agent.core.job_work import Work
from wayside_agent.ports.jobs import Assignment, Worker, Yield


async def worked(worker: Worker[Any], work: Work, folder: Path, *, max_bytes: int = 1_000_000) -> Yield:
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    async with asyncio.timeout(30):
        return await worker.work(Assignment("jobs/j1", work, folder, max_bytes, lambda _percent, _message: None))
