"""A platform of T/ITS 0117 tells the lights of a roadside unit's crossing: real broker, real sockets, the whole air."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.link.conftest import Mosquitto
from tests.link.platform_centre import centre, platform, running, settings, until
from tests.unit.crossing_maker import crossing
from tests.unit.test_signal_spat import spat
from wayside.errors import InvalidArgumentError
from wayside.v2x.codec import Profile, decode, encode
from wayside.v2x.generated.messages import SPAT, MapData, Phase, PhaseState
from wayside.v2x.readable import readable
from wayside_agent import registry
from wayside_agent.air import Air
from wayside_agent.cli.check import findings
from wayside_agent.core.frame_layout import DSMP
from wayside_agent.core.health import State
from wayside_agent.core.health_v2x import platform_finding, signal_finding
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.drivers.radio_udp import UdpRadio
from wayside_agent.services.endless import endless
from wayside_agent.services.sensing import Sensing
from wayside_agent.settings import Settings
from wayside_agent.v2x_settings import SignalSettings, V2xSettings

pytestmark = pytest.mark.timeout(60)
GREEN = 6
FROM_CITY = SignalSettings(platform="city", region=4601, node=9)


def unit(mosquitto: Mosquitto, folder: Path, *, allow: tuple[str, ...] = ("spat",), signal: SignalSettings) -> Settings:
    path = folder / "map.jsonl"
    node = crossing({("north", "south"): 21, ("east", "west"): 41})
    path.write_bytes(msgspec.json.encode(readable(("mapFrame", MapData(msgCnt=0, nodes=[node])))))
    plain = settings(city=platform(mosquitto, allow=allow, ttl_s=200))
    v2x = V2xSettings(platforms=plain.v2x.platforms, signal=signal, broadcast_files=(str(path),))
    return msgspec.structs.replace(plain, v2x=v2x, state_dir=str(folder))


@contextlib.asynccontextmanager
async def on_air(asked: Settings) -> AsyncIterator[tuple[Air, asyncio.Queue[SPAT]]]:
    """The unit's services, and the SPAT they send."""
    loop, heard = asyncio.get_running_loop(), asyncio.Queue[SPAT]()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.setblocking(False)
        options = UdpRadio.Options(
            bind_host="127.0.0.1", radio_host="127.0.0.1", radio_port=ear.getsockname()[1], layout="dsmp"
        )
        radio = UdpRadio(options)
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
        air = Air(asked, sensing, radio, controller=registry.signal_controller(asked), utc_s=time.time)

        async def listen() -> None:
            while True:
                frame = decode(DSMP.parsed(await loop.sock_recv(ear, 2000)).payload, Profile.P20)
                if frame[0] == "spatFrame":
                    heard.put_nowait(frame[1])

        async with asyncio.TaskGroup() as group:
            services = {"sensing": sensing.run, **air.services()}
            tasks = [group.create_task(endless(name, service)) for name, service in services.items()]
            tasks.append(group.create_task(listen()))
            yield air, heard
            for task in tasks:
                task.cancel()


def down(message: SPAT, number: int) -> dict[str, object]:
    payload = encode(("spatFrame", message), Profile.P20).hex()
    return {"messages": [{"payload": payload}], "seqNum": str(number), "ack": True, "rsuEsn": "E1"}


