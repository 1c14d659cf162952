"""The road by the newest word of every sensor: places, numbers of participants, freshness, times and rates."""

import math
from typing import Any

import pytest

from wayside_agent.core.cadence import Cadence
from wayside_agent.core.perception.allowance import Allowance
from wayside_agent.core.perception.document import Document, DocumentError, SeenObject
from wayside_agent.core.perception.latency import Latency
from wayside_agent.core.perception.place import Place, SensorPlace, distances_m, offset_of, placed
from wayside_agent.core.perception.planned import DueRate
from wayside_agent.core.perception.scene import MAX_SENSORS, Rules, Scene, SensorRules
from wayside_agent.core.perception.step import Step
from wayside_agent.core.perception.tracks import MAX_TRACKS, REST_S, Tracks

UTC_S = 1_795_416_902.0
HERE = SensorPlace(20.03, 110.33, 12.0)


def scene(**sensors: SensorRules) -> Scene:
    return Scene(Rules(sensors), Tracks())


def says(*objects: SeenObject, sensor: str = "north", at_s: float = UTC_S) -> Document:
    return Document(round(at_s * 1000), sensor, objects)


def car(number: int | str = 1, **fields: Any) -> SeenObject:  # noqa: ANN401  # as in a document
    return SeenObject(tracking_id=number, latitude_deg=20.03, longitude_deg=110.33, **fields)


def degree_m(latitude_deg: float) -> tuple[float, float]:
    """Length of a degree of the meridian and of the parallel, by the usual series of WGS 84."""
    angle = math.radians(latitude_deg)
    return (
        111_132.954 - 559.822 * math.cos(2 * angle) + 1.175 * math.cos(4 * angle),
        111_412.84 * math.cos(angle) - 93.5 * math.cos(3 * angle) + 0.118 * math.cos(5 * angle),
    )


def test_metres_east_and_north_of_a_sensor_become_degrees() -> None:
    place = placed(HERE, 104.6, 110.7, 1.5)
    north_m, east_m = degree_m(20.03)
    assert place.latitude / 1e7 == pytest.approx(20.03 + 110.7 / north_m, abs=6e-8)
    assert place.longitude / 1e7 == pytest.approx(110.33 + 104.6 / east_m, abs=6e-8)
    assert place.elevation == 135


def test_a_sensor_that_is_turned_sees_ahead_and_to_its_right() -> None:
    ahead = placed(SensorPlace(20.03, 110.33, heading_deg=90), 0.0, 50.0)
    right = placed(SensorPlace(20.03, 110.33, heading_deg=90), 50.0, 0.0)
    assert ahead.latitude == 200_300_000
    assert ahead.longitude > 1_103_300_000
    assert right.longitude == 1_103_300_000
    assert right.latitude < 200_300_000


@pytest.mark.parametrize("latitude_deg", [0.0, 20.03, -53.2, 69.6])
@pytest.mark.parametrize(("x_m", "y_m"), [(1000.0, 800.0), (-700.0, 1000.0), (900.0, -1000.0)])
def test_what_is_a_kilometre_away_is_put_within_some_centimetres(latitude_deg: float, x_m: float, y_m: float) -> None:
    heading = math.radians(37.0)
    east_m, north_m = (
        x_m * math.cos(heading) + y_m * math.sin(heading),
        y_m * math.cos(heading) - x_m * math.sin(heading),
    )
    there_deg = latitude_deg + north_m / degree_m(latitude_deg)[0]
    place = placed(SensorPlace(latitude_deg, 110.33, heading_deg=37.0), x_m, y_m)
    assert place.latitude / 1e7 == pytest.approx(there_deg, abs=2e-7)
    assert place.longitude / 1e7 == pytest.approx(110.33 + east_m / degree_m(there_deg)[1], abs=4e-7)


def test_a_sensor_at_the_pole_is_no_fault() -> None:
    place = placed(SensorPlace(90.0, 0.0), 40.0, 40.0)
    assert place.latitude == 900_000_000
    assert abs(place.longitude) <= 1_800_000_000


def test_a_place_across_the_180th_meridian_is_near() -> None:
    west = placed(SensorPlace(-17.0, 179.9999), 50.0, 0.0)
    assert west.longitude < 0
    assert distances_m(Place(-170_000_000, 1_799_999_000))(west) == pytest.approx(50.0, rel=0.01)


def lowest_and_highest(bits: int) -> tuple[int, int]:
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


