"""The road of the V2X benchmarks: a crossing of four roads, and what a fusion of sensors there says.

    python -m bench._v2x_road BROKER_PORT OBJECTS

publishes at the unit's broker, ten times a second, what it sees, until it is killed.
"""

import asyncio
import json
import math
import sys
import time
from typing import Any

import aiomqtt

from bench.v2x_codec import LANE, LINK

LATITUDE_DEG, LONGITUDE_DEG = 20.03, 110.33
REGION, NODE = 4601, 17
PHASES = {2: 21, 4: 41, 6: 61, 8: 81}
"""The controller's phase, and the map's, of the roads from south, west, north and east."""
PERIOD_S = 0.1
TOPIC = "wayside/perception/bench"
_ROADS_M = {2: (0.0, -1.0), 4: (-1.0, 0.0), 6: (0.0, 1.0), 8: (1.0, 0.0)}
_OPPOSITE = {2: 6, 6: 2, 4: 8, 8: 4}
_DEGREES_PER_METRE = 1 / 111_320


def document(step: int, objects: int, *, sensor: int = 0, count: int = 1) -> bytes:
    """What one of some sensors sees now: vehicles on a circle, with every field a fusion has."""
    seen = []
    for number in range(sensor, objects, count):
        angle = math.tau * (number / objects + step / 1000)
        seen.append(
            {
                "tracking_id": f"track-{number}",
                "class": "car",
                "x_m": round(120 * math.sin(angle), 2),
                "y_m": round(120 * math.cos(angle), 2),
                "z_m": 0.5,
                "speed_mps": 13.9,
                "heading_deg": round((math.degrees(angle) + 90) % 360, 2),
                "length_m": 4.5,
                "width_m": 1.8,
                "height_m": 1.5,
                "acceleration_mps2": 0.3,
                "yaw_rate_dps": 6.6,
                "sources": ["video", "radar"],
                "position_accuracy_m": 0.4,
                "speed_accuracy_mps": 0.5,
            }
        )
    return json.dumps({"time_ms": time.time_ns() // 1_000_000, "sensor_id": f"s{sensor}", "objects": seen}).encode()


async def sense(port: int, objects: int, *, sensor: int = 0, count: int = 1) -> None:
    """A sensor that publishes ten times a second, out of step with the others."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await asyncio.sleep(PERIOD_S * (0.37 + sensor / count))
        begin_s, step = time.monotonic(), 0
        while True:
            await client.publish(TOPIC, document(step, objects, sensor=sensor, count=count))
            step += 1
            await asyncio.sleep(max(0.0, begin_s + step * PERIOD_S - time.monotonic()))


def crossing() -> dict[str, Any]:
    """MAP of the crossing, as `wayside-agent v2x decode` says it: four roads of three lanes."""
    links = [_link(phase) for phase in PHASES]
    position = {"lat_deg": LATITUDE_DEG, "long_deg": LONGITUDE_DEG, "elevation_m": 12.3}
    return {"mapFrame": {"msgCnt": 0, "nodes": [{"id": _node(0), "refPos": position, "inLinks": links}]}}


def _link(phase: int) -> dict[str, Any]:
    beyond, points = _node(_OPPOSITE[phase]), [_point(phase, distance_m) for distance_m in (200.0, 120.0, 60.0, 15.0)]
    movement = {"remoteIntersection": beyond, "phaseId": PHASES[phase]}
    lanes = [
        LANE
        | {
            "laneID": lane,
            "connectsTo": [movement | {"connectingLane": {"lane": lane}}],
            "points": points[1:],
        }
        for lane in (1, 2, 3)
    ]
    return LINK | {"upstreamNodeId": _node(phase), "points": points, "movements": [movement], "lanes": lanes}


def _node(number: int) -> dict[str, int]:
    return {"region": REGION, "id": NODE + number}


def _point(phase: int, distance_m: float) -> dict[str, Any]:
    east, north = _ROADS_M[phase]
    offset = {
        "lon_deg": round(east * distance_m * _DEGREES_PER_METRE / math.cos(math.radians(LATITUDE_DEG)), 7),
        "lat_deg": round(north * distance_m * _DEGREES_PER_METRE, 7),
    }
    return {"posOffset": {"offsetLL": {"position-LL3": offset}}}


if __name__ == "__main__":
    asyncio.run(sense(int(sys.argv[1]), int(sys.argv[2])))
