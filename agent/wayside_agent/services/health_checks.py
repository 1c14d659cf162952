"""Looks at the unit every two seconds, judges what it finds, and has word of every change sent at once.

checks = HealthChecks(sampling.sample, utc_s=time.utc_s, mono_s=monotonic, changed=reporting.hurry)
checks.use(config.health)
await checks.run()
checks.present                  # what a report says
"""

import asyncio
import logging
from collections.abc import Callable

from wayside.node_config import HealthConfig
from wayside_agent.core.health import Checks, State
from wayside_agent.core.health_limits import LIMITS, as_limit, merged
from wayside_agent.core.health_rules import findings
from wayside_agent.core.health_samples import Sample

logger = logging.getLogger(__name__)

TURN_S = 2.0
HURRY_GAP_S = 10.0
"""Least time between two reports that changes ask for: what trembles is told at this pace, and whole."""


class HealthChecks:
    """The checks of one unit."""

    def __init__(
        self,
        sample: Callable[[], Sample],
        *,
        utc_s: Callable[[], float],
        mono_s: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        """Stores values.

        Args:
            sample: Everything the unit measures of itself, now.
            utc_s: The trusted time, seconds since 1970.
            mono_s: A steady clock.
            changed: Called when a check's state has changed, at most every `HURRY_GAP_S`.
        """
        self._sample = sample
        self._utc_s = utc_s
        self._mono_s = mono_s
        self._changed = changed
        self._limits = LIMITS
        self._untold: set[str] = set()
        self._told_mono_s: float | None = None
        self.present = Checks()
        """What was found last."""

    def use(self, config: HealthConfig) -> None:
        """Judges by these limits from the next look on."""
        self._limits = merged({name: as_limit(limit) for name, limit in config.limits.items()})

    async def run(self) -> None:
        """Looks for ever."""
        while True:
            self.look()
            await asyncio.sleep(TURN_S)

    def look(self) -> None:
        """Judges the unit once."""
        before = self.present
        found = findings(self._sample(), self._limits, before=before.state)
        self.present = before.after(found, self._utc_s())
        changed = self.present.changed(before)
        for name in sorted(changed):
            self._log(name)
        self._untold |= changed
        now_s = self._mono_s()
        if self._untold and (self._told_mono_s is None or now_s - self._told_mono_s >= HURRY_GAP_S):
            self._untold.clear()
            self._told_mono_s = now_s
            self._changed()

    def _log(self, name: str) -> None:
        check = self.present.by_name.get(name)
        if check is None:
            return
        level = logging.WARNING if check.state in {State.DEGRADED, State.FAILED} else logging.INFO
        words = f": {check.finding.reason}" if check.finding.reason else ""
        logger.log(level, "check %s is %s%s", name, check.state, words, extra={"check": name})
