"""Keeps the trusted time: asks receiver and clock twice a minute, hears the manager, and keeps the floor on the disk.

It decides when certificates are renewed and says when the system clock is so wrong that TLS will fail: gRPC judges the
manager's certificate by the system clock, and nothing here can change that. A clock of 1970 does no harm (the
manager's certificates begin then); one beyond their end locks the unit out until the clock is set.
"""

import asyncio
import logging
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from wayside.errors import WaysideError
from wayside_agent.core.fix import Fix, FixMode, FixQuality
from wayside_agent.core.gps_week import rolled_over
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.core.trusted_time import Estimate, Floor, TimeReading, TimeSource, TrustedTime

logger = logging.getLogger(__name__)

TURN_S = 30.0
SAVE_PERIOD_S = 600.0  # a flash disk is not written more often for this
TELLING_S = 86_400.0
"""A system clock that is off by more is told: certificates live for days."""
MEASURED = frozenset({FixQuality.AUTONOMOUS, FixQuality.DIFFERENTIAL, FixQuality.RTK_FIXED, FixQuality.RTK_FLOAT})
"""Fixes whose time comes from satellites, not from dead reckoning or a simulator."""
DISCIPLINED = frozenset({TimeQuality.NETWORK, TimeQuality.GNSS})


class FloorStore(Protocol):
    """Where the floor is kept. Both block for about a millisecond and raise DeviceError."""

    def load(self) -> Floor | None:
        """What was saved; `None`: nothing, or it was damaged."""

    def save(self, document: Floor) -> None:
        """Makes it durable."""


