"""Which sites may be touched now, so that no road goes dark: never two neighbours, never too much of one.

The rules hold for sites, not for nodes: the nodes of a site go together.
Usage: `room = RoadRoom(roads, held_site_ids)`; `room.take("k12")` says whether a node at that site may be told, and
keeps the site from then on.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

_ROUNDING = 1e-9
"""What a share of a whole number may be off by in binary."""


@dataclass(frozen=True, slots=True)
class Road:
    """A corridor: which sites are adjacent, and how much of it may be in flight."""

    corridor_id: str
    site_ids: tuple[str, ...]
    """In order; neighbours are adjacent, on a ring also the last and the first."""
    is_ring: bool = False
    max_percent: float = 20.0
    """Of its sites; one site always may."""


@dataclass(frozen=True, slots=True)
class Roads:
    """Every corridor, and the sites other rollouts have in flight."""

    roads: tuple[Road, ...] = ()
    busy_site_ids: frozenset[str] = frozenset()


def site_limit(road: Road, max_percent: float = 0.0) -> int:
    """Sites of a road that may be in flight at once. `max_percent`: the plan's bound; 0: the road's alone."""
    percent = min(road.max_percent, max_percent) if max_percent else road.max_percent
    return max(1, math.floor(percent * len(road.site_ids) / 100.0 + _ROUNDING))


def neighbours(road: Road) -> list[tuple[str, str]]:
    """The sites before and after each site, in its order. Empty: none, or it is the site itself."""
    ids = road.site_ids
    before = (ids[-1] if road.is_ring and ids else "", *ids[:-1])
    after = (*ids[1:], ids[0] if road.is_ring and ids else "")
    return [
        ("" if left == site_id else left, "" if right == site_id else right)
        for site_id, left, right in zip(ids, before, after, strict=True)
    ]


class RoadRoom:
    """What room there is on the roads, and who takes it."""

    def __init__(self, roads: Roads, held_site_ids: Iterable[str], *, max_percent: float = 0.0) -> None:
        self._held = set(roads.busy_site_ids)
        self._held.update(held_site_ids)
        self._held.discard("")
        self._refused: set[str] = set()
        self._left = [site_limit(road, max_percent) for road in roads.roads]
        self._places: defaultdict[str, list[tuple[int, str, str]]] = defaultdict(list)
        for index, road in enumerate(roads.roads):
            self._left[index] -= len(self._held.intersection(road.site_ids))
            for site_id, (left, right) in zip(road.site_ids, neighbours(road), strict=True):
                self._places[site_id].append((index, left, right))

    def take(self, site_id: str, *, is_probe: bool = False) -> bool:
        """Whether a node at that site may be told; takes the room for it. `is_probe`: only asks."""
        places = self._places.get(site_id)
        if places is None:
            return True
        if site_id in self._refused:  # what is held only grows
            return False
        is_held = site_id in self._held
        for index, left, right in places:
            # neighbours count also for a site that is held: of two that were given up, one may have come and gone again
            if (not is_held and self._left[index] <= 0) or left in self._held or right in self._held:
                self._refused.add(site_id)
                return False
        if not is_probe and not is_held:
            self._held.add(site_id)
            for index, _, _ in places:
                self._left[index] -= 1
        return True
