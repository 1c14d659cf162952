"""Which sites other rollouts hold, so that the rules of corridors hold over all rollouts of all tenants.

Held is the site of who is in flight, and of who was told and then called back, given up or taken over without a closing
word, as long as nobody hears it or it says that it is between: it may be down, or about to be. That is for as long as
the rollout runs and a day after; a closing word in a later rollout ends it. A unit that was told to do work on its own
that can take it down is in flight like any other.
Usage: `busy, held_site_ids = held_elsewhere(connection, rollout_id, now=now)`.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, exists, or_, select

from wayside_manager.core.jobs import DOWN_KINDS, JobState
from wayside_manager.core.nodes import NodeState, UpdatePhase
from wayside_manager.core.presence import lost_limit_s
from wayside_manager.core.rollout import ENDED, RolloutNodeState
from wayside_manager.core.rollout_facts import BETWEEN, CLOSING
from wayside_manager.store.moments import as_us
from wayside_manager.store.tables import jobs, node_status, nodes, rollout_nodes, rollouts

HELD_AFTER_END = timedelta(days=1)
_MICROSECONDS_PER_SECOND = 1_000_000
_LEFT = (RolloutNodeState.PENDING, RolloutNodeState.FAILED, RolloutNodeState.EXPIRED, RolloutNodeState.SKIPPED)


def _left_query() -> Select[Any]:
    later = rollout_nodes.alias()
    is_closed_since = exists(
        select(later.c.node_id).where(
            later.c.node_id == rollout_nodes.c.node_id,
            later.c.tell_us >= rollout_nodes.c.tell_us,
            later.c.phase.in_(sorted(CLOSING)),
        )
    )
    is_recent = or_(rollouts.c.state.not_in(sorted(ENDED)), rollouts.c.update_us > bindparam("since_us"))
    # what it has not skipped the planner itself judges; what it has is over for it
    is_other = or_(rollout_nodes.c.rollout_id != bindparam("own_id"), rollout_nodes.c.state == RolloutNodeState.SKIPPED)
    is_left = and_(rollout_nodes.c.state.in_(_LEFT), rollout_nodes.c.tell_us.is_not(None), ~is_closed_since)
    return (
        select(
            nodes.c.site_id,
            node_status.c.last_report_us,
            node_status.c.report_period_us,
            or_(
                node_status.c.update_phase.in_(sorted(BETWEEN)),
                node_status.c.config_outcome == UpdatePhase.PROVISIONAL,
            ),
        )
        .select_from(rollouts)
        .join(rollout_nodes, rollout_nodes.c.rollout_id == rollouts.c.rollout_id)
        .join(nodes, nodes.c.node_id == rollout_nodes.c.node_id)
        .join(node_status, node_status.c.node_id == nodes.c.node_id)
        .where(is_recent, is_other, is_left, nodes.c.state == NodeState.ENROLLED, nodes.c.site_id.is_not(None))
    )


# put together once: with thousands of rollouts of one node each that would cost more than to run them
_LEFT_ELSEWHERE = _left_query()
_IN_FLIGHT_ELSEWHERE = (
    select(nodes.c.node_id, nodes.c.site_id)
    .join(rollout_nodes, rollout_nodes.c.node_id == nodes.c.node_id)
    .where(
        rollout_nodes.c.state == RolloutNodeState.IN_FLIGHT,
        rollout_nodes.c.rollout_id != bindparam("own_id"),
    )
)
_AT_WORK = (
    select(nodes.c.node_id, nodes.c.site_id)
    .join(jobs, jobs.c.node_id == nodes.c.node_id)
    .where(
        jobs.c.state.in_((JobState.TOLD, JobState.RUNNING)),
        jobs.c.kind.in_(sorted(DOWN_KINDS)),
        jobs.c.rollout_id == "",
    )
)


def held_elsewhere(connection: Connection, rollout_id: str, *, now: datetime) -> tuple[frozenset[str], frozenset[str]]:
    """Nodes that other rollouts have in flight or that are at work, and the sites that they and those given up hold."""
    busy = _in_flight(connection, rollout_id) | {
        node_id: site_id or "" for node_id, site_id in connection.execute(_AT_WORK)
    }
    return frozenset(busy), frozenset({*busy.values(), *_left_sites(connection, rollout_id, now)} - {""})


@lru_cache(maxsize=1024)  # a fleet has few periods
def lost_limit_us(report_period_us: int) -> int:
    """How long a node that reports so often may be silent before nobody hears it."""
    return round(lost_limit_s(report_period_us / _MICROSECONDS_PER_SECOND) * _MICROSECONDS_PER_SECOND)


def _in_flight(connection: Connection, rollout_id: str) -> dict[str, str]:
    rows = connection.execute(_IN_FLIGHT_ELSEWHERE, {"own_id": rollout_id})
    return {node_id: site_id or "" for node_id, site_id in rows}


def _left_sites(connection: Connection, rollout_id: str, now: datetime) -> set[str]:
    """Sites of those that were told and left without a closing word; of the rollout itself only those it skipped."""
    rows = connection.execute(_LEFT_ELSEWHERE, {"own_id": rollout_id, "since_us": as_us(now - HELD_AFTER_END)})
    now_us = as_us(now)
    return {
        site_id
        for site_id, last_us, period_us, is_between in rows
        if is_between or last_us is None or now_us - last_us > lost_limit_us(period_us)
    }
