"""What changes do to nodes' configurations, inside the transaction that makes them.

`retarget` works out anew what the layers ask for (the *target*). It goes out by a rollout, which tells the nodes when
their turn comes, whether a shared thing changed or a node itself: a script that relabels a road one by one must not
put all of it on trial. A node gets a new revision only when the bytes differ. One that no layer reaches any more gets
the empty configuration, the agent's defaults; one that was never reached keeps revision 0.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, update

from wayside.errors import InvalidArgumentError
from wayside_manager.core.configs import Retargeted
from wayside_manager.core.rollout import RolloutPlan
from wayside_manager.store.config_making import ConfigMaker, Made
from wayside_manager.store.config_retention import forget_older
from wayside_manager.store.config_rollouts import leave_config_rollouts, renew_targets, start_config_rollout
from wayside_manager.store.config_rows import ConfigNode, config_nodes, contents, every_layer
from wayside_manager.store.desired import ToldConfig, tell_config
from wayside_manager.store.moments import as_us
from wayside_manager.store.operator_rows import tenant_tree
from wayside_manager.store.tables import config_contents, node_configs, node_desired, nodes

_PROBLEMS_SHOWN = 3
_PROBLEM_MAX_CHARS = 2_000


def retarget(
    connection: Connection,
    *,
    now: datetime,
    cause: str,
    node_ids: Iterable[str] | None = None,
    tenant_id: str = "",
    plan: RolloutPlan | None = None,
    is_strict: bool = True,
) -> Retargeted:
    """Gives these nodes, `None`: all of a tenant and of those below it, the configuration the layers ask for now.

    `cause` is what changed, by name: `configLayers/base`, `nodes/rsu-1`. `tenant_id` is that of the shared thing which
    changed, and of the rollout, which takes the nodes over from older ones. Empty: nodes themselves changed. Then one
    that was never told anything is told at once, one whose turn is still to come in a rollout gets its new target
    there, and the others go out by one rollout per tenant. Nodes that are not in service (registered, revoked) are told
    at once and are in no rollout; retired ones keep what they have. When a node can no longer run what comes out,
    nothing changes (`is_strict`), or that node keeps what it had, and a problem is noted. One that could not run it
    before for the very same reason holds nobody up.
    Raises: InvalidArgumentError: `is_strict`, and a node could not run what comes out.
    """
    changes, noted, refused = _outcomes(connection, _chosen(connection, node_ids, tenant_id))
    if refused and is_strict:
        raise _refusal(refused)
    _note_problems(connection, noted)
    if not changes:
        return Retargeted()
    targets = _write(connection, changes, cause=cause, now_us=as_us(now))
    plan = plan or RolloutPlan()
    owners = {node.node_id: node.selectable.tenant_id for node, _ in changes if node.selectable.can_come}
    staying = frozenset[str]()
    if not tenant_id:
        waiting = {node_id: target for node_id, target in targets.items() if node_id in owners}
        staying = renew_targets(connection, waiting, owners, now=now)
        for node, _ in changes:
            if _was_never_told(node) and node.node_id not in staying:
                owners.pop(node.node_id, None)
    _tell(connection, {key: target for key, target in targets.items() if key not in owners}, plan, cause=cause, now=now)
    later: dict[str, dict[str, tuple[int, str]]] = {}
    for node_id in owners.keys() - staying:
        later.setdefault(tenant_id or owners[node_id], {})[node_id] = targets[node_id]
    started = (
        start_config_rollout(connection, tenant_id=owner, cause=cause, plan=plan, targets=of_owner, now=now)
        for owner, of_owner in sorted(later.items())
    )
    return Retargeted(tuple(sorted(targets)), tuple(rollout_id for rollout_id in started if rollout_id))


def _was_never_told(node: ConfigNode) -> bool:
    """Whether nothing was ever told: who went back to nothing has a trial."""
    return node.desired.config_revision == 0 and not node.desired.config_trial


def _tell(
    connection: Connection, targets: dict[str, tuple[int, str]], plan: RolloutPlan, *, cause: str, now: datetime
) -> None:
    leave_config_rollouts(connection, targets, message=f"told at once by a change of {cause}", now=now)
    told = {
        node_id: ToldConfig(revision, sha256, f"node-{revision}", plan.trial_timeout_s)
        for node_id, (revision, sha256) in targets.items()
    }
    tell_config(connection, told)


def _outcomes(
    connection: Connection, chosen: list[ConfigNode]
) -> tuple[list[tuple[ConfigNode, Made]], dict[str, str], list[tuple[ConfigNode, Made]]]:
    """Nodes that get something else, problems that are new or gone by node id, and nodes with a new problem."""
    maker = ConfigMaker(connection, every_layer(connection))
    changes, refused = [], []
    noted: dict[str, str] = {}
    for node in chosen:
        made = maker.made(node)
        problem = "; ".join(made.problems)[:_PROBLEM_MAX_CHARS] if made is not None else ""
        if problem != node.desired.config_problem:
            noted[node.node_id] = problem
        if made is not None and problem not in {"", node.desired.config_problem}:
            refused.append((node, made))
        if made is not None and not problem and made.sha256 != node.desired.target_config_sha256:
            changes.append((node, made))
    return changes, noted, refused


def _chosen(connection: Connection, node_ids: Iterable[str] | None, tenant_id: str) -> list[ConfigNode]:
    where = (nodes.c.tenant_id.in_(sorted(tenant_tree(connection).below(tenant_id))),) if tenant_id else ()
    return config_nodes(connection, node_ids, where=where)


def _refusal(refused: list[tuple[ConfigNode, Made]]) -> InvalidArgumentError:
    first, made = refused[0]
    others = len(refused) - 1
    more = f" and {others} more node{'s' if others > 1 else ''}" if others else ""
    said = "; ".join(made.problems[:_PROBLEMS_SHOWN])
    return InvalidArgumentError(f"config of {first.node_id}{more}: {said}", reason="CONFIG_INVALID")


def _note_problems(connection: Connection, noted: dict[str, str]) -> None:
    if noted:
        statement = (
            update(node_desired)
            .where(node_desired.c.node_id == bindparam("of_node"))
            .values(config_problem=bindparam("to_problem"))
        )
        connection.execute(statement, [{"of_node": key, "to_problem": problem} for key, problem in noted.items()])


def _write(
    connection: Connection, changes: list[tuple[ConfigNode, Made]], *, cause: str, now_us: int
) -> dict[str, tuple[int, str]]:
    """Revision and hash per node, written as what they should run."""
    keep_contents(connection, {made.sha256: made.content for _, made in changes})
    rows: list[dict[str, Any]] = [
        {
            "node_id": node.node_id,
            "revision": node.desired.target_config_revision + 1,
            "sha256": made.sha256,
            "cause": cause,
            "create_us": now_us,
        }
        for node, made in changes
    ]
    connection.execute(insert(node_configs), rows)
    statement = (
        update(node_desired)
        .where(node_desired.c.node_id == bindparam("of_node"))
        .values(target_config_revision=bindparam("to_revision"), target_config_sha256=bindparam("to_sha256"))
    )
    connection.execute(
        statement,
        [{"of_node": row["node_id"], "to_revision": row["revision"], "to_sha256": row["sha256"]} for row in rows],
    )
    forget_older(connection, {row["node_id"]: row["revision"] for row in rows})
    return {row["node_id"]: (row["revision"], row["sha256"]) for row in rows}


def keep_contents(connection: Connection, wanted: dict[str, bytes]) -> None:
    """Keeps canonical JSON by its hash; what is there already stays."""
    known = contents(connection, wanted)
    rows = [{"sha256": sha256, "content": content} for sha256, content in wanted.items() if sha256 not in known]
    if rows:
        connection.execute(insert(config_contents), rows)
