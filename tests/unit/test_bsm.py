"""A vehicle and the message that says where it is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from wayside.v2x.codec import EncodeError, Profile, decode
from wayside_agent.core.bsm import Bsm, Crumb, Event, Transmission, bsm_of, encoded_bsm

BSM = Bsm(
    message_count=5,
    vehicle_id=bytes(range(1, 9)),
    since_minute=timedelta(seconds=9.5),
    latitude_deg=20.0301234,
    longitude_deg=110.3305678,
    elevation_m=12.5,
    speed_mps=13.88,
    heading_deg=271.25,
    acceleration_mps2=-1.5,
    yaw_rate_dps=3.2,
    height_m=1.5,
    steering_wheel_deg=-3.0,
    is_braking=True,
    events=frozenset({Event.HAZARD_LIGHTS, Event.HARD_BRAKING}),
    position_95_m=0.5,
)


@pytest.mark.parametrize("profile", list(Profile), ids=str)
@pytest.mark.parametrize(
    "bsm",
    [
        BSM,
        replace(BSM, latitude_deg=None, longitude_deg=None, elevation_m=None),
        replace(BSM, speed_mps=None, heading_deg=None, acceleration_mps2=None, lateral_mps2=None),
        replace(BSM, transmission=Transmission.PARK, is_braking=None, height_m=None, steering_wheel_deg=None),
        replace(BSM, events=frozenset(Event), position_95_m=None),
    ],
    ids=["all", "nowhere", "speedless", "parked", "events"],
)
def test_what_a_vehicle_says_is_what_others_hear(bsm: Bsm, profile: Profile) -> None:
    frame = decode(encoded_bsm(bsm, profile), profile)
    assert frame[0] == "bsmFrame"
    assert bsm_of(frame[1]) == bsm


def test_the_way_is_said_with_its_times() -> None:
    path = (Crumb(20.03, 110.33, 0.5), Crumb(20.029, 110.329, 20.0), Crumb(20.028, 110.328, 0.0))
    frame = decode(encoded_bsm(replace(BSM, path=path)), Profile.P20)
    assert frame[0] == "bsmFrame"
    extensions = frame[1].safetyExt
    assert extensions is not None
    assert extensions.pathHistory is not None
    crumbs = extensions.pathHistory.crumbData
    assert [each.timeOffset for each in crumbs] == [50, 2000, 1]
    assert crumbs[0].llvOffset.offsetLL[0] == "position-LatLon"


@pytest.mark.parametrize(
    ("radius_m", "said_m"),
    [(0.009, 0.01), (0.01, 0.01), (0.3, 0.5), (1.0, 1.0), (1.1, 2.0), (500.0, 500.0), (501.0, None)],
    ids=str,
)
def test_a_confidence_is_never_better_than_it_is(radius_m: float, said_m: float | None) -> None:
    frame = decode(encoded_bsm(replace(BSM, position_95_m=radius_m)), Profile.P20)
    assert frame[0] == "bsmFrame"
    assert bsm_of(frame[1]).position_95_m == said_m


def test_a_heading_just_below_the_full_circle_is_north() -> None:
    frame = decode(encoded_bsm(replace(BSM, heading_deg=359.999)), Profile.P20)
    assert frame[0] == "bsmFrame"
    assert frame[1].heading == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"message_count": 128}, "msgCnt: 128 is not between 0 and 127"),
        ({"vehicle_id": b"1"}, "id: 1 is not between 8 and 8"),
        ({"speed_mps": 200.0}, "speed: 10000 is not between 0 and 8191"),
        ({"latitude_deg": 91.0}, "lat: 910000000 is not between"),
        ({"vehicle_class": 256}, "classification: 256 is not between 0 and 255"),
        ({"speed_mps": float("nan")}, "BSM: cannot convert float NaN"),
        ({"path": (Crumb(1.0, 1.0, 1.0),) * 24}, "PathHistoryPointList: 24 is not between 1 and 23"),
    ],
    ids=["count", "id", "speed", "latitude", "class", "nan", "path"],
)
def test_a_bsm_with_an_impossible_value_is_refused(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(EncodeError) as caught:
        encoded_bsm(replace(BSM, **change))  # type: ignore[arg-type]  # one wrong value per case
    assert str(caught.value).startswith(sentence)
