"""What a platform is told unasked: who the unit is when that changes, heartbeats, figures, lines of the log.

Usage: `beats.remember()` puts all that is due into the outbox; `beats.next_s()` is when to look again.
"""

import logging
from collections.abc import Callable

from wayside_agent.core.platform.messages import Head
from wayside_agent.core.platform.outbox import Letter, Outbox
from wayside_agent.core.platform.seen import digest
from wayside_agent.core.platform.subject import ACKNOWLEDGED, Subject
from wayside_agent.services.platform_words import Words
from wayside_agent.services.platform_world import Manner, Plan, World

LOOK_S = 1.0
"""How often is looked whether what a platform was told of the unit has changed."""
LOG_S = 5.0
"""Between two Log.UP."""

logger = logging.getLogger(__name__)


class Beats:
    """Of one platform."""

    def __init__(self, plan: Plan, world: World, manner: Manner, words: Words, outbox: Outbox) -> None:
        self._plan = plan
        self._world = world
        self._manner = manner
        self._words = words
        self._outbox = outbox
        self._told: dict[Subject, bytes] = {}
        self._due_s: dict[Subject, float] = {}

    def begin_anew(self) -> None:
        """All is due: a platform that was away knows nothing."""
        self._told.clear()
        self._due_s.clear()

    def remember(self) -> None:
        """Puts everything that is due into the outbox."""
        now_s = self._world.mono_s()
        for subject in self._outbox.tick(now_s):
            logger.warning("Platform %s acknowledges no %s; it was sent as often as may be", self._plan.label, subject)
        if self._is_due(Subject.INFO_UP, now_s, LOOK_S):
            self._tell_changed(Subject.INFO_UP, self._words.information)
            self._tell_changed(Subject.BASE_INFO_UP, self._words.base_information)
            self._tell_changed(Subject.OTA_UP, self._words.update_state)
        if self._is_due(Subject.HEARTBEAT_UP, now_s, self._manner.heartbeat_s):
            self._put(Subject.HEARTBEAT_UP, self._words.heartbeat())
        if not self._manner.running_s:
            self._due_s.pop(Subject.RUNNING_INFO_UP, None)
        elif self._is_due(Subject.RUNNING_INFO_UP, now_s, self._manner.running_s):
            self._put(Subject.RUNNING_INFO_UP, self._words.running_information())
        self._tell_log(now_s)

    def _is_due(self, subject: Subject, now_s: float, period_s: float) -> bool:
        """Whether a period is over; a shorter one that was asked for meanwhile counts at once."""
        if now_s < min(self._due_s.get(subject, now_s), now_s + period_s):
            self._due_s[subject] = min(self._due_s[subject], now_s + period_s)
            return False
        self._due_s[subject] = now_s + period_s
        return True

    def next_s(self) -> float:
        """When to look again, by the steady clock [s]."""
        times_s = [*self._due_s.values(), self._outbox.due_s()]
        return min((time_s for time_s in times_s if time_s is not None), default=self._world.mono_s() + LOOK_S)

    def _tell_changed(self, subject: Subject, made: Callable[..., Head]) -> None:
        content = digest(made())
        if self._told.get(subject) == content:
            return
        self._told[subject] = content
        sequence = self._words.next_sequence() if subject in ACKNOWLEDGED else None
        self._put(subject, made() if sequence is None else made(sequence=sequence), sequence)

    def _tell_log(self, now_s: float) -> None:
        level, log = self._manner.log_level, self._world.log
        if level is None or log is None:
            self._due_s.pop(Subject.LOG_UP, None)
        elif self._is_due(Subject.LOG_UP, now_s, LOG_S) and (lines := log.taken(level)):
            self._put(Subject.LOG_UP, self._words.log(logging.getLevelName(level), list(lines)))

    def _put(self, subject: Subject, document: Head, sequence: int | None = None) -> None:
        self._outbox.put(Letter(subject, self._plan.codec.document(subject, document), sequence=sequence))
