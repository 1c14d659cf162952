"""What warnings cost: 200 vehicles that say where they are ten times a second, lights, a MAP, and a look every 100 ms.

Every BSM is taken, decoded and judged, as in an OBU on a full road; the figures are processor time of one core.
"""

import time
from collections.abc import Iterator
from datetime import timedelta

from bench._harness import Report
from bench.v2x_codec import PROFILE
from wayside.v2x.codec import encode
from wayside.v2x.peek import peek
from wayside.v2x.readable import parsed
from wayside_agent.core.bsm import Bsm, encoded_bsm
from wayside_agent.core.v2x import ReceivedMessage
from wayside_agent.core.warnings.movers import Own
from wayside_agent.core.warnings.plane import farther
from wayside_agent.services.v2x_warnings import Warnings, World

VEHICLES = 200
SECONDS = 5
LOOKS_PER_S = 10
PLACE = (200_300_000, 1_103_300_000)
EAST_DEG = 90.0


def traffic(step: int) -> Iterator[bytes]:
    """One BSM of every vehicle, on four lanes around the middle."""
    for number in range(VEHICLES):
        lane, along_m = number % 4, (number // 4 - VEHICLES / 8) * 8.0
        heading = EAST_DEG if lane < 2 else 3 * EAST_DEG
        place = farther(farther(PLACE, EAST_DEG, along_m), heading, 1.0 * step)
        place = farther(place, 0.0, 3.5 * (1.5 - lane))
        yield encoded_bsm(
            Bsm(
                message_count=step % 128,
                vehicle_id=number.to_bytes(8, "big"),
                since_minute=timedelta(milliseconds=100 * step),
                latitude_deg=place[0] / 1e7,
                longitude_deg=place[1] / 1e7,
                elevation_m=12.0,
                speed_mps=10.0,
                heading_deg=heading,
                position_95_m=0.5,
            ),
            PROFILE,
        )


def road() -> bytes:
    """A MAP of one crossing with four lanes of 20 points."""
    node = {"region": 4601, "id": 9}
    lanes = [
        {
            "laneID": number + 1,
            "points": [
                {"posOffset": {"offsetLL": {"position-LL6": {"lon_deg": (each - 20) * 1e-4, "lat_deg": number * 3e-5}}}}
                for each in range(20)
            ],
        }
        for number in range(4)
    ]
    link = {"upstreamNodeId": node, "linkWidth_m": 14.0, "lanes": lanes}
    nodes = [{"id": node, "refPos": {"lat_deg": PLACE[0] / 1e7, "long_deg": PLACE[1] / 1e7}, "inLinks": [link]}]
    return encode(parsed({"mapFrame": {"msgCnt": 1, "nodes": nodes}}), PROFILE)


def main() -> None:
    """Runs it."""
    clock = [0.0]
    own = Own(PLACE, EAST_DEG, 10.0)
    warnings = Warnings(
        World(
            own=lambda: own,
            own_ids=lambda: (),
            profile=PROFILE,
            utc_s=lambda: None,
            show=lambda _changes, _active: None,
            mono_s=lambda: clock[0],
        )
    )
    warnings.look()
    take_s = look_s = 0.0
    for step in range(SECONDS * LOOKS_PER_S):
        clock[0] = step / LOOKS_PER_S
        payloads = [*traffic(step), *([road()] if step % LOOKS_PER_S == 0 else [])]
        heard = [(ReceivedMessage(each, peek(each).kind, 1), peek(each)) for each in payloads]
        begin_s = time.process_time()
        for message, seen in heard:
            warnings.take(message, seen)
        taken_s = time.process_time()
        warnings.look()
        take_s, look_s = take_s + taken_s - begin_s, look_s + time.process_time() - taken_s
    count = VEHICLES * LOOKS_PER_S * SECONDS
    report = Report("v2x-warnings")
    report.add("take, us/BSM", take_s / count * 1e6)
    report.add("take, decode and judge, us/BSM", (take_s + look_s) / count * 1e6)
    report.add("one look, ms", look_s / SECONDS / LOOKS_PER_S * 1e3)
    report.add("200 vehicles at 10 Hz, % of a core", (take_s + look_s) / SECONDS * 100, digits=1)
    report.print()


if __name__ == "__main__":
    main()
