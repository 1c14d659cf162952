"""Reading, writing and peeking at V2X messages on one core, against asn1tools with the same modules in the same run.

Typical messages of each kind: a BSM of 35 fields, SPAT of 8 phases, RSM of 16 participants, a MAP of one crossing.
`COMPILED=<folder>` measures a compiled copy of `wayside`, too, which is in that folder (docs/performance.md says how).
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asn1tools

from bench._harness import Report
from wayside.v2x.codec import Profile, decode, encode
from wayside.v2x.peek import peek
from wayside.v2x.readable import parsed

ASN1 = Path(__file__).parents[1] / "proto" / "asn1"
PROFILE = Profile.P20
GOALS = {"BSM": 3.5, "SPAT": 2.5, "RSM": 2.5, "MAP": 2.5}
ENCODE_GOAL = 4.5
RUN_S = 0.4
RUNS = 5

POSITION = {"lat_deg": 20.0312345, "long_deg": 110.3312345, "elevation_m": 12.3}
OFFSET = {"offsetLL": {"position-LL3": {"lon_deg": 0.0012345, "lat_deg": -0.0011111}}}
NODE = {"region": 4601, "id": 17}
CONFIDENCE = {"pos": "a50cm", "elevation": "elev-001-00"}
MOTION = {"speedCfd": "prec0-1ms", "headingCfd": "prec0-1deg"}
ACCELERATION = {"long_mps2": 0.31, "lat_mps2": -0.05, "vert_mps2": 0.0, "yaw_dps": 1.2}
SIZE = {"width_m": 1.8, "length_m": 4.8, "height_m": 1.5}
CRUMB = {
    "llvOffset": {"offsetLL": {"position-LL1": {"lon_deg": 0.0001, "lat_deg": 0.0001}}},
    "timeOffset_s": 0.5,
}
BSM = {
    "msgCnt": 17,
    "id": "0102030405060708",
    "secMark_s": 12.3,
    "timeConfidence": "time-000-001",
    "pos": POSITION,
    "posAccuracy": {"semiMajor": 20, "semiMinor": 20, "orientation": 0},
    "posConfidence": CONFIDENCE,
    "transmission": "forwardGears",
    "speed_mps": 16.66,
    "heading_deg": 87.5,
    "angle_deg": 1.5,
    "motionCfd": MOTION,
    "accelSet": ACCELERATION,
    "brakes": {"brakePadel": "off", "wheelBrakes": [], "abs": "off", "scs": "on"},
    "size": SIZE,
    "vehicleClass": {"classification": 10, "fuelType": 4},
    "safetyExt": {"events": ["eventHardBraking"], "pathHistory": {"crumbData": [CRUMB] * 3}, "lights": []},
}
TIMING = {"counting": {"startTime_s": 0.0, "likelyEndTime_s": 12.5, "nextStartTime_s": 45.0, "nextDuration_s": 20.0}}
SPAT = {
    "msgCnt": 1,
    "moy_min": 458_304,
    "timeStamp_s": 9.25,
    "intersections": [
        {
            "intersectionId": NODE,
            "status": ["fixedTimeOperation"],
            "phases": [
                {"id": phase, "phaseStates": [{"light": light, "timing": TIMING} for light in ("red", "yellow")]}
                for phase in range(1, 9)
            ],
        }
    ],
}
PARTICIPANT = {
    "ptcType": "motor",
    "ptcId": 812,
    "source": "video",
    "secMark_s": 12.3,
    "pos": OFFSET,
    "posConfidence": CONFIDENCE,
    "speed_mps": 8.2,
    "heading_deg": 270.0,
    "motionCfd": MOTION,
    "size": SIZE,
    "vehicleClass": {"classification": 10},
}
RSM = {"msgCnt": 1, "id": "0102030405060708", "refPos": POSITION, "participants": [PARTICIPANT] * 16}
LANE = {
    "laneID": 1,
    "laneWidth_m": 3.5,
    "laneAttributes": {"laneType": {"vehicle": []}},
    "maneuvers": ["maneuverStraightAllowed"],
    "connectsTo": [{"remoteIntersection": NODE, "connectingLane": {"lane": 2}, "phaseId": 2}],
    "points": [{"posOffset": OFFSET}] * 3,
}
LINK = {
    "upstreamNodeId": NODE,
    "speedLimits": [{"type": "vehicleMaxSpeed", "speed_mps": 16.66}],
    "linkWidth_m": 10.5,
    "points": [{"posOffset": OFFSET}] * 4,
    "movements": [{"remoteIntersection": NODE, "phaseId": 2}] * 3,
    "lanes": [LANE] * 3,
}
MAP = {"msgCnt": 1, "nodes": [{"id": NODE, "refPos": POSITION, "inLinks": [LINK] * 4}]}
SAMPLES = {"BSM": {"bsmFrame": BSM}, "SPAT": {"spatFrame": SPAT}, "RSM": {"rsmFrame": RSM}, "MAP": {"mapFrame": MAP}}


def main() -> None:
    """Runs the benchmark."""
    report = Report("v2x-codec")
    folders = (ASN1 / "common", ASN1 / PROFILE.value)
    peer = asn1tools.compile_files([str(path) for folder in folders for path in sorted(folder.glob("*.asn"))], "uper")
    for kind, sample in SAMPLES.items():
        frame = parsed(sample)
        data = encode(frame, PROFILE)
        theirs = peer.decode("MessageFrame", data)
        assert decode(data, PROFILE) == frame
        assert peer.encode("MessageFrame", theirs) == data
        read, written = _us(lambda: decode(data, PROFILE)), _us(lambda: encode(frame, PROFILE))  # noqa: B023
        peer_read = _us(lambda: peer.decode("MessageFrame", data))  # noqa: B023
        peer_written = _us(lambda: peer.encode("MessageFrame", theirs))  # noqa: B023
        report.add(f"{kind}, {len(data)} bytes: decode, /s", 1e6 / read, digits=0)
        report.add(f"{kind}: encode, /s", 1e6 / written, digits=0)
        report.add_ratio(f"{kind}: decode, asn1tools / ours (goal {GOALS[kind]})", peer_read / read)
        report.add_ratio(f"{kind}: encode, asn1tools / ours (goal {ENCODE_GOAL})", peer_written / written)
    data = encode(parsed(SAMPLES["BSM"]), PROFILE)
    report.add("BSM: peek, /s (goal 400,000)", 1e6 / _us(lambda: peek(data)), digits=0)
    for name, ratio in _compiled(os.environ.get("COMPILED", "")):
        report.add_ratio(name, ratio)
    report.print()


def _compiled(folder: str) -> Iterator[tuple[str, float]]:
    """How much faster the copy in a folder is; both in processes of their own, in turns, the best of each."""
    if not folder:
        return
    runs = [(_owned(""), _owned(folder)) for _ in range(RUNS)]
    assert str(runs[0][1]["file"]).endswith(".so"), f"{folder}: nothing in it is compiled"
    for kind in SAMPLES:
        for place, word in enumerate(("decode", "encode")):
            ours, theirs = (min(run[which][kind][place] for run in runs) for which in (0, 1))
            yield f"{kind}: {word}, ours / compiled", ours / theirs


def _owned(folder: str) -> dict[str, Any]:
    path = os.pathsep.join([folder, str(Path(__file__).parents[1])]).strip(os.pathsep)
    command = [sys.executable, "-c", "from bench.v2x_codec import own; own()"]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, check=True)
    return dict(json.loads(done.stdout))


def own() -> None:
    """Prints times of reading and writing by kind [us], and the file that did it."""
    frames = {kind: parsed(sample) for kind, sample in SAMPLES.items()}
    written = {kind: encode(frame, PROFILE) for kind, frame in frames.items()}
    assert all(decode(data, PROFILE) == frames[kind] for kind, data in written.items())
    times = {
        kind: (_us(lambda: decode(written[kind], PROFILE)), _us(lambda: encode(frames[kind], PROFILE)))  # noqa: B023
        for kind in frames
    }
    file = sys.modules[f"wayside.v2x.generated.{PROFILE}"].__file__
    print(json.dumps({"file": file, **times}))


def _us(call: Callable[[], object]) -> float:
    """Time of one call, the best of some runs [us]."""
    count, best = 1, float("inf")
    for _ in range(RUNS + 1):  # the first run finds out how many calls fit
        start = time.perf_counter()
        for _ in range(count):
            call()
        took_s = time.perf_counter() - start
        best = min(best, took_s / count)
        if count == 1:
            count, best = max(1, int(RUN_S / took_s / 4)), float("inf")
    return best * 1e6


if __name__ == "__main__":
    main()
