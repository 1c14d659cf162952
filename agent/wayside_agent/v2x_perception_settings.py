"""Settings of the sensors whose objects a roadside unit broadcasts, `[v2x.perception]`."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Latitude = Annotated[float, Meta(ge=-90, le=90, description="Latitude, WGS 84 [°].")]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="Longitude, WGS 84 [°].")]
Elevation = Annotated[float, Meta(ge=-409, le=6143, description="Above the ellipsoid WGS 84 [m].")]
SensorName = Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,32}$")]


class PerceptionSensorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sensor. Its place is needed where its objects come in metres."""

    latitude_deg: Latitude | None = None
    longitude_deg: Longitude | None = None
    elevation_m: Elevation | None = None
    heading_deg: Annotated[
        float,
        Meta(ge=0, lt=360, description="Where its y axis looks, clockwise from true north [°]; 0: x east, y north."),
    ] = 0.0
    source: Annotated[
        Literal["unknown", "v2x", "video", "radar", "loop", "lidar", "integrated"],
        Meta(description="How it sees, where its objects do not say."),
    ] = "unknown"


class PerceptionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Objects that sensors publish at `v2x.local_broker`, broadcast as RSM."""

    topics: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=512)], ...],
        Meta(min_length=1, max_length=16, description="MQTT topic filters the sensors' documents come by."),
    ] = ("wayside/perception/+",)
    format: Annotated[
        Literal["json", "protobuf"],
        Meta(description="JSON, or `PerceptionDocument` of proto/wayside/v1/perception.proto."),
    ] = "json"
    messages: Annotated[
        tuple[Literal["rsm", "ssm"], ...],
        Meta(min_length=1, max_length=2, description="What goes out. SSM of phase 2 is not confirmed, see the guide."),
    ] = ("rsm",)
    ssm_application_id: Annotated[int, Meta(ge=0, le=270_549_119, description="AID of SSM; needed with it.")] | None = (
        None
    )
    sensors: Annotated[
        dict[SensorName, PerceptionSensorSettings],
        Meta(max_length=16, description="Sensors by the id in their documents; others are refused. Empty: any."),
    ] = {}
    latitude_deg: Latitude | None = None
    longitude_deg: Longitude | None = None
    elevation_m: Elevation | None = None
    rsu_id: Annotated[
        str,
        Meta(
            pattern=r"^(|[0-9a-fA-F]{16})$",
            description="Id in the messages, 16 hexadecimal digits. Empty: the last 8 characters of `node.esn`.",
        ),
    ] = ""
    stale_s: Annotated[
        float, Meta(ge=0.1, le=5, description="Age at which an object is not broadcast any more [s].")
    ] = 0.5
    silent_s: Annotated[
        float, Meta(ge=0.5, le=3600, description="Time without a document after which a sensor is silent [s].")
    ] = 2.0
    max_documents_per_s: Annotated[
        int,
        Meta(ge=1, le=1000, description="Documents of all sensors that are looked into [1/s]; the rest is counted."),
    ] = 100
    max_participants: Annotated[
        int, Meta(ge=1, le=1024, description="Objects that go out in 100 ms; if there are more, the nearest do.")
    ] = 256
