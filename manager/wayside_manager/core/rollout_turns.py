"""Who is told now, who waits for what, and who is called back because its window has closed.

Usage: `turns = Turns(rollout, open_wave, roads, now=now, retry_times={})`; `turns.hand_out(nodes, states, facts)`
changes the states in place and returns why everybody else waits.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from wayside_manager.core.rollout import RolloutNodeRecord, RolloutNodeState, RolloutRecord, RolloutState, WaitReason
from wayside_manager.core.rollout_facts import BETWEEN, NodeFacts, holds_site
from wayside_manager.core.rollout_roads import RoadRoom, Roads
from wayside_manager.core.windows import is_open

TELL_MAX = 500
"""Nodes told in one step, so that a step stays short and a fleet does not come for its bytes in one breath."""
_PENDING = RolloutNodeState.PENDING
_IN_FLIGHT = RolloutNodeState.IN_FLIGHT
_NO_REASON = WaitReason.NONE
_WAVE = WaitReason.WAVE


class Turns:
    """The turns of one step of one rollout."""

    def __init__(
        self,
        rollout: RolloutRecord,
        open_wave: int,
        roads: Roads,
        *,
        now: datetime,
        retry_times: Mapping[str, datetime],
    ) -> None:
        """Stores values. `retry_times`: of those who wait for their next try from now on, when it may be."""
        self._plan = rollout.plan
        self._is_paused = rollout.state is RolloutState.PAUSED
        self._is_early = rollout.plan.begin_time is not None and now < rollout.plan.begin_time
        self._open_wave = open_wave
        self._roads = roads
        self._now = now
        self._retry_times = retry_times
        self._open_zones: dict[tzinfo, bool] = {}

    def hand_out(
        self,
        nodes: Sequence[RolloutNodeRecord],
        states: list[RolloutNodeState],
        facts: Mapping[str, NodeFacts],
    ) -> dict[str, WaitReason]:
        """Calls back, then tells, in the order of the nodes. Returns why each node that stays pending waits."""
        under_way_count, held_site_ids = self._call_back(nodes, states, facts)
        room_count = min((self._plan.max_in_flight_count or sys.maxsize) - under_way_count, TELL_MAX)
        road_room = RoadRoom(self._roads, held_site_ids, max_percent=self._plan.max_corridor_percent)
        waits: dict[str, WaitReason] = {}
        for index, node in enumerate(nodes):
            if states[index] is not _PENDING:
                continue
            fact = facts[node.node_id]
            reason = self._reason(node, fact)
            if reason is _NO_REASON and not road_room.take(fact.site_id, is_probe=room_count <= 0):
                reason = WaitReason.CORRIDOR
            elif reason is _NO_REASON and room_count <= 0:
                reason = WaitReason.ROOM
            if reason is _NO_REASON:
                states[index] = _IN_FLIGHT
                room_count -= 1
            else:
                waits[node.node_id] = reason
        return waits

    def _call_back(
        self,
        nodes: Sequence[RolloutNodeRecord],
        states: list[RolloutNodeState],
        facts: Mapping[str, NodeFacts],
    ) -> tuple[int, set[str]]:
        """Calls back who has not switched when its window closed. Returns how many are under way, and where."""
        under_way_count = 0
        held_site_ids: set[str] = set()
        for index, node in enumerate(nodes):
            state = states[index]
            if state is _PENDING and node.tell_time is None:
                continue
            fact = facts[node.node_id]
            if state is _IN_FLIGHT and node.phase not in BETWEEN and not self._is_open(fact.zone):
                states[index] = state = _PENDING
            if holds_site(node, fact, state):
                held_site_ids.add(fact.site_id)
            under_way_count += state is _IN_FLIGHT or (state is _PENDING and fact.is_between)
        return under_way_count, held_site_ids

    def _reason(self, node: RolloutNodeRecord, facts: NodeFacts) -> WaitReason:
        if node.wave > self._open_wave:
            return _WAVE
        if self._is_paused:
            return WaitReason.PAUSED
        if self._is_early:
            return WaitReason.BEGIN
        retry_time = self._retry_times.get(node.node_id, node.retry_time)
        if retry_time is not None and self._now < retry_time:
            return WaitReason.RETRY
        if not facts.is_heard:
            return WaitReason.AWAY
        return self._reason_of_heard(facts)

    def _reason_of_heard(self, facts: NodeFacts) -> WaitReason:
        if facts.is_penalised:
            return WaitReason.PENALTY
        # whoever asked for what it tries now: it is let finish before it is told something else
        if facts.is_busy or facts.is_between:
            return WaitReason.BUSY
        return _NO_REASON if self._is_open(facts.zone) else WaitReason.WINDOW

    def _is_open(self, zone: tzinfo) -> bool:
        if not self._plan.windows:
            return True
        is_zone_open = self._open_zones.get(zone)
        if is_zone_open is None:
            is_zone_open = self._open_zones[zone] = is_open(self._plan.windows, self._now, zone)
        return is_zone_open
