"""Rollouts in SQL, as the stepper moves them: a step and the desired states it changes are one transaction."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update

from wayside.errors import ConflictError
from wayside_manager.core.jobs import JobsChanged
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import ENDED, RolloutNodeRecord, RolloutNodeState, RolloutRecord
from wayside_manager.core.rollout_plan import RolloutStep
from wayside_manager.ports.rollouts import Lease, RolloutSituation
from wayside_manager.store import leases
from wayside_manager.store.config_rollouts import told_by
from wayside_manager.store.desired import SHARED_MIN_COUNT, ToldConfig, assign, tell_config
from wayside_manager.store.job_changes import JobChanges
from wayside_manager.store.job_turns import cancel_jobs, make_jobs
from wayside_manager.store.moments import as_us, as_us_or_none
from wayside_manager.store.node_rows import parts
from wayside_manager.store.part import SqlPart, reading, writing
from wayside_manager.store.rollout_events import tell_state
from wayside_manager.store.rollout_rows import insert_nodes, waves_text
from wayside_manager.store.rollout_situation import situation_of
from wayside_manager.store.rollout_tries import begin_anew, write_retries
from wayside_manager.store.tables import node_configs, node_desired, rollout_nodes, rollouts

_IN_FLIGHT = RolloutNodeState.IN_FLIGHT
_UNSETTLED = (RolloutNodeState.PENDING, RolloutNodeState.IN_FLIGHT)


class SqlRolloutSteps(SqlPart):
    """Satisfies `ports.RolloutStepStore`."""

    @writing
    def take_lease(
        self, connection: Connection, name: str, holder: str, *, now: datetime, life_s: float
    ) -> Lease | None:
        """See RolloutStepStore."""
        return leases.take(connection, name, holder, now=now, life_s=life_s)

    @writing
    def release_lease(self, connection: Connection, lease: Lease) -> None:
        """See RolloutStepStore."""
        leases.release(connection, lease)

    @reading
    def live_rollouts(self, connection: Connection) -> tuple[str, ...]:
        """See RolloutStepStore."""
        unsettled = select(rollout_nodes.c.rollout_id).where(rollout_nodes.c.state.in_(_UNSETTLED))
        query = (
            select(rollouts.c.rollout_id)
            .where(or_(rollouts.c.state.not_in(ENDED), rollouts.c.rollout_id.in_(unsettled)))
            .order_by(rollouts.c.create_us, rollouts.c.rollout_id)
        )
        return tuple(connection.scalars(query))

    @reading
    def rollout_situation(self, connection: Connection, rollout_id: str, *, now: datetime) -> RolloutSituation:
        """See RolloutStepStore."""
        return situation_of(connection, rollout_id, now=now)

    @writing
    def save_step(
        self,
        connection: Connection,
        rollout: RolloutRecord,
        step: RolloutStep,
        *,
        now: datetime,
        lease: Lease,
        joined: Sequence[RolloutNodeRecord] = (),
    ) -> JobsChanged:
        """See RolloutStepStore."""
        leases.check(connection, lease)
        values: dict[str, Any] = {"state": step.state, "message": step.message, "waves": waves_text(step.waves)}
        values |= {"update_us": as_us(now), "revision": int(rollout.etag) + 1}
        if step.state is not rollout.state:
            values["storm_alarm_id"] = ""  # the plan's own pause does not end with a storm
        saved = connection.execute(
            update(rollouts)
            .where(rollouts.c.rollout_id == rollout.rollout_id, rollouts.c.revision == int(rollout.etag))
            .values(values)
        )
        if saved.rowcount != 1:
            raise ConflictError(
                f"rollout {rollout.rollout_id} has changed meanwhile; plan again", reason="ETAG_MISMATCH"
            )
        after = replace(rollout, state=step.state, message=step.message, update_time=now)
        tell_state(connection, rollout, after)
        insert_nodes(connection, rollout.rollout_id, {node.node_id: {"wave": node.wave} for node in joined})
        jobs_changed = JobsChanged()
        if rollout.job is not None:
            told_node_ids, jobs_changed = _turn_jobs(connection, rollout, step, now)
        else:
            hand_out = _hand_out_release if rollout.version else _hand_out_config
            told_node_ids = hand_out(connection, rollout, step, as_us(now))
        _write_states(connection, rollout.rollout_id, step, told_node_ids)
        write_retries(connection, rollout.rollout_id, step.retry_times)
        if rollout.version:
            _take_back_release(connection, rollout, step)
        elif rollout.is_config:
            _take_back_config(connection, rollout, step)
        return jobs_changed


def _write_states(connection: Connection, rollout_id: str, step: RolloutStep, told_node_ids: AbstractSet[str]) -> None:
    """Writes what becomes of nodes; who was told has its state already."""
    states = {node_id: (state,) for node_id, state in step.node_states.items() if node_id not in told_node_ids}
    _set_nodes(connection, rollout_id, ("state",), states)
    messages = {node_id: (message,) for node_id, message in step.node_messages.items()}
    _set_nodes(connection, rollout_id, ("message",), messages)


def _write_told(
    connection: Connection,
    rollout: RolloutRecord,
    step: RolloutStep,
    columns: Sequence[str],
    values: Mapping[str, tuple[Any, ...]],
    *,
    now_us: int,
) -> None:
    """Writes the turns of nodes that begin. Who runs it already has none: a wave that goes back leaves it alone."""
    states = step.node_states
    begun = {each: (now_us, None, states[each], *value) for each, value in values.items() if states[each] is _IN_FLIGHT}
    others = {each: (states[each], *value) for each, value in values.items() if each not in begun}
    _set_nodes(connection, rollout.rollout_id, ("tell_us", "resume_us", "state", *columns), begun)
    _set_nodes(connection, rollout.rollout_id, ("state", *columns), others)


def _set_nodes(
    connection: Connection, rollout_id: str, columns: Sequence[str], values: Mapping[str, tuple[Any, ...]]
) -> None:
    """Writes columns of nodes of a rollout. Many get the same: a statement per value is many times as fast."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for node_id, value in values.items():
        groups.setdefault(value, []).append(node_id)
    single: list[dict[str, Any]] = []
    of_rollout = update(rollout_nodes).where(rollout_nodes.c.rollout_id == rollout_id)
    for value, node_ids in groups.items():
        if len(node_ids) < SHARED_MIN_COUNT:
            single += ({"of_node": each} | _named(columns, value, "to_") for each in node_ids)
            continue
        for part in parts(node_ids):
            statement = of_rollout.where(rollout_nodes.c.node_id.in_(part))
            connection.execute(statement.values(_named(columns, value)))
    if single:
        statement = of_rollout.where(rollout_nodes.c.node_id == bindparam("of_node"))
        connection.execute(statement.values({each: bindparam(f"to_{each}") for each in columns}), single)


