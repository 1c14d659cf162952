"""Reads every sensor of the unit and keeps the latest value of each signal, with its time and the time's quality.

Each source has one loop: open, read, on a fault log once, back off, open again. A recording that has ended stays
ended. Frames stay raw; only what the running configuration wants is decoded.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from wayside.errors import WaysideError
from wayside_agent.core.backoff import delay_s
from wayside_agent.core.decoder import Decoder
from wayside_agent.core.fix import Fix, FixMode, GnssCounters
from wayside_agent.core.frames import BusCounters
from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.core.v2x import MessageKind, RadioCounters
from wayside_agent.ports import FrameSource, Gnss, Opened, Radio, SensorFeed, SourceEndedError

logger = logging.getLogger(__name__)

REOPEN_BASE_S = 0.5
REOPEN_CAP_S = 30.0

Source = TypeVar("Source", bound=Opened)


@dataclass(slots=True)
class SourceState:
    """How one source is doing."""

    is_open: bool = False
    has_ended: bool = False
    fault: str = ""
    """Why it is not open, in one sentence; empty: it is, or has ended."""


@dataclass(slots=True)
class BusState(SourceState):
    """One CAN bus. Counts go on across reopening."""

    counters: BusCounters = field(default_factory=BusCounters)
    decoded_frame_count: int = 0


@dataclass(slots=True)
class GnssState(SourceState):
    """The satellite receiver."""

    newest: Fix | None = None
    newest_with_position: Fix | None = None
    fix_count: int = 0
    no_fix_count: int = 0
    counters: GnssCounters = field(default_factory=GnssCounters)


@dataclass(slots=True)
class RadioState(SourceState):
    """The V2X radio."""

    received: Counter[MessageKind] = field(default_factory=Counter)
    counters: RadioCounters = field(default_factory=RadioCounters)


@dataclass(slots=True)
class FeedState(SourceState):
    """Local sensors."""

    accepted_count: int = 0
    refused_count: int = 0


class Sensing:
    """The sensors of the unit."""

    def __init__(
        self,
        *,
        buses: Mapping[str, FrameSource],
        gnss: Gnss | None,
        radio: Radio | None,
        feeds: tuple[SensorFeed, ...],
        now_ns: Callable[[], int],
        time_quality: Callable[[], TimeQuality],
        rng: Random,
    ) -> None:
        self._bus_sources = buses
        self._gnss_source = gnss
        self._radio_source = radio
        self._feed_sources = feeds
        self._now_ns = now_ns
        self._time_quality = time_quality
        self._rng = rng
        self._decoders: Mapping[str, Decoder] = {}
        self._latest: dict[str, Reading] = {}
        self.buses = {name: BusState() for name in buses}
        self.gnss = None if gnss is None else GnssState()
        self.radio = None if radio is None else RadioState()
        self.feeds = tuple(FeedState() for _ in feeds)

    def use(self, decoders: Mapping[str, Decoder]) -> None:
        """Decodes with these from the next batch on; a bus without one is counted only."""
        self._decoders = decoders
        self._latest = {name: reading for name, reading in self._latest.items() if not name.startswith("can.")}

    def latest(self) -> tuple[Reading, ...]:
        """The newest value of every signal; one the bus withdrew as "not available" is not there."""
        for decoder in self._decoders.values():
            news = decoder.news(self._time_quality())
            for name in news.withdrawn:
                self._latest.pop(name, None)
            self._latest.update({reading.name: reading for reading in news.readings})
        return tuple(self._latest.values())

    async def run(self) -> None:
        """Reads every source for ever."""
        async with asyncio.TaskGroup() as group:
            for name, bus in self._bus_sources.items():
                read_bus = self._bus_reader(name)
                group.create_task(self._keep(f"CAN bus {name}", bus, self.buses[name], read_bus), name=f"can-{name}")
            if self._gnss_source is not None and self.gnss is not None:
                group.create_task(self._keep("GNSS", self._gnss_source, self.gnss, self._read_gnss), name="gnss")
            if self._radio_source is not None and self.radio is not None:
                group.create_task(self._keep("radio", self._radio_source, self.radio, self._read_radio), name="radio")
            for index, (feed, state) in enumerate(zip(self._feed_sources, self.feeds, strict=True)):
                read_feed = self._feed_reader(state)
                group.create_task(self._keep(f"sensor feed {index}", feed, state, read_feed), name=f"feed-{index}")
            group.create_task(asyncio.Event().wait(), name="sensing-idle")  # a unit without sensors also stays up

    async def _keep(
        self, label: str, source: Source, state: SourceState, work: Callable[[Source], Awaitable[None]]
    ) -> None:
        """Holds one source open until its recording ends."""
        attempt = 0
        while not state.has_ended:
            try:
                async with source:
                    state.is_open = True
                    if state.fault:
                        logger.info("%s: back", label)
                        state.fault = ""
                    while True:
                        await work(source)
                        attempt = 0
            except SourceEndedError:
                state.has_ended = True
                logger.info("%s: the recording has ended", label)
            except WaysideError as error:
                if not state.fault:
                    logger.warning("%s: %s", label, error)
                state.fault = str(error)
            finally:
                state.is_open = False
            if not state.has_ended:
                await asyncio.sleep(delay_s(attempt, base_s=REOPEN_BASE_S, cap_s=REOPEN_CAP_S, rng=self._rng))
                attempt += 1

    def _bus_reader(self, name: str) -> Callable[[FrameSource], Awaitable[None]]:
        state = self.buses[name]
        base = _OpenBase()

        async def read(source: FrameSource) -> None:
            batch = await source.read()
            state.counters = base.total(state.counters, source.counters())
            decoder = self._decoders.get(name)
            if decoder is not None:
                state.decoded_frame_count += decoder.decode(batch)

        return read

    async def _read_gnss(self, source: Gnss) -> None:
        state = self.gnss
        if state is None:
            return
        fix = await source.read()
        state.newest = fix
        if fix.mode is not FixMode.NONE:
            state.newest_with_position = fix
        state.fix_count += fix.mode is not FixMode.NONE
        state.no_fix_count += fix.mode is FixMode.NONE
        state.counters = source.counters()
        self._forget("gnss.")
        self._keep_readings(_fix_values(fix))

    async def _read_radio(self, source: Radio) -> None:
        state = self.radio
        if state is None:
            return
        message = await source.read()
        state.received[message.kind] += 1
        state.counters = source.counters()
        self._keep_readings({f"radio.{message.kind.lower()}_count": (float(state.received[message.kind]), "")})

    def _feed_reader(self, state: FeedState) -> Callable[[SensorFeed], Awaitable[None]]:
        async def read(source: SensorFeed) -> None:
            for reading in await source.read():
                self._latest[reading.name] = reading
            state.accepted_count, state.refused_count = source.counters()

        return read

    def _keep_readings(self, values: Mapping[str, tuple[float, str]]) -> None:
        time_ns, quality = self._now_ns(), self._time_quality()
        for name, (value, unit) in values.items():
            self._latest[name] = Reading(name, value, unit, time_ns, quality)

    def _forget(self, prefix: str) -> None:
        """Drops readings that the next epoch does not confirm: no fix never leaves an old position standing."""
        for name in [name for name in self._latest if name.startswith(prefix)]:
            del self._latest[name]


class _OpenBase:
    """Adds up the counts of a driver that is opened again and begins at zero each time."""

    def __init__(self) -> None:
        self._base = BusCounters()
        self._newest = BusCounters()

    def total(self, before: BusCounters, now: BusCounters) -> BusCounters:
        if now.frame_count < self._newest.frame_count:  # the driver was opened again
            self._base = before
        self._newest = now
        drops = now.kernel_drop_count
        return BusCounters(
            frame_count=self._base.frame_count + now.frame_count,
            error_frame_count=self._base.error_frame_count + now.error_frame_count,
            kernel_drop_count=None if drops is None else (self._base.kernel_drop_count or 0) + drops,
        )


def _fix_values(fix: Fix) -> dict[str, tuple[float, str]]:
    """Readings of one epoch; what the receiver did not say is not there."""
    position = fix.position
    candidates: dict[str, tuple[float | None, str]] = {
        "gnss.latitude": (position.latitude_deg if position else None, "deg"),
        "gnss.longitude": (position.longitude_deg if position else None, "deg"),
        "gnss.altitude": (position.altitude_m if position else None, "m"),
        "gnss.speed": (fix.speed_mps, "m/s"),
        "gnss.course": (fix.course_deg, "deg"),
        "gnss.heading": (fix.heading_deg, "deg"),
        "gnss.hdop": (fix.hdop, ""),
        "gnss.satellite_count": (fix.satellite_count, ""),
    }
    return {name: (float(value), unit) for name, (value, unit) in candidates.items() if value is not None}
