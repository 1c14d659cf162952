"""Runs what must never end, so that its end is seen.

Closing a grpc.aio channel throws a bare CancelledError into its readers, and a library may do the same; a TaskGroup
takes that for a normal cancel and the task dies unseen (layout, fact 1). Here it is a bug that ends the process.
Usage: `group.create_task(endless("gnss", service.run), name="gnss")`.
"""

import asyncio
from collections.abc import Awaitable, Callable


class ServiceEndedError(Exception):
    """A service returned or was cancelled by nobody: a bug; the process ends and is started again."""


async def endless(name: str, service: Callable[[], Awaitable[None]]) -> None:
    """Runs a service for ever.

    Raises: ServiceEndedError: it returned, or was cancelled by nobody. Whatever it raises.
    """
    try:
        await service()
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        raise ServiceEndedError(f"service {name} was cancelled by nobody") from error
    raise ServiceEndedError(f"service {name} returned")


def follow_cancel() -> None:
    """To be called in loops: a cancel that was lost on the way is followed here.

    On Python 3.11 `wait_for` loses one that comes together with the result, and a TaskGroup one that comes when it is
    ending already with an error.

    Raises: CancelledError: this task was cancelled.
    """
    if _is_cancelled():
        raise asyncio.CancelledError


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
