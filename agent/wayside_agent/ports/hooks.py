"""What the owner of a unit wants done at the states of an update."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from wayside_agent.core.update import Update


class Word(StrEnum):
    """What a hook says."""

    GO_ON = "GO_ON"
    WAIT = "WAIT"
    REFUSE = "REFUSE"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hooks of one state say."""

    word: Word = Word.GO_ON
    message: str = ""
    """Which hook, and why, in one sentence."""


class Hooks(Protocol):
    """Commands of the unit's owner."""

    async def ask(self, update: Update) -> Answer:
        """Runs the command of the phase the update is in, if there is one, and waits for it; never raises."""


class NoHooks:
    """A unit whose owner wants nothing done."""

    async def ask(self, _update: Update) -> Answer:
        """Go on."""
        return Answer()
