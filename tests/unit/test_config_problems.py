"""What only the unit can judge of a configuration."""

import pytest

from wayside.node_config import NodeConfig, decoded
from wayside_agent.core.desired import MAX_PROBLEM_COUNT, problems


def found(config: NodeConfig) -> tuple[str, ...]:
    return problems(config, bus_names=("body", "drive"), databases=("body.dbc",), secrets=("broker",))


def test_the_defaults_fit_every_unit() -> None:
    assert problems(NodeConfig(), bus_names=(), databases=(), secrets=()) == ()


@pytest.mark.parametrize(
    "rule",
    [
        b'"temperature_above_celsius":60',
        b'"temperature_below_celsius":-30',
        b'"on_battery":true',
        b'"battery_below_ratio":0.3',
    ],
    ids=["hot", "cold", "battery", "empty"],
)
def test_a_rule_of_derating_needs_one_condition(rule: bytes) -> None:
    assert found(decoded(b'{"derating":{"rules":{"a":{%s}}}}' % rule)) == ()


def test_what_the_unit_has_fits_it() -> None:
    config = decoded(
        b'{"can":{"buses":{"body":{"database_name":"body.dbc"},"drive":{}}},'
        b'"telemetry":{"username":"u","password_secret":"broker"}}'
    )
    assert found(config) == ()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            b'{"can":{"buses":{"gear":{}}}}',
            "can.buses.gear: this unit has no CAN bus 'gear'; its settings name: body, ",
        ),
        (
            b'{"can":{"buses":{"body":{"database_name":"x.dbc"}}}}',
            "can.buses.body.database_name: there is no file 'x.dbc'",
        ),
        (b'{"telemetry":{"username":"u","password_secret":"x"}}', "telemetry.password_secret: there is no secret 'x'"),
        (b'{"telemetry":{"password_secret":"broker"}}', "set telemetry.username"),
        (
            b'{"telemetry":{"broker_host":"127.x","broker_plaintext":true,"username":"u","password_secret":"broker"}}',
            "telemetry.broker_plaintext: a password must not cross a network in plain text",
        ),
        (
            b'{"derating":{"order":["decode"],"rules":{"hot":{"margin_celsius":2}}}}',
            "derating.rules.'hot': says no condition",
        ),
    ],
    ids=["bus", "database", "secret", "name", "plain text", "rule"],
)
def test_each_problem_names_its_field(content: bytes, expected: str) -> None:
    (problem,) = found(decoded(content))
    assert expected in problem


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_to_a_broker_on_the_unit_a_password_may_go_in_plain_text(host: str) -> None:
    content = b'{"telemetry":{"broker_host":"%s","broker_plaintext":true,"username":"u","password_secret":"broker"}}'
    assert found(decoded(content % host.encode())) == ()


def test_every_problem_is_told_at_once_but_not_a_million() -> None:
    buses = ",".join(f'"b{index}":{{}}' for index in range(1000))
    assert len(found(decoded(f'{{"can":{{"buses":{{{buses}}}}}}}'.encode()))) == MAX_PROBLEM_COUNT
