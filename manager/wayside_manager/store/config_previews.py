"""What would change, and which nodes run something else than they should, in SQL."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from wayside_manager.core.access import Reach
from wayside_manager.core.config_diff import grouped_changes, grouped_refusals, parsed, value_changes
from wayside_manager.core.configs import (
    ConfigLayerRecord,
    ConfigPreview,
    Drift,
    DriftCause,
    RefusalGroup,
    ValueChange,
)
from wayside_manager.core.drift import cause_after, cause_of, sentence_of
from wayside_manager.core.merge import in_order, setter
from wayside_manager.core.nodes import NodeState
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.core.pages import page_token as token_of
from wayside_manager.core.reports import ConfigOutcome
from wayside_manager.core.selectors import NodeSelector, checked_selector
from wayside_manager.store.config_layers import check_form, check_owner, layer_problems, the_layer
from wayside_manager.store.config_making import ConfigMaker, Made, config_of
from wayside_manager.store.config_rows import ConfigNode, config_nodes, contents, every_layer
from wayside_manager.store.drift_words import target_times, tries, words
from wayside_manager.store.moments import as_time
from wayside_manager.store.part import SqlPart, reading
from wayside_manager.store.reaches import covers_node, may_name_places_of
from wayside_manager.store.selection import resolver
from wayside_manager.store.tables import node_desired, node_status, nodes

_SINCE_WORD = frozenset({DriftCause.PROVISIONAL, DriftCause.REJECTED, DriftCause.REVERTED})
"""Causes that are as old as the node's word."""
_UNDER_WAY = frozenset({DriftCause.WAITING, DriftCause.TOLD})
_DRIFTS = or_(
    node_desired.c.config_problem != "",
    and_(
        node_desired.c.target_config_revision > 0,
        or_(
            node_status.c.running_config_sha256 != node_desired.c.target_config_sha256,
            and_(
                node_status.c.config_outcome == ConfigOutcome.PROVISIONAL,
                node_status.c.config_trial == node_desired.c.config_trial,
            ),
        ),
    ),
)
"""`core.drift.cause_of` as a condition: it is not `None`."""
_DRIFT_IDS = (
    select(nodes.c.node_id)
    .join(node_status, node_status.c.node_id == nodes.c.node_id)
    .join(node_desired, node_desired.c.node_id == nodes.c.node_id)
    .where(nodes.c.state == NodeState.ENROLLED, _DRIFTS)
    .order_by(nodes.c.node_id)
)


