"""What may be set on a node from afar: defaults, bounds, and what changes between two configurations.

A configuration is checked whole before anything of it is applied; each problem is one sentence that names the field.
Usage: `problems(config, bus_names=("body",))` is empty when the unit can run it.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice

SECONDS_PER_HOUR = 3600.0
MAX_PORT = 65535
MAX_NAME_LENGTH = 255
MAX_PROBLEM_COUNT = 20  # enough to correct a configuration; one with a million mistakes must not make a million words


@dataclass(frozen=True, slots=True)
class CanBusConfig:
    """What to decode on one bus."""

    name: str
    database_name: str = ""
    """DBC file inside the unit's database directory; empty: count only."""
    signal_names: tuple[str, ...] = ()
    """`Message.Signal`; empty: every signal of the database."""


@dataclass(frozen=True, slots=True)
class TelemetryConfig:
    """What to publish, where and how often."""

    broker_host: str = ""
    """Empty: publish nothing."""
    broker_port: int = 0
    """0: 8883 with TLS, 1883 without."""
    broker_plaintext: bool = False
    topic_prefix: str = "wayside/v1"
    publish_period_s: float = 10.0
    sample_period_s: float = 1.0

    @property
    def port(self) -> int:
        """The TCP port to use."""
        return self.broker_port or (1883 if self.broker_plaintext else 8883)


@dataclass(frozen=True, slots=True)
class UpdateConfig:
    """How updates are fetched and proven."""

    max_download_bytes_per_s: int = 0
    """0: unlimited."""
    health_gate_timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """Everything that may be set from afar; the defaults are what a unit runs before it is told anything."""

    report_period_s: float = 30.0
    can_buses: tuple[CanBusConfig, ...] = ()
    telemetry: TelemetryConfig = field(default_factory=TelemetryConfig)
    update: UpdateConfig = field(default_factory=UpdateConfig)


def problems(config: NodeConfig, *, bus_names: Collection[str]) -> tuple[str, ...]:
    """Why this unit cannot run a configuration, one sentence each, 20 at most; empty: it can."""
    return tuple(islice(_problems(config, bus_names), MAX_PROBLEM_COUNT))


def _problems(config: NodeConfig, bus_names: Collection[str]) -> Iterator[str]:
    yield from _outside("report_period", config.report_period_s, 1.0, SECONDS_PER_HOUR)
    yield from _bus_problems(config.can_buses, bus_names)
    yield from _telemetry_problems(config.telemetry)
    yield from _outside("update.health_gate_timeout", config.update.health_gate_timeout_s, 5.0, SECONDS_PER_HOUR)
    if config.update.max_download_bytes_per_s < 0:
        yield "update.max_download_bytes_per_second: is negative; use 0 for no limit"


def _outside(path: str, value_s: float, low_s: float, high_s: float) -> Iterator[str]:
    if not low_s <= value_s <= high_s:
        yield f"{path}: {value_s:g} s is outside {low_s:g} s to {high_s:g} s"


def _bus_problems(buses: tuple[CanBusConfig, ...], bus_names: Collection[str]) -> Iterator[str]:
    counts = Counter(bus.name for bus in buses)
    for index, bus in enumerate(buses):
        path = f"can.buses[{index}]"
        if bus.name not in bus_names:
            known = ", ".join(sorted(bus_names)) or "none"
            yield f"{path}.name: this unit has no CAN bus {bus.name[:80]!r}; its settings name: {known}"
        if counts[bus.name] > 1:
            yield f"{path}.name: bus {bus.name[:80]!r} is configured twice; merge the two entries"
        if not _is_file_name(bus.database_name):
            yield f"{path}.database_name: {bus.database_name[:80]!r} must be a plain file name, without folder"


def _telemetry_problems(telemetry: TelemetryConfig) -> Iterator[str]:
    yield from _outside("telemetry.publish_period", telemetry.publish_period_s, 0.1, SECONDS_PER_HOUR)
    yield from _outside("telemetry.sample_period", telemetry.sample_period_s, 0.01, SECONDS_PER_HOUR)
    if not 0 <= telemetry.broker_port <= MAX_PORT:
        yield f"telemetry.broker_port: {telemetry.broker_port} is outside 1 to {MAX_PORT}"
    if not _is_name(telemetry.broker_host) or " " in telemetry.broker_host:
        yield f"telemetry.broker_host: {telemetry.broker_host[:80]!r} is no host name or address"
    topic_prefix = telemetry.topic_prefix
    if any(c in topic_prefix for c in "+#") or not topic_prefix.strip("/") or not _is_name(topic_prefix):
        yield (
            f"telemetry.topic_prefix: {topic_prefix[:80]!r} must be a topic without wildcards and control characters, "
            f"1 to {MAX_NAME_LENGTH} characters"
        )


def _is_name(text: str) -> bool:
    """Whether a text is short and printable: what holds control characters, the system's calls refuse."""
    return len(text) <= MAX_NAME_LENGTH and text.isprintable()


def _is_file_name(text: str) -> bool:
    return _is_name(text) and "/" not in text and not text.startswith(".")
