"""What only the unit can judge of a configuration: whether it has the buses and files that are named there.

Names, types and bounds are `wayside.node_config`; each problem here is one sentence that names the field.
Usage: `problems(config, bus_names=("body",), databases=(), secrets=())` is empty when the unit can run it.
"""

from collections.abc import Collection, Iterator
from itertools import islice

from msgspec import UnsetType

from wayside.node_config import NodeConfig, TelemetryConfig
from wayside_agent.core.health_limits import as_limit, merged, problem, unknown

MAX_PROBLEM_COUNT = 20  # enough to correct a configuration; one with a million mistakes must not make a million words
MAX_SHOWN_CHARS = 80  # of a name in a sentence


def problems(
    config: NodeConfig, *, bus_names: Collection[str], databases: Collection[str], secrets: Collection[str]
) -> tuple[str, ...]:
    """Why this unit cannot run a configuration, one sentence each, 20 at most; empty: it can.

    Args:
        config: Within the bounds of its types.
        bus_names: CAN buses of the unit's settings.
        databases: Those of the named DBC files that are there.
        secrets: Those of the named secrets that are there.
    """
    found = (
        *_bus_problems(config, bus_names, databases),
        *_secret_problems(config.telemetry, secrets),
        *_limit_problems(config),
        *_derating_problems(config),
    )
    return tuple(islice(found, MAX_PROBLEM_COUNT))


def _bus_problems(config: NodeConfig, bus_names: Collection[str], databases: Collection[str]) -> Iterator[str]:
    for name, bus in sorted(config.can.buses.items()):
        path = f"can.buses.{name}"
        if name not in bus_names:
            known = ", ".join(sorted(bus_names)) or "none"
            yield f"{path}: this unit has no CAN bus {name!r}; its settings name: {known}"
        if bus.database_name and bus.database_name not in databases:
            yield (
                f"{path}.database_name: there is no file {_shown(bus.database_name)} in the unit's databases; "
                "put it there, see settings database_dir"
            )


def _secret_problems(telemetry: TelemetryConfig, secrets: Collection[str]) -> Iterator[str]:
    secret = telemetry.password_secret
    if secret and not telemetry.username:
        yield "telemetry.password_secret: a broker takes a password only with a name; set telemetry.username"
    if secret and telemetry.broker_plaintext and not _is_on_the_unit(telemetry.broker_host):
        yield (
            "telemetry.broker_plaintext: a password must not cross a network in plain text; set it to false, or name "
            "a broker on the unit itself"
        )
    if secret and secret not in secrets:
        yield (
            f"telemetry.password_secret: there is no secret {_shown(secret)} on the unit; put a file of that name "
            "there, see settings secrets_dir"
        )


def _limit_problems(config: NodeConfig) -> Iterator[str]:
    limits = {name: as_limit(limit) for name, limit in config.health.limits.items()}
    for name in unknown(limits):
        yield f"health.limits.{_shown(name)}: there is no such limit; docs/health.md lists them"
    for name, limit in merged(limits).items():
        words = problem(limit)
        if words:
            yield f"health.limits.{name}: {words}; with the values it comes with, see docs/health.md"


def _derating_problems(config: NodeConfig) -> Iterator[str]:
    for name, rule in sorted(config.derating.rules.items()):
        given = (rule.temperature_above_celsius, rule.temperature_below_celsius)
        if (
            all(isinstance(limit, UnsetType) for limit in given)
            and not rule.on_battery
            and not rule.battery_below_ratio
        ):
            yield f"derating.rules.{_shown(name)}: says no condition; give a temperature, on_battery or a charge"


def _is_on_the_unit(host: str) -> bool:
    parts = host.split(".")
    return host in {"localhost", "::1"} or (parts[0] == "127" and all(part.isdecimal() for part in parts))


def _shown(name: str) -> str:
    return repr(name[:MAX_SHOWN_CHARS])
