"""From a sensor to the air: 160 objects ten times a second through a real mosquitto, as RSM over UDP.

A unit's own services read the documents and speak; the air is a socket on loopback. First one fusion sees all objects,
then four sensors that are out of step see a quarter each: of those some always wait for the beat.
"""

import asyncio
import resource
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from random import Random

from bench._harness import Report
from bench._v2x_road import LATITUDE_DEG, LONGITUDE_DEG, sense
from wayside.v2x.codec import decode
from wayside.v2x.generated.messages import RoadsideSafetyMessage
from wayside.v2x.profile import Profile
from wayside_agent.air import Air
from wayside_agent.core.frame_layout import DSMP
from wayside_agent.core.perception.latency import Latency
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.drivers.radio_udp import UdpRadio
from wayside_agent.services.endless import endless
from wayside_agent.services.sensing import Sensing
from wayside_agent.settings import Driver, ManagerSettings, NodeSettings, Settings
from wayside_agent.v2x_heard_settings import LocalBrokerSettings
from wayside_agent.v2x_perception_settings import PerceptionSensorSettings, PerceptionSettings
from wayside_agent.v2x_settings import V2xSettings
from wayside_demo.stage import free_port

OBJECTS = 160
MANY = 4
SECONDS = 15.0
SETTLE_S = 4.0
_MINUTE_MS = 60_000


def unit(broker_port: int, radio_port: int) -> Settings:
    """A roadside unit with sensors."""
    sensor = PerceptionSensorSettings(latitude_deg=LATITUDE_DEG, longitude_deg=LONGITUDE_DEG)
    return Settings(
        node=NodeSettings(id="rsu-bench", esn="ESN-0001", kind="rsu"),
        manager=ManagerSettings(device_address="127.0.0.1:1", enrollment_address="127.0.0.1:1"),
        radio=Driver(driver="udp", options={"radio_host": "127.0.0.1", "radio_port": radio_port}),
        v2x=V2xSettings(
            local_broker=LocalBrokerSettings(port=broker_port),
            perception=PerceptionSettings(
                latitude_deg=LATITUDE_DEG,
                longitude_deg=LONGITUDE_DEG,
                sensors={f"s{number}": sensor for number in range(MANY)},
            ),
        ),
    )


class Ears:
    """What is on the air, and how old each state was when it was first heard [s]."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.ages_s: list[float] = []
        self.sizes: list[int] = []
        self.is_open = False
        self._known: dict[int, int] = {}

    async def listen(self) -> None:
        """For ever."""
        loop = asyncio.get_running_loop()
        while True:
            frame = await loop.sock_recv(self.socket, 2000)
            now_ms = time.time() * 1000
            _, message = decode(DSMP.parsed(frame).payload, Profile.P20)
            assert isinstance(message, RoadsideSafetyMessage)
            self.sizes.append(len(frame))
            for each in message.participants:
                if self.is_open and self._known.get(each.ptcId) != each.secMark:
                    self.ages_s.append((now_ms - each.secMark) % _MINUTE_MS / 1000)
                self._known[each.ptcId] = each.secMark


async def measured(port: int, ears: Ears, count: int) -> tuple[Air, float]:
    """Runs it; the air, and processor time of one core it took [ratio]."""
    radio = UdpRadio(UdpRadio.Options(radio_host="127.0.0.1", radio_port=ears.socket.getsockname()[1], layout="dsmp"))
    sensing = Sensing(
        buses={},
        gnss=None,
        radio=radio,
        feeds=(),
        now_ns=time.time_ns,
        mono_s=time.monotonic,
        time_quality=lambda: TimeQuality.GNSS,
        rng=Random(1),  # noqa: S311  # spreads waits
    )
    air = Air(unit(port, ears.socket.getsockname()[1]), sensing, radio, utc_s=time.time)
    async with asyncio.TaskGroup() as group:
        services = {"sensing": sensing.run, **air.services()}
        tasks = [group.create_task(endless(name, each)) for name, each in services.items()]
        tasks += [group.create_task(ears.listen())]
        tasks += [group.create_task(sense(port, OBJECTS, sensor=number, count=count)) for number in range(count)]
        await asyncio.sleep(SETTLE_S)
        ears.is_open = True
        begin = resource.getrusage(resource.RUSAGE_SELF)
        await asyncio.sleep(SECONDS)
        end = resource.getrusage(resource.RUSAGE_SELF)
        for task in tasks:
            task.cancel()
    spent_s = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
    return air, spent_s / SECONDS


def told_ms(latency: Latency, share: float) -> float:
    """What the unit itself says of it [ms]."""
    return 1000 * (latency.quantile_s(share, time.monotonic()) or 0.0)


def add(report: Report, name: str, port: int, count: int) -> None:
    """One run."""
    ears = Ears()
    air, share = asyncio.run(measured(port, ears, count))
    ears.socket.close()
    assert air.perception is not None
    tally, ages_s = air.perception.tally, sorted(ears.ages_s)
    report.add(f"{name}: states on the air, 1/s", len(ages_s) / SECONDS, digits=0)
    for share_, label in ((0.5, "p50"), (0.99, "p99")):
        heard_ms = ages_s[int((len(ages_s) - 1) * share_)] * 1000
        report.add(f"{name}: object to air, {label}, as heard, ms", heard_ms, digits=0)
        report.add(f"{name}: object to air, {label}, as told, ms", told_ms(tally.from_object, share_), digits=0)
        report.add(f"{name}: reception to air, {label}, as told, ms", told_ms(tally.from_reception, share_), digits=0)
    report.add(f"{name}: longest frame, bytes", max(ears.sizes), digits=0)
    report.add(f"{name}: unit, sensors and ears together, % of a core", share * 100, digits=1)


def main() -> None:
    """Runs it."""
    port, report = free_port(), Report("v2x-perception")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        broker = subprocess.Popen(["mosquitto", "-c", str(config)], stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.5)
            add(report, "one fusion", port, 1)
            add(report, "four sensors", port, MANY)
        finally:
            broker.kill()
            broker.wait()
    report.print()


if __name__ == "__main__":
    main()
