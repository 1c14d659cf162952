"""What layers were, in SQL. A revision is written with every change of a layer, and stays when the layer goes."""

import json
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from wayside.errors import NotFoundError
from wayside.node_config import canonical
from wayside_manager.core.configs import ConfigLayerRecord, LayerRevisionRecord
from wayside_manager.core.missing import not_there
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.store.moments import as_time
from wayside_manager.store.part import SqlPart, page, reading
from wayside_manager.store.selector_text import selector_of, selector_text
from wayside_manager.store.tables import config_layer_revisions

_REVISIONS = config_layer_revisions.c


class SqlConfigHistory(SqlPart):
    """The history's share of `ports.ConfigStore`."""

    @reading
    def list_layer_revisions(
        self, connection: Connection, layer_id: str, *, page_size: int = 0, page_token: str = ""
    ) -> Page[LayerRevisionRecord]:
        """See ConfigStore."""
        if newest_revision(connection, layer_id) == 0:
            raise not_there("configLayers", layer_id)
        size, question = checked_page_size(page_size), f"config_layer_revisions|{layer_id}"
        query = (
            select(config_layer_revisions)
            .where(_REVISIONS.layer_id == layer_id)
            .order_by(_REVISIONS.revision.desc())
            .limit(size + 1)
        )
        before = position(page_token, question, types=(int,))
        if before is not None:
            query = query.where(_REVISIONS.revision < before[0])
        first_us = connection.scalar(select(func.min(_REVISIONS.create_us)).where(_REVISIONS.layer_id == layer_id))
        rows = connection.execute(query).all()
        return page(rows, size, question, key=("revision",), record=lambda row: _record(row, int(first_us or 0)))


def newest_revision(connection: Connection, layer_id: str) -> int:
    """Number of the newest revision of a layer that is there or was. 0: there never was one."""
    return connection.scalar(select(func.max(_REVISIONS.revision)).where(_REVISIONS.layer_id == layer_id)) or 0


def owner_of(connection: Connection, layer_id: str) -> str | None:
    """The tenant a layer belongs to, or did before it was deleted; `None`: the name is free."""
    query = select(_REVISIONS.tenant_id).where(_REVISIONS.layer_id == layer_id)
    return connection.scalar(query.order_by(_REVISIONS.revision.desc()).limit(1))


def revision_to_go_back_to(connection: Connection, layer_id: str, revision: int) -> LayerRevisionRecord:
    """A revision by its number, 0: what the layer was before the present one, deletions left out.

    Raises: NotFoundError: there is no such layer or revision, or the revision is a deletion.
    """
    newest = newest_revision(connection, layer_id)
    if newest == 0:
        raise not_there("configLayers", layer_id)
    query = select(config_layer_revisions).where(_REVISIONS.layer_id == layer_id)
    if revision:
        query = query.where(_REVISIONS.revision == revision)
    else:
        query = query.where(_REVISIONS.revision < newest, _REVISIONS.is_deletion.is_(False))
    row = connection.execute(query.order_by(_REVISIONS.revision.desc()).limit(1)).one_or_none()
    if row is None or row.is_deletion:
        wanted = f"revision {revision}" if revision else "revision before this one"
        why = " to go back to: it is its deletion" if row is not None else ""
        raise NotFoundError(
            f"layer {layer_id} has no {wanted}{why}; list its history to see which there are",
            reason="LAYER_REVISION_NOT_FOUND",
        )
    return _record(row, row.create_us)


def add_revision(
    connection: Connection, layer: ConfigLayerRecord, *, author: str, comment: str, is_deletion: bool, now_us: int
) -> int:
    """Writes what a layer became, and returns the revision."""
    revision = newest_revision(connection, layer.layer_id) + 1
    row: dict[str, Any] = {
        "layer_id": layer.layer_id,
        "revision": revision,
        "tenant_id": layer.tenant_id,
        "selector": selector_text(NodeSelector() if is_deletion else layer.selector),
        "priority": layer.priority,
        "config": "{}" if is_deletion else canonical(layer.config).decode(),
        "author": author,
        "comment": comment,
        "is_deletion": is_deletion,
        "rollout_id": "",
        "create_us": now_us,
    }
    connection.execute(insert(config_layer_revisions), row)
    return revision


def note_rollout(connection: Connection, layer_id: str, revision: int, rollout_id: str) -> None:
    """Says which rollout a revision started."""
    if rollout_id:
        connection.execute(
            update(config_layer_revisions)
            .where(_REVISIONS.layer_id == layer_id, _REVISIONS.revision == revision)
            .values(rollout_id=rollout_id)
        )


def _record(row: Row[Any], create_us: int) -> LayerRevisionRecord:
    layer = ConfigLayerRecord(
        layer_id=row.layer_id,
        selector=selector_of(row.selector),
        priority=row.priority,
        config=json.loads(row.config),
        create_time=as_time(create_us),
        update_time=as_time(row.create_us),
        etag=str(row.revision),
        tenant_id=row.tenant_id,
    )
    return LayerRevisionRecord(layer, row.revision, row.author, row.comment, row.is_deletion, row.rollout_id)
