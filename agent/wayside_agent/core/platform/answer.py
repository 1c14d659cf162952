"""How a platform's command ended: an error code, a reason that stays the same, and a sentence.

Codes are the 0, 1, 2 that RSUs in the field answer with: 0 done; 1 it will not be done, so do not ask again;
2 it could not be done now.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why."""

    DONE = "DONE"
    MALFORMED = "MALFORMED"
    TOO_LARGE = "TOO_LARGE"
    RETAINED = "RETAINED"
    NOT_ALLOWED = "NOT_ALLOWED"
    MANAGER_ONLY = "MANAGER_ONLY"
    UNSUPPORTED = "UNSUPPORTED"
    NO_BROADCAST = "NO_BROADCAST"
    PASSED_ON = "PASSED_ON"
    FAILED = "FAILED"


_LATER = frozenset({Reason.FAILED, Reason.PASSED_ON})
MAX_SENTENCE_CHARS = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one command."""

    reason: Reason = Reason.DONE
    sentence: str = ""

    @property
    def code(self) -> int:
        """0: done, 1: never, 2: not now."""
        if self.reason is Reason.DONE:
            return 0
        return 2 if self.reason in _LATER else 1

    @property
    def description(self) -> str:
        """The reason and the sentence; empty: it was done."""
        return "" if self.reason is Reason.DONE else f"{self.reason}: {self.sentence[:MAX_SENTENCE_CHARS]}"


class CommandError(Exception):
    """A command is not done."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.answer = Answer(reason, sentence)
