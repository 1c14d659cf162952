"""Storms and rollouts: while a storm holds, rollouts to its area rest, and go on by themselves when it is over.

`rollouts.storm_alarm_id` says why one rests. A person who pauses it takes it over (the column is emptied); a person who
resumes it in a storm has decided against resting, and it is left alone until no storm holds its nodes any more.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, select, update

from wayside_manager.core.rollout import RolloutNodeState, RolloutRecord, RolloutState
from wayside_manager.store.moments import as_us
from wayside_manager.store.node_rows import parts
from wayside_manager.store.rollout_events import tell_state
from wayside_manager.store.rollout_rows import the_rollout
from wayside_manager.store.tables import rollout_nodes, rollouts

_UNSETTLED = (RolloutNodeState.PENDING, RolloutNodeState.IN_FLIGHT)


def rest(connection: Connection, storms: Mapping[str, Collection[str]], *, now: datetime) -> frozenset[str]:
    """Lets rollouts rest or go on; the ids of those that changed. `storms`: nodes of the area, by alarm."""
    changed = set()
    resting = select(rollouts.c.rollout_id).where(
        rollouts.c.storm_alarm_id != "",
        rollouts.c.storm_alarm_id.not_in(sorted(storms)),
        rollouts.c.state.in_((RolloutState.PAUSED, RolloutState.RUNNING)),
    )
    # first who may go on: what another storm holds back as well rests again at once
    for rollout_id in list(connection.scalars(resting)):
        before = the_rollout(connection, rollout_id)
        others = [each for each in sorted(storms) if rollout_id in _under_way(connection, storms[each])]
        alarm_id = others[0] if others else ""  # of a resting one none is under way
        _move(connection, before, RolloutState.RUNNING, alarm_id=alarm_id, message="", now=now)
        changed.add(rollout_id)
    for alarm_id, node_ids in sorted(storms.items()):
        for rollout_id in _under_way(connection, node_ids):
            before = the_rollout(connection, rollout_id)
            if not before.storm_alarm_id:  # else a person lets it go on
                message = f"rests for the storm alarms/{alarm_id}; goes on by itself when it is over"
                _move(connection, before, RolloutState.PAUSED, alarm_id=alarm_id, message=message, now=now)
                changed.add(rollout_id)
    return frozenset(changed)


def _under_way(connection: Connection, node_ids: Collection[str]) -> list[str]:
    found: set[str] = set()
    for part in parts(node_ids):
        query = (
            select(rollouts.c.rollout_id)
            .join(rollout_nodes, rollout_nodes.c.rollout_id == rollouts.c.rollout_id)
            .where(
                rollouts.c.state == RolloutState.RUNNING,
                rollout_nodes.c.state.in_(_UNSETTLED),
                rollout_nodes.c.node_id.in_(part),
            )
            .distinct()
        )
        found.update(connection.scalars(query))
    return sorted(found)


def _move(
    connection: Connection, before: RolloutRecord, state: RolloutState, *, alarm_id: str, message: str, now: datetime
) -> None:
    connection.execute(
        update(rollouts)
        .where(rollouts.c.rollout_id == before.rollout_id)
        .values(
            state=state,
            storm_alarm_id=alarm_id,
            message=message,
            update_us=as_us(now),
            revision=rollouts.c.revision + 1,
        )
    )
    if state is not before.state:
        tell_state(connection, before, the_rollout(connection, before.rollout_id))
