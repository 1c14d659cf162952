"""What the planner looks at for one rollout, read in one transaction.

A fleet of 10,000 nodes is looked at in some tens of milliseconds, so rows are unpacked instead of asked by name, what
nodes share is made once, and their reports are not read. Usage: `situation_of(connection, rollout_id, now=now)`.
"""

import gc
from collections.abc import Callable, Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from functools import cache
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Label,
    Select,
    and_,
    bindparam,
    case,
    literal,
    or_,
    select,
    type_coerce,
)

from wayside_manager.core.nodes import NodeState, UpdatePhase
from wayside_manager.core.penalty import BOX_SCORE, Penalty, is_boxed
from wayside_manager.core.presence import LOST_PERIODS, ONLINE_MARGIN_S, ONLINE_PERIODS
from wayside_manager.core.rollout import ENDED, RolloutNodeRecord, RolloutNodeState, RolloutRecord
from wayside_manager.core.rollout_facts import BETWEEN, NodeFacts
from wayside_manager.core.rollout_roads import Road, Roads
from wayside_manager.ports.rollouts import RolloutSituation
from wayside_manager.store.moments import as_time, as_time_or_none, as_us
from wayside_manager.store.node_rows import parts, selectables
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.rollout_holds import held_elsewhere
from wayside_manager.store.rollout_rows import NODE_STATES, PHASES, the_rollout
from wayside_manager.store.selection import resolver
from wayside_manager.store.tables import (
    corridor_sites,
    corridors,
    node_desired,
    node_status,
    nodes,
    rollout_nodes,
    rollouts,
    sites,
)

_MICROSECONDS_PER_SECOND = 1_000_000
# what is compared is compared where it lies: 10,000 texts more or less are some tens of milliseconds
_IS_BETWEEN = or_(
    node_status.c.update_phase.in_(sorted(BETWEEN)), node_status.c.config_outcome == UpdatePhase.PROVISIONAL
)


def _flag(condition: ColumnElement[bool], name: str) -> Label[int]:
    """A condition as the database says it: making five booleans of each of 10,000 rows takes its time."""
    return type_coerce(condition, Integer).label(name)


# as `core.presence` has it: not lost
_SILENCE_US = bindparam("now_us", type_=BigInteger) - node_status.c.last_report_us
_IS_HEARD = or_(
    node_status.c.report_period_us * LOST_PERIODS >= _SILENCE_US,
    node_status.c.report_period_us * ONLINE_PERIODS + ONLINE_MARGIN_S * _MICROSECONDS_PER_SECOND >= _SILENCE_US,
)
_IS_SUSPECT = node_status.c.penalty >= BOX_SCORE
# after the id: what many nodes have in common, so that it becomes facts once
_OF_NODE = (
    nodes.c.node_id,
    nodes.c.site_id,
    nodes.c.tenant_id,
    _flag(_IS_HEARD, "is_heard"),
    case((_IS_SUSPECT, node_status.c.penalty), else_=None).label("suspect_penalty"),
    case((_IS_SUSPECT, node_status.c.penalty_us), else_=None).label("suspect_us"),
    _flag(nodes.c.state != NodeState.ENROLLED, "is_out"),
    _flag(_IS_BETWEEN, "is_between"),
)
_ABOUT = slice(1, 10)
"""Where in a row that begins with `_OF_NODE`, whether it runs the target and has a newer one, these are."""
_OF_ROLLOUT = (
    rollout_nodes.c.wave,
    rollout_nodes.c.state.label("progress"),
    rollout_nodes.c.phase,
    _flag(rollout_nodes.c.runs_target, "says_target"),
    rollout_nodes.c.message,
    rollout_nodes.c.tell_us,
    rollout_nodes.c.config_revision,
)
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
_NODES = (
    select(*_OF_NODE)
    .join(node_status, node_status.c.node_id == nodes.c.node_id)
    .join(node_desired, node_desired.c.node_id == nodes.c.node_id)
)
_OWN = _NODES.join(rollout_nodes, rollout_nodes.c.node_id == nodes.c.node_id)
_OWN_CONFIG = _OWN.add_columns(_flag(_RUNS_CONFIG, "runs"), _flag(_HAS_NEWER, "has_newer"), *_OF_ROLLOUT)


def situation_of(connection: Connection, rollout_id: str, *, now: datetime) -> RolloutSituation:
    """What the planner looks at.

    Raises: NotFoundError.
    """
    rollout = the_rollout(connection, rollout_id)
    busy_node_ids, held_site_ids = held_elsewhere(connection, rollout_id, now=now)
    look = _Look(connection, rollout, busy_node_ids, now)
    query = _own(rollout).where(rollout_nodes.c.rollout_id == rollout_id).order_by(rollout_nodes.c.node_id)
    with _uncollected():
        look.add(connection.execute(query, {"now_us": as_us(now)}).all())
    look.nodes.sort(key=attrgetter("wave"))  # of one wave they stay in order of ids
    joined = _joining(connection, rollout, look, now=now)
    site_ids = {fact.site_id for fact in look.facts.values()}
    roads = Roads(_roads(connection, site_ids), held_site_ids)
    return RolloutSituation(rollout, look.nodes, look.facts, roads, joined)


