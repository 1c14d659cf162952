"""What a unit makes of what it hears, through its real sensing: the radio plays what the test writes down."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

from tests.contract.agent_devices import radio
from tests.contract.test_agent_sensing import running
from wayside.errors import UnavailableError
from wayside.v2x.peek import MessageKind
from wayside.v2x.profile import Profile
from wayside_agent.cli.coverage import brief, geojson
from wayside_agent.core.bsm import Bsm, encoded_bsm
from wayside_agent.core.heard.forwarded import Form, forwarded
from wayside_agent.core.heard.grid import METRES_PER_RAW, RAW_PER_DEGREE
from wayside_agent.core.heard.plausibility import Doubt
from wayside_agent.core.heard.sampler import Rule, SampleMode, Sampler
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.core.v2x import ReceivedMessage
from wayside_agent.ports.spools import TelemetrySink
from wayside_agent.services.forwarding import MAX_WAITING, Outlet, Stream, Waiting
from wayside_agent.services.heard import Heard, Subscription, Surroundings
from wayside_agent.services.sensing import Sensing

HERE = (200_317_000, 1_103_312_000)
DAMAGED = ReceivedMessage(b"\x00", MessageKind.BSM, 0)


def said(count: int, *, north_m: float = 110.0, at_s: float = 12.0) -> ReceivedMessage:
    """A BSM that is heard a tenth of a second after the one before it."""
    bsm = Bsm(
        message_count=count,
        vehicle_id=b"\0\1\2\3\4\5\6\7",
        since_minute=timedelta(seconds=at_s),
        latitude_deg=HERE[0] / RAW_PER_DEGREE + north_m / METRES_PER_RAW / RAW_PER_DEGREE,
        longitude_deg=HERE[1] / RAW_PER_DEGREE,
        speed_mps=10.0,
    )
    return ReceivedMessage(encoded_bsm(bsm), MessageKind.BSM, 12_000_000_000, 111)


def no_sink(_target: str) -> TelemetrySink:
    raise UnavailableError("there is no broker")


def outlet() -> Outlet[str]:
    return Outlet("local", target=lambda: "broker", connect=no_sink, rng=Random(1))  # noqa: S311  # spreads waits


def subscription(rule: Rule, way_out: Outlet[str]) -> Subscription:
    return Subscription(Stream("a/b", Form.BOTH, Profile.P20, Sampler(rule)), way_out)


async def heard(messages: Sequence[ReceivedMessage], *subscriptions: Subscription) -> tuple[Heard, Sensing]:
    ticks = iter(range(1_000_000))
    source = radio(messages)
    sensing = Sensing(
        buses={},
        gnss=None,
        radio=source,
        feeds=(),
        now_ns=lambda: 5,
        mono_s=lambda: 0.0,
        time_quality=lambda: TimeQuality.GNSS,
        rng=Random(1),  # noqa: S311  # spreads waits
    )
    around = Surroundings(here=lambda: HERE, is_time_known=lambda: True, mono_s=lambda: next(ticks) / 10)
    ear = Heard(around, subscriptions)
    sensing.message_taps.append(ear.take)
    sensing.value_sources.append(ear.figures)
    async with running(sensing):
        await source.silent.wait()
    return ear, sensing


async def test_telemetry_gets_rate_share_range_and_doubts() -> None:
    messages = [said(1), said(2), said(4), said(5, at_s=40.0), said(6, north_m=5000.0), DAMAGED]
    ear, sensing = await heard(messages)
    values = {each.name: each.value for each in sensing.latest()}
    assert values["v2x.pdr_ratio"] == round(2 / 3, 4)
    assert values["v2x.range_m"] == 125.0
    assert (values["v2x.implausible_count"], values["v2x.implausible.stale_count"]) == (2.0, 1.0)
    assert (values["v2x.implausible.range_count"], values["v2x.implausible.jump_count"]) == (1.0, 0.0)
    assert (values["radio.bsm_count"], ear.unread_count) == (6.0, 1)


async def test_the_picture_is_ready_for_json_and_holds_the_map() -> None:
    ear, _ = await heard([said(1), said(2), said(4)], subscription(Rule(MessageKind.BSM, limit_per_s=1), outlet()))
    picture: dict[str, Any] = json.loads(json.dumps(ear.picture()))
    (cell,) = picture["cells"]
    south, west, north, east = cell["corners_deg"]
    assert south < HERE[0] / RAW_PER_DEGREE + 110 / METRES_PER_RAW / RAW_PER_DEGREE < north
    assert west <= HERE[1] / RAW_PER_DEGREE < east
    assert (cell["messages"], cell["missed"], cell["stations"], cell["furthest_m"]) == (3, 1, 1, 110)
    (subscribed,) = picture["subscriptions"]
    assert (subscribed["heard_count"], subscribed["taken_count"], subscribed["forwarded_count"]) == (3, 1, 0)


async def test_the_map_is_geojson_for_map_programs_and_a_number_on_a_screen() -> None:
    ear, _ = await heard([said(1), said(2, north_m=140.0), said(3, north_m=170.0)])
    snapshot = {"is_running": True, "v2x": json.loads(json.dumps(ear.picture()))}
    cells = snapshot["v2x"]["cells"]
    collection = geojson(snapshot)
    assert collection["type"] == "FeatureCollection"
    assert [each["properties"]["messages"] for each in collection["features"]] == [each["messages"] for each in cells]
    for feature, cell in zip(collection["features"], cells, strict=True):
        south, west, north, east = cell["corners_deg"]
        (ring,) = feature["geometry"]["coordinates"]
        assert ring[0] == ring[-1] == [west, south]  # counter-clockwise, longitude first
        assert ring[1:4] == [[east, south], [east, north], [west, north]]
    assert brief(snapshot)["v2x"]["cells"] == len(cells) == 2
    assert geojson({"is_running": False}) == {"type": "FeatureCollection", "features": []}
    assert brief({"is_running": False, "v2x": {}}) == {"is_running": False, "v2x": {}}


async def test_a_subscription_gets_its_kind_alone() -> None:
    others, bsm = outlet(), outlet()
    await heard(
        [said(1), said(2), DAMAGED],
        subscription(Rule(MessageKind.RSM), others),
        subscription(Rule(MessageKind.BSM, SampleMode.BY_ID), bsm),
    )
    assert (others.waiting_count, bsm.waiting_count) == (0, 2)


async def test_what_finds_no_room_is_dropped_oldest_first_and_counted() -> None:
    way_out = outlet()
    first, second = (Stream(topic, Form.RAW, Profile.P20, Sampler(Rule(MessageKind.BSM))) for topic in "ab")
    for stream in (first, second):
        for _ in range(MAX_WAITING - 10):
            way_out.offer(Waiting(stream, DAMAGED, None))
    assert (first.dropped_count, second.dropped_count) == (MAX_WAITING - 20, 0)
    assert way_out.waiting_count == MAX_WAITING


async def test_a_broker_that_is_not_there_is_named_and_what_waits_stays() -> None:
    way_out = outlet()
    way_out.offer(Waiting(Stream("a", Form.RAW, Profile.P20, Sampler(Rule(MessageKind.BSM))), DAMAGED, None))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(way_out.run())
        while not way_out.fault:  # noqa: ASYNC110  # nobody is told
            await asyncio.sleep(0)
        task.cancel()
    assert (way_out.fault, way_out.waiting_count) == ("there is no broker", 1)


def test_what_cannot_be_decoded_is_passed_on_with_the_reason() -> None:
    document = json.loads(forwarded(DAMAGED, Form.BOTH, Profile.P20, doubt=Doubt.STALE))
    assert (document["payload"], document["doubt"]) == ("00", "stale")
    assert document["error"]
    assert "message" not in document
    assert forwarded(DAMAGED, Form.RAW, Profile.P20, doubt=None) == b"\x00"