async def test_what_the_platform_says_is_on_the_air_and_ends_within_a_second_of_its_silence(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with centre(mosquitto) as city, on_air(unit(mosquitto, tmp_path, signal=FROM_CITY)) as (air, heard):
        await city.hears("INFO/UP")
        assert [platform_finding(each).state for each in air.platform_samples()] == [State.OK]
        await city.says("SPAT/DOWN", down(spat(), 1))
        await city.hears("SPAT/DOWN/ACK", seqNum="1", errorCode=0)
        begun_s = time.monotonic()
        first, second = [await heard.get() for _ in range(2)]
        assert [phase.id for phase in first.intersections[0].phases] == [21]
        assert first.intersections[0].phases[0].phaseStates[0].light == GREEN
        assert (second.msgCnt - first.msgCnt) % 128 == 1, "the count is the unit's own"
        assert signal_finding(air.signal_sample()).state is State.OK  # type: ignore[arg-type]  # it has one
        await until(lambda: air.signal is not None and air.signal.why_silent)
        assert time.monotonic() - begun_s < 1.5


async def test_what_is_not_ours_or_not_in_the_map_or_conflicts_is_not_on_the_air_and_the_platform_hears_why(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    both = [Phase(id=phase, phaseStates=[PhaseState(light=GREEN)]) for phase in (21, 41)]
    async with centre(mosquitto) as city, on_air(unit(mosquitto, tmp_path, signal=FROM_CITY)) as (air, heard):
        await city.hears("INFO/UP")
        await city.says("SPAT/DOWN", down(spat(node=8), 1))
        answer = await city.hears("SPAT/DOWN/ACK", seqNum="1")
        assert "message: it speaks 0 times of this unit's crossing 4601/9" in answer["errorDesc"]
        await city.says("SPAT/DOWN", down(spat(Phase(id=7, phaseStates=[PhaseState(light=GREEN)])), 2))
        answer = await city.hears("SPAT/DOWN/ACK", seqNum="2")
        assert "the MAP of crossing 4601/9 has no phase 7" in answer["errorDesc"]
        await city.says("SPAT/DOWN", down(spat(*both), 3))
        await city.hears("SPAT/DOWN/ACK", seqNum="3", errorCode=0)
        await until(lambda: air.signal is not None and "crossing phases go at once: 21 and 41" in air.signal.why_silent)
        assert heard.empty()


async def test_beside_a_controller_of_its_own_a_platform_tells_nothing(mosquitto: Mosquitto, tmp_path: Path) -> None:
    own = SignalSettings(controller="127.0.0.1", bind_port=1, region=4601, node=9, phase_ids={2: 21})
    own = msgspec.structs.replace(own, bind_port=None, options={"bind_port": 0})
    async with centre(mosquitto) as city, on_air(unit(mosquitto, tmp_path, signal=own)) as (_, heard):
        await city.hears("INFO/UP")
        await city.says("SPAT/DOWN", down(spat(), 1))
        answer = await city.hears("SPAT/DOWN/ACK", seqNum="1")
        assert "SPAT comes from this unit's own sources only" in answer["errorDesc"]
        assert heard.empty()


async def test_a_platform_that_is_not_there_or_may_not_tell_the_lights_is_named(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    denied = unit(mosquitto, tmp_path, allow=("map",), signal=FROM_CITY)
    wrong = unit(mosquitto, tmp_path, signal=msgspec.structs.replace(FROM_CITY, platform="town"))
    for asked, why in ((denied, 'add "spat" to its allow'), (wrong, "no platform 'town'; there are: city")):
        with pytest.raises(InvalidArgumentError, match=why):
            async with on_air(asked):
                pass
        assert any(why in each.message and not each.is_ok for each in await findings(asked))


async def test_a_platform_that_is_not_reached_is_away_for_longer_and_longer_and_its_check_says_why(
    mosquitto: Mosquitto, unused_tcp_port: int
) -> None:
    lost = msgspec.structs.replace(platform(mosquitto, heartbeat_period_s=1, ttl_s=2), port=unused_tcp_port)
    async with running(settings(city=lost)) as rsu:
        sample = rsu.made["city"].sample
        assert platform_finding(sample).state is State.UNKNOWN
        await until(lambda: platform_finding(rsu.made["city"].sample).state is State.DEGRADED)
        found = platform_finding(rsu.made["city"].sample)
        assert found.name == "platform.city"
        assert "is not reached for more than 2 s: " in found.reason
        assert found.reason.endswith(rsu.made["city"].fault)
