"""Opens a spool whatever the disk says."""

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from pathlib import Path

from wayside_agent.link.spool import FileSpool
from wayside_agent.ports.errors import DeviceFaultError

logger = logging.getLogger(__name__)


async def opened_spool(directory: Path, max_bytes: int, stack: AsyncExitStack) -> FileSpool:
    """The spool in a directory; one that the disk no longer gives is set aside and a new one begun.

    A bad block under old reports must not take the unit off the road.
    Raises: FailedPreconditionError: another process holds it. DeviceFaultError: the disk refuses a new one, too.
    """
    try:
        return await stack.enter_async_context(FileSpool(directory, max_bytes=max_bytes))
    except DeviceFaultError as error:
        aside = directory.with_name(f"{directory.name}.faulty-{time.time_ns()}")
        try:
            await asyncio.to_thread(directory.rename, aside)
        except OSError:
            raise error from None
        logger.error("%s; it is set aside as %s and a new spool begins", error, aside.name)
    return await stack.enter_async_context(FileSpool(directory, max_bytes=max_bytes))