class SqlConfigPreviews(SqlPart):
    """The previews' share of `ports.ConfigStore`."""

    @reading
    def preview_config(
        self,
        connection: Connection,
        layers: Sequence[ConfigLayerRecord],
        deleted_layer_ids: Sequence[str],
        *,
        reach: Reach,
        selector: NodeSelector | None = None,
    ) -> ConfigPreview:
        """See ConfigStore."""
        chosen = _chosen(connection, reach, selector)
        if not layers and not deleted_layer_ids:
            return _under_way(connection, chosen)
        maker = ConfigMaker(connection, _layers_then(connection, layers, deleted_layer_ids))
        outcomes = [(node, made) for node in chosen if (made := maker.made(node)) is not None]
        refused = ((node.node_id, made.schema.version, made.problems) for node, made in outcomes if made.problems)
        moved = [
            (node.node_id, node.desired.target_config_sha256, made)
            for node, made in outcomes
            if not made.problems and made.sha256 != node.desired.target_config_sha256
        ]
        told = (*grouped_refusals(refused), *_refused_anywhere(connection, layers, outcomes))
        return ConfigPreview(len(chosen), grouped_changes(_changes(connection, moved)), told)

    @reading
    def list_drift(
        self,
        connection: Connection,
        *,
        reach: Reach,
        selector: NodeSelector | None = None,
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[Drift]:
        """See ConfigStore."""
        size, question = checked_page_size(page_size), f"config_drift|{selector}"
        query = _DRIFT_IDS.where(covers_node(reach))
        after = position(page_token, question)
        if after is not None:
            query = query.where(nodes.c.node_id > after[0])
        if selector is None:
            query = query.limit(size + 1)
        chosen = config_nodes(connection, connection.scalars(query))
        if selector is not None:
            chosen = _selected(connection, chosen, selector, reach)
        shown, more = chosen[:size], len(chosen) > size
        items = tuple(_drifts(connection, shown))
        return Page(items, token_of(question, (shown[-1].node_id,)) if more else "")


def _chosen(connection: Connection, reach: Reach, selector: NodeSelector | None) -> list[ConfigNode]:
    found = config_nodes(connection, where=(covers_node(reach),))
    return found if selector is None else _selected(connection, found, selector, reach)


def _selected(
    connection: Connection, found: list[ConfigNode], selector: NodeSelector, reach: Reach
) -> list[ConfigNode]:
    checked_selector(selector, field="selector")
    meant = resolver(connection)
    meant.check(selector, field="selector", is_owner=partial(may_name_places_of, reach))
    matcher = meant.matcher(selector)
    return [node for node in found if matcher.matches(node.selectable)]


def _layers_then(
    connection: Connection, layers: Sequence[ConfigLayerRecord], deleted_layer_ids: Sequence[str]
) -> tuple[ConfigLayerRecord, ...]:
    """The layers there would be."""
    for layer in layers:
        check_owner(connection, layer)
        check_form(connection, layer)
    gone = {the_layer(connection, layer_id).layer_id for layer_id in deleted_layer_ids}
    then = {layer.layer_id: layer for layer in every_layer(connection) if layer.layer_id not in gone}
    return in_order((then | {layer.layer_id: layer for layer in layers}).values())


def _refused_anywhere(
    connection: Connection, layers: Sequence[ConfigLayerRecord], outcomes: list[tuple[ConfigNode, Made]]
) -> Iterator[RefusalGroup]:
    """Values that no schema there is would allow, where no node says so: applying such a layer is refused."""
    said = {problem for _, made in outcomes for problem in made.problems}
    for layer in layers:
        found, version = layer_problems(connection, layer)
        if not said.issuperset(found):
            yield RefusalGroup(tuple(f"{layer.layer_id}: {problem}" for problem in found), version, ())


def _changes(
    connection: Connection, moved: list[tuple[str, str, Made]]
) -> Iterator[tuple[str, tuple[ValueChange, ...]]]:
    """Per node what differs from the configuration of a hash, and who sets it; nodes of one kind share the answer."""
    before = contents(connection, {sha256 for _, sha256, _ in moved})
    known: dict[tuple[str, int], tuple[ValueChange, ...]] = {}
    for node_id, sha256, made in moved:
        key = sha256, id(made)
        if key not in known:
            known[key] = _attributed(value_changes(config_of(before.get(sha256, b"")), made.config), made)
        yield node_id, known[key]


def _attributed(changes: tuple[ValueChange, ...], made: Made) -> tuple[ValueChange, ...]:
    return tuple(ValueChange(one.path, one.before, one.after, setter(made.layers, parsed(one.path))) for one in changes)


def _under_way(connection: Connection, chosen: list[ConfigNode]) -> ConfigPreview:
    """What rollouts and trials have still to change."""
    maker = ConfigMaker(connection, every_layer(connection))
    moved = []
    refused = []
    for node in chosen:
        made = maker.made(node)
        if made is None:
            continue
        if made.problems:
            refused.append((node.node_id, made.schema.version, made.problems))
        elif node.desired.config_sha256 != made.sha256 or cause_of(node.desired, node.status) in _UNDER_WAY:
            runs = node.status.running_config_sha256 or node.desired.config_sha256
            moved.append((node.node_id, runs, made))
    changes = [(node_id, values) for node_id, values in _changes(connection, moved) if values]
    return ConfigPreview(len(chosen), grouped_changes(changes), grouped_refusals(refused))


def _drifts(connection: Connection, chosen: list[ConfigNode]) -> Iterator[Drift]:
    hashes = {node.desired.target_config_sha256 for node in chosen}
    known = contents(connection, hashes | {node.status.running_config_sha256 for node in chosen})
    said = words(connection, chosen)
    tried = tries(connection, [node.node_id for node in chosen])
    times = target_times(connection, [node.node_id for node in chosen])
    maker = ConfigMaker(connection, every_layer(connection))
    for node in chosen:
        cause = cause_of(node.desired, node.status)
        if cause is None:
            continue
        if cause is DriftCause.WAITING and node.node_id in tried:  # its newest word is on something else
            cause, said[node.node_id] = cause_after(tried[node.node_id])
        yield Drift(
            node.node_id,
            cause,
            _drifted_values(node, known, maker),
            said.get(node.node_id) or sentence_of(cause, node.desired.config_problem),
            _since(node, cause, times),
        )


def _drifted_values(node: ConfigNode, known: dict[str, bytes], maker: ConfigMaker) -> tuple[ValueChange, ...]:
    """What it runs and what it should; nothing when its content is not known yet."""
    running, target = node.status.running_config_sha256, node.desired.target_config_sha256
    if running not in known or target not in known:
        return ()
    values = value_changes(config_of(known[running]), config_of(known[target]))
    made = maker.made(node)
    return values if made is None or made.problems else _attributed(values, made)


def _since(node: ConfigNode, cause: DriftCause, times: dict[str, int]) -> Any:  # noqa: ANN401  # a time or none
    if cause in _SINCE_WORD:
        return node.status.config_since_time
    if cause is DriftCause.WAITING and node.node_id in times:
        return as_time(times[node.node_id])
    return None
