"""Looks at rollouts, shared by everybody who watches them: a look reads and plans for every node of a rollout.

Whoever asks gets a look that begins afterwards, together with all who asked before it began. Looks come one after the
other with rests between them, so that watchers, however many, cost a quarter of a core at most.
Usage: `looks = RolloutLooks(present)`; `rollout = await looks.look("r1")`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from wayside.errors import WaysideError
from wayside.v1 import rollout_pb2

_REST = 3.0
"""As many times as long as a look took."""


class RolloutLooks:
    """What watchers share."""

    def __init__(self, present: Callable[[str], Awaitable[rollout_pb2.Rollout]]) -> None:
        self._present = present
        self._waiting: dict[str, asyncio.Future[rollout_pb2.Rollout]] = {}
        """Looks that have not begun, by rollout."""
        self._turn = asyncio.Lock()
        self._rested_s = 0.0

    async def look(self, rollout_id: str) -> rollout_pb2.Rollout:
        """The rollout as it is now or a little later.

        Raises: what reading it raises.
        """
        while True:
            look = self._waiting.get(rollout_id)
            if look is None:
                return await self._take(rollout_id)
            await asyncio.wait([look])
            if not look.cancelled():  # else who was to take it has left
                return look.result()

    async def _take(self, rollout_id: str) -> rollout_pb2.Rollout:
        look: asyncio.Future[rollout_pb2.Rollout] = asyncio.get_running_loop().create_future()
        self._waiting[rollout_id] = look
        try:
            async with self._turn:
                await asyncio.sleep(self._rested_s - time.monotonic())
                del self._waiting[rollout_id]  # who asks from now on wants a newer one
                begin_s = time.monotonic()
                try:
                    look.set_result(await self._present(rollout_id))
                finally:
                    end_s = time.monotonic()
                    self._rested_s = end_s + _REST * (end_s - begin_s)
        except WaysideError as error:
            look.set_exception(error)
        finally:
            if self._waiting.get(rollout_id) is look:
                del self._waiting[rollout_id]
            look.cancel()  # nothing happens when it is done
        return look.result()