@pytest.mark.parametrize(
    ("bits", "name", "wider"),
    [
        (12, "position-LL1", "position-LL2"),
        (14, "position-LL2", "position-LL3"),
        (16, "position-LL3", "position-LL4"),
        (18, "position-LL4", "position-LL5"),
        (22, "position-LL5", "position-LL6"),
        (24, "position-LL6", "position-LatLon"),
    ],
)
def test_an_offset_is_in_the_smallest_alternative_that_holds_it(bits: int, name: str, wider: str) -> None:
    low, high = lowest_and_highest(bits)
    here = Place(200_000_000, 1_100_000_000)

    def seen(north: int, east: int) -> str:
        return offset_of(Place(here.latitude + north, here.longitude + east), here).offsetLL[0]

    assert (seen(low, high), seen(high, low)) == (name, name)
    assert (seen(low - 1, 0), seen(0, high + 1)) == (wider, wider)


@pytest.mark.parametrize("bits", range(7, 13))
def test_a_height_is_in_the_smallest_alternative_that_holds_it(bits: int) -> None:
    low, high = lowest_and_highest(bits)
    here = Place(0, 0, 10_000)
    for offset in (low, high):
        assert offset_of(Place(0, 0, 10_000 + offset), here).offsetV == (f"offset{bits - 6}", offset)
    wider = offset_of(Place(0, 0, 10_000 + high + 1), here).offsetV
    assert wider == ((f"offset{bits - 5}", high + 1) if bits < 12 else ("elevation", 10_000 + high + 1))


def test_a_height_goes_out_whole_where_that_of_the_unit_is_not_known() -> None:
    assert offset_of(Place(0, 0, 123), Place(0, 0)).offsetV == ("elevation", 123)
    assert offset_of(Place(0, 0), Place(0, 0, 10)).offsetV is None


def test_a_tracking_id_keeps_its_number_and_sensors_share_none() -> None:
    tracks = Tracks(first=65_535)
    assert tracks.number("north", "1", 0.0) == 65_535
    assert tracks.number("south", "1", 0.0) == 0
    assert tracks.number("north", "1", 30.0) == 65_535


def test_a_number_rests_for_a_minute_after_its_object_has_gone() -> None:
    tracks = Tracks()
    first = tracks.number("north", "1", 0.0)
    for number in range(200):
        tracks.number("north", f"other {number}", 1.0)
    assert tracks.number("north", "1", REST_S - 0.1) == first
    assert tracks.number("north", "new", 2 * REST_S) != first
    assert len(tracks) == 1


def test_who_invents_ids_gets_no_more_numbers_than_there_is_room_for() -> None:
    tracks = Tracks()
    assert all(tracks.number("north", str(each), 0.0) is not None for each in range(MAX_TRACKS))
    assert tracks.number("north", "one more", 1.0) is None
    assert tracks.number("north", "3", 1.0) == 3
    assert tracks.number("north", "one more", REST_S) is not None


def test_the_newest_state_of_an_object_counts_until_it_is_stale() -> None:
    road = scene()
    road.take(says(car(speed_mps=1.0)), utc_s=UTC_S + 0.1, mono_s=10.0)
    road.take(says(car(speed_mps=2.0), at_s=UTC_S + 0.1), utc_s=UTC_S + 0.2, mono_s=10.1)
    road.take(says(car(speed_mps=9.0)), utc_s=UTC_S + 0.2, mono_s=10.1)
    assert [each.seen.speed_mps for each in road.fresh(10.4)] == [2.0]
    assert road.stale_count == 1
    assert road.fresh(10.501) == []


def test_an_object_of_its_own_time_is_as_old_as_that() -> None:
    road = scene()
    old, now = car(1, time_ms=round(UTC_S * 1000) - 600), car(2, time_ms=round(UTC_S * 1000) - 100)
    refusals = road.take(says(old, now), utc_s=UTC_S, mono_s=10.0)
    assert [(each.field, each.reason) for each in refusals] == [("time_ms", "0.6 s old")]
    (track,) = road.fresh(10.0)
    assert track.seen_s == pytest.approx(9.9)
    assert track.received_s == 10.0


@pytest.mark.parametrize(
    ("utc_s", "said"),
    [(UTC_S + 0.51, "0.5 s old"), (UTC_S - 0.21, "0.2 s ahead"), (None, "does not know the time")],
    ids=["old", "ahead", "unknown"],
)
def test_a_document_whose_time_cannot_be_true_is_refused(utc_s: float | None, said: str) -> None:
    road = scene()
    with pytest.raises(DocumentError, match=said):
        road.take(says(car()), utc_s=utc_s, mono_s=1.0)
    assert road.fresh(1.0) == []


def test_only_the_sensors_of_the_settings_are_listened_to() -> None:
    road = scene(north=SensorRules())
    with pytest.raises(DocumentError, match="'south' is not in the settings"):
        road.take(says(car(), sensor="south"), utc_s=UTC_S, mono_s=1.0)


