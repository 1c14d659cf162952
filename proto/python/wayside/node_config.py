"""What may be set on a node from afar: names, types, bounds and defaults, in one place for both programs.

The agent decodes by these types, a release publishes their JSON schema, the manager checks by the schema of the
version a node runs. A configuration crosses the wire and is hashed as canonical JSON; what is absent takes the default.

    config = decoded(b'{"report_period_s":30}')        # strict: unknown names and values out of range are refused
    config, problems = lenient(b'{"report_period_s":0}')        # takes what it may, and says what it left out
    canonical({"report_period_s": 30}) == b'{"report_period_s":30}'
"""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, get_args, get_origin

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wayside.errors import InvalidArgumentError

MAX_BYTES = 1024 * 1024
"""Of one configuration: a hundred times what 1,000 signals need; more would stop a loop while it is checked."""
MAX_PROBLEM_COUNT = 20
"""Told of one configuration: enough to correct it; one with a million mistakes must not make a million words."""
SECONDS_PER_HOUR = 3600.0
_SHOWN_CHARS = 80  # of a name in a sentence

# Patterns mean the same to Python and to ECMA 262: no `\w` or `\s`, and an end that no newline may follow.
_END = r"$(?!\n)"
_CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_FILE_NAME = rf"^([^./\\{_CONTROLS}][^/\\{_CONTROLS}]{{0,254}})?{_END}"
_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_NAME = "[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9.])?"
_IPV6 = r"[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,7}(\.[0-9]{1,3}){0,3}(%[A-Za-z0-9._-]{1,15})?"
_PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"

