"""A roadside unit broadcasts what its sensors see: RSM of documents at its own MQTT broker."""

import secrets
from collections.abc import Callable
from random import SystemRandom
from typing import TYPE_CHECKING

from wayside.errors import InvalidArgumentError
from wayside_agent.air.heard import local_broker
from wayside_agent.ports.devices import Radio
from wayside_agent.services.sensing import Sensing
from wayside_agent.settings import Settings
from wayside_agent.v2x_perception_settings import PerceptionSensorSettings, PerceptionSettings

if TYPE_CHECKING:
    from wayside_agent.core.perception.place import Place, SensorPlace
    from wayside_agent.core.perception.rsm import Kind
    from wayside_agent.link.perception import PerceptionFeed
    from wayside_agent.services.v2x_perception import Perception

Degrees = tuple[float, float]
_FIELD = "field v2x.perception"


def eyes(
    unit: Settings,
    sensing: Sensing,
    radio: Radio | None,
    *,
    utc_s: Callable[[], float | None],
    surveyed: Callable[[], Degrees | None],
) -> "Perception | None":
    """What sees for the settings' unit; it is joined to sensing. `None`: the settings want none.

    Args:
        unit: Its settings.
        sensing: Has the receiver, and telemetry.
        radio: The way out.
        utc_s: The time; `None`: not known.
        surveyed: Where the node's configuration says the unit stands; `None`: it does not.

    Raises: InvalidArgumentError: the settings want what the unit has not.
    """
    asked = unit.v2x.perception
    if asked is None:
        return None
    if unit.node.kind != "rsu" or radio is None:
        raise InvalidArgumentError(f"{_FIELD}: only an RSU with a radio can broadcast RSM")
    from wayside_agent.core.perception.document import Source, read_json  # what a unit without sensors does without
    from wayside_agent.core.perception.rsm import unit_id
    from wayside_agent.core.perception.scene import Rules, Scene, SensorRules
    from wayside_agent.core.perception.tracks import Tracks
    from wayside_agent.services.v2x_perception import Bounds, Perception, World

    read = read_json
    if asked.format == "protobuf":
        from wayside_agent.link.perception_protobuf import read_protobuf

        read = read_protobuf
    from wayside.v2x.profile import Profile

    sensors = {
        name: SensorRules(_sensor_place(each, f"{_FIELD}.sensors.{name}"), Source(each.source))
        for name, each in asked.sensors.items()
    }
    made = Perception(
        World(
            feed=feed(unit),
            read=read,
            scene=Scene(Rules(sensors, asked.stale_s), Tracks(secrets.randbelow(65_536))),
            profile=Profile(unit.v2x.profile),
            unit_id=bytes.fromhex(asked.rsu_id) or unit_id(unit.node.esn),
            place=_places(unit, sensing, surveyed),
            send=radio.send,
            utc_s=utc_s,
            rng=SystemRandom(),
            bounds=Bounds(asked.max_documents_per_s, asked.max_participants, asked.silent_s),
            kinds=_kinds(asked),
        )
    )
    sensing.value_sources.append(made.figures)
    return made


def feed(unit: Settings, *, suffix: str = "") -> "PerceptionFeed":
    """The sensors' documents at the unit's broker; `suffix` keeps a second connection apart.

    Raises: InvalidArgumentError: the settings want no sensors.
    """
    from wayside_agent.link.perception import PerceptionFeed

    asked = unit.v2x.perception
    if asked is None:
        raise InvalidArgumentError(f"{_FIELD}: is not set")
    return PerceptionFeed(local_broker(unit), client_id=f"{unit.node.id}-perception{suffix}", topics=asked.topics)


def _kinds(asked: PerceptionSettings) -> "tuple[Kind, ...]":
    """Raises: InvalidArgumentError: SSM without an AID."""
    from wayside_agent.core.perception.rsm import RSM

    kinds = [RSM] if "rsm" in asked.messages else []
    if "ssm" in asked.messages:
        if asked.ssm_application_id is None:
            raise InvalidArgumentError(f"{_FIELD}.ssm_application_id: SSM needs an AID; no public source names one")
        from wayside_agent.core.perception.ssm import ssm  # all of phase 2, which others do without

        kinds.append(ssm(asked.ssm_application_id))
    return tuple(kinds)


def _sensor_place(asked: PerceptionSensorSettings, field: str) -> "SensorPlace | None":
    from wayside_agent.core.perception.place import SensorPlace

    degrees = _pair(asked.latitude_deg, asked.longitude_deg, field)
    return None if degrees is None else SensorPlace(*degrees, asked.elevation_m, asked.heading_deg)


def _places(unit: Settings, sensing: Sensing, surveyed: Callable[[], Degrees | None]) -> "Callable[[], Place | None]":
    """Where the unit stands: by its settings, else by the node's configuration, else by its receiver.

    Raises: InvalidArgumentError: half a place.
    """
    from wayside_agent.core.perception.place import place_of

    asked = unit.v2x.perception
    assert asked is not None  # noqa: S101  # for the type; `eyes` has looked
    own, elevation_m = _pair(asked.latitude_deg, asked.longitude_deg, _FIELD), asked.elevation_m

    def place() -> "Place | None":
        degrees = own or surveyed() or _received(sensing)
        return None if degrees is None else place_of(*degrees, elevation_m)

    return place


def _pair(latitude_deg: float | None, longitude_deg: float | None, field: str) -> Degrees | None:
    if latitude_deg is not None and longitude_deg is not None:
        return latitude_deg, longitude_deg
    if latitude_deg is not None or longitude_deg is not None:
        raise InvalidArgumentError(f"{field}: give both latitude_deg and longitude_deg, or neither")
    return None


def _received(sensing: Sensing) -> Degrees | None:
    fix = None if sensing.gnss is None else sensing.gnss.newest_with_position
    return None if fix is None or fix.position is None else (fix.position.latitude_deg, fix.position.longitude_deg)
