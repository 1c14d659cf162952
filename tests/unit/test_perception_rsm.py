"""Objects as participants of RSM: what is said, in which order, and how they are shared out over messages."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.v2x import phase2
from wayside.v2x.codec import Profile, decode
from wayside.v2x.generated.messages import MessageFrameExt, ParticipantData, RoadsideSafetyMessage
from wayside.v2x.generated.phase2_messages import SensorSharingMsg
from wayside_agent.core.perception.document import Document, ObjectClass, SeenObject, Source, of_words
from wayside_agent.core.perception.place import Place, SensorPlace, place_of
from wayside_agent.core.perception.rsm import Head, chosen, participant, rsms, unit_id
from wayside_agent.core.perception.scene import Rules, Scene, SensorRules, Track
from wayside_agent.core.perception.ssm import ssms
from wayside_agent.core.perception.tracks import Tracks

UTC_MS = 1_795_416_902_250
HERE = place_of(20.03, 110.33, 12.0)
HEAD = Head(HERE, unit_id("ESN-0001"))


def tracks_of(*objects: SeenObject, source: Source = Source.RADAR) -> list[Track]:
    scene = Scene(Rules({"north": SensorRules(SensorPlace(20.03, 110.33, 12.0), source)}), Tracks())
    scene.take(Document(UTC_MS, "north", objects), utc_s=UTC_MS / 1000, mono_s=1.0)
    return scene.fresh(1.0)


def seen(number: int = 1, **fields: Any) -> SeenObject:  # noqa: ANN401  # as in a document
    return SeenObject(tracking_id=number, **{"x_m": 10.0, "y_m": 20.0, **fields})


def said(**fields: Any) -> ParticipantData:  # noqa: ANN401  # as in a document
    (track,) = tracks_of(seen(**fields))
    return participant(track, HERE)


def test_what_is_known_is_said_in_the_standards_numbers() -> None:
    each = said(
        kind=ObjectClass.BUS,
        z_m=0.5,
        speed_mps=13.9,
        heading_deg=271.5,
        length_m=12.0,
        width_m=2.55,
        height_m=3.1,
        acceleration_mps2=-1.5,
        yaw_rate_dps=2.25,
        position_accuracy_m=0.3,
        elevation_accuracy_m=2.0,
        speed_accuracy_mps=0.1,
        heading_accuracy_deg=0.012,
        v2x_id="00A1b2c3d4e5f607",
    )
    assert (each.ptcType, each.source, each.secMark) == (1, 4, UTC_MS % 60_000)
    assert (each.speed, each.heading) == (695, 21_720)
    assert (each.size.length, each.size.width, each.size.height) == (1200, 255, 62)
    assert each.accelSet is not None
    assert (each.accelSet.long, each.accelSet.lat, each.accelSet.vert, each.accelSet.yaw) == (-150, 2001, -127, 225)
    assert (each.posConfidence.pos, each.posConfidence.elevation) == (10, 8)
    assert each.motionCfd is not None
    assert (each.motionCfd.speedCfd, each.motionCfd.headingCfd) == (5, 7)
    assert each.id == bytes.fromhex("00a1b2c3d4e5f607")
    assert each.vehicleClass is not None
    assert each.vehicleClass.classification == 50
    assert each.pos.offsetV == ("offset1", 5)


def test_what_is_not_known_is_said_to_be_unavailable() -> None:
    each = said()
    assert (each.ptcType, each.speed, each.heading, each.posConfidence.pos) == (0, 8191, 28_800, 0)
    assert (each.size.width, each.size.length, each.size.height) == (0, 0, None)
    assert (each.id, each.motionCfd, each.accelSet, each.vehicleClass, each.pos.offsetV) == (None,) * 5


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("unknown", 0),
        *((name, 1) for name in ("motor", "car", "van", "truck", "bus", "motorcyclist")),
        *((name, 2) for name in ("non-motor", "cyclist", "tricyclist")),
        ("pedestrian", 3),
    ],
)
def test_a_class_is_one_of_the_standards_four(kind: str, number: int) -> None:
    assert said(kind=ObjectClass(kind)).ptcType == number


@pytest.mark.parametrize(
    ("sources", "number"),
    [
        ((), 4),
        (("video",), 3),
        (("lidar", "unknown"), 6),
        (("video", "radar"), 7),
        (("integrated",), 7),
        (("v2x",), 2),
        (("loop", "loop"), 5),
        (("unknown",), 0),
    ],
)
def test_several_ways_of_seeing_are_integrated_and_the_settings_say_the_rest(
    sources: tuple[str, ...], number: int
) -> None:
    assert said(sources=tuple(map(Source, sources))).source == number


@pytest.mark.parametrize(
    ("accuracy_m", "number"),
    [(0.005, 15), (0.01, 15), (0.011, 14), (0.1, 12), (1.0, 9), (1.01, 8), (500.0, 1), (501.0, 0), (None, 0)],
)
def test_a_confidence_never_promises_more_than_was_measured(accuracy_m: float | None, number: int) -> None:
    assert said(position_accuracy_m=accuracy_m).posConfidence.pos == number


def test_a_full_circle_is_north_and_a_size_that_is_known_is_never_nothing() -> None:
    each = said(heading_deg=360.0, width_m=0.001, height_m=0.01)
    assert (each.heading, each.size.width, each.size.height) == (0, 1, 1)


def test_the_nearest_are_said_and_who_is_not_in_a_car_counts_as_half_as_far() -> None:
    tracks = tracks_of(
        seen(1, y_m=100.0, kind=ObjectClass.CAR),
        seen(2, y_m=180.0, kind=ObjectClass.PEDESTRIAN),
        seen(3, y_m=50.0, kind=ObjectClass.TRUCK),
        seen(4, y_m=120.0, kind=ObjectClass.CYCLIST),
        seen(5, y_m=300.0, kind=ObjectClass.PEDESTRIAN),
    )
    assert [each.seen.tracking_id for each in chosen(tracks, HERE, max_count=4)] == [3, 4, 2, 1]


def decoded(message: bytes, profile: Profile = Profile.P20) -> RoadsideSafetyMessage:
    name, content = decode(message, profile)
    assert name == "rsmFrame"
    assert isinstance(content, RoadsideSafetyMessage)
    return content


def test_160_objects_are_in_ten_messages_each_once_and_the_counts_go_on() -> None:
    tracks = tracks_of(*(seen(number, x_m=number * 2.0 - 160, speed_mps=10.0) for number in range(160)))
    messages = list(rsms(tracks, HEAD, 124, Profile.P20))
    contents = [decoded(message) for message, _ in messages]
    assert [each.msgCnt for each in contents] == [124, 125, 126, 127, 0, 1, 2, 3, 4, 5]
    assert [len(each.participants) for each in contents] == [16] * 10
    assert sorted(one.ptcId for each in contents for one in each.participants) == list(range(160))
    assert {each.id for each in contents} == {b"ESN-0001"}
    assert max(len(message) for message, _ in messages) <= 1394
    assert [len(group) for _, group in messages] == [16] * 10


def test_a_message_that_does_not_fit_is_shared_out_further() -> None:
    tracks = tracks_of(*(seen(number) for number in range(40)))
    messages = list(rsms(tracks, HEAD, 0, Profile.P20, max_bytes=200))
    assert max(len(message) for message, _ in messages) <= 200
    contents = [decoded(message) for message, _ in messages]
    assert [one.ptcId for each in contents for one in each.participants] == list(range(40))
    assert [each.msgCnt for each in contents] == list(range(len(contents)))


def test_a_unit_is_called_by_the_end_of_its_serial_number() -> None:
    assert [unit_id(name) for name in ("E1", "ESN-2026-000017")] == [b"E1\0\0\0\0\0\0", b"6-000017"]


def shared(message: bytes, profile: Profile = Profile.P20) -> SensorSharingMsg:
    name, extension = decode(message, profile)
    assert name == "msgFrameExt"
    assert isinstance(extension, MessageFrameExt)
    content = phase2.opened(extension, profile, unconfirmed=True)
    assert isinstance(content, SensorSharingMsg)
    return content


def test_ssm_says_the_same_of_the_same_objects_and_what_they_are_more_finely() -> None:
    kinds = list(ObjectClass)
    tracks = tracks_of(*(seen(number, kind=kinds[number % len(kinds)]) for number in range(70)))
    head = Head(HERE, unit_id("ESN-0001"), UTC_MS + 40)
    contents = [shared(message) for message, _ in ssms(tracks, head, 127, Profile.P20)]
    assert [each.msgCnt for each in contents] == [127, 0, 1]
    assert {(each.equipmentType, each.id, each.secMark) for each in contents} == {
        (1, b"ESN-0001", (UTC_MS + 40) % 60_000)
    }
    found = [one for each in contents for one in each.participants or ()]
    assert [one.ptc for one in found] == [participant(each, HERE) for each in tracks]
    assert [one.detectedPTCType for one in found[: len(kinds)]] == [0, 1, 1, 10, 3, 4, 5, 6, 8, 7, 9]


def test_ssm_fits_the_air_whatever_is_known_of_its_objects() -> None:
    full = {"speed_mps": 1.0, "acceleration_mps2": 1.0, "speed_accuracy_mps": 1.0, "heading_accuracy_deg": 1.0}
    far = {"x_m": None, "y_m": None, "latitude_deg": -60.0, "longitude_deg": -60.0, "elevation_m": 6000.0}
    more = {"height_m": 3.0, "v2x_id": "0" * 16, "kind": ObjectClass.BUS, "elevation_accuracy_m": 1.0}
    tracks = tracks_of(*(seen(number, **full, **far, **more) for number in range(100)))
    messages = list(ssms(tracks, HEAD, 0, Profile.P20))
    assert max(len(message) for message, _ in messages) <= 1394
    assert sum(len(shared(message).participants or ()) for message, _ in messages) == 100


SIZES = {"length_m": 40.95, "width_m": 10.23, "height_m": 6.35}
RANGES = {
    "elevation_m": (-409, 6143),
    "speed_mps": (0, 163.8),
    "heading_deg": (0, 360),
    **{name: (1e-9, highest) for name, highest in SIZES.items()},
    "acceleration_mps2": (-20, 20),
    "lateral_acceleration_mps2": (-20, 20),
    "vertical_acceleration_mps2": (-24, 24),
    "yaw_rate_dps": (-327.67, 327.67),
    "position_accuracy_m": (1e-9, 10_000),
    "elevation_accuracy_m": (1e-9, 10_000),
    "speed_accuracy_mps": (1e-9, 1000),
    "heading_accuracy_deg": (1e-9, 360),
}
FIELDS = st.fixed_dictionaries(
    {"latitude_deg": st.floats(-90, 90), "longitude_deg": st.floats(-180, 180)},
    optional={
        **{name: st.floats(low, high) for name, (low, high) in RANGES.items()},
        "class": st.sampled_from(ObjectClass),
        "sources": st.lists(st.sampled_from(Source), max_size=8),
        "v2x_id": st.text("0123456789abcdefABCDEF", min_size=16, max_size=16),
    },
)
PLACES = st.builds(
    Place,
    st.integers(-900_000_000, 900_000_000),
    st.integers(-1_799_999_999, 1_800_000_000),
    st.none() | st.integers(-4095, 61_439),
)


@given(st.lists(FIELDS, min_size=1, max_size=3), PLACES, st.sampled_from(Profile))
def test_whatever_a_document_may_say_can_be_said_on_the_air(
    objects: list[dict[str, Any]], here: Place, profile: Profile
) -> None:
    found = of_words(
        UTC_MS,
        "north",
        [{**each, "tracking_id": str(number)} for number, each in enumerate(objects)],
        count=len(objects),
    )
    assert found.refusals == ()
    scene = Scene(Rules(), Tracks())
    scene.take(found, utc_s=UTC_MS / 1000, mono_s=1.0)
    tracks = scene.fresh(1.0)
    ((message, _),) = rsms(tracks, Head(here, b"\0" * 8), 0, profile)
    said = [participant(each, here) for each in tracks]
    assert decoded(message, profile).participants == said
    ((message, _),) = ssms(tracks, Head(here, b"\0" * 8), 0, profile)
    assert [each.ptc for each in shared(message, profile).participants or ()] == said
