"""The configuration as it crosses the wire (`wayside.v1.NodeConfig`) to what the agent decides by (`core.desired`).

Nothing is judged here but the size; bounds of the values are `core.desired.problems`.
Usage: `decoded_config(response.config)`.
"""

from google.protobuf.message import DecodeError

from wayside.errors import InvalidArgumentError
from wayside.v1 import node_pb2
from wayside_agent.core.desired import CanBusConfig, NodeConfig, TelemetryConfig, UpdateConfig

MAX_CONFIG_BYTES = 1024 * 1024  # a hundred times what 1,000 signals need; more would stop the loop while it is checked


def decoded_config(serialized: bytes) -> NodeConfig:
    """The configuration in a serialized NodeConfig; absent fields take the agent's defaults.

    Raises: InvalidArgumentError: no NodeConfig, or too large to be one.
    """
    if len(serialized) > MAX_CONFIG_BYTES:
        raise InvalidArgumentError(
            f"configuration: {len(serialized)} bytes are more than {MAX_CONFIG_BYTES}; name fewer signals"
        )
    message = node_pb2.NodeConfig()
    try:
        message.ParseFromString(serialized)
    except DecodeError as error:
        raise InvalidArgumentError("configuration: the bytes are no NodeConfig; send it again") from error
    default = NodeConfig()
    return NodeConfig(
        report_period_s=_seconds(message, "report_period", default.report_period_s),
        can_buses=tuple(
            CanBusConfig(name=bus.name, database_name=bus.database_name, signal_names=tuple(bus.signal_names))
            for bus in message.can.buses
        ),
        telemetry=_telemetry(message.telemetry, default.telemetry),
        update=UpdateConfig(
            max_download_bytes_per_s=message.update.max_download_bytes_per_second,
            health_gate_timeout_s=_seconds(message.update, "health_gate_timeout", default.update.health_gate_timeout_s),
        ),
    )


def _telemetry(message: node_pb2.TelemetryConfig, default: TelemetryConfig) -> TelemetryConfig:
    return TelemetryConfig(
        broker_host=message.broker_host,
        broker_port=message.broker_port,
        broker_plaintext=message.broker_plaintext,
        topic_prefix=message.topic_prefix or default.topic_prefix,
        publish_period_s=_seconds(message, "publish_period", default.publish_period_s),
        sample_period_s=_seconds(message, "sample_period", default.sample_period_s),
    )


def _seconds(
    message: node_pb2.NodeConfig | node_pb2.TelemetryConfig | node_pb2.UpdateConfig, field: str, default_s: float
) -> float:
    if not message.HasField(field):  # type: ignore[arg-type]  # the stubs want a literal
        return default_s
    seconds: float = getattr(message, field).ToNanoseconds() / 1e9
    return seconds
