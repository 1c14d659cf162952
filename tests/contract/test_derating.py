"""Shedding loads in a running service: who is told what, what the log and the reports say."""

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from wayside.node_config import DeratingConfig, decoded
from wayside_agent.core.health_samples import EnvironmentSample, HostSample, PowerSample, Sample
from wayside_agent.services.derating import Derating

CONFIG = decoded(
    b'{"derating":{"order":["telemetry","decode","downloads","uploads","decode"],"settle_s":10,"rules":{'
    b'"hot":{"temperature_above_celsius":60,"hold_s":4},"dark":{"on_battery":true,"hold_s":4,"load_count":2}}}}'
).derating
COOL = Sample(environment=EnvironmentSample(40.0), power=PowerSample(on_battery=False))
HOT = replace(COOL, environment=EnvironmentSample(70.0))
DARK = replace(COOL, power=PowerSample(on_battery=True))


class Unit:
    """Loads that remember what they were told."""

    def __init__(self) -> None:
        self.sample, self.now_s, self.report_count = COOL, 0.0, 0
        self.told: list[tuple[str, bool]] = []
        self.derating = Derating(
            lambda: self.sample,
            {load: self.tell(load) for load in ("telemetry", "decode", "downloads", "uploads")},
            mono_s=lambda: self.now_s,
            changed=self.hurry,
        )

    def hurry(self) -> None:
        self.report_count += 1

    def shed(self) -> list[str]:
        return list(self.derating.shed)

    def tell(self, load: str) -> Callable[[bool], None]:
        return lambda is_allowed: self.told.append((load, is_allowed))

    def pass_s(self, duration_s: float) -> None:
        end_s = self.now_s + duration_s
        while self.now_s < end_s:
            self.now_s += 2.0
            self.derating.look()


@pytest.fixture
def unit() -> Unit:
    unit = Unit()
    unit.derating.use(CONFIG)
    return unit


def test_loads_go_and_come_back_and_each_move_is_reported_at_once(unit: Unit, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    unit.sample = HOT
    unit.pass_s(60)
    assert unit.shed() == ["telemetry", "decode", "downloads", "uploads"]
    unit.sample = COOL
    unit.pass_s(60)
    assert unit.shed() == []
    order = ["telemetry", "decode", "downloads", "uploads"]
    assert unit.told == [*((load, False) for load in order), *((load, True) for load in reversed(order))]
    assert unit.report_count == 8
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == "load telemetry is shed: hot"
    assert said[-1] == "load telemetry runs again"


def test_on_battery_the_first_two_loads_are_shed(unit: Unit) -> None:
    unit.sample = DARK
    unit.pass_s(100)
    assert unit.shed() == ["telemetry", "decode"]


def test_a_configuration_without_derating_takes_everything_up_at_once(unit: Unit) -> None:
    unit.sample = HOT
    unit.pass_s(100)
    unit.derating.use(DeratingConfig())
    assert unit.shed() == []
    assert {load for load, is_allowed in unit.told[4:] if is_allowed} == {"telemetry", "decode", "downloads", "uploads"}


def test_the_processor_counts_where_a_rule_says_so(unit: Unit) -> None:
    rule = (
        b'{"derating":{"order":["decode"],"rules":{"a":{"temperature_of":"processor","temperature_above_celsius":80}}}}'
    )
    unit.derating.use(decoded(rule).derating)
    unit.sample = replace(HOT, host=HostSample(temperature_celsius=75.0))
    unit.pass_s(100)
    assert unit.shed() == []
    unit.sample = replace(COOL, host=HostSample(temperature_celsius=81.0))
    unit.pass_s(100)
    assert unit.shed() == ["decode"]


def test_a_unit_that_is_told_nothing_sheds_nothing() -> None:
    unit = Unit()
    unit.sample = Sample()
    unit.pass_s(100)
    assert (unit.told, unit.report_count) == ([], 0)
