"""Reads every sensor of the unit and keeps the latest value of each signal, with its time and the time's quality.

Each source has one loop: open, read, on a fault log once, back off, open again. A recording that has ended stays
ended. Frames stay raw; only what the running configuration wants is decoded.

A value stands until its source replaces or withdraws it, and carries its time: a silent bus leaves old values with old
times, which telemetry does not sample again. Only a receiver that fails takes its position with it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from wayside.errors import WaysideError
from wayside.v2x.peek import MessageKind, Peek, peek
from wayside.v2x.uper import DecodeError
from wayside_agent.core.backoff import delay_s
from wayside_agent.core.bus_load import BitRates
from wayside_agent.core.bus_silence import ExpectedIds
from wayside_agent.core.fix import Fix, FixMode
from wayside_agent.core.fix_values import fix_values
from wayside_agent.core.frames import FrameBatch
from wayside_agent.core.readings import Reading
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.core.v2x import ReceivedMessage, counted
from wayside_agent.ports.devices import DescribedRadio, FrameSource, Gnss, Radio, SensorFeed
from wayside_agent.ports.errors import SourceEndedError
from wayside_agent.ports.opened import Opened
from wayside_agent.services.endless import endless
from wayside_agent.services.source_state import (
    BusState,
    FeedCounters,
    FeedState,
    GnssState,
    RadioState,
    SourceState,
)

if TYPE_CHECKING:
    from wayside_agent.core.decoder import Decoder  # 1 MB that a unit without databases does without

logger = logging.getLogger(__name__)

REOPEN_BASE_S = 0.5
REOPEN_CAP_S = 30.0
STEADY_S = 10.0  # a source that fails sooner after it was opened has not recovered: no word in the log, longer waits

Read = Callable[[], Awaitable[None]]


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
        mono_s: Callable[[], float],
        time_quality: Callable[[], TimeQuality],
        rng: Random,
    ) -> None:
        self._bus_sources = buses
        self._gnss_source = gnss
        self._radio_source = radio
        self._feed_sources = feeds
        self._now_ns = now_ns
        self._mono_s = mono_s
        self._time_quality = time_quality
        self._rng = rng
        self._decoders: Mapping[str, Decoder] = {}
        self._latest: dict[str, Reading] = {}
        self._heard: dict[MessageKind, tuple[int, int, TimeQuality]] = {}
        """Count and time of the newest of each kind, since somebody asked; too many come to make a reading of each."""
        self.decodes = True
        """False: frames are counted only, to save power."""
        self.frame_taps: list[Callable[[str, FrameBatch], None]] = []
        """Called with the name of its bus and each batch as it comes."""
        self.fix_taps: list[Callable[[Fix], None]] = []
        """Called with each epoch as it comes."""
        self.message_taps: list[Callable[[ReceivedMessage, Peek | None], None]] = []
        """Called with each V2X message as it comes, and its first members, where they could be read."""
        self.value_sources: list[Callable[[], Mapping[str, tuple[float, str]]]] = []
        """Asked for values with units, by name, whenever somebody asks for the newest; they are of that moment."""
        self.buses = {name: BusState() for name in buses}
        self.gnss = None if gnss is None else GnssState()
        self.radio = None if radio is None else _radio_state(radio)
        self.feeds = tuple(FeedState() for _ in feeds)

    def use(self, decoders: "Mapping[str, Decoder]") -> None:
        """Decodes with these from the next batch on; a bus without one is counted only."""
        self._decoders = decoders
        self._latest = {name: reading for name, reading in self._latest.items() if not name.startswith("can.")}

    def expect(self, rates: Mapping[str, BitRates], ids: Mapping[str, Mapping[int, float]]) -> None:
        """Takes what is known of the buses: their bit rates, and the longest silence of ids that must come [s]."""
        for name, bus in self.buses.items():
            bus.rates = rates.get(name)
            bus.expected = ExpectedIds(ids[name], self._mono_s()) if ids.get(name) else None

    def latest(self) -> tuple[Reading, ...]:
        """The newest value of every signal; one the bus withdrew as "not available" is not there."""
        for decoder in self._decoders.values():
            news = decoder.news(self._time_quality())
            for name in news.withdrawn:
                self._latest.pop(name, None)
            self._latest.update({reading.name: reading for reading in news.readings})
        for kind, (count, time_ns, quality) in self._heard.items():
            name = f"radio.{kind.lower()}_count"
            self._latest[name] = Reading(name, float(count), "", time_ns, quality)
        self._heard.clear()
        for source in self.value_sources:
            self._keep_readings(source())
        return tuple(self._latest.values())

    def neighbour_count(self) -> int:
        """Stations the radio has heard lately."""
        return 0 if self.radio is None else self.radio.neighbours.count(self._mono_s())

    async def run(self) -> None:
        """Reads every source for ever."""
        async with asyncio.TaskGroup() as group:
            for watch in self._watches():
                group.create_task(endless(watch.label, partial(self._keep, watch)), name=watch.label)
            group.create_task(asyncio.Event().wait(), name="sensing-idle")  # a unit without sensors also stays up

    def _watches(self) -> Iterator["_Watch"]:
        for name, bus in self._bus_sources.items():
            yield _Watch(f"CAN bus {name}", bus, bus.counters, self.buses[name], self._bus_reader(name, bus))
        gnss, radio = self._gnss_source, self._radio_source
        if gnss is not None and self.gnss is not None:
            yield _Watch("GNSS", gnss, gnss.counters, self.gnss, self._gnss_reader(gnss, self.gnss))
        if radio is not None and self.radio is not None:
            yield _Watch("radio", radio, radio.counters, self.radio, self._radio_reader(radio, self.radio))
        for index, (feed, state) in enumerate(zip(self._feed_sources, self.feeds, strict=True)):
            counters = partial(_feed_counters, feed)
            yield _Watch(f"sensor feed {index}", feed, counters, state, self._feed_reader(feed))

    async def _keep(self, watch: "_Watch") -> None:
        """Holds one source open until its recording ends, then rests."""
        state, failure_count = watch.state, 0
        while not state.has_ended:
            begin_s = self._mono_s()
            try:
                async with watch.source:
                    await self._read_on(watch)
            except SourceEndedError:
                state.has_ended = True
                logger.info("%s: the recording has ended", watch.label)
            except WaysideError as error:
                if not state.fault:
                    logger.warning("%s: %s", watch.label, error)
                state.fault = str(error)
                if self._mono_s() - begin_s >= STEADY_S:  # it worked for a while: the next try may be soon
                    failure_count = 0
                await asyncio.sleep(delay_s(failure_count, base_s=REOPEN_BASE_S, cap_s=REOPEN_CAP_S, rng=self._rng))
                failure_count += 1
        await asyncio.Event().wait()

    async def _read_on(self, watch: "_Watch") -> None:
        """Reads an open source until it fails; it is back once it has worked for a while, not when it opens."""
        state, begin_s = watch.state, self._mono_s()
        state.opened(watch.counters)
        if isinstance(state, BusState) and state.expected is not None:
            state.expected.begin(begin_s)
        try:
            while True:
                await watch.read()
                if state.fault and self._mono_s() - begin_s >= STEADY_S:
                    logger.info("%s: back", watch.label)
                    state.fault = ""
        finally:
            state.closed()

    def _bus_reader(self, name: str, source: FrameSource) -> Read:
        state = self.buses[name]

        async def read() -> None:
            batch = await source.read()
            state.take(batch, self._mono_s())
            for tap in self.frame_taps:
                tap(name, batch)
            decoder = self._decoders.get(name)
            if decoder is not None and self.decodes:
                state.decoded_frame_count += decoder.decode(batch)

        return read

    def _gnss_reader(self, source: Gnss, state: GnssState) -> Read:
        async def read() -> None:
            try:
                fix = await source.read()
            except SourceEndedError:
                raise
            except WaysideError:
                state.newest = None
                self._forget("gnss.")
                raise
            self._take_fix(fix, state)

        return read

    def _take_fix(self, fix: Fix, state: GnssState) -> None:
        state.newest = fix
        state.verdict = state.plausibility.judged(fix, self._mono_s())
        if fix.mode is FixMode.NONE:
            state.no_fix_count += 1
        else:
            state.fix_count += 1
            state.newest_with_position = fix
            state.position_mono_s = self._mono_s()
        self._forget("gnss.")
        self._keep_readings(fix_values(fix))
        for tap in self.fix_taps:
            tap(fix)

    def _radio_reader(self, source: Radio, state: RadioState) -> Read:
        async def read() -> None:
            message = await source.read()
            kind = message.kind
            state.received[kind] += 1
            counted(state.received_by_application, message.application_id)
            if message.verdict is not None:
                state.verdicts[message.verdict.verified] += 1
            seen = self._follow(message, state)
            for tap in self.message_taps:
                tap(message, seen)
            self._heard[kind] = state.received[kind], self._now_ns(), self._time_quality()

        return read

    def _follow(self, message: ReceivedMessage, state: RadioState) -> Peek | None:
        """Takes a vehicle's or a roadside's id and count; a message that cannot be read is counted all the same."""
        try:
            seen = peek(message.payload)
        except DecodeError:
            return None
        if seen.id is not None and seen.message_count is not None:
            state.neighbours.heard(seen.id, self._mono_s())
            if seen.kind is MessageKind.BSM:
                state.delivery.heard(seen.id, seen.message_count)
        return seen

    def _feed_reader(self, source: SensorFeed) -> Read:
        async def read() -> None:
            self._latest.update({reading.name: reading for reading in await source.read()})

        return read

    def _keep_readings(self, values: Mapping[str, tuple[float, str]]) -> None:
        time_ns, quality = self._now_ns(), self._time_quality()
        for name, (value, unit) in values.items():
            self._latest[name] = Reading(name, value, unit, time_ns, quality)

    def _forget(self, prefix: str) -> None:
        """Drops readings that the next epoch does not confirm: no fix never leaves an old position standing."""
        for name in [name for name in self._latest if name.startswith(prefix)]:
            del self._latest[name]


@dataclass(frozen=True, slots=True)
class _Watch:
    """One source and all that its loop needs."""

    label: str
    source: Opened
    counters: Callable[[], Any]
    state: SourceState[Any]
    read: Read


def _feed_counters(feed: SensorFeed) -> FeedCounters:
    return FeedCounters(*feed.counters())


def _radio_state(radio: Radio) -> RadioState:
    return RadioState(station=radio.station) if isinstance(radio, DescribedRadio) else RadioState()