def _own(rollout: RolloutRecord) -> Select[Any]:
    if not rollout.version:
        return _OWN_CONFIG
    return _OWN.add_columns(_runs_release(rollout.version), literal(0).label("has_newer"), *_OF_ROLLOUT)


def _runs_release(version: str) -> Label[int]:
    return _flag(node_status.c.running_release == version, "runs")


class _Look:
    """Rows becoming what the planner knows."""

    def __init__(
        self, connection: Connection, rollout: RolloutRecord, busy_node_ids: Collection[str], now: datetime
    ) -> None:
        self.nodes: list[RolloutNodeRecord] = []
        self.facts: dict[str, NodeFacts] = {}
        self._busy = busy_node_ids
        self._now = now
        self._below = tenant_tree(connection).below(rollout.tenant_id)
        self._zones = _zones(connection, rollout)
        # most nodes of a site are in the same way
        self._shared: dict[tuple[Any, ...], NodeFacts] = {}

    def add(self, rows: Iterable[Any]) -> None:
        """Takes rows of `_OWN`, in order of ids."""
        moment = cache(as_time)  # who is told together is told at one moment
        facts, busy, shared = self.facts, self._busy, self._shared
        for row in rows:
            node_id = row[0]
            wave, progress, phase, says_target, message, tell_us, revision = row[_ABOUT.stop :]
            told = None if tell_us is None else moment(tell_us)
            self.nodes.append(
                RolloutNodeRecord(
                    node_id, wave, NODE_STATES[progress], PHASES[phase], bool(says_target), message, told, revision
                )
            )
            about = row[_ABOUT]
            known = None if node_id in busy else shared.get(about)
            facts[node_id] = known or self._fact(node_id, about)

    def join(self, row: tuple[Any, ...], wave: int) -> RolloutNodeRecord:
        """Takes a row of `_NODES`, and whether it runs the release, of a node that has none in the rollout yet."""
        node_id = row[0]
        node = RolloutNodeRecord(node_id, wave)
        self.nodes.append(node)
        self.facts[node_id] = self._fact(node_id, (*row[1:], 0))
        return node

    def drop(self, node_ids: Iterable[str]) -> None:
        """Takes nodes as gone whose turn has not come."""
        pending = {node.node_id for node in self.nodes if node.state is RolloutNodeState.PENDING}
        for node_id in pending.intersection(node_ids):
            self.facts[node_id] = replace(self.facts[node_id], is_gone=True)

    def _fact(self, node_id: str, about: tuple[Any, ...]) -> NodeFacts:
        site_id, tenant_id, is_heard, penalty, penalty_us, is_out, is_between, runs, has_newer = about
        is_busy = node_id in self._busy
        fact = NodeFacts(
            is_gone=bool(is_out or has_newer or tenant_id not in self._below),
            is_heard=bool(is_heard),
            runs_target=bool(runs),
            is_between=bool(is_between),
            is_busy=is_busy,
            is_penalised=penalty is not None and is_boxed(Penalty(penalty, as_time_or_none(penalty_us)), self._now),
            site_id=site_id or "",
            zone=self._zones(site_id or ""),
        )
        if not is_busy:
            self._shared[about] = fact
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


def _joining(
    connection: Connection, rollout: RolloutRecord, look: _Look, *, now: datetime
) -> tuple[RolloutNodeRecord, ...]:
    """Nodes that came to match the selector of a dynamic rollout; who no longer does and had no turn is gone."""
    if not rollout.plan.is_dynamic or rollout.selector is None or rollout.state in ENDED:
        return ()
    waiting = [node.node_id for node in look.nodes if node.state is RolloutNodeState.PENDING]
    if rollout.selector.all_nodes:
        waiting = []  # who is gone is known already
    others = select(nodes.c.node_id).where(nodes.c.state == NodeState.ENROLLED)
    new_ids = set(connection.scalars(others)).difference(look.facts)
    below = tenant_tree(connection).below(rollout.tenant_id)
    matcher = resolver(connection).matcher(rollout.selector)
    chosen = {
        node.node_id
        for node in selectables(connection, [*waiting, *new_ids])
        if node.can_come and node.tenant_id in below and matcher.matches(node)
    }
    look.drop(node_id for node_id in waiting if node_id not in chosen)
    new = sorted(chosen.intersection(new_ids) - _in_live_releases(connection))
    last_wave = max(0, len(rollout.waves) - 1)
    found: list[RolloutNodeRecord] = []
    for part in parts(new):
        query = _NODES.add_columns(_runs_release(rollout.version)).where(nodes.c.node_id.in_(part))
        rows = connection.execute(query.order_by(nodes.c.node_id), {"now_us": as_us(now)})
        found.extend(look.join(tuple(row), last_wave) for row in rows)
    return tuple(found)


def _in_live_releases(connection: Connection) -> set[str]:
    query = (
        select(rollout_nodes.c.node_id)
        .join(rollouts, rollouts.c.rollout_id == rollout_nodes.c.rollout_id)
        .where(rollouts.c.version.is_not(None), rollouts.c.state.not_in(ENDED))
    )
    return set(connection.scalars(query))
