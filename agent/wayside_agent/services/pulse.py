"""Takes the unit's pulse once a second: rates of what it hears, the state of its computer, and the watchdog.

The watchdog is fed from here because a turn of this loop has just asked every source how it is doing: a process whose
sensing hangs stops feeding it, and systemd starts the unit's software again.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wayside.sd_notify import notify
from wayside_agent.core.fix import FixMode
from wayside_agent.core.frames import BusCounters
from wayside_agent.core.gate import BrokerLink, BusRate, Vitals
from wayside_agent.core.sending import WINDOW_S, SendRate, send_rates
from wayside_agent.ports.devices import Host, HostReading
from wayside_agent.services.sensing import Sensing

logger = logging.getLogger(__name__)

TURN_S = 1.0
WINDOW_TURNS = round(WINDOW_S / TURN_S)
HOST_TURNS = 10
FIX_DIMENSION = {FixMode.NONE: 0, FixMode.TWO_D: 2, FixMode.THREE_D: 3}

PlannedNow = Callable[[], Mapping[int, float] | None]
"""V2X messages the unit should send now [1/s], by AID; `None`: nothing is planned."""


@dataclass(frozen=True, slots=True)
class BusRates:
    """What happens on one bus, over the window. `None`: not known."""

    frames_hz: float = 0.0
    error_frames_hz: float | None = None
    kernel_drops_hz: float | None = None
    load_ratio: float | None = None
    """Share of the bus' bits in use, 0 to 1."""


@dataclass(frozen=True, slots=True)
class _BusSample:
    counters: BusCounters
    busy_s: float
    has_rates: bool


@dataclass(frozen=True, slots=True)
class _Sample:
    mono_s: float
    buses: Mapping[str, _BusSample]
    message_count: int
    sent_count: int
    sent: Mapping[int, int]
    planned_hz: Mapping[int, float] | None
    fix_count: int


class Pulse:
    """Rates over the last five seconds and the newest reading of the host."""

    def __init__(
        self,
        sensing: Sensing,
        host: Host,
        *,
        mono_s: Callable[[], float],
        is_manager_reached: Callable[[], bool],
        broker: Callable[[], BrokerLink | None],
        planned_hz: PlannedNow = lambda: None,
    ) -> None:
        self._sensing = sensing
        self._host = host
        self._mono_s = mono_s
        self._is_manager_reached = is_manager_reached
        self._planned_hz = planned_hz
        self.broker = broker
        """The connection to the telemetry broker; `None`: there is none to connect to."""
        self._samples: deque[_Sample] = deque(maxlen=WINDOW_TURNS + 1)
        self.host = HostReading()

    async def run(self) -> None:
        """Takes the pulse for ever."""
        turn = 0
        while True:
            if turn % HOST_TURNS == 0:
                self.host = await self._host.read()
            self._samples.append(self._sample())
            notify("WATCHDOG=1")
            turn += 1
            await asyncio.sleep(TURN_S)

    def bus_rates(self) -> dict[str, BusRates]:
        """What happens on each bus, over the window."""
        span = self._span()
        return {name: BusRates() if span is None else _bus_rates(name, *span) for name in self._sensing.buses}

    def message_rate_hz(self) -> float:
        """V2X messages heard per second over the window [1/s]."""
        return self._rate(lambda sample: sample.message_count)

    def sent_rate_hz(self) -> float:
        """V2X messages sent per second over the window [1/s]."""
        return self._rate(lambda sample: sample.sent_count)

    def sending(self) -> tuple[SendRate, ...] | None:
        """What the unit should have sent over the window, by AID, and what it has; `None`: nothing is planned.

        What was not planned all the time is not asked for: what has just begun, or ended, had no time to be sent.
        """
        if not self._samples or (newest := self._samples[-1]).planned_hz is None:
            return None
        plans = [each.planned_hz or {} for each in self._samples]
        planned_hz = {aid: min(plan.get(aid, 0.0) for plan in plans) for aid in newest.planned_hz}
        if newest.sent_count and not newest.sent:
            total_hz = sum(planned_hz.values())
            return (SendRate(None, self.sent_rate_hz(), total_hz),) if total_hz else ()
        return send_rates(planned_hz, {aid: self._application_rate_hz(aid) for aid in newest.sent})

    def vitals(self) -> Vitals:
        """What the unit's service is worth now, for the health gate."""
        return Vitals(
            manager_reached=self._is_manager_reached(),
            buses=tuple(
                BusRate(name, rates.frames_hz, rates.error_frames_hz or 0.0)
                for name, rates in sorted(self.bus_rates().items())
            ),
            fix_dimension=FIX_DIMENSION[self._fix_mode()],
            radio_messages_per_s=self.message_rate_hz(),
            sent_messages_per_s=self.sent_rate_hz(),
            sending=self.sending(),
            neighbour_count=self._sensing.neighbour_count(),
            broker=self.broker(),
        )

    def _fix_mode(self) -> FixMode:
        """Mode of the newest fix in the window: real receivers drop single epochs, which is no loss of service."""
        gnss = self._sensing.gnss
        if gnss is None or gnss.newest_with_position is None or not self._rate(lambda sample: sample.fix_count):
            return FixMode.NONE
        return gnss.newest_with_position.mode

    def _sample(self) -> _Sample:
        radio, gnss = self._sensing.radio, self._sensing.gnss
        return _Sample(
            mono_s=self._mono_s(),
            buses={
                name: _BusSample(bus.counters, bus.busy_s, bus.rates is not None)
                for name, bus in self._sensing.buses.items()
            },
            message_count=radio.received.total() if radio else 0,
            sent_count=radio.counters.sent_count if radio else 0,
            sent=radio.counters.sent if radio else {},
            planned_hz=self._planned_hz(),
            fix_count=gnss.fix_count if gnss else 0,
        )

    def _application_rate_hz(self, application_id: int) -> float:
        return self._rate(lambda sample: sample.sent.get(application_id, 0))

    def _rate(self, count: Callable[[_Sample], int]) -> float:
        span = self._span()
        return 0.0 if span is None else (count(span[1]) - count(span[0])) / (span[1].mono_s - span[0].mono_s)

    def _span(self) -> tuple[_Sample, _Sample] | None:
        """Begin and end of the window; `None`: there is none yet."""
        if not self._samples or self._samples[-1].mono_s <= self._samples[0].mono_s:
            return None
        return self._samples[0], self._samples[-1]


def _bus_rates(name: str, first: _Sample, last: _Sample) -> BusRates:
    duration_s = last.mono_s - first.mono_s
    before, now = first.buses[name], last.buses[name]
    dropped = (before.counters.kernel_drop_count, now.counters.kernel_drop_count)
    busy_s = now.busy_s - before.busy_s
    return BusRates(
        frames_hz=(now.counters.frame_count - before.counters.frame_count) / duration_s,
        error_frames_hz=(now.counters.error_frame_count - before.counters.error_frame_count) / duration_s,
        kernel_drops_hz=None if dropped[1] is None else (dropped[1] - (dropped[0] or 0)) / duration_s,
        load_ratio=min(1.0, busy_s / duration_s) if before.has_rates and now.has_rates else None,
    )