FileName: TypeAlias = Annotated[str, Meta(pattern=_FILE_NAME)]
BusName: TypeAlias = Annotated[str, Meta(pattern=rf"^[a-z0-9_-]{{1,32}}{_END}")]
CheckName: TypeAlias = Annotated[str, Meta(pattern=rf"^[a-z0-9_.-]{{1,80}}{_END}")]
SignalName: TypeAlias = Annotated[str, Meta(pattern=rf"^{_IDENTIFIER}\.{_IDENTIFIER}{_END}", max_length=255)]
CanId: TypeAlias = Annotated[str, Meta(pattern=rf"^([0-7][0-9A-Fa-f]{{2}}|[01][0-9A-Fa-f]{{7}}){_END}")]
ReadingName: TypeAlias = Annotated[
    str, Meta(pattern=rf"^([A-Za-z0-9_-]{{1,64}}(\.[A-Za-z0-9_-]{{1,64}}){{1,4}})?{_END}")
]
Load: TypeAlias = Literal["telemetry", "decode", "downloads", "uploads"]
Host: TypeAlias = Annotated[str, Meta(pattern=rf"^({_NAME}|{_IPV6})?{_END}")]
Address: TypeAlias = Annotated[str, Meta(pattern=rf"^(({_NAME}|\[{_IPV6}\]):{_PORT})?{_END}")]
Interface: TypeAlias = Annotated[str, Meta(pattern=rf"^([A-Za-z0-9][A-Za-z0-9._-]{{0,14}})?{_END}")]  # IFNAMSIZ
Topic: TypeAlias = Annotated[str, Meta(pattern=rf"^[^+#/{_CONTROLS}][^+#{_CONTROLS}]{{0,254}}{_END}")]  # no wildcards
UserName: TypeAlias = Annotated[str, Meta(pattern=rf"^[^{_CONTROLS}]{{0,255}}{_END}")]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of a configuration."""


class ManagerConfig(_Part, frozen=True, kw_only=True):
    """Where the manager is."""

    device_address: Annotated[
        Address, Meta(description="Device plane, `host:port`. Empty: the one in the unit's settings.")
    ] = ""


class CanBusConfig(_Part, frozen=True, kw_only=True):
    """What to decode on one bus, and what is expected of it."""

    database_name: Annotated[
        FileName,
        Meta(description="DBC file inside the unit's database directory. Empty: count frames, decode nothing."),
    ] = ""
    signal_names: Annotated[
        tuple[SignalName, ...], Meta(description="`Message.Signal` names to decode. Empty: all of the database.")
    ] = ()
    bit_rate_bps: Annotated[
        int, Meta(ge=0, le=1_000_000, description="Bit rate of the bus [bit/s]. 0: not told; its load is not known.")
    ] = 0
    data_bit_rate_bps: Annotated[
        int, Meta(ge=0, le=20_000_000, description="Bit rate of the data of FD frames [bit/s]. 0: as `bit_rate_bps`.")
    ] = 0
    expected_ids: Annotated[
        dict[CanId, Annotated[float, Meta(ge=0.01, le=86_400)]],
        Meta(
            description="Ids that must come, hexadecimal, 3 digits (11 bits) or 8 (29 bits), with their longest "
            "silence [s]."
        ),
    ] = {}


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
    username: Annotated[UserName, Meta(description="User at the broker. Empty: none.")] = ""
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
    allow_on_battery: Annotated[
        bool, Meta(description="Whether a release may be installed while the unit runs on its battery.")
    ] = True
    min_battery_ratio: Annotated[
        float, Meta(ge=0, le=1, description="Charge that is needed to install on a battery, 0 to 1.")
    ] = 0.3
    min_input_volts: Annotated[
        float, Meta(ge=0, le=1000, description="Voltage at the input that is needed to install [V]. 0: any.")
    ] = 0.0
    max_temperature_celsius: Annotated[
        float,
        Meta(
            ge=-40,
            le=150,
            description="Above this nothing is installed; computer and cabinet [degree Celsius].",
        ),
    ] = 90.0
    min_temperature_celsius: Annotated[
        float,
        Meta(
            ge=-100,
            le=50,
            description="Below this nothing is installed; computer and cabinet [degree Celsius].",
        ),
    ] = -40.0
    max_speed_mps: Annotated[
        float, Meta(ge=0, le=100, description="Faster than this a vehicle moves, and nothing is installed [m/s].")
    ] = 0.5
    speed_reading: Annotated[
        ReadingName, Meta(description="Reading that tells the speed [m/s], with the unit `km/h` in that.")
    ] = ""
    gear_reading: Annotated[ReadingName, Meta(description="Reading that tells the gear. Empty: nothing does.")] = ""
    park_value: Annotated[
        float, Meta(ge=-1e9, le=1e9, description="What the reading of the gear says when it is P.")
    ] = 0.0
    min_free_bytes: Annotated[int, Meta(ge=0, le=2**53, description="Space that must be left to install [byte].")] = (
        30_000_000
    )


class LimitConfig(_Part, frozen=True, kw_only=True):
    """Where a measured value becomes worse; what is absent stays as it comes with the agent."""

    degraded_above: Annotated[float | UnsetType, Meta(description="Degraded above this, in the unit of the check.")] = (
        UNSET
    )
    failed_above: Annotated[float | UnsetType, Meta(description="Failed above this.")] = UNSET
    degraded_below: Annotated[float | UnsetType, Meta(description="Degraded below this.")] = UNSET
    failed_below: Annotated[float | UnsetType, Meta(description="Failed below this.")] = UNSET
    margin: Annotated[
        Annotated[float, Meta(ge=0, le=1e9)] | UnsetType,
        Meta(description="How far inside its limit a value must be again before the check is better."),
    ] = UNSET


class PlaceConfig(_Part, frozen=True, kw_only=True):
    """Where a unit stands, surveyed; its receiver is held against it."""

    latitude_degrees: Annotated[
        float, Meta(ge=-90, le=90, description="Latitude, WGS 84, north positive [degree].")
    ] = 0.0
    longitude_degrees: Annotated[
        float, Meta(ge=-180, le=180, description="Longitude, WGS 84, east positive [degree].")
    ] = 0.0
    radius_m: Annotated[
        float,
        Meta(ge=0, le=100_000, description="How far the receiver may tell it is from there [m]. 0: not surveyed."),
    ] = 0.0


class ReadingsConfig(_Part, frozen=True, kw_only=True):
    """Which readings of the unit's sensors tell of its power and its cabinet, as `feed.SENSOR.FIELD`."""

    temperature_celsius: Annotated[ReadingName, Meta(description="Air in the cabinet [degree Celsius].")] = ""
    humidity_ratio: Annotated[
        ReadingName, Meta(description="Relative humidity, 0 to 1; with the unit `%` 0 to 100.")
    ] = ""
    door_open: Annotated[ReadingName, Meta(description="Door contact; not 0: open.")] = ""
    leak: Annotated[ReadingName, Meta(description="Water sensor; not 0: wet.")] = ""
    fan_rpm: Annotated[ReadingName, Meta(description="Fan [1/min].")] = ""
    input_v: Annotated[ReadingName, Meta(description="Voltage at the input [V]; with the unit `mV` thousandths.")] = ""
    on_battery: Annotated[ReadingName, Meta(description="Not 0: the unit runs on its battery.")] = ""
    battery_ratio: Annotated[
        ReadingName, Meta(description="Charge of the battery, 0 to 1; with the unit `%` 0 to 100.")
    ] = ""


