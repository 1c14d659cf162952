"""What the planner looks at for one rollout, read in one transaction.

A fleet of 10,000 nodes is looked at in some tens of milliseconds, so rows are unpacked instead of asked by name, what
nodes share is made once, and their reports are not read. Usage: `situation_of(connection, rollout_id, now=now)`.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache, reduce
from operator import add, attrgetter
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    String,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    or_,
    select,
    type_coerce,
)

from wayside_manager.core.jobs import OPEN
from wayside_manager.core.nodes import NodeState, UpdatePhase
from wayside_manager.core.penalty import BOX_SCORE, Penalty, is_boxed
from wayside_manager.core.presence import LOST_PERIODS, ONLINE_MARGIN_S, ONLINE_PERIODS
from wayside_manager.core.rollout import ENDED, RolloutNodeRecord, RolloutNodeState, RolloutRecord
from wayside_manager.core.rollout_facts import BETWEEN, NodeFacts, patience_s
from wayside_manager.core.rollout_roads import Road, Roads
from wayside_manager.ports.rollouts import RolloutSituation
from wayside_manager.store.moments import as_time, as_time_or_none, as_us
from wayside_manager.store.node_rows import parts, selectables
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.rollout_holds import held_elsewhere
from wayside_manager.store.rollout_rows import NODE_STATES, PHASES, the_rollout
from wayside_manager.store.rollout_tries import tries_of
from wayside_manager.store.selection import resolver
from wayside_manager.store.tables import (
    corridor_sites,
    corridors,
    jobs,
    node_desired,
    node_status,
    nodes,
    rollout_nodes,
    rollouts,
    sites,
)

_MICROSECONDS_PER_SECOND = 1_000_000
_IS_BETWEEN = or_(
    node_status.c.update_phase.in_(sorted(BETWEEN)), node_status.c.config_outcome == UpdatePhase.PROVISIONAL
)
# as `core.presence` has it: not lost
_SILENCE_US = bindparam("now_us", type_=BigInteger) - node_status.c.last_report_us
_IS_HEARD = or_(
    node_status.c.report_period_us * LOST_PERIODS >= _SILENCE_US,
    node_status.c.report_period_us * ONLINE_PERIODS + ONLINE_MARGIN_S * _MICROSECONDS_PER_SECOND >= _SILENCE_US,
)
_IS_SUSPECT = node_status.c.penalty >= BOX_SCORE
_IS_OUT = nodes.c.state != NodeState.ENROLLED
_RUNS_RELEASE = node_status.c.running_release == bindparam("version", type_=String)
_RUNS_CONFIG = node_status.c.running_config_sha256 == rollout_nodes.c.config_sha256
# a newer target while it waits, a newer telling while it is under way: another change has it
_HAS_NEWER = or_(
    and_(
        rollout_nodes.c.state == RolloutNodeState.PENDING,
        node_desired.c.target_config_revision != rollout_nodes.c.config_revision,
    ),
    and_(
        rollout_nodes.c.state == RolloutNodeState.IN_FLIGHT,
        node_desired.c.config_trial != rollout_nodes.c.rollout_id,
    ),
)


# What the database says of a node, in one number: each value less of 10,000 rows saves a millisecond. Plain numbers,
# because those of an enumeration are added and asked in ten times as long.
_HEARD, _BETWEEN, _GONE, _RUNS, _SILENT = 1, 2, 4, 8, 16


def _columns(
    *,
    is_gone: ColumnElement[bool],
    runs: ColumnElement[bool],
    is_between: ColumnElement[bool] = _IS_BETWEEN,
    is_silent: ColumnElement[bool] | None = None,
) -> tuple[ColumnElement[Any], ...]:
    """The node, and `_ABOUT` it what many have in common, so that it becomes facts once."""
    told = {_HEARD: _IS_HEARD, _BETWEEN: is_between, _GONE: is_gone, _RUNS: runs}
    if is_silent is not None:
        told[_SILENT] = is_silent
    # what is compared is compared where it lies, and what is unknown does not hold
    flags = [case((condition, flag), else_=0) for flag, condition in told.items()]
    return (
        nodes.c.node_id,
        nodes.c.site_id,
        # most are of the rollout's own tenant, and no value costs less than a text
        func.nullif(nodes.c.tenant_id, bindparam("tenant_id", type_=String)).label("other_tenant_id"),
        reduce(add, flags).label("flags"),
        case((_IS_SUSPECT, node_status.c.penalty), else_=None).label("suspect_penalty"),
        case((_IS_SUSPECT, node_status.c.penalty_us), else_=None).label("suspect_us"),
    )


_ABOUT = slice(1, 6)
_OF_ROLLOUT = (
    rollout_nodes.c.wave,
    rollout_nodes.c.state.label("progress"),
    rollout_nodes.c.phase,
    type_coerce(rollout_nodes.c.runs_target, Integer).label("says_target"),
    rollout_nodes.c.tell_us,
)
_OF_RELEASE = _columns(is_gone=_IS_OUT, runs=_RUNS_RELEASE)
_IS_STATUS = node_status.c.node_id == nodes.c.node_id
_IS_OWN = rollout_nodes.c.node_id == nodes.c.node_id
# whether it has done the work, no unit says of itself; a job of an earlier turn that is being cancelled is let end
_HAS_OPEN_JOB = exists(
    select(jobs.c.job_id)
    .where(
        jobs.c.rollout_id == bindparam("own_id", type_=String),
        jobs.c.node_id == nodes.c.node_id,
        jobs.c.state.in_(sorted(OPEN)),
    )
    .correlate(nodes)
)
_OF_JOB = _columns(is_gone=_IS_OUT, runs=false(), is_between=or_(_IS_BETWEEN, _HAS_OPEN_JOB))
_JOINING = select(*_OF_RELEASE).join(node_status, _IS_STATUS).order_by(nodes.c.node_id)
_JOINING_JOB = select(*_OF_JOB).join(node_status, _IS_STATUS).order_by(nodes.c.node_id)
# asked of those that are staged only: they may wait for as long as somebody hears them
_IS_SILENT = and_(
    rollout_nodes.c.phase == UpdatePhase.STAGED,
    node_status.c.last_report_us <= bindparam("silent_us", type_=BigInteger),
)
_OF_OWN_RELEASE = _columns(is_gone=_IS_OUT, runs=_RUNS_RELEASE, is_silent=_IS_SILENT)
_OWN_RELEASE = select(*_OF_OWN_RELEASE, *_OF_ROLLOUT).join(node_status, _IS_STATUS).join(rollout_nodes, _IS_OWN)
_OWN_CONFIG = (
    select(*_columns(is_gone=or_(_IS_OUT, _HAS_NEWER), runs=_RUNS_CONFIG), *_OF_ROLLOUT)
    .join(node_status, _IS_STATUS)
    .join(rollout_nodes, _IS_OWN)
    .join(node_desired, node_desired.c.node_id == nodes.c.node_id)
)
_OWN_JOB = select(*_OF_JOB, *_OF_ROLLOUT).join(node_status, _IS_STATUS).join(rollout_nodes, _IS_OWN)
_IS_ASKED = rollout_nodes.c.rollout_id == bindparam("own_id", type_=String)
_OWN_OF_RELEASE = _OWN_RELEASE.where(_IS_ASKED).order_by(rollout_nodes.c.node_id)
_OWN_OF_CONFIG = _OWN_CONFIG.where(_IS_ASKED).order_by(rollout_nodes.c.node_id)
_OWN_OF_JOB = _OWN_JOB.where(_IS_ASKED).order_by(rollout_nodes.c.node_id)
_OTHERS = select(nodes.c.node_id).where(
    nodes.c.state == NodeState.ENROLLED,
    ~exists(select(rollout_nodes.c.node_id).where(_IS_OWN, _IS_ASKED).correlate(nodes)),
)


def situation_of(connection: Connection, rollout_id: str, *, now: datetime) -> RolloutSituation:
    """What the planner looks at.

    Raises: NotFoundError.
    """
    rollout = the_rollout(connection, rollout_id)
    busy_node_ids, held_site_ids = held_elsewhere(connection, rollout_id, now=now)
    look = _Look(connection, rollout, now)
    query = _OWN_OF_JOB if rollout.job else _OWN_OF_RELEASE if rollout.version else _OWN_OF_CONFIG
    with _uncollected():
        look.add(connection.execute(query, look.asked).all())
        if rollout.version:
            look.mark_tried(tries_of(connection, rollout.rollout_id))
        joined = _joining(connection, rollout, look)
        look.mark_busy(busy_node_ids)
        look.nodes.sort(key=attrgetter("wave"))  # of one wave they stay in order of ids
        site_ids = {fact.site_id for fact in look.facts.values()}
        roads = Roads(_roads(connection, site_ids), held_site_ids)
    return RolloutSituation(rollout, look.nodes, look.facts, roads, joined)


class _Look:
    """Rows becoming what the planner knows."""

    def __init__(self, connection: Connection, rollout: RolloutRecord, now: datetime) -> None:
        self.nodes: list[RolloutNodeRecord] = []
        self.facts: dict[str, NodeFacts] = {}
        self.asked: Mapping[str, Any] = {
            "own_id": rollout.rollout_id,
            "now_us": as_us(now),
            "tenant_id": rollout.tenant_id,
            "version": rollout.version,
            "silent_us": as_us(now - timedelta(seconds=patience_s(rollout.plan))),
        }
        """What the queries ask about."""
        self._now = now
        self._below = tenant_tree(connection).below(rollout.tenant_id)
        self._zones = _zones(connection, rollout)
        # most nodes of a site are in the same way
        self._shared: dict[tuple[Any, ...], NodeFacts] = {}

    def add(self, rows: Iterable[Any]) -> None:
        """Takes rows of `_columns` and `_OF_ROLLOUT`, in order of ids."""
        moment = cache(as_time)  # who is told together is told at one moment
        facts, shared, take = self.facts, self._shared, self.nodes.append
        for row in rows:
            node_id = row[0]
            wave, progress, phase, says_target, tell_us = row[_ABOUT.stop :]
            told = None if tell_us is None else moment(tell_us)
            take(RolloutNodeRecord(node_id, wave, NODE_STATES[progress], PHASES[phase], bool(says_target), "", told))
            about = row[_ABOUT]
            facts[node_id] = shared.get(about) or self._fact(about)

    def join(self, row: tuple[Any, ...], wave: int) -> RolloutNodeRecord:
        """Takes a row of `_columns`, of a node that has none in the rollout yet."""
        node_id = row[0]
        node = RolloutNodeRecord(node_id, wave)
        self.nodes.append(node)
        self.facts[node_id] = self._fact(row[_ABOUT])
        return node

    def drop(self, node_ids: Iterable[str]) -> None:
        """Takes nodes as gone whose turn has not come."""
        for node_id in node_ids:
            self.facts[node_id] = replace(self.facts[node_id], is_gone=True)

    def mark_tried(self, tries: Mapping[str, Mapping[str, Any]]) -> None:
        """Takes what nodes have of tries, by node. They are few, so it is read apart."""
        if tries:
            self.nodes = [
                replace(node, **tries[node.node_id]) if node.node_id in tries else node for node in self.nodes
            ]

    def mark_busy(self, node_ids: AbstractSet[str]) -> None:
        """Takes nodes as in flight in other rollouts or at work. They are few, so nobody else is asked."""
        for node_id in self.facts.keys() & node_ids:
            self.facts[node_id] = replace(self.facts[node_id], is_busy=True)

    def _fact(self, about: tuple[Any, ...]) -> NodeFacts:
        site_id, other_tenant_id, flags, penalty, penalty_us = about
        is_out_of_reach = other_tenant_id is not None and other_tenant_id not in self._below
        fact = self._shared[about] = NodeFacts(
            is_gone=is_out_of_reach or bool(flags & _GONE),
            is_heard=bool(flags & _HEARD),
            is_silent=bool(flags & _SILENT),
            runs_target=bool(flags & _RUNS),
            is_between=bool(flags & _BETWEEN),
            is_penalised=penalty is not None and is_boxed(Penalty(penalty, as_time_or_none(penalty_us)), self._now),
            site_id=site_id or "",
            zone=self._zones(site_id or ""),
        )
        return fact


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of garbage: it would look at tens of thousands of new things again and again for cycles."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _zones(connection: Connection, rollout: RolloutRecord) -> Callable[[str], tzinfo]:
    """The time zone by which a site's windows open; without windows nobody asks."""
    default = _zone(rollout.plan.time_zone, UTC)
    if not rollout.plan.windows:
        return lambda _site_id: default
    query = select(sites.c.site_id, sites.c.time_zone).where(sites.c.time_zone != "")
    known = {site_id: _zone(name, default) for site_id, name in connection.execute(query)}
    return lambda site_id: known.get(site_id, default)


