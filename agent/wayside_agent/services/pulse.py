"""Takes the unit's pulse once a second: rates of what it hears, the state of its computer, and the watchdog.

The watchdog is fed from here because a turn of this loop has just asked every source how it is doing: a process whose
sensing hangs stops feeding it, and systemd starts the unit's software again.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import methodcaller

from wayside.sd_notify import notify
from wayside_agent.core.fix import FixMode
from wayside_agent.core.gate import BrokerLink, BusRate, Vitals
from wayside_agent.ports.devices import Host, HostReading
from wayside_agent.services.sensing import Sensing

logger = logging.getLogger(__name__)

TURN_S = 1.0
WINDOW_TURNS = 5
HOST_TURNS = 10
FIX_DIMENSION = {FixMode.NONE: 0, FixMode.TWO_D: 2, FixMode.THREE_D: 3}


@dataclass(frozen=True, slots=True)
class _Sample:
    mono_s: float
    frame_counts: Mapping[str, int]
    message_count: int
    fix_count: int

    def frame_count(self, bus: str) -> int:
        """Frames of one bus."""
        return self.frame_counts[bus]


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
    ) -> None:
        self._sensing = sensing
        self._host = host
        self._mono_s = mono_s
        self._is_manager_reached = is_manager_reached
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

    def frame_rates_hz(self) -> dict[str, float]:
        """Frames per second on each bus over the window [1/s]."""
        return {name: self._rate(methodcaller("frame_count", name)) for name in self._sensing.buses}

    def message_rate_hz(self) -> float:
        """V2X messages heard per second over the window [1/s]."""
        return self._rate(lambda sample: sample.message_count)

    def vitals(self) -> Vitals:
        """What the unit's service is worth now, for the health gate."""
        return Vitals(
            manager_reached=self._is_manager_reached(),
            buses=tuple(BusRate(name, rate) for name, rate in sorted(self.frame_rates_hz().items())),
            fix_dimension=FIX_DIMENSION[self._fix_mode()],
            radio_messages_per_s=self.message_rate_hz(),
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
            frame_counts={name: bus.counters.frame_count for name, bus in self._sensing.buses.items()},
            message_count=radio.received.total() if radio else 0,
            fix_count=gnss.fix_count if gnss else 0,
        )

    def _rate(self, count: Callable[[_Sample], int]) -> float:
        if len(self._samples) < 2:  # noqa: PLR2004  # a rate needs two points
            return 0.0
        first, last = self._samples[0], self._samples[-1]
        duration_s = last.mono_s - first.mono_s
        return (count(last) - count(first)) / duration_s if duration_s > 0 else 0.0