class HealthConfig(_Part, frozen=True, kw_only=True):
    """How the unit judges itself."""

    limits: Annotated[
        dict[CheckName, LimitConfig],
        Meta(
            description="Limits by check, such as `environment.temperature`; of buses without their names, `can.load`."
        ),
    ] = {}
    place: Annotated[PlaceConfig, Meta(description="Where the unit stands.")] = PlaceConfig()
    readings: Annotated[
        ReadingsConfig, Meta(description="Readings that tell of power and cabinet. Empty: what the computer tells.")
    ] = ReadingsConfig()
    reading_age_max_s: Annotated[
        float, Meta(ge=1, le=86_400, description="Readings that are older tell nothing any more [s].")
    ] = 120.0


class DeratingRuleConfig(_Part, frozen=True, kw_only=True):
    """When to do without loads; what a rule gives must all be so."""

    temperature_above_celsius: Annotated[
        float | UnsetType, Meta(description="It is hotter than this [degree Celsius].")
    ] = UNSET
    temperature_below_celsius: Annotated[
        float | UnsetType, Meta(description="It is colder than this [degree Celsius].")
    ] = UNSET
    temperature_of: Annotated[
        Literal["cabinet", "processor"], Meta(description="Whose temperature: `cabinet` or `processor`.")
    ] = "cabinet"
    margin_celsius: Annotated[
        float, Meta(ge=0, le=50, description="How far inside the limit it must be again [degree Celsius].")
    ] = 5.0
    on_battery: Annotated[bool, Meta(description="The unit runs on its battery.")] = False
    battery_below_ratio: Annotated[
        float, Meta(ge=0, le=1, description="The charge of the battery is below this, 0 to 1. 0: whatever it is.")
    ] = 0.0
    hold_s: Annotated[
        float, Meta(ge=0, le=SECONDS_PER_HOUR, description="How long it must be so, or not so any more [s].")
    ] = 30.0
    load_count: Annotated[
        int, Meta(ge=0, le=4, description="How many loads of the order it sheds at most. 0: all.")
    ] = 0


class DeratingConfig(_Part, frozen=True, kw_only=True):
    """What to do without when it is too hot or the supply is gone, and in which order."""

    order: Annotated[
        tuple[Load, ...],
        Meta(
            description="Loads to shed, first first: `telemetry` (sampling stops), `decode` (frames are counted only), "
            "`downloads` (updates wait), `uploads` (files of jobs wait). Empty: none."
        ),
    ] = ()
    rules: Annotated[
        dict[CheckName, DeratingRuleConfig], Meta(description="When, by names of your choice; any of them is enough.")
    ] = {}
    settle_s: Annotated[
        float, Meta(ge=1, le=SECONDS_PER_HOUR, description="Time between two loads, down and up [s].")
    ] = 60.0


class JobsConfig(_Part, frozen=True, kw_only=True):
    """How jobs are done."""

    upload_max_bytes_per_s: Annotated[
        int,
        Meta(ge=0, le=2**53, description="Upper bound of the rate at which jobs bring files [byte/s]. 0: unlimited."),
    ] = 256 * 1024


class NodeConfig(_Part, frozen=True, kw_only=True):
    """Everything that may be set on a node from afar."""

    report_period_s: Annotated[
        float, Meta(ge=1, le=SECONDS_PER_HOUR, description="Time between health reports [s].")
    ] = 30.0
    manager: Annotated[ManagerConfig, Meta(description="Where the manager is.")] = ManagerConfig()
    can: Annotated[CanConfig, Meta(description="What to read from the CAN buses.")] = CanConfig()
    telemetry: Annotated[TelemetryConfig, Meta(description="What to publish, where and how often.")] = TelemetryConfig()
    update: Annotated[UpdateConfig, Meta(description="How updates are fetched and proven.")] = UpdateConfig()
    health: Annotated[HealthConfig, Meta(description="How the unit judges itself.")] = HealthConfig()
    jobs: Annotated[JobsConfig, Meta(description="How jobs are done.")] = JobsConfig()
    derating: Annotated[
        DeratingConfig, Meta(description="What to do without when it is too hot or the supply is gone.")
    ] = DeratingConfig()


