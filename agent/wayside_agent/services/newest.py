"""The newest health report, for whoever shows it ahead of older ones that still wait.

newest.put(report)
number, report = await newest.after(0)          # at once if there is one
number, report = await newest.after(number)     # when there is a newer one; what came between is passed over
"""

import asyncio

from wayside.v1 import node_service_pb2 as wire


class Newest:
    """One report at most; a newer one takes its place."""

    def __init__(self) -> None:
        self._report = wire.Report()
        self._number = 0
        self._changed = asyncio.Event()

    def put(self, report: wire.Report) -> None:
        """Takes a report, which nobody changes any more."""
        self._report = report
        self._number += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def after(self, number: int) -> tuple[int, wire.Report]:
        """The newest report and its number, as soon as it is behind a number; the first has number 1."""
        while self._number <= number:
            await self._changed.wait()
        return self._number, self._report
