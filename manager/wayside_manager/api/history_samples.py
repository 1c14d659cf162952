"""What of a stored health report counts in the history.

Usage: `sample_of(raw)`, as `services.history` reads reports.
"""

import math
from collections.abc import Iterator

from google.protobuf.message import DecodeError

from wayside.v1 import node_pb2
from wayside_manager.api.health_messages import check_facts
from wayside_manager.core.history import HealthSample, sample_time
from wayside_manager.core.node_health import judged
from wayside_manager.ports.health import RawHealth

_PERIOD_S = 30.0
_PERIOD_MAX_S = 3600.0
_OPTIONAL = (
    ("host", "cpu_ratio"),
    ("host", "memory_used_bytes"),
    ("host", "disk_free_bytes"),
    ("host", "temperature_celsius"),
    ("environment", "temperature_celsius"),
    ("environment", "humidity_ratio"),
    ("environment", "fan_revolutions_per_minute"),
    ("power", "input_volts"),
    ("power", "battery_ratio"),
    ("gnss", "hdop"),
    ("gnss", "satellite_count"),
    ("gnss", "correction_age_seconds"),
    ("radio", "channel_busy_ratio"),
    ("uplink", "acknowledge_seconds"),
    ("uplink", "reached_ratio"),
    ("uplink", "oldest_report_seconds"),
    ("time", "clock_offset_seconds"),
)
"""Quantities that are fields: part of the report, and field of the part."""
_RATE_CHECK = "radio.rate"


def sample_of(raw: RawHealth) -> HealthSample | None:
    """What one report says; `None`: it cannot be read."""
    try:
        message = node_pb2.HealthReport.FromString(raw.body)
    except DecodeError:
        return None
    at = sample_time(raw.receive_time, raw.record_time, time_quality=raw.time_quality)
    period_s = message.report_period.seconds + message.report_period.nanos / 1e9
    return HealthSample(
        time_us=round(at.timestamp() * 1e6),
        state=judged(check_facts(message.checks)).state,
        report_period_s=period_s if 0 < period_s <= _PERIOD_MAX_S else _PERIOD_S,
        quantities=dict(_quantities(message)),
    )


def _quantities(message: node_pb2.HealthReport) -> Iterator[tuple[str, float]]:
    for part_name, field in _OPTIONAL:
        if message.HasField(part_name):  # type: ignore[arg-type]  # names above
            part = getattr(message, part_name)
            if part.HasField(field) and math.isfinite(value := float(getattr(part, field))):
                yield f"{part_name}.{field}", value
    for check in message.checks:
        if check.name == _RATE_CHECK and check.HasField("value") and math.isfinite(check.value):
            yield "radio.sent_of_planned_ratio", check.value
    rates = [bus.frame_rate_hertz for bus in message.can_buses if math.isfinite(bus.frame_rate_hertz)]
    if rates:
        yield "can.frame_rate_hertz", math.fsum(rates)