def canonical(config: Mapping[str, Any]) -> bytes:
    """A configuration as it crosses the wire: UTF-8 JSON, keys sorted, no spaces. Equal ones give equal bytes.

    Raises: InvalidArgumentError: what JSON has no word for: not-a-number, infinity, half a surrogate pair, a cycle.
    """
    try:
        return json.dumps(
            _plain(config), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode()
    except (ValueError, TypeError, RecursionError) as error:  # of which UnicodeEncodeError is one
        raise InvalidArgumentError(
            f"configuration: is no JSON ({error}); correct it", reason="CONFIG_INVALID"
        ) from error


def decoded(content: bytes) -> NodeConfig:
    """The configuration in canonical JSON; absent values take the defaults.

    Raises: InvalidArgumentError: too large, no JSON, an unknown name, or a value out of range; it names the fields.
    """
    config, problems = lenient(content)
    if problems:
        raise InvalidArgumentError("; ".join(problems), reason="CONFIG_INVALID")
    return config


def lenient(content: bytes) -> tuple[NodeConfig, tuple[str, ...]]:
    """Every known and valid value of a configuration, and what is wrong with the rest, one sentence each, 20 at most.

    A list is taken whole or not at all. What is left out takes the default.
    """
    if len(content) > MAX_BYTES:
        return NodeConfig(), (f"configuration: {len(content)} bytes are more than {MAX_BYTES}; name fewer signals",)
    try:
        try:
            return msgspec.json.decode(content, type=NodeConfig), ()
        except msgspec.ValidationError:
            document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return NodeConfig(), (f"configuration: is no JSON ({error})",)
    problems: list[str] = []
    config = _part(document, NodeConfig, "", problems)
    return config, tuple(islice(problems, MAX_PROBLEM_COUNT))


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of NodeConfig, as a release publishes it."""
    return msgspec.json.schema(NodeConfig) | {"$schema": "https://json-schema.org/draft/2020-12/schema"}


def _plain(value: Any) -> Any:  # noqa: ANN401  # any JSON
    """The same JSON with whole numbers as such: 30.0 is 30, and must hash as it."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


_Struct = TypeVar("_Struct", bound=msgspec.Struct)


def _part(value: Any, kind: type[_Struct], path: str, problems: list[str]) -> _Struct:  # noqa: ANN401  # any JSON
    if not isinstance(value, dict):
        problems.append(f"{path or 'configuration'}: is no object")
        return kind()
    kinds = {field.name: field.type for field in msgspec.structs.fields(kind)}
    problems += [f"{_joined(path, name)}: there is no such setting" for name in value if name not in kinds]
    known = {
        name: taken
        for name, each in value.items()
        if name in kinds
        for taken in _taken(each, kinds[name], _joined(path, name), problems)
    }
    return kind(**known)


def _taken(value: Any, kind: Any, path: str, problems: list[str]) -> Iterator[Any]:  # noqa: ANN401  # any JSON
    """The value as its type, or nothing."""
    bare = get_args(kind)[0] if hasattr(kind, "__metadata__") else kind
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        yield _part(value, bare, path, problems)
    elif get_origin(bare) is dict and isinstance(value, dict):
        name_kind, each_kind = get_args(bare)
        yield {
            name: taken
            for name, each in value.items()
            for _ in _taken(name, name_kind, _joined(path, name), problems)
            for taken in _taken(each, each_kind, _joined(path, name), problems)
        }
    else:
        try:
            yield msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            problems.append(f"{path}: {_explained(error)}")


def _explained(error: msgspec.ValidationError) -> str:
    """What msgspec said, without an expression to decipher."""
    text = str(error).partition(" - at ")[0].replace("`", "").replace("Expected", "must be")
    return "has a form that is not allowed; see the schema" if "matching regex" in text else text


def _joined(path: str, name: str) -> str:
    shown = name[:_SHOWN_CHARS]
    return f"{path}.{shown}" if path else shown
