"""Bounds of every remote setting, over plain mappings; one sentence per problem, naming the field.

The bounds are those in the comments of `NodeConfig` in node.proto. What only the unit knows (its buses, its databases)
the unit checks. Usage: `problems(config)` is empty when the configuration may be handed out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from wayside_manager.core.configs import ConfigMapping

_DURATION = re.compile(r"(-?[0-9]+(?:\.[0-9]{1,9})?)s\Z")  # protobuf's JSON form of Duration
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:_-]{0,251}[A-Za-z0-9])?\Z|[0-9A-Fa-f:.]{2,45}\Z")  # name, IPv4, IPv6
_TOPIC = re.compile(r"[^+#\x00/][^+#\x00]*\Z")  # MQTT 3.1.1, 4.7: no wildcards; no empty first level
_SIGNAL = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_]\w*\Z")  # `Message.Signal`, DBC identifiers
_NAME_LENGTH = 255
_MAX_PORT = 65535
_DURATIONS: dict[str, tuple[float, float]] = {
    "report_period": (1.0, 3600.0),
    "telemetry.publish_period": (0.1, 3600.0),
    "telemetry.sample_period": (0.01, 3600.0),
    "update.health_gate_timeout": (5.0, 3600.0),
}
"""Field: least and greatest value [s]."""
_INTEGERS: dict[str, tuple[int, int]] = {
    "telemetry.broker_port": (1, _MAX_PORT),
    "update.max_download_bytes_per_second": (0, 2**63 - 1),
}


def problems(config: ConfigMapping) -> tuple[str, ...]:
    """Every reason why no unit can run a configuration, one sentence each. Empty: it is sound."""
    return tuple(_problems(config))


def _problems(config: ConfigMapping) -> Iterator[str]:
    for path, (low_s, high_s) in _DURATIONS.items():
        yield from _duration_problems(path, _value(config, path), low_s, high_s)
    for path, (low, high) in _INTEGERS.items():
        yield from _integer_problems(path, _value(config, path), low, high)
    host = _value(config, "telemetry.broker_host")
    if host is not None and not (isinstance(host, str) and _HOST.match(host)):
        yield f"telemetry.broker_host: {str(host)[:80]!r} is not a host name or address; leave port and scheme out"
    topic = _value(config, "telemetry.topic_prefix")
    if topic is not None and not (isinstance(topic, str) and len(topic) <= _NAME_LENGTH and _TOPIC.match(topic)):
        yield f"telemetry.topic_prefix: {str(topic)[:80]!r} is not a topic; leave '+', '#' and a leading '/' out"
    yield from _bus_problems(_value(config, "can.buses"))


def _value(config: ConfigMapping, path: str) -> object:
    value: object = config
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _duration_problems(path: str, value: object, low_s: float, high_s: float) -> Iterator[str]:
    if value is None:
        return
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None:
        yield f"{path}: {str(value)[:80]!r} is not a duration such as '30s'"
    elif not low_s <= float(match[1]) <= high_s:
        yield f"{path}: {match[1]} s is outside {low_s:g} s to {high_s:g} s"


def _integer_problems(path: str, value: object, low: int, high: int) -> Iterator[str]:
    if value is None:
        return
    try:
        number = int(str(value))  # 64-bit integers are text in protobuf's JSON form
    except ValueError:
        yield f"{path}: {str(value)[:80]!r} is not a whole number"
        return
    if not low <= number <= high:
        yield f"{path}: {number} is outside {low} to {high}"


def _bus_problems(buses: object) -> Iterator[str]:
    if buses is None:
        return
    if not isinstance(buses, Sequence):
        yield "can.buses: it is not a list"
        return
    names: set[str] = set()
    for index, bus in enumerate(buses):
        path = f"can.buses[{index}]"
        fields = bus if isinstance(bus, Mapping) else {}
        name = str(fields.get("name", ""))
        yield from _name_problems(f"{path}.name", name, names)
        names.add(name)
        yield from _database_problems(path, fields)


def _name_problems(path: str, name: str, taken: set[str]) -> Iterator[str]:
    if not name or len(name) > _NAME_LENGTH:
        yield f"{path}: a bus needs a name of 1 to {_NAME_LENGTH} characters"
    elif name in taken:
        yield f"{path}: bus {name!r} is named twice; merge the two entries"


def _database_problems(path: str, bus: Mapping[str, object]) -> Iterator[str]:
    database_name = str(bus.get("database_name", ""))
    if set(database_name) & {"/", "\\", "\0"} or database_name.startswith(".") or len(database_name) > _NAME_LENGTH:
        yield f"{path}.database_name: {database_name[:80]!r} is not a file name; leave the directory out"
    signal_names = bus.get("signal_names", ())
    if isinstance(signal_names, Sequence):
        for signal_name in signal_names:
            if not _SIGNAL.match(str(signal_name)):
                yield f"{path}.signal_names: {str(signal_name)[:80]!r} is not of the form Message.Signal"
