"""What a unit says of its radio: messages by kind and AID in both directions, and what is found of signatures."""

import asyncio
import json
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from wayside.v2x.peek import MessageKind
from wayside_agent.air import Air
from wayside_agent.air.guarded import guarded
from wayside_agent.core.frame_layout import ApplicationId, Layout, Payload, Verified
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.drivers.radio_udp import UdpRadio
from wayside_agent.services.device_health import radio_health
from wayside_agent.services.sensing import Sensing
from wayside_agent.services.source_state import RadioState
from wayside_agent.settings import ManagerSettings, NodeSettings, Settings
from wayside_agent.v2x_settings import V2xSettings

LAYOUT = (ApplicationId(size_bytes=4), Verified(), Payload())
BSM, SPAT = b"\x00bsm", b"\x30spat"
GOOD, BAD, UNSEEN = 1, 0, 7


def datagram(payload: bytes, application_id: int, verdict: int) -> bytes:
    return application_id.to_bytes(4, "big") + bytes([verdict]) + payload


@asynccontextmanager
async def hearing(v2x: V2xSettings, *datagrams: bytes) -> AsyncIterator[tuple[Air, Sensing, UdpRadio]]:
    """A unit whose radio has heard these, and can send."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.bind(("127.0.0.1", 0))
        udp = UdpRadio(UdpRadio.Options(layout=LAYOUT, radio_host="127.0.0.1", radio_port=far.getsockname()[1]))
        radio = guarded(udp, v2x)
        sensing = Sensing(
            buses={},
            gnss=None,
            radio=radio,
            feeds=(),
            now_ns=time.time_ns,
            mono_s=time.monotonic,
            time_quality=lambda: TimeQuality.NETWORK,
            rng=Random(1),  # noqa: S311  # spreads waits
        )
        unit = Settings(
            node=NodeSettings(id="rsu-1", esn="E1", kind="rsu"),
            manager=ManagerSettings(device_address="localhost:1", enrollment_address="localhost:2"),
            v2x=v2x,
        )
        air = Air(unit, sensing, radio, utc_s=time.time)
        last = asyncio.Event()
        sensing.message_taps.append(lambda message, _: last.set() if message.payload == b"\x30last" else None)
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            task = group.create_task(sensing.run())
            while not (sensing.radio and sensing.radio.is_open):  # noqa: ASYNC110  # a state tells nobody
                await asyncio.sleep(0)
            for each in (*datagrams, datagram(b"\x30last", 3619, GOOD)):
                far.sendto(each, ("127.0.0.1", udp.local_port))
            await last.wait()
            yield air, sensing, udp
            task.cancel()


async def test_the_status_counts_by_kind_and_aid_in_both_directions() -> None:
    heard = (datagram(BSM, 111, GOOD), datagram(BSM, 112, GOOD), datagram(BSM, 111, GOOD), b"noise")
    async with hearing(V2xSettings(), *heard) as (air, _, radio):
        await radio.send(SPAT, application_id=3619)
        await radio.send(BSM, application_id=3624)
        said = json.loads(json.dumps(air.picture()))["radio"]
    assert said["heard_by_kind"] == {"BSM": 3, "SPAT": 1}
    assert said["heard_by_aid"] == {"111": 2, "112": 1, "3619": 1}
    assert said["sent_by_kind"] == {"BSM": 1, "SPAT": 1}
    assert said["sent_by_aid"] == {"3619": 1, "3624": 1}
    assert (said["malformed_count"], said["foreign_count"]) == (1, 0)


async def test_what_nobody_found_good_is_counted_where_it_is_let_through() -> None:
    heard = [datagram(BSM, 111, each) for each in (GOOD, BAD, BAD, UNSEEN)]
    async with hearing(V2xSettings(), *heard) as (air, sensing, _):
        said = json.loads(json.dumps(air.picture()))["radio"]
        health = radio_health(sensing.radio, 0)
    assert health is not None
    assert (sum(each.count for each in health.received), health.unverified_count) == (5, 3)
    assert [said[f"{name}_count"] for name in ("verified", "bad_signature", "unverified")] == [2, 2, 3]


async def test_what_nobody_found_good_is_counted_where_it_is_held_back() -> None:
    heard = [datagram(BSM, 111, each) for each in (GOOD, BAD, BAD, UNSEEN)]
    async with hearing(V2xSettings(require_verified=True), *heard) as (air, sensing, _):
        said = json.loads(json.dumps(air.picture()))["radio"]
        health = radio_health(sensing.radio, 0)
    assert health is not None
    assert (sum(each.count for each in health.received), health.unverified_count) == (2, 0)
    assert [said[f"{name}_count"] for name in ("verified", "bad_signature", "unverified")] == [2, 2, 3]


async def test_telemetry_names_aids_of_messages_and_no_other() -> None:
    heard = (datagram(BSM, 111, GOOD), datagram(BSM, 424_242, UNSEEN))
    async with hearing(V2xSettings(receive_aids=(111, 424_242, 3619)), *heard) as (_, sensing, radio):
        await radio.send(SPAT, application_id=3619)
        values = {each.name: each.value for each in sensing.latest() if each.name.startswith("radio.")}
    assert values == {
        "radio.bsm_count": 2,
        "radio.spat_count": 1,
        "radio.aid_111_count": 1,
        "radio.aid_3619_count": 1,
        "radio.sent_spat_count": 1,
        "radio.sent_aid_3619_count": 1,
        "radio.verified_count": 2,
        "radio.bad_signature_count": 0,
        "radio.unverified_count": 1,
        "radio.unlisted_count": 0,
        "radio.withheld_count": 0,
    }


def test_where_nobody_looks_at_signatures_the_health_report_does_not_speak_of_them() -> None:
    for verdicts in (Counter[bool | None](), Counter[bool | None]({None: 5})):
        health = radio_health(RadioState(received=Counter({MessageKind.BSM: 5}), verdicts=verdicts), 0)
        assert health is not None
        assert not health.HasField("unverified_count")


def test_a_verdict_leaves_room_for_none() -> None:
    frame = Layout(fields=LAYOUT).parsed(datagram(BSM, 111, UNSEEN))
    assert frame.verdict is not None
    assert frame.verdict.verified is None