class Timekeeping:
    """The trusted time of one unit."""

    def __init__(
        self,
        store: FloorStore,
        *,
        earliest_s: float,
        mono_s: Callable[[], float],
        clock_s: Callable[[], float],
        clock_quality: Callable[[], TimeQuality],
        fix: Callable[[], Fix | None],
    ) -> None:
        """Stores values.

        Args:
            store: Keeps the floor.
            earliest_s: Certainly over, seconds since 1970: when the unit's certificate was made.
            mono_s: A steady clock that runs on in a suspended computer.
            clock_s: The system clock, seconds since 1970.
            clock_quality: What disciplines it.
            fix: The newest epoch of the receiver.
        """
        self._store = store
        self._mono_s = mono_s
        self._clock_s = clock_s
        self._clock_quality = clock_quality
        self._fix = fix
        self._taken: Fix | None = None
        self._saved_mono_s: float | None = None
        self._told: set[str] = set()
        self._time = TrustedTime(earliest_s, mono_s())
        self._disciplined_mono_s: float | None = None
        self.clock_fault = ""
        """What the system clock does wrong, in one sentence; empty: nothing that matters."""

    def estimate(self) -> Estimate:
        """The best that is known of the time now."""
        return self._time.estimate(self._mono_s())

    def utc_s(self) -> float:
        """The same, seconds since 1970."""
        return self.estimate().utc_s

    def known_s(self) -> float | None:
        """The same; `None`: only a floor is known."""
        estimate = self.estimate()
        return None if estimate.error_s is None else estimate.utc_s

    def clock_offset_s(self) -> float | None:
        """System clock minus the best source, less what that may be wrong by [s]; `None`: only a floor is known."""
        estimate = self.estimate()
        if estimate.error_s is None:
            return None
        off_s = self._clock_s() - estimate.utc_s
        return math.copysign(max(0.0, abs(off_s) - estimate.error_s), off_s)

    def holdover_s(self) -> float | None:
        """Time since something disciplined the system clock [s]; `None`: something does now, or nothing ever has."""
        now_s = self._mono_s()
        if self._clock_quality() in DISCIPLINED:
            self._disciplined_mono_s = now_s
            return None
        return None if self._disciplined_mono_s is None else now_s - self._disciplined_mono_s

    @property
    def receiver_fault(self) -> str:
        """Why the receiver's date cannot be true, in one sentence; empty: it can, or there is none."""
        off_s = self._time.contradiction_s(TimeSource.GNSS, self._mono_s())
        fix = self._taken
        if not off_s or fix is None or fix.utc_time is None:
            return ""
        told = f"the receiver tells {fix.utc_time:%Y-%m-%d}"
        meant = rolled_over(fix.utc_time, datetime.fromtimestamp(self._time.floor_at_s(self._mono_s()), UTC))
        if meant is not None:
            return f"{told}: its week counter has rolled over, it means {meant:%Y-%m-%d}; renew its firmware"
        return f"{told}, {abs(off_s):.0f} s {'ahead of' if off_s > 0 else 'behind'} what vouches for the time"

    def heard(self, server_time_s: float) -> None:
        """Takes the manager's clock, seconds since 1970, from an authenticated session."""
        self._take(TimeSource.MANAGER, server_time_s)
        self._judge()

    async def run(self) -> None:
        """Keeps the time for ever."""
        await self._load()
        while True:
            self._look()
            self._judge()
            await self._save()
            await asyncio.sleep(TURN_S)

    async def _load(self) -> None:
        try:
            found = await asyncio.to_thread(self._store.load)
        except WaysideError as error:
            logger.warning("time: %s; the floor is not known", error)
            return
        if found is not None and found.utc_s > self._time.floor_s:
            kept = TrustedTime(found.utc_s, self._time.floor_mono_s)
            for reading in self._time.readings:  # the manager may have been faster than the disk
                kept = kept.after(reading)
            self._time = kept

    def _look(self) -> None:
        if self._clock_quality() in DISCIPLINED:
            self._take(TimeSource.CLOCK, self._clock_s())
        fix = self._fix()
        if fix is None or fix is self._taken or fix.utc_time is None or fix.is_recorded:
            return
        self._taken = fix
        if fix.mode is not FixMode.NONE and fix.quality in MEASURED:
            self._take(TimeSource.GNSS, fix.utc_time.timestamp())

    def _take(self, source: TimeSource, utc_s: float) -> None:
        self._time = self._time.after(TimeReading(source, utc_s, self._mono_s()))

    def _judge(self) -> None:
        """Says once what contradicts what."""
        mono_s = self._mono_s()
        for source in (TimeSource.GNSS, TimeSource.MANAGER):
            off_s = self._time.contradiction_s(source, mono_s)
            self._tell(
                source, f"time: {source} is off by {off_s:.0f} s from what vouches for it and is not used", off_s
            )
        estimate, clock_s = self._time.estimate(mono_s), self._clock_s()
        off_s = clock_s - estimate.utc_s
        is_wrong = abs(off_s) > TELLING_S and (estimate.error_s is not None or off_s < 0)
        self.clock_fault = ""
        if is_wrong:
            self.clock_fault = (
                f"the system clock says {_iso(clock_s)}, {estimate.source} says {_iso(estimate.utc_s)}"
                f"{' or later' if estimate.error_s is None else ''}; TLS judges the manager and the broker by the "
                "system clock, so set it"
            )
        self._tell("system", f"time: {self.clock_fault}", off_s if is_wrong else 0.0)

    def _tell(self, what: str, message: str, off_s: float) -> None:
        if off_s and what not in self._told:
            logger.warning("%s", message)
            self._told.add(what)
        elif not off_s and what in self._told:
            logger.info("time: %s agrees again", what)
            self._told.discard(what)

    async def _save(self) -> None:
        """Keeps the floor; never more than one write in ten minutes, and never an earlier one: the floor only rises."""
        mono_s = self._mono_s()
        if self._saved_mono_s is not None and mono_s - self._saved_mono_s < SAVE_PERIOD_S:
            return
        self._saved_mono_s = mono_s
        try:
            await asyncio.to_thread(self._store.save, Floor(self._time.floor_at_s(mono_s)))
        except WaysideError as error:
            self._tell("disk", f"time: the floor is not kept: {error}", 1.0)
        else:
            self._tell("disk", "", 0.0)


def _iso(utc_s: float) -> str:
    try:
        return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return f"{utc_s:.0f} s since 1970"
