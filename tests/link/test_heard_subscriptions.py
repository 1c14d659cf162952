"""What a roadside unit hears reaches those who asked for it, at a real broker."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import aiomqtt
import pytest

from tests.link.conftest import Mosquitto
from wayside.errors import InvalidArgumentError
from wayside.v2x.codec import decode
from wayside.v2x.profile import Profile
from wayside_agent.air import Air
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.drivers.sim_gnss import SimGnss
from wayside_agent.drivers.sim_radio import SimRadio
from wayside_agent.link.broker import Broker
from wayside_agent.services.endless import endless
from wayside_agent.services.sensing import Sensing
from wayside_agent.settings import Driver, ManagerSettings, NodeSettings, Settings
from wayside_agent.v2x_heard_settings import HeardFilter, LocalBrokerSettings, SubscriptionSettings
from wayside_agent.v2x_settings import V2xSettings

pytestmark = pytest.mark.timeout(60)

VEHICLES = 4
LONG_S = 20.0


def unit(port: int, *subscriptions: SubscriptionSettings) -> Settings:
    return Settings(
        node=NodeSettings(id="rsu-1", esn="E1", kind="rsu"),
        manager=ManagerSettings(device_address="127.0.0.1:1", enrollment_address="127.0.0.1:1"),
        gnss=Driver(driver="simulator"),
        radio=Driver(driver="simulator"),
        v2x=V2xSettings(subscriptions=subscriptions, local_broker=LocalBrokerSettings(port=port)),
    )


@contextlib.asynccontextmanager
async def listening(settings: Settings, *, site: Broker | None = None) -> AsyncIterator[Air]:
    radio = SimRadio(SimRadio.Options(vehicle_count=VEHICLES, rate_hz=20.0))
    sensing = Sensing(
        buses={},
        gnss=SimGnss(SimGnss.Options(loses_fix=False)),
        radio=radio,
        feeds=(),
        now_ns=time.time_ns,
        mono_s=time.monotonic,
        time_quality=lambda: TimeQuality.GNSS,
        rng=Random(1),  # noqa: S311  # spreads waits
    )
    air = Air(settings, sensing, radio, utc_s=time.time, site_broker=lambda: site)
    async with asyncio.TaskGroup() as group:
        services = {"sensing": sensing.run, **air.services()}
        tasks = [group.create_task(endless(name, service)) for name, service in services.items()]
        yield air
        for task in tasks:
            task.cancel()


async def heard_at(
    mosquitto: Mosquitto, settings: Settings, topic: str, count: int, *, site: Broker | None = None
) -> list[bytes]:
    """Payloads of a topic, from the moment the unit runs."""
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client, asyncio.timeout(LONG_S):
        await client.subscribe(topic)
        async with listening(settings, site=site) as air:
            payloads = [bytes((await anext(client.messages)).payload) for _ in range(count)]
            await until(lambda: said(air)[0]["forwarded_count"])
            assert said(air)[0]["dropped_count"] == 0
            return payloads


async def until(happened: Callable[[], object]) -> None:
    while not happened():  # noqa: ASYNC110  # nobody is told when the picture changes
        await asyncio.sleep(0.01)


def said(air: Air) -> list[Any]:
    found = air.picture()["subscriptions"]
    assert isinstance(found, list)
    return found


async def test_every_message_arrives_as_it_was_on_the_air(mosquitto: Mosquitto) -> None:
    settings = unit(mosquitto.port, SubscriptionSettings(topic="air/{node}/bsm", format="raw"))
    payloads = await heard_at(mosquitto, settings, "air/rsu-1/bsm", 3 * VEHICLES)
    assert {decode(each, Profile.P20)[0] for each in payloads} == {"bsmFrame"}


async def test_a_document_holds_the_message_in_words_and_in_bytes(mosquitto: Mosquitto) -> None:
    settings = unit(mosquitto.port, SubscriptionSettings(topic="bsm", format="both", mode="ByID", limit_per_s=1))
    documents = [json.loads(each) for each in await heard_at(mosquitto, settings, "bsm", VEHICLES)]
    bsm = documents[0]["message"]["bsmFrame"]
    assert len({each["message"]["bsmFrame"]["id"] for each in documents}) == VEHICLES
    assert decode(bytes.fromhex(documents[0]["payload"]), Profile.P20)[1].id.hex() == bsm["id"]  # type: ignore[union-attr]
    assert (documents[0]["kind"], documents[0]["profile"], documents[0]["application_id"]) == ("BSM", "p20", 111)
    assert "doubt" not in documents[0]


async def test_the_broker_of_the_site_gets_what_is_for_it(mosquitto: Mosquitto) -> None:
    settings = unit(1, SubscriptionSettings(topic="bsm", broker="site"))
    site = Broker(mosquitto.host, mosquitto.port)
    (payload,) = await heard_at(mosquitto, settings, "bsm", 1, site=site)
    assert set(json.loads(payload)) == {"kind", "profile", "time_ns", "application_id", "message"}


async def test_a_broker_that_comes_late_gets_what_still_waits(mosquitto: Mosquitto) -> None:
    mosquitto.stop()
    async with asyncio.timeout(LONG_S), listening(unit(mosquitto.port, SubscriptionSettings(topic="bsm"))) as air:
        await until(lambda: said(air)[0]["fault"])
        await asyncio.to_thread(mosquitto.start)
        await until(lambda: said(air)[0]["forwarded_count"])
        assert said(air)[0]["fault"] == ""


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (
            unit(1, SubscriptionSettings(topic="a", filters=(HeardFilter(area=(2.0, 0.0, 1.0, 1.0)),))),
            r"field v2x\.subscriptions\[0\]: the area is no box",
        ),
    ],
    ids=["area"],
)
async def test_a_subscription_that_makes_no_sense_is_refused(settings: Settings, named: str) -> None:
    with pytest.raises(InvalidArgumentError, match=named):
        async with listening(settings):
            pass