def _named(columns: Sequence[str], value: tuple[Any, ...], prefix: str = "") -> dict[str, Any]:
    return {prefix + column: each for column, each in zip(columns, value, strict=True)}


def _hand_out_release(
    connection: Connection, rollout: RolloutRecord, step: RolloutStep, now_us: int
) -> AbstractSet[str]:
    """Assigns the release, and keeps in mind what each node was told before. Returns who was told."""
    columns = (node_desired.c.node_id, node_desired.c.version, node_desired.c.rollout_id)
    told: dict[str, tuple[Any, ...]] = {}
    for part in parts(step.assigned_node_ids):
        for node_id, version, rollout_id in connection.execute(
            select(*columns).where(node_desired.c.node_id.in_(part))
        ):
            told[node_id] = (as_us_or_none(step.window_ends.get(node_id)), version, rollout_id)
    kept = ("window_end_us", "previous_version", "previous_rollout_id")
    _write_told(connection, rollout, step, kept, told, now_us=now_us)
    if rollout.plan.retry_count:
        begin_anew(connection, rollout.rollout_id, told)
    assign(connection, dict.fromkeys(told, (rollout.version, rollout.rollout_id)))
    return told.keys()


def _take_back_release(connection: Connection, rollout: RolloutRecord, step: RolloutStep) -> None:
    """Gives nodes back what they were told before, unless a later rollout has told them something else."""
    back: dict[str, tuple[str | None, str | None]] = {}
    for part in parts(step.withdrawn_node_ids):
        query = (
            select(rollout_nodes.c.node_id, rollout_nodes.c.previous_version, rollout_nodes.c.previous_rollout_id)
            .join(node_desired, node_desired.c.node_id == rollout_nodes.c.node_id)
            .where(
                rollout_nodes.c.rollout_id == rollout.rollout_id,
                rollout_nodes.c.node_id.in_(part),
                node_desired.c.rollout_id == rollout.rollout_id,
            )
        )
        for node_id, version, rollout_id in connection.execute(query):
            back[node_id] = (version, rollout_id)
    assign(connection, back)


