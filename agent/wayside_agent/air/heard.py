"""What a unit hears: its map, and what of it goes to whom."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import SystemRandom

from wayside.errors import InvalidArgumentError
from wayside.v2x.peek import MessageKind
from wayside.v2x.profile import Profile
from wayside_agent.core.heard.forwarded import Form
from wayside_agent.core.heard.grid import RAW_PER_DEGREE
from wayside_agent.core.heard.plausibility import Place
from wayside_agent.core.heard.sampler import Area, Filter, Rule, SampleMode, Sampler
from wayside_agent.link.broker import Broker
from wayside_agent.link.mqtt import MqttPublisher
from wayside_agent.services.forwarding import Outlet, Stream
from wayside_agent.services.heard import Heard, Subscription, Surroundings
from wayside_agent.services.sensing import Sensing
from wayside_agent.settings import Settings
from wayside_agent.v2x_heard_settings import HeardFilter, SubscriptionSettings

CLOCK_SLACK_S = 2.0
"""What is known of the time may itself be wrong by so much."""
BrokerNow = Callable[[], Broker | None]


def ear(
    unit: Settings,
    sensing: Sensing,
    *,
    utc_s: Callable[[], float | None],
    site_broker: BrokerNow,
) -> tuple[Heard | None, dict[str, Outlet[Broker]]]:
    """What hears, and the outlets it needs by name; it is joined to sensing. `None`: there is no radio.

    Raises: InvalidArgumentError: a subscription makes no sense.
    """
    asked = unit.v2x.subscriptions
    if sensing.radio is None:
        if asked:
            raise InvalidArgumentError("field v2x.subscriptions: nothing is heard without a radio; add [radio]")
        return None, {}
    brokers: dict[str, BrokerNow] = {"local": lambda: local_broker(unit), "site": site_broker}
    wanted = sorted({each.broker for each in asked})
    outlets: dict[str, Outlet[Broker]] = {name: _outlet(name, unit.node.id, brokers[name]) for name in wanted}
    subscriptions = [
        Subscription(_stream(each, unit, field=f"v2x.subscriptions[{index}]"), outlets[each.broker])
        for index, each in enumerate(asked)
    ]
    around = Surroundings(
        here=lambda: _here(sensing),
        is_time_known=lambda: _is_clock_right(utc_s()),
        mono_s=time.monotonic,
    )
    heard = Heard(around, subscriptions, max_range_m=unit.v2x.plausible_range_m)
    sensing.message_taps.append(heard.take)
    sensing.value_sources.append(heard.figures)
    return heard, outlets


def _is_clock_right(utc_s: float | None) -> bool:
    """Whether times of messages, which are the clock's, can be held against UTC."""
    return utc_s is not None and abs(utc_s - time.time()) < CLOCK_SLACK_S


def _here(sensing: Sensing) -> Place | None:
    fix = None if sensing.gnss is None else sensing.gnss.newest_with_position
    if fix is None or fix.position is None:
        return None
    return round(fix.position.latitude_deg * RAW_PER_DEGREE), round(fix.position.longitude_deg * RAW_PER_DEGREE)


def local_broker(unit: Settings) -> Broker:
    """The MQTT broker on the unit."""
    asked = unit.v2x.local_broker
    secret = Path(unit.secrets_dir) / asked.password_secret if asked.password_secret else None
    return Broker(asked.host, asked.port, username=asked.username, password_file=secret)


def _outlet(name: str, node_id: str, broker: BrokerNow) -> Outlet[Broker]:
    connect = partial(MqttPublisher, client_id=f"{node_id}-v2x")  # not that of telemetry, which it would throw out
    return Outlet(name, target=broker, connect=connect, rng=SystemRandom())


def _stream(asked: SubscriptionSettings, unit: Settings, *, field: str) -> Stream:
    try:
        rule = Rule(
            MessageKind(asked.kind),
            SampleMode(asked.mode),
            asked.one_in,
            asked.limit_per_s,
            tuple(_filter(each) for each in asked.filters),
        )
    except ValueError as error:
        raise InvalidArgumentError(f"field {field}: {error}") from error
    topic = asked.topic.replace("{node}", unit.node.id)
    return Stream(topic, Form(asked.format), Profile(unit.v2x.profile), Sampler(rule))


def _filter(asked: HeardFilter) -> Filter:
    """Raises: ValueError: the area is no box."""
    area = None if asked.area is None else Area(*asked.area)
    return Filter(area, asked.min_speed_mps, asked.max_speed_mps, frozenset(asked.application_ids))
