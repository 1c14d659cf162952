"""How a unit judges itself: states that do not tremble, unknown that is never ok, and sentences that say why."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.fix import AntennaState, FixMode, FixQuality
from wayside_agent.core.frames import BusCondition
from wayside_agent.core.gnss_plausibility import Fault, Verdict
from wayside_agent.core.health import COUNT_MAX, RANK, REASON_MAX_CHARS, Checks, Finding, Limit, State, limited
from wayside_agent.core.health_limits import DAY_S, LIMITS, merged, problem, unknown
from wayside_agent.core.health_rules import findings
from wayside_agent.core.health_samples import (
    BusSample,
    EnvironmentSample,
    GnssSample,
    HostSample,
    PlatformSample,
    PowerSample,
    RadioSample,
    Sample,
    SecuritySample,
    SignalSample,
    SoftwareSample,
    SourceSample,
    StorageSample,
    TimeSample,
    UplinkSample,
)
from wayside_agent.core.sending import SendRate

OPEN = SourceSample(is_open=True)
BUS = BusSample(
    "body",
    OPEN,
    condition=BusCondition.ERROR_ACTIVE,
    transmit_error_count=0,
    receive_error_count=0,
    error_frame_rate_hz=0.0,
    kernel_drop_rate_hz=0.0,
    load_ratio=0.3,
    expects_ids=True,
)
GNSS = GnssSample(OPEN, FixMode.THREE_D, FixQuality.RTK_FIXED, 20, {"BEIDOU": 12}, 0.8, 1.0, AntennaState.OK)
SPAT, RSM = SendRate(3619, 10.0, 10.0), SendRate(3623, 160.0, 160.0)
RADIO = RadioSample(OPEN, 40.0, sending=(SPAT, RSM), busy_ratio=0.2, certificate_left_s=30 * DAY_S)
WELL = Sample(
    buses=(BUS,),
    gnss=GNSS,
    radio=RADIO,
    signal=SignalSample(),
    platforms=(PlatformSample("city"),),
    security=SecuritySample(0.0),
    sensors={"north": ""},
    time=TimeSample("gnss", is_synchronized=True, offset_s=0.001),
    power=PowerSample(24.0, on_battery=False, battery_ratio=1.0),
    environment=EnvironmentSample(40.0, 0.5, is_door_open=False, has_leak=False, fan_rpm=1500.0),
    storage=StorageSample(0.5, 0.1, 0.01),
    host=HostSample(0.2, 0.4, 55.0),
    uplink=UplinkSample(True, 0.2, 1.0, 0.0, 0.01, 3.0, broker_fault=""),
    software=SoftwareSample(0.0, "boot"),
    ends={"node certificate": 20 * DAY_S, "authorities": 3000 * DAY_S},
)


def judged(sample: Sample, before: Checks | None = None, at_s: float = 0.0) -> Checks:
    held = before or Checks()
    return held.after(findings(sample, LIMITS, before=held.state), at_s)


def with_bus(**values: object) -> Sample:
    return replace(WELL, buses=(replace(BUS, **values),))  # type: ignore[arg-type]  # of any field


def test_a_unit_that_is_well_is_ok_in_every_check() -> None:
    checks = judged(WELL)
    assert {check.finding.name: check.finding.reason for check in checks if check.state is not State.OK} == {}
    assert checks.worst is State.OK


def test_a_unit_that_knows_nothing_is_never_ok() -> None:
    checks = judged(
        Sample(
            buses=(BusSample("body"),),
            gnss=GnssSample(),
            radio=RadioSample(),
            power=PowerSample(),
            environment=EnvironmentSample(),
        )
    )
    good = {check.finding.name for check in checks if check.state is State.OK}
    assert good == {"time.jump", "time.week"}, "only what was looked for and not found may be ok"
    assert checks.worst is State.FAILED
    assert all(check.finding.reason for check in checks if check.state is not State.OK)


TABLE: dict[str, tuple[Sample, str, State, str]] = {
    "bus-off": (with_bus(condition=BusCondition.BUS_OFF), "can.body.state", State.FAILED, "bus-off"),
    "error-passive": (with_bus(condition=BusCondition.ERROR_PASSIVE), "can.body.state", State.DEGRADED, "passive"),
    "error-frames": (with_bus(error_frame_rate_hz=60.0), "can.body.errors", State.FAILED, "above 50"),
    "kernel-drops": (with_bus(kernel_drop_rate_hz=0.2), "can.body.drops", State.DEGRADED, "above 0"),
    "bus-load": (with_bus(load_ratio=0.75), "can.body.load", State.DEGRADED, "above 0.7"),
    "silent-id": (with_bus(silent_ids=(0x1A0,)), "can.body.silence", State.FAILED, "0x1A0"),
    "silent-closed": (with_bus(source=SourceSample()), "can.body.silence", State.UNKNOWN, "not open"),
    "bus-fault": (with_bus(source=SourceSample(fault="no such device")), "can.body.open", State.FAILED, "no such"),
    "no-fix": (
        replace(WELL, gnss=replace(GNSS, mode=FixMode.NONE, quality=FixQuality.INVALID)),
        "gnss.fix",
        State.FAILED,
        "BEIDOU 12",
    ),
    "dead-reckoning": (
        replace(WELL, gnss=replace(GNSS, quality=FixQuality.ESTIMATED)),
        "gnss.fix",
        State.DEGRADED,
        "estimated",
    ),
    "silent-receiver": (replace(WELL, gnss=GnssSample(OPEN)), "gnss.fix", State.UNKNOWN, "nothing yet"),
    "few-satellites": (replace(WELL, gnss=replace(GNSS, satellite_count=4)), "gnss.satellites", State.DEGRADED, "5"),
    "unsaid-satellites": (
        replace(WELL, gnss=replace(GNSS, satellite_count=None)),
        "gnss.satellites",
        State.UNKNOWN,
        "",
    ),
    "hdop": (replace(WELL, gnss=replace(GNSS, hdop=25.0)), "gnss.hdop", State.FAILED, "above 20"),
    "old-corrections": (
        replace(WELL, gnss=replace(GNSS, correction_age_s=40.0)),
        "gnss.correction",
        State.DEGRADED,
        "",
    ),
    "antenna-open": (
        replace(WELL, gnss=replace(GNSS, antenna=AntennaState.OPEN)),
        "gnss.antenna",
        State.DEGRADED,
        "draws no current",
    ),
    "antenna-short": (
        replace(WELL, gnss=replace(GNSS, antenna=AntennaState.SHORT)),
        "gnss.antenna",
        State.FAILED,
        "short-circuited",
    ),
    "implausible": (
        replace(WELL, gnss=replace(GNSS, verdict=Verdict(Fault.JUMP, "the position leapt"))),
        "gnss.plausible",
        State.FAILED,
        "leapt",
    ),
    "off-air": (
        replace(WELL, radio=replace(RADIO, sending=(replace(SPAT, sent_hz=4.0), RSM))),
        "radio.rate",
        State.FAILED,
        "SPAT (AID 3619) sent, of those planned: 0.4 is below 0.5",
    ),
    "busy": (replace(WELL, radio=replace(RADIO, busy_ratio=0.7)), "radio.busy", State.DEGRADED, "above 0.6"),
    "v2x-certificate": (
        replace(WELL, radio=replace(RADIO, certificate_left_s=-1.0)),
        "radio.certificate",
        State.FAILED,
        "below 0",
    ),
    "silent-sensor": (replace(WELL, sensors={"north": "sensor north: gone"}), "perception.north", State.FAILED, "gone"),
    "no-time": (replace(WELL, time=TimeSample("floor", is_synchronized=False)), "time.source", State.FAILED, "nothing"),
    "holdover": (
        replace(WELL, time=TimeSample("clock", is_synchronized=False, holdover_s=5 * 3600.0)),
        "time.holdover",
        State.DEGRADED,
        "disciplined",
    ),
    "offset": (replace(WELL, time=TimeSample("gnss", True, -2.0)), "time.offset", State.FAILED, "above 1"),
    "leap": (replace(WELL, time=TimeSample("gnss", True, 0.0, jump_s=1.5)), "time.jump", State.FAILED, "signing"),
    "week": (replace(WELL, time=replace(WELL.time, week_fault="rolled over")), "time.week", State.FAILED, "rolled"),
    "battery": (replace(WELL, power=PowerSample(on_battery=True)), "power.supply", State.FAILED, "battery"),
    "unsaid-supply": (replace(WELL, power=PowerSample(24.0)), "power.supply", State.UNKNOWN, ""),
    "hot": (replace(WELL, environment=EnvironmentSample(70.0)), "environment.temperature", State.DEGRADED, "above 65"),
    "cold": (
        replace(WELL, environment=EnvironmentSample(-38.0)),
        "environment.temperature",
        State.DEGRADED,
        "below -35",
    ),
    "door": (
        replace(WELL, environment=EnvironmentSample(20.0, is_door_open=True)),
        "environment.door",
        State.DEGRADED,
        "open",
    ),
    "leak": (
        replace(WELL, environment=EnvironmentSample(20.0, has_leak=True)),
        "environment.leak",
        State.FAILED,
        "water",
    ),
    "fan": (replace(WELL, environment=EnvironmentSample(20.0, fan_rpm=0.0)), "environment.fan", State.FAILED, "200"),
    "disk-full": (replace(WELL, storage=StorageSample(0.02)), "storage.space", State.FAILED, "below 0.03"),
    "slow-disk": (
        replace(WELL, storage=StorageSample(0.5, append_s=2.0)),
        "storage.latency",
        State.DEGRADED,
        "above 1",
    ),
    "unsaid-disk": (replace(WELL, storage=StorageSample()), "storage.space", State.UNKNOWN, "cannot be read"),
    "away": (replace(WELL, uplink=UplinkSample()), "uplink.latency", State.UNKNOWN, "not reached"),
    "broker": (
        replace(WELL, uplink=replace(WELL.uplink, broker_fault="refused")),
        "uplink.broker",
        State.FAILED,
        "refused",
    ),
    "spool": (replace(WELL, uplink=replace(WELL.uplink, spool_fill_ratio=0.95)), "uplink.spool", State.FAILED, "0.9"),
    "crashes": (replace(WELL, software=SoftwareSample(12.0, "crash")), "software.restarts", State.FAILED, "above 10"),
    "watchdog": (
        replace(WELL, software=SoftwareSample(0.0, "watchdog")),
        "software.watchdog",
        State.DEGRADED,
        "stopped answering",
    ),
    "autonomy": (
        replace(WELL, ends={"node certificate": 20 * DAY_S, "revocation list": 2 * DAY_S, "x": None}),
        "autonomy",
        State.DEGRADED,
        "revocation list ends in 2.0 days",
    ),
    "ended": (
        replace(WELL, ends={"node certificate": -DAY_S}),
        "autonomy",
        State.FAILED,
        "node certificate ended 1.0 days ago",
    ),
    "no-ends": (replace(WELL, ends={}), "autonomy", State.UNKNOWN, "nothing tells"),
}


@pytest.mark.parametrize("case", sorted(TABLE))
def test_what_is_wrong_is_found_and_said(case: str) -> None:
    sample, name, state, words = TABLE[case]
    check = judged(sample).by_name[name]
    assert (check.state, words in check.finding.reason) == (state, True), check


def test_a_device_that_the_unit_does_not_have_is_not_checked() -> None:
    names = {check.finding.name for check in judged(Sample())}
    assert not {name for name in names if name.startswith(("can.", "gnss.", "radio.", "power.", "environment."))}


def test_a_check_remembers_since_when_and_forgets_with_its_device() -> None:
    hot = replace(WELL, environment=EnvironmentSample(70.0))
    first = judged(WELL, at_s=100.0)
    second = judged(hot, first, at_s=200.0)
    third = judged(hot, second, at_s=300.0)
    assert third.by_name["environment.temperature"].since_s == 200.0
    assert third.by_name["host.cpu"].since_s == 100.0
    assert second.changed(first) == {
        "environment.temperature",
        "environment.humidity",
        "environment.door",
        "environment.leak",
        "environment.fan",
    }
    assert third.changed(second) == frozenset()
    gone = judged(replace(WELL, environment=None), third, at_s=400.0)
    assert "environment.temperature" in gone.changed(third)


def test_a_unit_with_a_thousand_buses_reports_a_hundred_checks_with_short_reasons() -> None:
    fault = SourceSample(fault="x" * 1000)
    checks = judged(replace(WELL, buses=tuple(BusSample(f"b{i}", fault) for i in range(1000))))
    assert len(list(checks)) == COUNT_MAX
    assert max(len(check.finding.reason) for check in checks) == REASON_MAX_CHARS


NO_NUMBERS = (math.nan, math.inf, -math.inf)


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("before", list(State))
def test_what_is_no_finite_number_is_unknown_whatever_was_before(value: float, before: State) -> None:
    found = limited("x", value, HEAT, before=before, what="the cabinet")
    assert (found.state, found.value) == (State.UNKNOWN, None)
    assert found.reason == "the cabinet cannot be read"


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("power.voltage", lambda value: replace(WELL, power=PowerSample(value, on_battery=False))),
        ("can.body.errors", lambda value: with_bus(error_frame_rate_hz=value)),
        ("time.offset", lambda value: replace(WELL, time=replace(WELL.time, offset_s=value))),
        ("time.jump", lambda value: replace(WELL, time=replace(WELL.time, jump_s=value))),
        ("autonomy", lambda value: replace(WELL, ends={"node certificate": value})),
    ],
    ids=["power.voltage", "can.errors", "time.offset", "time.jump", "autonomy"],
)
def test_no_check_judges_what_is_no_finite_number(name: str, sample: Callable[[float], Sample], value: float) -> None:
    check = judged(sample(value)).by_name[name]
    assert (check.state, check.finding.value) == (State.UNKNOWN, None)


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_an_end_that_is_no_finite_number_hides_no_other_end(value: float) -> None:
    for ends in ({"a": value, "b": DAY_S / 2}, {"b": DAY_S / 2, "a": value}):
        assert judged(replace(WELL, ends=ends)).state("autonomy") is State.FAILED


HEAT = Limit(degraded_above=65.0, failed_above=75.0, margin=3.0)


@pytest.mark.parametrize(
    ("value", "before", "state"),
    [
        (65.0, State.OK, State.OK),
        (65.1, State.OK, State.DEGRADED),
        (63.0, State.DEGRADED, State.DEGRADED),
        (62.0, State.DEGRADED, State.OK),
        (75.1, State.OK, State.FAILED),
        (73.0, State.FAILED, State.FAILED),
        (71.9, State.FAILED, State.DEGRADED),
        (61.0, State.FAILED, State.OK),
        (64.0, State.UNKNOWN, State.OK),
    ],
)
def test_a_limit_holds_a_state_until_the_value_is_well_inside(value: float, before: State, state: State) -> None:
    assert HEAT.state(value, before) is state


@given(st.floats(-1e6, 1e6), st.floats(0, 100), st.floats(0.1, 50), st.lists(st.floats(-1, 1), max_size=40))
def test_a_value_that_trembles_less_than_the_margin_changes_its_state_at_most_once(
    limit: float, margin: float, spread: float, trembling: list[float]
) -> None:
    rule, state, changes = Limit(degraded_above=limit, margin=max(margin, 2 * spread)), State.OK, 0
    for each in trembling:
        after = rule.state(limit + each * spread * 0.99, state)
        changes += after is not state
        state = after
    assert changes <= 1


@given(st.floats(-1e9, 1e9, allow_nan=False), st.sampled_from(sorted(LIMITS)), st.sampled_from(list(State)))
def test_a_limit_never_says_unknown_of_a_value_and_is_worse_only_for_worse_values(
    value: float, name: str, before: State
) -> None:
    limit = LIMITS[name]
    assert RANK[limit.state(value, State.OK)] <= RANK[limit.state(value, before)] or before is State.UNKNOWN
    assert limit.state(value, before) is not State.UNKNOWN


def test_the_limits_that_come_with_the_product_make_sense() -> None:
    assert {name: problem(limit) for name, limit in LIMITS.items() if problem(limit)} == {}


def test_a_change_of_a_limit_replaces_that_value_alone() -> None:
    limits = merged({"environment.temperature": Limit(degraded_above=60.0)})
    assert limits["environment.temperature"] == replace(LIMITS["environment.temperature"], degraded_above=60.0)
    assert unknown(["host.cpu", "host.cup"]) == ("host.cup",)


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (Limit(degraded_above=80.0, failed_above=75.0), "degraded_above is beyond failed_above"),
        (Limit(failed_below=5.0, degraded_below=4.0), "failed_below is beyond degraded_below"),
        (Limit(degraded_above=10.0, degraded_below=8.0, margin=1.0), "nothing lies between its limits"),
        (Limit(degraded_above=75.0, failed_above=75.0), ""),
    ],
)
def test_limits_that_contradict_each_other_are_found(limit: Limit, words: str) -> None:
    assert problem(limit) == words


def test_findings_of_one_name_are_one_check() -> None:
    twice = [Finding("a", State.FAILED, "x"), Finding("a", State.OK)]
    assert [check.state for check in Checks().after(twice, 0.0)] == [State.OK]


@pytest.mark.parametrize(
    ("sample", "state", "reason"),
    [
        (SignalSample(), State.OK, ""),
        (SignalSample(is_known=False), State.UNKNOWN, "nothing yet"),
        (SignalSample(fault="it is silent"), State.FAILED, "it is silent"),
        (SignalSample(doubt="no MAP"), State.DEGRADED, "no MAP"),
        (PlatformSample("city"), State.OK, ""),
        (PlatformSample("city", 20.0, 60.0), State.UNKNOWN, "not reached now"),
        (PlatformSample("city", 61.0, 60.0, "refused"), State.DEGRADED, "not reached for more than 60 s: refused"),
    ],
)
def test_what_the_services_of_v2x_hang_on_is_judged(
    sample: SignalSample | PlatformSample, state: State, reason: str
) -> None:
    is_signal = isinstance(sample, SignalSample)
    unit = replace(WELL, signal=sample) if isinstance(sample, SignalSample) else replace(WELL, platforms=(sample,))
    check = judged(unit).by_name["signal.feed" if is_signal else "platform.city"]
    assert check.state is state
    assert reason in check.finding.reason
