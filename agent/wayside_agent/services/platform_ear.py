"""Takes what comes from a platform: is it for this unit, can it be read, was it answered already, what is the answer.

Nothing is looked into that is not for this unit, is too long, or comes faster than `MAX_PER_S` and `MAX_BYTES_PER_S`.
"""

import logging
from math import floor

from wayside_agent.core.platform.answer import Answer, CommandError, Reason
from wayside_agent.core.platform.messages import Ack, Head, Query
from wayside_agent.core.platform.outbox import Outbox
from wayside_agent.core.platform.seen import Seen
from wayside_agent.core.platform.subject import ACKNOWLEDGED, Subject
from wayside_agent.ports.platform import Packet
from wayside_agent.services.platform_orders import Orders
from wayside_agent.services.platform_words import Words
from wayside_agent.services.platform_world import Counts, Plan, World

MAX_PER_S = 50
MAX_BYTES_PER_S = 512 * 1024
_RETAINABLE = frozenset({Subject.MAP_DOWN, Subject.RSI_DOWN})
"""What stays true for a while; any other command was meant when it was sent."""
_ACKNOWLEDGED_BY = {each.ack: each for each in ACKNOWLEDGED}

logger = logging.getLogger(__name__)


class Ear:
    """Of one platform."""

    def __init__(  # noqa: PLR0917
        self, plan: Plan, world: World, orders: Orders, words: Words, outbox: Outbox, counts: Counts
    ) -> None:
        self._plan = plan
        self._world = world
        self._orders = orders
        self._words = words
        self._outbox = outbox
        self._counts = counts
        self._seen = Seen()
        self._second, self._in_second, self._bytes = 0, 0, 0
        self._has_warned = False

    async def take(self, packet: Packet) -> None:
        """Takes one publication."""
        subject = self._plan.topics.subject(packet.topic)
        if subject is None:
            self._refuse_foreign(f"topic {packet.topic[:100]!r} is not this unit's")
            return
        if self._is_flood(len(packet.payload)):
            self._counts.flooded += 1
            return
        try:
            message = self._plan.codec.read(subject, packet.payload)
        except CommandError as error:
            self._counts.malformed += 1
            if subject not in _ACKNOWLEDGED_BY:
                self._answer(subject, None, error.answer)
            return
        if not self._is_ours(subject, message):
            self._refuse_foreign(f"{subject} names another unit, or none")
        elif isinstance(message, Ack):
            self._acknowledged(_ACKNOWLEDGED_BY[subject], message)
        else:
            await self._command(subject, message, is_retained=packet.is_retained)

    def _acknowledged(self, subject: Subject, ack: Ack) -> None:
        """Whatever it says, the platform has the message; sending it again would change nothing."""
        if self._outbox.acknowledged(subject, str(ack.seqNum)) and ack.errorCode:
            if not self._counts.rejected:  # once; the count tells the rest
                logger.warning("Platform %s does not take %s: %r", self._plan.label, subject, ack.errorDesc[:100])
            self._counts.rejected += 1

    async def _command(self, subject: Subject, message: Head, *, is_retained: bool) -> None:
        self._counts.commands += 1
        answer = self._seen.answer(subject, message, self._world.mono_s())
        if answer is not None:
            self._counts.repeated += 1
        elif is_retained and subject not in _RETAINABLE:
            answer = Answer(Reason.RETAINED, "the broker kept this command; nobody knows whether it is still meant")
        else:
            answer = await self._orders.answer(subject, message)
            if answer.reason is not Reason.FAILED:  # that may go well the next time
                self._seen.put(subject, message, answer, self._world.mono_s())
        self._counts.refused += bool(answer.code)
        if message.ack or answer.code or subject is Subject.INFO_QUERY:
            self._answer(subject, message, answer)

    def _answer(self, subject: Subject, message: Head | None, answer: Answer) -> None:
        if subject is Subject.INFO_QUERY:
            document: Head = self._words.response(message if isinstance(message, Query) else None, answer)
        else:
            document = self._words.ack(message, answer)
        self._outbox.answer(subject.ack, self._plan.codec.document(subject.ack, document))

    def _is_ours(self, subject: Subject, message: Head) -> bool:
        """Whether every id in it is this unit's, and one is there if the topic has none."""
        names = self._plan.names
        given = [(message.rsuId, names.rsu_id), (message.rsuEsn, names.esn)]
        told = [(theirs, ours) for theirs, ours in given if theirs is not None]
        return all(theirs == ours for theirs, ours in told) and (bool(told) or self._plan.topics.names_unit(subject))

    def _refuse_foreign(self, why: str) -> None:
        self._counts.foreign += 1
        if not self._has_warned:  # once; the count tells the rest
            logger.warning("Platform %s: a message is not taken: %s", self._plan.label, why)
        self._has_warned = True

    def _is_flood(self, size_bytes: int) -> bool:
        second = floor(self._world.mono_s())
        if second != self._second:
            self._second, self._in_second, self._bytes = second, 0, 0
        self._in_second += 1
        self._bytes += size_bytes
        return self._in_second > MAX_PER_S or self._bytes > MAX_BYTES_PER_S
