"""Readings that tell of power and cabinet: units, age, bounds, and silence that is unknown."""

import pytest

from wayside_agent.core.health import Checks, State
from wayside_agent.core.health_limits import LIMITS
from wayside_agent.core.health_rules import findings
from wayside_agent.core.health_samples import Sample
from wayside_agent.core.host_supply import battery_ratio, on_battery, turning_rpm
from wayside_agent.core.readings import Reading
from wayside_agent.core.roles import BOUNDS, Roles, Supply, environment_sample, power_sample
from wayside_agent.core.stamps import TimeQuality

NOW_NS = 1_790_000_000_000_000_000


def reading(value: float, unit: str = "", *, age_s: float = 0.0, name: str = "feed.a.b") -> Reading:
    return Reading(name, value, unit, NOW_NS - round(age_s * 1e9), TimeQuality.NETWORK)


@pytest.mark.parametrize(
    ("role", "found", "expected"),
    [
        ("temperature_celsius", reading(41.5, "degC"), 41.5),
        ("temperature_celsius", reading(-60.0), -60.0),
        ("temperature_celsius", reading(850.0), None),
        ("humidity_ratio", reading(0.4), 0.4),
        ("humidity_ratio", reading(40.0, "%"), 0.4),
        ("humidity_ratio", reading(40.0), None),
        ("battery_ratio", reading(100.0, "%"), 1.0),
        ("input_v", reading(23.9, "V"), 23.9),
        ("input_v", reading(23900.0, "mV"), 23.9),
        ("fan_rpm", reading(-1.0), None),
        ("door_open", reading(0.0), 0.0),
        ("on_battery", reading(1.0, age_s=120.0), 1.0),
        ("on_battery", reading(1.0, age_s=120.1), None),
        ("on_battery", reading(1.0, age_s=-121.0), None),
        ("on_battery", reading(1.0, name="feed.a.c"), None),
    ],
)
def test_a_role_has_the_present_value_of_its_reading(role: str, found: Reading, expected: float | None) -> None:
    told = Roles({role: "feed.a.b"}).told([reading(7.0, name="feed.x.y"), found], NOW_NS)
    assert told.get(role) == (None if expected is None else pytest.approx(expected))


def judged(names: tuple[str, ...], told: dict[str, float], supply: Supply) -> dict[str, State]:
    roles = Roles({name: f"feed.a.{name}" for name in names})
    sample = Sample(power=power_sample(told, roles, supply), environment=environment_sample(told, roles, supply))
    checks = Checks().after(findings(sample, LIMITS, before=Checks().state), 0.0)
    return {
        check.finding.name: check.state for check in checks if check.finding.name.startswith(("power.", "environment."))
    }


OK, DEGRADED, FAILED, UNKNOWN = State.OK, State.DEGRADED, State.FAILED, State.UNKNOWN


@pytest.mark.parametrize(
    ("names", "told", "supply", "expected"),
    [
        ((), {}, Supply(), {}),
        ((), {}, Supply(on_battery=False), {"power.supply": OK}),
        ((), {}, Supply(on_battery=True, battery_ratio=0.3), {"power.supply": FAILED, "power.battery": DEGRADED}),
        ((), {}, Supply(fan_rpm=0.0), {"environment.fan": FAILED}),
        (("input_v",), {"input_v": 24.0}, Supply(), {"power.voltage": OK}),
        (("input_v",), {}, Supply(), {"power.voltage": UNKNOWN}),
        (("door_open",), {"door_open": 1.0}, Supply(), {"environment.door": DEGRADED}),
        (("door_open", "leak"), {}, Supply(), {"environment.door": UNKNOWN, "environment.leak": UNKNOWN}),
        (("humidity_ratio",), {}, Supply(), {"environment.humidity": UNKNOWN}),
        (("temperature_celsius",), {"temperature_celsius": 80.0}, Supply(), {"environment.temperature": FAILED}),
        (("on_battery",), {}, Supply(on_battery=False), {"power.supply": UNKNOWN}),
        (("on_battery",), {"on_battery": 0.0}, Supply(on_battery=True), {"power.supply": OK}),
        (tuple(BOUNDS), {}, Supply(), {
            "power.voltage": UNKNOWN, "power.supply": UNKNOWN, "power.battery": UNKNOWN, "environment.door": UNKNOWN,
            "environment.temperature": UNKNOWN, "environment.humidity": UNKNOWN, "environment.leak": UNKNOWN,
            "environment.fan": UNKNOWN,
        }),
    ],
    ids=[
        "nothing", "supplied-computer", "computer-on-battery", "standing-fan", "voltage", "silent-voltage", "open-door",
        "silent-contacts", "silent-humidity", "hot", "silent-ups-is-not-asked-of-the-computer", "sensor-goes-first",
        "all-silent",
    ],
)  # fmt: skip
def test_what_is_measured_is_checked_and_its_silence_is_unknown(
    names: tuple[str, ...], told: dict[str, float], supply: Supply, expected: dict[str, State]
) -> None:
    assert judged(names, told, supply) == expected


MAINS_ON, MAINS_OFF = {"type": "Mains", "online": "1"}, {"type": "Mains", "online": "0"}


@pytest.mark.parametrize(
    ("supplies", "expected", "charge"),
    [
        ([], None, None),
        ([MAINS_ON], None, None),
        ([MAINS_ON, {"type": "Battery", "status": "Charging", "capacity": "80"}], False, 0.8),
        ([MAINS_OFF, {"type": "Battery", "status": "Unknown", "capacity": "80"}], True, 0.8),
        ([MAINS_ON, {"type": "Battery", "status": "Discharging", "capacity": "7"}], True, 0.07),
        ([{"type": "UPS", "status": "Full", "capacity": "100"}], False, 1.0),
        ([{"type": "Battery", "status": "Unknown", "capacity": ""}], None, None),
        ([{"type": "Battery", "status": "Not charging", "capacity": "101"}], False, None),
        ([{"type": "Battery", "scope": "Device", "status": "Discharging", "capacity": "3"}], None, None),
        ([{"type": "Battery", "capacity": "x"}, {"type": "Battery", "capacity": "40"}], None, 0.4),
        ([{}, {"type": "\ufffd"}], None, None),
    ],
    ids=[
        "none", "no-battery", "charging", "feed-is-off", "draining", "ups", "unknown", "nonsense", "mouse", "two",
        "empty",
    ],
)  # fmt: skip
def test_the_kernel_tells_of_batteries(
    supplies: list[dict[str, str]], expected: bool | None, charge: float | None
) -> None:
    assert on_battery(supplies) is expected
    assert battery_ratio(supplies) == charge


@pytest.mark.parametrize(
    ("fan", "pwm", "expected"),
    [
        ("1200", "", 1200.0),
        ("0", "255", 0.0),
        ("0", "0", None),
        ("-1", "", None),
        ("x", "", None),
        ("999999", "", None),
    ],
)
def test_a_fan_that_is_told_to_stand_is_no_fault(fan: str, pwm: str, expected: float | None) -> None:
    assert turning_rpm(fan, pwm) == expected
