"""Drains the telemetry spool to a broker in two lanes, so that what is new never waits behind what is old.

    lanes = Lanes(spool, mono_s=time.monotonic)
    lanes.appended(sequence)                # a batch is durable
    await lanes.drain(sink, topic, taken)   # until the connection breaks, again with the next one

The newest batches go ahead of a backlog, which follows in order and in parts of about a second; between two parts
whatever is new is published. The spool gives up what is acknowledged up to a sequence, so a batch that went ahead stays
in it until the backlog has come up to it, and is then passed over. That it went ahead is known in memory only: after a
restart it is published once more.
"""

from collections import deque
from collections.abc import Callable, Sequence

from wayside_agent.core.part_size import PartSize
from wayside_agent.ports.spools import Spool, SpoolRecord, TelemetrySink
from wayside_agent.services.endless import follow_cancel

DRAIN_COUNT = 64  # records per acknowledgement: a few round trips of the sender's window
AHEAD_COUNT = 4
"""New batches that go ahead at once. A line too slow even for those has older ones wait in the backlog."""


class Lanes:
    """Of one spool, over all connections."""

    def __init__(self, spool: Spool, *, mono_s: Callable[[], float]) -> None:
        """Stores values; `mono_s` is a steady clock [s]."""
        self._spool = spool
        self._mono_s = mono_s
        self._newest = 0
        self._front = 0
        """Every batch up to here has been published, or waits in the backlog."""
        self._ahead: deque[int] = deque()
        """What was published ahead and is still in the spool, rising."""

    def appended(self, sequence: int) -> None:
        """Takes that a batch of this sequence is durable."""
        if not self._newest:  # what a former life of the agent left is not new, and would go before what is
            self._front = max(self._front, sequence - 1)
        self._newest = max(self._newest, sequence)

    async def drain(self, sink: TelemetrySink, topic: str, taken: Callable[[int], None]) -> None:
        """Publishes for ever; `taken` gets how many batches the broker has taken now.

        Raises: UnavailableError: the connection is lost; what was not acknowledged is still in the spool.
        """
        size = PartSize()
        while True:
            follow_cancel()
            part = size.part(await self._spool.read(0, max_count=DRAIN_COUNT))
            if self._newest > max(self._front, part[-1].sequence):
                taken(await self._publish_ahead(sink, topic, after=part[-1].sequence))
            begin_s = self._mono_s()
            owed = self._not_ahead(part)
            await sink.publish(topic, [record.payload for record in owed])
            await self._spool.acknowledge(part[-1].sequence)
            self._front = max(self._front, part[-1].sequence)
            taken(len(owed))
            size = size.after(owed, self._mono_s() - begin_s)

    async def _publish_ahead(self, sink: TelemetrySink, topic: str, *, after: int) -> int:
        """Publishes what is newest, behind a sequence; how many batches."""
        begin = max(self._front, after, self._newest - AHEAD_COUNT)
        records = await self._spool.read(begin, max_count=AHEAD_COUNT)
        await sink.publish(topic, [record.payload for record in records])
        self._ahead.extend(record.sequence for record in records)
        self._front = records[-1].sequence
        return len(records)

    def _not_ahead(self, part: Sequence[SpoolRecord]) -> Sequence[SpoolRecord]:
        """The records of a part that were not published yet."""
        owed = []
        for record in part:
            while self._ahead and self._ahead[0] < record.sequence:  # evicted meanwhile, or acknowledged
                self._ahead.popleft()
            if not self._ahead or self._ahead[0] != record.sequence:
                owed.append(record)
        return owed