def _hand_out_config(
    connection: Connection, rollout: RolloutRecord, step: RolloutStep, now_us: int
) -> AbstractSet[str]:
    """Tells nodes their configuration. Who was told a newer one since the step was planned is left alone.

    Returns who was told.
    """
    targets: dict[str, tuple[int, str]] = {}
    told: dict[str, tuple[Any, ...]] = {}
    for part in parts(step.assigned_node_ids):
        query = (
            select(
                rollout_nodes.c.node_id,
                rollout_nodes.c.config_revision,
                rollout_nodes.c.config_sha256,
                node_desired.c.config_revision.label("was_revision"),
            )
            .join(node_desired, node_desired.c.node_id == rollout_nodes.c.node_id)
            .where(
                rollout_nodes.c.rollout_id == rollout.rollout_id,
                rollout_nodes.c.node_id.in_(part),
                node_desired.c.target_config_revision == rollout_nodes.c.config_revision,
            )
        )
        for node_id, revision, sha256, was_revision in connection.execute(query):
            targets[node_id] = (revision, sha256)
            told[node_id] = (was_revision,)
    _write_told(connection, rollout, step, ("previous_config_revision",), told, now_us=now_us)
    configs = {target: told_by(rollout, *target) for target in set(targets.values())}
    tell_config(connection, {node_id: configs[target] for node_id, target in targets.items()})
    return told.keys()


def _take_back_config(connection: Connection, rollout: RolloutRecord, step: RolloutStep) -> None:
    """Tells nodes the configuration before, unless they were told something else since."""
    back: dict[str, ToldConfig] = {}
    for part in parts(step.withdrawn_node_ids):
        is_previous = (node_configs.c.node_id == rollout_nodes.c.node_id) & (
            node_configs.c.revision == rollout_nodes.c.previous_config_revision
        )
        query = (
            select(rollout_nodes.c.node_id, rollout_nodes.c.previous_config_revision, node_configs.c.sha256)
            .join(node_desired, node_desired.c.node_id == rollout_nodes.c.node_id)
            .outerjoin(node_configs, is_previous)
            .where(
                rollout_nodes.c.rollout_id == rollout.rollout_id,
                rollout_nodes.c.node_id.in_(part),
                node_desired.c.config_trial == rollout.rollout_id,
            )
        )
        for node_id, revision, sha256 in connection.execute(query):
            back[node_id] = ToldConfig(revision or 0, sha256 or "", f"back-{rollout.rollout_id}")
    tell_config(connection, back)


def _turn_jobs(
    connection: Connection, rollout: RolloutRecord, step: RolloutStep, now: datetime
) -> tuple[AbstractSet[str], JobsChanged]:
    """Makes and cancels the jobs of a fleet job. Returns who was told, and who must hear of it."""
    changes = JobChanges(connection, now=now)
    told_node_ids = make_jobs(connection, rollout, step, changes, now=now)
    turn = (RolloutNodeState.IN_FLIGHT, as_us(now), UpdatePhase.NONE, False, "")
    begun = ("state", "tell_us", "phase", "runs_target", "message")
    _set_nodes(connection, rollout.rollout_id, begun, dict.fromkeys(told_node_ids, turn))
    if step.withdrawn_node_ids:
        why = f"rollouts/{rollout.rollout_id} took its turn back"
        cancel_jobs(connection, rollout.rollout_id, changes, now=now, why=why, node_ids=step.withdrawn_node_ids)
    return told_node_ids, changes.execute()