def _zone(name: str, default: tzinfo) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):  # checked when it was written; the data of zones may have lost it since
        return default


def _roads(connection: Connection, site_ids: AbstractSet[str]) -> tuple[Road, ...]:
    """Corridors with any of these sites."""
    members: dict[str, list[str]] = {}
    rows = connection.execute(
        select(corridor_sites.c.corridor_id, corridor_sites.c.site_id).order_by(
            corridor_sites.c.corridor_id, corridor_sites.c.place
        )
    )
    for corridor_id, site_id in rows:
        members.setdefault(corridor_id, []).append(site_id)
    query = select(corridors.c.corridor_id, corridors.c.is_ring, corridors.c.max_in_flight_percent)
    return tuple(
        Road(corridor_id, tuple(members[corridor_id]), is_ring, percent)
        for corridor_id, is_ring, percent in connection.execute(query.order_by(corridors.c.corridor_id))
        if not site_ids.isdisjoint(members.get(corridor_id, ()))
    )


def _joining(connection: Connection, rollout: RolloutRecord, look: _Look) -> tuple[RolloutNodeRecord, ...]:
    """Nodes that came to match the selector of a dynamic rollout; who no longer does and had no turn is gone."""
    if not rollout.plan.is_dynamic or rollout.selector is None or rollout.state in ENDED:
        return ()
    new_ids = set(connection.scalars(_OTHERS, {"own_id": rollout.rollout_id}))
    waiting: list[str] = []
    if not rollout.selector.all_nodes:  # else who is gone is known already
        waiting = [node.node_id for node in look.nodes if node.state is RolloutNodeState.PENDING]
    below = tenant_tree(connection).below(rollout.tenant_id)
    matcher = resolver(connection).matcher(rollout.selector)
    chosen = {
        node.node_id
        for node in selectables(connection, [*waiting, *new_ids])
        if node.can_come and node.tenant_id in below and matcher.matches(node)
    }
    look.drop(node_id for node_id in waiting if node_id not in chosen)
    came = chosen.intersection(new_ids)
    # two releases must not pull at one node; work comes beside them
    new = sorted(came if rollout.job or not came else came - _in_live_releases(connection))
    joining = _JOINING_JOB if rollout.job else _JOINING
    last_wave = max(0, len(rollout.waves) - 1)
    found: list[RolloutNodeRecord] = []
    for part in parts(new):
        rows = connection.execute(joining.where(nodes.c.node_id.in_(part)), look.asked)
        found.extend(look.join(row, last_wave) for row in rows)
    return tuple(found)


def _in_live_releases(connection: Connection) -> set[str]:
    query = (
        select(rollout_nodes.c.node_id)
        .join(rollouts, rollouts.c.rollout_id == rollout_nodes.c.rollout_id)
        .where(rollouts.c.version.is_not(None), rollouts.c.state.not_in(ENDED))
    )
    return set(connection.scalars(query))
