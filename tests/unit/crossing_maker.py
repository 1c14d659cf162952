"""A crossing of four roads for tests: `crossing({("north", "south"): 21, …})` is its node in the MAP."""

import math
from collections.abc import Mapping

from wayside.v2x.generated.messages import (
    Lane,
    Link,
    Movement,
    Node,
    NodeReferenceID,
    Position3D,
    PositionLL32B,
    PositionOffsetLLV,
    RoadPoint,
)

REGION, NODE = 4601, 9
ROADS_DEG = {"north": 0.0, "east": 90.0, "south": 180.0, "west": 270.0}
_FAR, _NEAR = 9000, 1500


def crossing(phases: Mapping[tuple[str, str], int], roads_deg: Mapping[str, float] = ROADS_DEG) -> Node:
    """The node: from which road to which, under which phase."""
    names = list(roads_deg)
    links = []
    for name, bearing in roads_deg.items():
        moves = [
            Movement(remoteIntersection=_reference(names.index(to) if to in names else 99), phaseId=phase)
            for (origin, to), phase in phases.items()
            if origin == name
        ]
        points = [_point(bearing, way) for way in (_FAR, _NEAR)]
        links.append(
            Link(
                upstreamNodeId=_reference(names.index(name)),
                linkWidth=700,
                points=points,
                movements=moves or None,
                lanes=[Lane(laneID=1)],
            )
        )
    return Node(
        id=NodeReferenceID(region=REGION, id=NODE),
        refPos=Position3D(lat=200_317_000, long=1_103_312_000),
        inLinks=links,
    )


def _reference(index: int) -> NodeReferenceID:
    return NodeReferenceID(region=REGION, id=100 + index)


def _point(bearing_deg: float, way: int) -> RoadPoint:
    bearing = math.radians(bearing_deg)
    offset = PositionLL32B(lon=round(way * math.sin(bearing)), lat=round(way * math.cos(bearing)))
    return RoadPoint(posOffset=PositionOffsetLLV(offsetLL=("position-LL3", offset)))