def test_without_settings_only_so_many_sensors_are_listened_to() -> None:
    road = scene()
    for number in range(MAX_SENSORS):
        road.take(says(sensor=str(number)), utc_s=UTC_S, mono_s=1.0)
    with pytest.raises(DocumentError, match="others were heard already"):
        road.take(says(sensor="one more"), utc_s=UTC_S, mono_s=1.0)


def test_metres_of_a_sensor_without_a_place_are_refused() -> None:
    road = scene()
    local = SeenObject(tracking_id=1, x_m=1.0, y_m=2.0)
    assert [each.field for each in road.take(says(local, car(2)), utc_s=UTC_S, mono_s=1.0)] == ["x_m"]
    assert road.refused_fields == {"x_m": 1}
    assert len(road.fresh(1.0)) == 1


def test_a_sensor_that_says_nothing_is_silent_even_one_that_never_spoke() -> None:
    road = scene(north=SensorRules(), south=SensorRules())
    road.take(says(), utc_s=UTC_S, mono_s=1.0)
    assert road.silent(2.0, 2.0) == ["south"]
    assert sorted(road.silent(3.1, 2.0)) == ["north", "south"]


def test_latency_is_told_by_the_millisecond_over_a_minute_or_two() -> None:
    latency = Latency()
    for time_ms in range(100):
        latency.add([time_ms / 1000 + 0.0005], 10.0)
    assert (latency.quantile_s(0.5, 11.0), latency.quantile_s(0.99, 11.0)) == (0.050, 0.099)
    assert latency.count(70.0) == 100
    latency.add([99.0], 70.0)
    assert latency.quantile_s(1.0, 70.0) == 2.0
    assert latency.count(130.0) == 1
    assert latency.quantile_s(0.5, 300.0) is None


def test_more_documents_than_allowed_are_not_looked_into() -> None:
    allowance = Allowance(10)
    assert [allowance.takes(0.0) for _ in range(12)] == [True] * 10 + [False] * 2
    assert [allowance.takes(0.2) for _ in range(3)] == [True, True, False]
    assert sum(allowance.takes(100.0) for _ in range(20)) == 10


def beaten(arrivals_s: list[float], *, begin_s: float) -> tuple[list[float], list[float]]:
    """Periods of the beat, and what each document waited for it, over a while [s]."""
    step, cadence = Step(0.1), Cadence(0.1, begin_s)
    now_s, waiting, waits, periods = begin_s, list(arrivals_s), [], []
    while waiting:
        due_s = cadence.next_s(now_s)
        while waiting and waiting[0] <= due_s:
            came_s = waiting.pop(0)
            step.heard(came_s, 40)
            waits.append(due_s - came_s)
        periods.append(due_s - now_s)
        cadence.begin_s -= step.earlier_s(due_s)
        now_s = due_s
    return periods, waits


@pytest.mark.parametrize("phase_s", [0.0, 0.013, 0.05, 0.099])
def test_the_beat_comes_in_step_with_a_sensor_and_no_period_is_ever_longer(phase_s: float) -> None:
    jitter_s = (0.0, 0.003, -0.002, 0.004, 0.001)
    arrivals = [100 + phase_s + turn * 0.1 + jitter_s[turn % 5] for turn in range(300)]
    periods, waits = beaten(arrivals, begin_s=100.0)
    assert all(0.0979 <= each <= 0.1001 for each in periods)
    assert sum(waits[-100:]) / 100 <= 0.02
    assert max(waits[-100:]) <= 0.03


def test_the_beat_stays_where_it_is_for_sensors_that_come_at_any_time() -> None:
    periods, _ = beaten([100 + turn * 0.037 for turn in range(800)], begin_s=100.0)
    assert all(each == pytest.approx(0.1) for each in periods)


TRAFFIC = {
    "fills": [0] * 50 + [7] * 100,
    "empties": [7] * 100 + [0] * 100,
    "changes": [3, 7, 0, 0, 12, 1, 0, 4] * 30,
    "passes": [0] * 30 + [5] * 20 + [0] * 100,
}
"""Messages due at each tenth of a second."""


@pytest.mark.parametrize("beats", list(TRAFFIC.values()), ids=list(TRAFFIC))
def test_a_road_that_fills_or_empties_never_makes_a_radio_look_mute(beats: list[int]) -> None:
    for late in range(11):  # the pulse looks once a second, at any tenth of it
        due = DueRate()
        for now, count in enumerate(beats, start=1):
            due.add(count)
            looked = max(0, now - late)
            sent_hz = sum(beats[max(0, looked - 50) : looked]) / 5
            assert due.rate_hz * 0.9 <= sent_hz


def test_what_is_due_for_long_is_what_is_planned() -> None:
    due = DueRate()
    for _ in range(65):
        due.add(10)
    assert math.isclose(due.rate_hz, 100.0)
