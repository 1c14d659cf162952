"""Signal controllers: recorded datagrams, SPAT of them, conflicts, and what makes no sense."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from wayside.v2x.codec import Profile, decode, encode
from wayside_agent.core.signal_phases import Intersection, conflicts_in, minute_of_year, spat_of
from wayside_agent.core.signal_plan import Light, PhaseNow, SignalError, SignalPlan
from wayside_agent.core.tscbm import parsed

NOW = datetime(2026, 11, 23, 6, 55, 2, 333_000, tzinfo=UTC)
CROSSING = Intersection(
    region=4601,
    node=9,
    phase_ids={2: 21, 4: 41, 6: 61, 8: 81},
    conflicts=frozenset({frozenset({2, 4}), frozenset({2, 8}), frozenset({4, 6}), frozenset({6, 8})}),
)


@pytest.fixture
def datagrams(shared_data: Path) -> list[bytes]:
    lines = (shared_data / "v2x/tsc/ntcip_spat_data.txt").read_text("ascii").split()
    return [bytes.fromhex(line) for line in lines]


def showing(plan: SignalPlan, light: Light) -> set[int]:
    return {phase for phase, now in plan.phases.items() if now.light is light}


def test_recorded_datagrams_give_the_phases_that_were_recorded(datagrams: list[bytes]) -> None:
    plans = [parsed(each) for each in datagrams]
    assert len(plans) == 7
    assert (showing(plans[0], Light.GREEN), showing(plans[0], Light.RED)) == ({2, 6}, {4, 8})
    assert [showing(plan, Light.GREEN) for plan in plans[1:4]] == [{4, 8}] * 3
    assert [showing(plan, Light.YELLOW) for plan in plans[-3:]] == [{4, 8}, set(), {4, 8}]
    assert showing(plans[5], Light.FLASHING_YELLOW) == {4, 8}
    assert showing(plans[6], Light.FLASHING_RED) == {2, 6}
    assert plans[1].phases[4] == PhaseNow(Light.GREEN, 3.9, 15.9)
    assert (plans[0].day_s, plans[0].sequence) == (41_244.5, 0x11)


def test_what_a_controller_says_is_on_the_air_bit_for_bit_in_both_profiles(datagrams: list[bytes]) -> None:
    plan = parsed(datagrams[1])
    spat = spat_of(plan, CROSSING, message_count=5, now=NOW)
    assert spat is not None
    for profile in Profile:
        assert decode(encode(("spatFrame", spat), profile), profile) == ("spatFrame", spat)
    [state] = spat.intersections
    lights = {phase.id: phase.phaseStates[0].light for phase in state.phases}
    assert lights == {21: 3, 41: 6, 61: 3, 81: 6}
    timing = state.phases[1].phaseStates[0].timing
    assert timing is not None
    assert timing[0] == "counting"
    assert (timing[1].minEndTime, timing[1].maxEndTime, timing[1].likelyEndTime) == (39, 159, 39)
    assert (spat.moy, spat.timeStamp) == (minute_of_year(NOW), 2333)


def changed(datagram: bytes, offset: int, content: bytes) -> bytes:
    return datagram[:offset] + content + datagram[offset + len(content) :]


def test_a_time_that_is_not_known_is_no_time(datagrams: list[bytes]) -> None:
    row = 2 + 13  # of phase 2
    plan = parsed(changed(datagrams[0], row + 1, b"\xff\xff\xff\xff"))
    assert plan.phases[2] == PhaseNow(Light.GREEN, None, None)
    spat = spat_of(plan, CROSSING, message_count=5, now=NOW)
    assert spat is not None
    assert spat.intersections[0].phases[0].phaseStates[0].timing is None
    only_latest = spat_of(
        parsed(changed(datagrams[0], row + 1, b"\xff\xff\x00\x50")), CROSSING, message_count=5, now=NOW
    )
    assert only_latest is not None
    timing = only_latest.intersections[0].phases[0].phaseStates[0].timing
    assert timing is not None
    assert timing[0] == "counting"
    assert (timing[1].minEndTime, timing[1].maxEndTime, timing[1].likelyEndTime) == (None, 80, 36_001)


def test_crossing_greens_are_a_conflict(datagrams: list[bytes]) -> None:
    assert all(conflicts_in(parsed(each), CROSSING) == () for each in datagrams)
    greens = 2 + 16 * 13 + 4
    reds = greens - 4
    crossing = changed(changed(datagrams[0], greens, b"\x00\xaa"), reds, b"\x00\x00")
    assert conflicts_in(parsed(crossing), CROSSING) == ((2, 4), (2, 8), (4, 6), (6, 8))


def test_a_crossing_without_phases_of_the_controller_says_nothing(datagrams: list[bytes]) -> None:
    assert spat_of(parsed(datagrams[0]), Intersection(1, 2, {15: 1}), message_count=0, now=NOW) is None


@pytest.mark.parametrize(
    ("offset", "content", "sentence"),
    [
        (0, b"\xce", "begins with ce10"),
        (1, b"\x08", "begins with cd08"),
        (2, b"\x09", "not the phases 1 to 16"),
        (2 + 16 * 13, b"\xff\xff", "phase 2 shows RED and GREEN at once"),
        (2 + 16 * 13 + 22 + 4, b"\xff\xff\xff", "s of the day"),
    ],
    ids=["id", "count", "rows", "colours", "clock"],
)
def test_what_makes_no_sense_is_refused(datagrams: list[bytes], offset: int, content: bytes, sentence: str) -> None:
    with pytest.raises(SignalError, match=sentence):
        parsed(changed(datagrams[0], offset, content))


@pytest.mark.parametrize("size", [0, 1, 240, 242, 246, 1500])
def test_other_sizes_are_refused(datagrams: list[bytes], size: int) -> None:
    with pytest.raises(SignalError, match="241 or 245 are expected"):
        parsed((datagrams[0] * 8)[:size])


def test_the_shorter_form_of_a_hub_is_read_too(datagrams: list[bytes]) -> None:
    assert parsed(datagrams[0][:241]) == parsed(datagrams[0])
