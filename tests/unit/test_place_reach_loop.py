"""Counting whom a large area reaches leaves the loop free for everybody else."""

import asyncio
import json
import math
import time
from datetime import UTC, datetime
from typing import cast

from wayside.errors import NotFoundError
from wayside.v1 import site_pb2, site_service_pb2
from wayside_manager.api.gate.place_reach import PlaceReach
from wayside_manager.ports.sites import SiteStore

CORNERS = 100_000


class Nothing:
    """A store without places."""

    async def get_geofence(self, geofence_id: str) -> None:
        raise NotFoundError(f"geofence {geofence_id} is not there")


def area() -> str:
    turns = [index * 2 * math.pi / (CORNERS - 1) for index in range(CORNERS - 1)]
    ring = [[110 + math.cos(turn), 20 + math.sin(turn)] for turn in turns]
    return json.dumps({"type": "Polygon", "coordinates": [[*ring, ring[0]]]})


async def test_an_area_of_a_hundred_thousand_corners_is_read_beside_the_loop() -> None:
    geofence = site_pb2.Geofence(name="geofences/town", geometry_json=area(), kind=site_pb2.Geofence.KIND_TEST_AREA)
    reach = PlaceReach(cast("SiteStore", Nothing()), lambda: datetime(2026, 11, 22, tzinfo=UTC))
    request = site_service_pb2.ApplyGeofenceRequest(geofence=geofence)
    turn_count = 0
    began_s = time.perf_counter()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        counting = group.create_task(reach.selectors("ApplyGeofence", request))
        while not counting.done():
            await asyncio.sleep(0.001)
            turn_count += 1
    assert counting.result() == ()
    # one turn when it is read on the loop; a thread leaves it one every few milliseconds
    assert turn_count > 10, f"{turn_count} turns in {time.perf_counter() - began_s:.1f} s"
