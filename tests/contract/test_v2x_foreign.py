"""Messages of other regions, from public logs: recognised, counted, passed on, and decoded where pycrate can."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from pycrate_asn1dir import ITS_IS

from tests.v2x_oracles import pool
from wayside.v1 import node_pb2
from wayside.v2x.codec import Profile
from wayside.v2x.foreign import Family, foreign
from wayside.v2x.peek import MessageKind, Peek, message_kind, peek
from wayside_agent.cli import v2x
from wayside_agent.core.v2x_files import FileFormat

LOG_HEADER_BYTES = {"bsmTx.gz": 26, "bsmLogDuringEvent.gz": 26, "rxMsg_TIM_GeneratedBy_RSU.gz": 26}


def logged(path: Path) -> list[bytes]:
    """The payloads of a log: each with its length in the last two bytes of the header."""
    content, found = gzip.decompress(path.read_bytes()), []
    header = LOG_HEADER_BYTES[path.name]
    while content:
        size_bytes = int.from_bytes(content[header - 2 : header], "little")
        found.append(content[header : header + size_bytes])
        content = content[header + size_bytes :]
    return found


def vector(folder: Path, name: str) -> str:
    return str(json.loads((folder / f"decoder-input-{name}.json").read_text("utf-8"))["payload"]["data"]["bytes"])


def written(path: Path, payloads: list[str]) -> Path:
    path.write_text("".join(f"{each}\n" for each in payloads), "ascii")
    return path


def test_frames_of_logs_are_recognised_in_their_envelopes(shared_data: Path) -> None:
    folder = shared_data / "v2x/j2735"
    for name, kind, count in (("bsmTx.gz", "BSM", 16), ("bsmLogDuringEvent.gz", "BSM", 222)):
        found = [foreign(each) for each in logged(folder / name)]
        assert Counter((each.family, each.name) for each in found if each) == {(Family.J2735, kind): count}


def test_a_file_of_all_regions_is_counted(tmp_path: Path, shared_data: Path) -> None:
    etsi = [(shared_data / f"v2x/etsi/{name}.hex").read_text().strip() for name in ("CAM", "SPATEM")]
    vectors = [vector(shared_data / "v2x/j2735/ode_vectors", name) for name in ("spat", "bsm", "srm")]
    ours = [each.hex() for each in pool(Profile.P20, 3, 10)]
    document = v2x.counted(written(tmp_path / "all.hex", [*etsi, *vectors, *ours]), FileFormat.AUTO)
    names = ("etsi CAM", "etsi SPATEM", "j2735 SPAT", "j2735 BSM", "j2735 SRM")
    assert document["foreign"] == dict.fromkeys(names, 1)
    assert (sum(document["messages"].values()), document["errors"]) == (10, {})


def test_spat_of_both_are_decoded(tmp_path: Path, shared_data: Path) -> None:
    spat = vector(shared_data / "v2x/j2735/ode_vectors", "spat")
    [document] = v2x.decoded_as(written(tmp_path / "us.hex", [spat]), "j2735", FileFormat.AUTO)
    [crossing] = document["message"]["intersections"]
    assert (document["kind"], crossing["id"]["id"], len(crossing["states"])) == ("SPAT", 8804, 8)
    spatem = (shared_data / "v2x/etsi/SPATEM.hex").read_text().strip()
    [document] = v2x.decoded_as(written(tmp_path / "eu.hex", [spatem]), "etsi", FileFormat.AUTO)
    [crossing] = document["message"]["spat"]["intersections"]
    assert (document["kind"], crossing["id"], crossing["name"]) == (
        "SPATEM",
        {"id": 2501, "region": 3},
        "MAP_ITS_25\\2501\\2.2",
    )


ROAD = {
    "msgIssueRevision": 5,
    "intersections": [
        {
            "id": {"id": 17},
            "revision": 1,
            "refPoint": {"lat": 411_600_000, "long": -1_047_500_000},
            "laneSet": [
                {
                    "laneID": 1,
                    "laneAttributes": {
                        "directionalUse": (2, 2),
                        "sharedWith": (0, 10),
                        "laneType": ("vehicle", (0, 8)),
                    },
                    "nodeList": (
                        "nodes",
                        [{"delta": ("node-XY1", {"x": 10, "y": 20})}, {"delta": ("node-XY1", {"x": 1, "y": 2})}],
                    ),
                }
            ],
        }
    ],
}


def test_maps_of_both_are_decoded(tmp_path: Path) -> None:
    ITS_IS.DSRC.MapData.set_val(ROAD)
    body = ITS_IS.DSRC.MapData.to_uper()
    american = bytes((0, 18, len(body))) + body
    ITS_IS.MAPEM_PDU_Descriptions.MAPEM.set_val(
        {"header": {"protocolVersion": 2, "messageID": 5, "stationID": 9}, "map": ROAD}
    )
    european = ITS_IS.MAPEM_PDU_Descriptions.MAPEM.to_uper()
    [us] = v2x.decoded_as(written(tmp_path / "us.hex", [american.hex()]), "j2735", FileFormat.AUTO)
    [eu] = v2x.decoded_as(written(tmp_path / "eu.hex", [european.hex()]), "etsi", FileFormat.AUTO)
    assert (us["kind"], eu["kind"], us["message"]) == ("MAP", "MAPEM", eu["message"]["map"])
    assert us["message"]["intersections"][0]["refPoint"] == {"lat": 411_600_000, "long": -1_047_500_000}


def test_a_message_without_a_module_is_passed_on_as_it_is(tmp_path: Path, shared_data: Path) -> None:
    bsm = vector(shared_data / "v2x/j2735/ode_vectors", "bsm").lower()
    [document] = v2x.decoded_as(written(tmp_path / "us.hex", [bsm]), "j2735", FileFormat.AUTO)
    assert document == {"profile": "j2735", "payload": bsm, "kind": "BSM", "security": None}  # a byte too long


def test_who_reads_it_under_our_profile_is_told_what_it_may_be(tmp_path: Path, shared_data: Path) -> None:
    spat = vector(shared_data / "v2x/j2735/ode_vectors", "spat")
    [document] = v2x.decoded_as(written(tmp_path / "us.hex", [spat]), "p20", FileFormat.AUTO)
    assert document["error"].endswith("; it may be SPAT of j2735")


@pytest.mark.parametrize(
    "data",
    [
        "",
        "00",
        "0013",
        "001300",
        "00130100ff",
        "0013c0",
        "0013ff00",
        "0380",
        "038005",
        "0381004003",
        "0399aabb",
        "0200ff",
    ],
)
def test_what_is_no_frame_is_none(data: str) -> None:
    assert foreign(bytes.fromhex(data)) is None


@pytest.mark.parametrize(("name", "kind"), [("etsi/CAM", MessageKind.ETSI), ("etsi/SPATEM", MessageKind.ETSI)])
def test_a_european_message_on_the_air_is_counted_as_what_it_is(
    name: str, kind: MessageKind, shared_data: Path
) -> None:
    data = bytes.fromhex((shared_data / f"v2x/{name}.hex").read_text().strip())
    assert (message_kind(data), peek(data)) == (kind, Peek(kind))


def test_american_messages_on_the_air_are_counted_as_what_they_are(shared_data: Path) -> None:
    for data in logged(shared_data / "v2x/j2735/bsmLogDuringEvent.gz"):
        found = foreign(data)
        assert found is not None
        assert message_kind(data) is message_kind(found.frame) is MessageKind.J2735
        assert peek(found.frame) == Peek(MessageKind.J2735)


@pytest.mark.parametrize("profile", list(Profile), ids=str)
def test_no_message_of_ours_is_taken_for_a_foreign_one(profile: Profile) -> None:
    kinds = {message_kind(each) for each in pool(profile, 4, 2000)}
    assert not kinds & {MessageKind.J2735, MessageKind.ETSI}
    assert len(kinds) > 5


def test_every_kind_has_a_name_in_the_report_of_a_unit() -> None:
    assert {f"V2X_MESSAGE_KIND_{kind.name}" for kind in MessageKind} <= {*node_pb2.V2xMessageKind.keys()}
