"""Remembers what was answered to a platform's commands: one that comes again is answered the same and not done again.

A number that comes with another content is another command: a platform that starts again counts anew.
"""

from collections import OrderedDict
from hashlib import blake2b

import msgspec

from wayside_agent.core.platform.answer import Answer
from wayside_agent.core.platform.messages import Head, SequenceNumber
from wayside_agent.core.platform.subject import Subject

MAX_REMEMBERED = 256
REMEMBERED_S = 900.0
"""Longer than any platform tries again."""

_Key = tuple[Subject, str]


class Seen:
    """Of one platform."""

    def __init__(self) -> None:
        self._answers: OrderedDict[_Key, tuple[float, bytes, Answer]] = OrderedDict()

    def answer(self, subject: Subject, message: Head, now_s: float) -> Answer | None:
        """What was answered to this very command; `None`: it is new, or has no number."""
        if message.seqNum is None:
            return None
        found = self._answers.get(_key(subject, message.seqNum))
        if found is None or now_s - found[0] > REMEMBERED_S or found[1] != digest(message):
            return None
        return found[2]

    def put(self, subject: Subject, message: Head, answer: Answer, now_s: float) -> None:
        """Remembers an answer; the oldest of too many is forgotten."""
        if message.seqNum is None:
            return
        key = _key(subject, message.seqNum)
        self._answers[key] = (now_s, digest(message), answer)
        self._answers.move_to_end(key)
        if len(self._answers) > MAX_REMEMBERED:
            self._answers.popitem(last=False)


def digest(message: Head) -> bytes:
    """Of all but the time, which a platform that tries again may renew."""
    content = msgspec.json.encode(msgspec.structs.replace(message, timestamp=None))
    return blake2b(content, digest_size=16).digest()


def _key(subject: Subject, number: SequenceNumber) -> _Key:
    return subject, str(number)
