"""What only the unit can judge of a configuration."""

import pytest

from wayside.node_config import NodeConfig, decoded
from wayside_agent.core.desired import MAX_PROBLEM_COUNT, problems


def found(config: NodeConfig) -> tuple[str, ...]:
    return problems(config, bus_names=("body", "drive"), databases=("body.dbc",), secrets=("broker",))


def test_the_defaults_fit_every_unit() -> None:
    assert problems(NodeConfig(), bus_names=(), databases=(), secrets=()) == ()


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
    ],
    ids=["bus", "database", "secret", "name"],
)
def test_each_problem_names_its_field(content: bytes, expected: str) -> None:
    (problem,) = found(decoded(content))
    assert expected in problem


def test_every_problem_is_told_at_once_but_not_a_million() -> None:
    buses = ",".join(f'"b{index}":{{}}' for index in range(1000))
    assert len(found(decoded(f'{{"can":{{"buses":{{{buses}}}}}}}'.encode()))) == MAX_PROBLEM_COUNT
