"""A roadside unit repeats what the manager publishes for its area."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.trusted_time import Estimate
from wayside_agent.drivers.road_info_file import RoadInfoFile
from wayside_agent.services.road_info import RoadInfo, World
from wayside_agent.services.v2x_broadcast import Repeater
from wayside_agent.settings import Settings


def road_info(
    unit: Settings,
    repeater: Repeater | None,
    *,
    time: Callable[[], Estimate],
    submit: Callable[[wire.Report], Awaitable[int]],
) -> RoadInfo:
    """What follows the manager's broadcasts; without a repeater it refuses them all and says why."""
    shelf = RoadInfoFile(Path(unit.state_dir) / "broadcasts" / "manager.state")
    return RoadInfo(World(shelf, repeater, time, submit))
