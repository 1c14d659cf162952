"""A file says which profile it is of: what the other one reads of it cannot be."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec import structs

from bench.v2x_codec import MAP, SAMPLES
from tests.v2x_values import Values, types_of
from uper_compiler.model import Reference
from wayside.v2x.codec import DecodeError, Profile, decode, encode
from wayside.v2x.generated.messages import MessageFrame, Position3D
from wayside.v2x.plausibility import doubts
from wayside.v2x.readable import parsed
from wayside_agent.cli import v2x
from wayside_agent.core.v2x_files import FileFormat


def rsi(random: Random) -> dict[str, Any]:
    """Paths of two points and more are other bits in each profile, and of the same size."""
    points = [
        {"offsetLL": {"position-LL3": {"lon_deg": random.randint(-9999, 9999) / 1e7, "lat_deg": 0.0001 * place}}}
        for place in range(random.randint(2, 6))
    ]
    path = {"activePath": points, "pathRadius_m": 5.0}
    event = {"rteId": 1, "eventType": 401, "eventSource": "police", "referencePaths": [path]}
    position = {"lat_deg": 20.03, "long_deg": 110.33}
    return {"rsiFrame": {"msgCnt": 7, "id": "3132333435363738", "refPos": position, "rtes": [event]}}


@pytest.mark.parametrize("profile", list(Profile), ids=str)
def test_a_file_of_a_profile_is_plausible_under_it(profile: Profile, tmp_path: Path) -> None:
    random = Random(3)  # noqa: S311  # repeatable, no secrets
    made = [{"mapFrame": MAP}, *SAMPLES.values(), *(rsi(random) for _ in range(20))]
    path = tmp_path / "messages.hex"
    path.write_text("".join(f"{encode(parsed(each), profile).hex()}\n" for each in made), "ascii")
    document = v2x.counted(path, FileFormat.AUTO)
    assert (document["plausible_profile"], document["plausible"][profile]) == (str(profile), len(made))


def test_what_is_the_same_in_both_is_plausible_under_both(tmp_path: Path) -> None:
    path = tmp_path / "messages.hex"
    path.write_text(encode(parsed(SAMPLES["SPAT"]), Profile.R19).hex(), "ascii")
    assert v2x.counted(path, FileFormat.AUTO)["plausible_profile"] == "r19, p20"


def test_what_a_wrong_profile_reads_of_a_map_is_refused_or_absurd() -> None:
    """Of small MAPs in China most are refused; of the rest 98 in 100 say what cannot be."""
    random = Random(10)  # noqa: S311  # repeatable, no secrets
    made, otherwise_count, doubted_count = Values(types_of(Profile.R19), random, most_items=1), 0, 0
    for _ in range(1000):
        road = made.make(Reference("MapData"))
        nodes = [
            structs.replace(node, refPos=placed(random), inLinks=None if random.random() < 0.5 else node.inLinks)
            for node in road.nodes
        ]
        frame: MessageFrame = ("mapFrame", structs.replace(road, nodes=nodes))
        try:
            other = decode(encode(frame, Profile.R19), Profile.P20)
        except DecodeError:
            continue
        otherwise_count += other != frame
        doubted_count += other != frame and any(doubts(other))
    assert 20 < otherwise_count < 100
    assert doubted_count >= 0.95 * otherwise_count


def placed(random: Random) -> Position3D:
    return Position3D(lat=random.randrange(30_000_000, 540_000_000), long=random.randrange(730_000_000, 1_360_000_000))


@pytest.mark.parametrize(
    ("kind", "change", "sentence"),
    [
        ("BSM", {"speed_mps": 80.0}, "speed: 80 m/s is not between 0 and 70 m/s"),
        ("BSM", {"pos": {"lat_deg": -30.0, "long_deg": 110.0}}, "pos.lat: -30 ° is not between 3 and 54 °"),
        ("RSM", {"refPos": {"lat_deg": 30.0, "long_deg": 10.0}}, "refPos.long: 10 ° is not between 73 and 136 °"),
    ],
    ids=["speed", "lat", "long"],
)
def test_a_value_that_cannot_be_is_named(kind: str, change: dict[str, Any], sentence: str) -> None:
    written = json.loads(json.dumps(SAMPLES[kind]))
    next(iter(written.values())).update(change)
    assert [str(doubt) for doubt in doubts(parsed(written))] == [sentence]


def test_lanes_and_links_that_cannot_be_are_named() -> None:
    written = json.loads(json.dumps(MAP))
    link = written["nodes"][0]["inLinks"][0]
    link["upstreamNodeId"] = {"region": 4601, "id": 16}
    link |= {"linkWidth_m": 300.0, "speedLimits": [{"type": "vehicleMaxSpeed", "speed_mps": 90.0}]}
    link["lanes"][0]["laneWidth_m"] = 0.1
    link["points"][0] = {"posOffset": {"offsetLL": {"position-LL6": {"lon_deg": 0.5, "lat_deg": 0.0}}}}
    written["nodes"][0]["inLinks"] = [link]
    assert [doubt.field for doubt in doubts(parsed({"mapFrame": written}))] == [
        "linkWidth",
        "speedLimits",
        "points.lon",
        "laneWidth",
    ]
