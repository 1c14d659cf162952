"""Parsers of what roadside sensors say at the unit's broker, up to the messages made of it."""

import json
from collections.abc import Callable
from functools import partial

from tests.fuzz.engine import Target
from wayside.v1.perception_pb2 import PerceptionDocument
from wayside.v2x.codec import decode
from wayside.v2x.profile import Profile
from wayside_agent.core.perception.document import Document, DocumentError, read_json
from wayside_agent.core.perception.place import SensorPlace, place_of
from wayside_agent.core.perception.rsm import Head, chosen, rsms
from wayside_agent.core.perception.scene import Rules, Scene, SensorRules
from wayside_agent.core.perception.tracks import Tracks
from wayside_agent.link.perception_protobuf import read_protobuf

TIME_MS = 1_795_416_902_000
HEAD = Head(place_of(20.03, 110.33, 12.0), b"ESN-0001")
DEGREES = {
    "tracking_id": 7,
    "class": "car",
    "latitude_deg": 20.0301,
    "longitude_deg": 110.33,
    "elevation_m": 12.5,
    "speed_mps": 13.9,
    "heading_deg": 271.5,
    "length_m": 4.5,
    "width_m": 1.8,
    "height_m": 1.5,
    "acceleration_mps2": -1.5,
    "yaw_rate_dps": 2.5,
    "sources": ["video", "radar"],
    "position_accuracy_m": 0.3,
    "heading_accuracy_deg": 1,
    "v2x_id": "00a1b2c3d4e5f607",
}
METRES = {"tracking_id": "a81f", "class": "pedestrian", "x_m": -3.5, "y_m": 40.25, "z_m": 0.5, "time_ms": TIME_MS - 20}


def _use(read: Callable[[bytes], Document], data: bytes) -> None:
    """What is read goes on the road, and all of it on the air."""
    scene = Scene(Rules({"north": SensorRules(SensorPlace(20.03, 110.33, 12.0, 30.0))}), Tracks())
    document = read(data)
    try:
        scene.take(document, utc_s=document.time_ms / 1000, mono_s=1.0)
    except DocumentError:
        return
    for message, group in rsms(chosen(scene.fresh(1.0), HEAD.reference, max_count=64), HEAD, 0, Profile.P20):
        name, _ = decode(message, Profile.P20)
        assert name == "rsmFrame"
        assert len(group) <= 16


def _jsons() -> tuple[bytes, ...]:
    head = {"time_ms": TIME_MS, "sensor_id": "north"}
    objects: tuple[list[object], ...] = ([], [DEGREES], [METRES, DEGREES], [{**METRES, "x_m": 1e9}, DEGREES])
    return tuple(json.dumps({**head, "objects": each}).encode() for each in objects)


def _protobufs() -> tuple[bytes, ...]:
    document = PerceptionDocument(time_ms=TIME_MS, sensor_id="north")
    empty = document.SerializeToString()
    document.objects.add(
        tracking_id="7", object_class=4, latitude_deg=20.0301, longitude_deg=110.33, speed_mps=13.9, sources=[2, 3]
    )
    document.objects.add(tracking_id="8", object_class=77, x_m=float("nan"), y_m=-40.0, v2x_id="00a1b2c3d4e5f607")
    return empty, document.SerializeToString()


_WORDS = (b'"x_m"', b"1e999", b"NaN", b"-0.0", b"9" * 70, b'"class": "bus"', b"[" * 60, b"\\ud800", b"null")

TARGETS = (
    Target("document of a sensor, JSON", partial(_use, read_json), _jsons, (DocumentError,), _WORDS),
    Target("document of a sensor, protobuf", partial(_use, read_protobuf), _protobufs, (DocumentError,), _WORDS),
)
