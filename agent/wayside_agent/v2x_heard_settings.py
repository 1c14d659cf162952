"""Settings of what a unit passes on of the messages it hears, `[[v2x.subscriptions]]`."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

_Degrees = Annotated[float, Meta(ge=-180, le=180)]


class HeardFilter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What passes; every condition that is given must hold."""

    area: Annotated[
        tuple[_Degrees, _Degrees, _Degrees, _Degrees] | None,
        Meta(description="South, west, north, east of a box, WGS 84 [°]. Only BSM say where they are."),
    ] = None
    min_speed_mps: Annotated[float, Meta(ge=0, description="Slowest sender [m/s].")] | None = None
    max_speed_mps: Annotated[float, Meta(ge=0, description="Fastest sender [m/s].")] | None = None
    application_ids: Annotated[
        tuple[Annotated[int, Meta(ge=0)], ...], Meta(description="AIDs, such as 111 and 112 for BSM. Empty: any.")
    ] = ()


class SubscriptionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Messages of one kind that are published at a broker, by the sampling rules of T/ITS 0117."""

    topic: Annotated[
        str, Meta(pattern=r"^[^+#\x00]{1,512}$", description="MQTT topic; `{node}` becomes the node's id.")
    ]
    kind: Annotated[Literal["BSM", "MAP", "RSM", "SPAT", "RSI"], Meta(description="Which messages.")] = "BSM"
    mode: Annotated[
        Literal["ByAll", "ByID"], Meta(description="Whether `one_in` and `limit_per_s` count over all, or per sender.")
    ] = "ByAll"
    one_in: Annotated[int, Meta(ge=1, le=10_000, description="Every n-th message is taken; 1: each.")] = 1
    limit_per_s: (
        Annotated[int, Meta(ge=0, le=10_000, description="Most a second (upLimit); 0: none. Absent: no limit.")] | None
    ) = None
    filters: Annotated[
        tuple[HeardFilter, ...], Meta(description="A message passes if one of them lets it; none: all do.")
    ] = ()
    format: Annotated[
        Literal["raw", "decoded", "both"],
        Meta(description="UPER bytes, a JSON document, or a JSON document with the bytes in hex."),
    ] = "decoded"
    broker: Annotated[
        Literal["local", "site"],
        Meta(description="`v2x.local_broker`, or the telemetry broker that the node's configuration names."),
    ] = "local"


class LocalBrokerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The MQTT broker on the unit itself, in plain text."""

    host: Annotated[str, Meta(min_length=1, description="Host name or address.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65_535, description="TCP port.")] = 1883
    username: Annotated[str, Meta(description="User; empty: none.")] = ""
    password_secret: Annotated[
        str,
        Meta(pattern=r"^[A-Za-z0-9._-]{0,64}$", description="File in `secrets_dir` with its password."),
    ] = ""
