"""Settings of the centres of T/ITS 0117 an RSU speaks to, `[v2x.platforms.<name>]`."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wayside_agent.core.platform.heartbeat import heartbeat_fault
from wayside_agent.core.platform.topics import Templates
from wayside_agent.v2x_heard_settings import HeardFilter

MAX_PLATFORMS = 4

PlatformName = Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$")]
PemFile = Annotated[str, Meta(pattern=r"^(|/.*)$")]


class UpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Messages of one kind that a platform gets, by the sampling rules of T/ITS 0117."""

    kind: Annotated[Literal["BSM", "MAP", "RSM", "SPAT", "RSI"], Meta(description="Which messages; each kind once.")]
    origin: Annotated[
        Literal["heard", "own", "both"], Meta(description="Those the unit hears, those it broadcasts, or both.")
    ] = "both"
    mode: Annotated[
        Literal["ByAll", "ByID"], Meta(description="Whether `one_in` and `limit_per_s` count over all, or per sender.")
    ] = "ByAll"
    one_in: Annotated[int, Meta(ge=1, le=10_000, description="Every n-th message is taken; 1: each.")] = 1
    limit_per_s: (
        Annotated[int, Meta(ge=0, le=10_000, description="Most a second (upLimit); 0: none. Absent: no limit.")] | None
    ) = 10
    filters: Annotated[
        tuple[HeardFilter, ...], Meta(description="A message passes if one of them lets it; none: all do.")
    ] = ()


class PlatformSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One platform. It gets what `up` names, and may do what `allow` names; nothing else."""

    host: Annotated[str, Meta(min_length=1, description="Host name or address of its MQTT broker.")]
    port: Annotated[int, Meta(ge=0, le=65_535, description="TCP port; 0: 8883, without TLS 1883.")] = 0
    tls: Annotated[
        bool, Meta(description="Speak TLS. False only where the way to the broker is the operator's own.")
    ] = True
    ca_file: Annotated[PemFile, Meta(description="Its authorities, PEM, absolute path. Empty: the system's.")] = ""
    certificate_file: Annotated[PemFile, Meta(description="The unit's certificate there, PEM. Empty: none.")] = ""
    key_file: Annotated[PemFile, Meta(description="Its key.")] = ""
    mqtt_version: Annotated[
        Literal["5", "3.1.1"],
        Meta(description="3.1.1 for a broker that knows nothing newer: it is not told how long a message may be."),
    ] = "5"
    username: Annotated[str, Meta(max_length=256, description="User; empty: none.")] = ""
    password_secret: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9._-]{0,64}$", description="File in `secrets_dir` with the password.")
    ] = ""
    client_id: Annotated[
        str, Meta(max_length=64, description="MQTT client id. Empty: node id and name of the platform.")
    ] = ""
    rsu_id: Annotated[str, Meta(max_length=64, description="rsuId there. Empty: the node's id.")] = ""
    rsu_name: Annotated[str, Meta(max_length=64, description="rsuName there. Empty: the node's id.")] = ""
    topic: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=512,
            description="Topics: `{rsu_id}`, `{esn}`, and `{message}`, which becomes `MAP/DOWN/ACK`.",
        ),
    ] = "V2X/RSU/{esn}/{message}"
    delimiter: Annotated[Literal["/", "."], Meta(description="Between the parts of `{message}`.")] = "/"
    topics: Annotated[
        dict[str, str], Meta(description="Topics of single messages, by their names in the standard (`MAP.DOWN`).")
    ] = {}
    codec: Annotated[
        Literal["json", "binary", "protobuf"],
        Meta(
            description="JSON; JSON with V2X messages up as packets of id, time and length; or `PlatformMessage` of "
            "proto/wayside/v1/platform.proto."
        ),
    ] = "json"
    up: Annotated[tuple[UpSettings, ...], Meta(max_length=5, description="V2X messages that go up. Empty: none.")] = ()
    allow: Annotated[
        tuple[Literal["query", "log", "map", "rsi", "rsm", "spat", "sampling", "rates", "reboot", "update"], ...],
        Meta(
            description="What it may do: ask (`query`), read the log, have messages broadcast (`map`, `rsi`, `rsm`, "
            "`spat`), get less than `up` gives (`sampling`), set periods (`rates`), restart the computer (`reboot`), "
            "have the manager's operators told that it wants an update (`update`)."
        ),
    ] = ()
    heartbeat_period_s: Annotated[float, Meta(ge=1, le=86_400, description="Between two HB [s].")] = 60.0
    ttl_s: Annotated[
        float,
        Meta(ge=2, le=864_000, description="After this silence the platform takes the unit for dead [s]; ask there."),
    ] = 180.0
    running_info_period_s: Annotated[
        float, Meta(ge=0, le=86_400, description="Between two RunningInfo [s]; 0: none.")
    ] = 60.0
    ack_timeout_s: Annotated[
        float, Meta(ge=0.1, le=600, description="Patience for an acknowledgement [s]; it doubles with each of 5 tries.")
    ] = 10.0

    def __post_init__(self) -> None:
        """Raises ValueError: fields contradict each other."""
        if fault := heartbeat_fault(self.heartbeat_period_s, self.ttl_s):
            raise ValueError(f"heartbeat_period_s: {fault} (ttl_s)")
        if len({each.kind for each in self.up}) < len(self.up):
            raise ValueError("up: names a kind twice")
        self.templates().check()

    def templates(self) -> Templates:
        """How its topics are written."""
        return Templates(self.topic, self.delimiter, self.topics)
