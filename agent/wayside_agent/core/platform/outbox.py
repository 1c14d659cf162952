"""What is on its way to a platform: of each thing the newest; sent again until acknowledged, and at last given up.

    outbox.put(Letter(Subject.INFO_UP, payload, sequence=7))
    letter = outbox.take()          # publish it, then outbox.sent(letter, now_s), or outbox.put_back(letter)
    outbox.acknowledged(Subject.INFO_UP, "7")

All of it is bounded: a platform that is away for days costs what one that is there costs.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from wayside_agent.core.backoff import Rng
from wayside_agent.core.platform.subject import Subject

MAX_ANSWERS = 100
MAX_LETTERS = 200
MAX_ATTEMPTS = 5
"""Times one message is sent until it is acknowledged."""
BACKOFF_CAP_S = 300.0
_JITTER_RATIO = 0.2


@dataclass(frozen=True, slots=True)
class Letter:
    """One message, ready to be published."""

    subject: Subject
    payload: bytes
    key: str = ""
    """A newer one of the same subject and key takes its place."""
    sequence: int | None = None
    """What its acknowledgement will name; `None`: there will be none."""
    attempt: int = 0
    """Times it was sent."""
    is_answer: bool = False
    """It acknowledges something; it goes first."""


_Key = tuple[Subject, str]


class Outbox:
    """Of one platform."""

    def __init__(self, *, ack_timeout_s: float, rng: Rng) -> None:
        """`ack_timeout_s`: patience after the first try; it doubles."""
        self._ack_timeout_s = ack_timeout_s
        self._rng = rng
        self._answers: deque[Letter] = deque(maxlen=MAX_ANSWERS)
        self._waiting: dict[_Key, Letter] = {}
        self._awaited: dict[_Key, tuple[Letter, float]] = {}
        self.dropped_count = 0
        """Messages that found no room."""
        self.unacknowledged_count = 0
        """Messages that were sent as often as may be, and not acknowledged."""

    def put(self, letter: Letter) -> None:
        """Takes a message, in the place of an older one of the same subject and key."""
        key = letter.subject, letter.key
        self._awaited.pop(key, None)
        self._waiting.pop(key, None)
        self._waiting[key] = letter
        if len(self._waiting) > MAX_LETTERS:
            del self._waiting[next(iter(self._waiting))]
            self.dropped_count += 1

    def answer(self, subject: Subject, payload: bytes) -> None:
        """Takes an acknowledgement; it goes before all else, and the oldest of too many is dropped."""
        if len(self._answers) == MAX_ANSWERS:
            self.dropped_count += 1
        self._answers.append(Letter(subject, payload, is_answer=True))

    def take(self) -> Letter | None:
        """What to publish next; `None`: nothing."""
        if self._answers:
            return self._answers.popleft()
        if not self._waiting:
            return None
        return self._waiting.pop(next(iter(self._waiting)))

    def put_back(self, letter: Letter) -> None:
        """What could not be published waits on, unless something newer does."""
        if letter.is_answer:
            self._answers.appendleft(letter)
            return
        key = letter.subject, letter.key
        if key not in self._waiting:
            self._waiting = {key: letter, **self._waiting}

    def sent(self, letter: Letter, now_s: float) -> None:
        """It is with the broker; whether the platform has it, its acknowledgement says."""
        if letter.sequence is None:
            return
        key = letter.subject, letter.key
        if key in self._waiting:
            return  # something newer is on its way
        again = replace(letter, attempt=letter.attempt + 1)
        wait_s = min(BACKOFF_CAP_S, self._ack_timeout_s * 2.0**letter.attempt)
        self._awaited[key] = again, now_s + wait_s * (1 + _JITTER_RATIO * self._rng.random())
        if len(self._awaited) > MAX_LETTERS:
            del self._awaited[next(iter(self._awaited))]
            self.unacknowledged_count += 1

    def acknowledged(self, subject: Subject, sequence: str) -> bool:
        """The platform has it. False: nothing of that number is awaited."""
        for key, (letter, _) in self._awaited.items():
            if letter.subject is subject and str(letter.sequence) == sequence:
                del self._awaited[key]
                return True
        return False

    def tick(self, now_s: float) -> tuple[Subject, ...]:
        """Lets what was not acknowledged in time wait again; what was given up."""
        due = [key for key, (_, due_s) in self._awaited.items() if due_s <= now_s]
        return tuple(self._again(due))

    def _again(self, due: list[_Key]) -> Iterator[Subject]:
        for key in due:
            letter, _ = self._awaited.pop(key)
            if letter.attempt >= MAX_ATTEMPTS:
                self.unacknowledged_count += 1
                yield letter.subject
            else:
                self._waiting[key] = letter

    def due_s(self) -> float | None:
        """When `tick` has something to do next; `None`: never."""
        return min((due_s for _, due_s in self._awaited.values()), default=None)
