"""Bounds of what may be set from afar."""

import pytest

from wayside_agent.core.desired import CanBusConfig, NodeConfig, TelemetryConfig, UpdateConfig, problems

BUSES = ("body", "drive")


def test_the_defaults_fit_every_unit() -> None:
    assert problems(NodeConfig(), bus_names=()) == ()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (NodeConfig(report_period_s=0.5), "report_period: 0.5 s is outside 1 s to 3600 s"),
        (NodeConfig(can_buses=(CanBusConfig("gear"),)), "no CAN bus 'gear'; its settings name: body, drive"),
        (NodeConfig(can_buses=(CanBusConfig("body"), CanBusConfig("body"))), "configured twice"),
        (NodeConfig(can_buses=(CanBusConfig("body", "../x.dbc"),)), "can.buses[0].database_name: '../x.dbc'"),
        (NodeConfig(telemetry=TelemetryConfig(publish_period_s=0.0)), "telemetry.publish_period: 0 s is outside"),
        (NodeConfig(telemetry=TelemetryConfig(sample_period_s=9999.0)), "telemetry.sample_period: 9999 s"),
        (NodeConfig(telemetry=TelemetryConfig(broker_port=70_000)), "telemetry.broker_port: 70000"),
        (NodeConfig(telemetry=TelemetryConfig(broker_host="a b")), "telemetry.broker_host: 'a b'"),
        (NodeConfig(telemetry=TelemetryConfig(topic_prefix="x/#")), "telemetry.topic_prefix: 'x/#'"),
        (NodeConfig(update=UpdateConfig(max_download_bytes_per_s=-1)), "max_download_bytes_per_second: is negative"),
        (NodeConfig(update=UpdateConfig(health_gate_timeout_s=1)), "update.health_gate_timeout: 1 s is outside"),
    ],
)
def test_each_problem_names_its_field(config: NodeConfig, expected: str) -> None:
    assert expected in "; ".join(problems(config, bus_names=BUSES))


def test_every_problem_is_told_at_once() -> None:
    config = NodeConfig(report_period_s=0.1, can_buses=(CanBusConfig("gear"),))
    assert len(problems(config, bus_names=BUSES)) == 2


def test_the_port_follows_from_tls() -> None:
    assert TelemetryConfig().port == 8883
    assert TelemetryConfig(broker_plaintext=True).port == 1883
    assert TelemetryConfig(broker_port=5).port == 5
