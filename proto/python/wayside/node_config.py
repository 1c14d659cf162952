"""What may be set on a node from afar: names, types, bounds and defaults, in one place for both programs.

The agent decodes by these types, a release publishes their JSON schema, the manager checks by the schema of the version a
node runs. A configuration crosses the wire and is hashed as canonical JSON; what is absent takes the default.

    config = decoded(b'{"report_period_s":30}')        # strict: unknown names and values out of range are refused
    canonical({"report_period_s": 30}) == b'{"report_period_s":30}'
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from wayside.errors import InvalidArgumentError

MAX_BYTES = 1024 * 1024
"""Of one configuration: a hundred times what 1,000 signals need; more would stop a loop while it is checked."""
SECONDS_PER_HOUR = 3600.0

_FILE_NAME = r"^([A-Za-z0-9_][^/\\\x00-\x1f]{0,254})?$"
FileName: TypeAlias = Annotated[str, Meta(pattern=_FILE_NAME)]
BusName: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,32}$")]
SignalName: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z_]\w*\.[A-Za-z_]\w*$", max_length=255)]
Host: TypeAlias = Annotated[str, Meta(pattern=r"^([A-Za-z0-9:][A-Za-z0-9.:_-]{0,252})?$")]
Address: TypeAlias = Annotated[str, Meta(pattern=r"^([^\s/]{1,253}:[0-9]{1,5})?$")]
Interface: TypeAlias = Annotated[str, Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,14})?$")]  # IFNAMSIZ
Topic: TypeAlias = Annotated[str, Meta(pattern=r"^[^+#/\x00-\x1f][^+#\x00-\x1f]{0,254}$")]  # no wildcards


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of a configuration."""


class ManagerConfig(_Part, frozen=True, kw_only=True):
    """Where the manager is."""

    device_address: Annotated[
        Address, Meta(description="Device plane, `host:port`. Empty: the one in the unit's settings.")
    ] = ""


class CanBusConfig(_Part, frozen=True, kw_only=True):
    """What to decode on one bus."""

    database_name: Annotated[
        FileName,
        Meta(description="DBC file inside the unit's database directory. Empty: count frames, decode nothing."),
    ] = ""
    signal_names: Annotated[
        tuple[SignalName, ...], Meta(description="`Message.Signal` names to decode. Empty: all of the database.")
    ] = ()


class CanConfig(_Part, frozen=True, kw_only=True):
    """What to read from the CAN buses."""

    buses: Annotated[
        dict[BusName, CanBusConfig],
        Meta(description="By the names in the unit's settings; buses that are not named here are counted only."),
    ] = {}


class TelemetryConfig(_Part, frozen=True, kw_only=True):
    """What to publish over MQTT, where and how often."""

    broker_host: Annotated[Host, Meta(description="Host name or address of the broker. Empty: publish nothing.")] = ""
    broker_port: Annotated[
        int, Meta(ge=0, le=65535, description="TCP port of the broker. 0: 8883 with TLS, 1883 without.")
    ] = 0
    broker_plaintext: Annotated[
        bool, Meta(description="Speak plain MQTT: only for a broker on the unit itself or in tests.")
    ] = False
    interface: Annotated[
        Interface, Meta(description="Network interface the connection to the broker leaves by. Empty: any.")
    ] = ""
    username: Annotated[str, Meta(max_length=255, description="User at the broker. Empty: none.")] = ""
    password_secret: Annotated[
        FileName,
        Meta(
            description="Name of a secret on the unit, a file in its secrets directory: the password at the broker. "
            "The value itself is never configuration.",
            extra_json_schema={"x-wayside-secret": True},
        ),
    ] = ""
    topic_prefix: Annotated[
        Topic, Meta(description="Topic prefix; batches go to `{topic_prefix}/{node}/telemetry`.")
    ] = "wayside/v1"
    publish_period_s: Annotated[float, Meta(ge=0.1, le=SECONDS_PER_HOUR, description="Time between batches [s].")] = (
        10.0
    )
    sample_period_s: Annotated[
        float, Meta(ge=0.01, le=SECONDS_PER_HOUR, description="Shortest time between two samples of one signal [s].")
    ] = 1.0

    @property
    def port(self) -> int:
        """The TCP port to use."""
        return self.broker_port or (1883 if self.broker_plaintext else 8883)


class UpdateConfig(_Part, frozen=True, kw_only=True):
    """How updates are fetched and proven."""

    max_download_bytes_per_s: Annotated[
        int, Meta(ge=0, le=2**53, description="Upper bound of the download rate [byte/s]. 0: unlimited.")
    ] = 0
    health_gate_timeout_s: Annotated[
        float,
        Meta(ge=5, le=SECONDS_PER_HOUR, description="How long a provisional release has to pass its health gate [s]."),
    ] = 120.0


class NodeConfig(_Part, frozen=True, kw_only=True):
    """Everything that may be set on a node from afar."""

    report_period_s: Annotated[
        float, Meta(ge=1, le=SECONDS_PER_HOUR, description="Time between health reports [s].")
    ] = 30.0
    manager: Annotated[ManagerConfig, Meta(description="Where the manager is.")] = ManagerConfig()
    can: Annotated[CanConfig, Meta(description="What to read from the CAN buses.")] = CanConfig()
    telemetry: Annotated[TelemetryConfig, Meta(description="What to publish, where and how often.")] = TelemetryConfig()
    update: Annotated[UpdateConfig, Meta(description="How updates are fetched and proven.")] = UpdateConfig()


def canonical(config: Mapping[str, Any]) -> bytes:
    """A configuration as it crosses the wire: UTF-8 JSON, keys sorted, no spaces. Equal ones give equal bytes."""
    return json.dumps(config, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def decoded(content: bytes) -> NodeConfig:
    """The configuration in canonical JSON; absent values take the defaults.

    Raises: InvalidArgumentError: too large, no JSON, an unknown name, or a value out of range; it names the field.
    """
    if len(content) > MAX_BYTES:
        raise InvalidArgumentError(
            f"configuration: {len(content)} bytes are more than {MAX_BYTES}; name fewer signals",
            reason="CONFIG_INVALID",
        )
    try:
        return msgspec.json.decode(content, type=NodeConfig)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgumentError(f"configuration: {error}", reason="CONFIG_INVALID") from error


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of NodeConfig, as a release publishes it."""
    return msgspec.json.schema(NodeConfig) | {"$schema": "https://json-schema.org/draft/2020-12/schema"}
