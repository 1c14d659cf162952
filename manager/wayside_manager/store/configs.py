"""Configuration layers in SQL."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, tuple_, update

from wayside.node_config import canonical
from wayside_manager.core.access import Reach
from wayside_manager.core.configs import AppliedLayer, ConfigLayerRecord, Retargeted
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.core.rollout import RolloutPlan
from wayside_manager.store.config_effects import retarget
from wayside_manager.store.config_history import (
    SqlConfigHistory,
    add_revision,
    newest_revision,
    note_rollout,
    revision_to_go_back_to,
)
from wayside_manager.store.config_layers import check_layer, check_owner, find_layer, said_of, the_layer
from wayside_manager.store.config_rows import layer_record
from wayside_manager.store.config_trials import SqlConfigTrials
from wayside_manager.store.config_views import SqlConfigViews
from wayside_manager.store.moments import as_us
from wayside_manager.store.part import changed, check_etag, page, reading, writing
from wayside_manager.store.reaches import covers_whole
from wayside_manager.store.selector_text import selector_text
from wayside_manager.store.tables import config_layers


class SqlConfigs(SqlConfigHistory, SqlConfigViews, SqlConfigTrials):
    """Satisfies `ports.ConfigStore`."""

    @writing
    def apply_layer(
        self,
        connection: Connection,
        layer: ConfigLayerRecord,
        *,
        now: datetime,
        etag: str = "",
        plan: RolloutPlan | None = None,
        author: str = "",
        comment: str = "",
    ) -> AppliedLayer:
        """See ConfigStore."""
        return _apply(connection, layer, now=now, etag=etag, plan=plan, author=author, comment=comment)

    @reading
    def get_layer(self, connection: Connection, layer_id: str) -> ConfigLayerRecord:
        """See ConfigStore."""
        return the_layer(connection, layer_id)

    @reading
    def list_layers(
        self, connection: Connection, *, reach: Reach, page_size: int = 0, page_token: str = ""
    ) -> Page[ConfigLayerRecord]:
        """See ConfigStore."""
        size, question = checked_page_size(page_size), "config_layers"
        key = (config_layers.c.priority, config_layers.c.layer_id)
        is_seen = covers_whole(config_layers.c.tenant_id, reach)
        query = select(config_layers).where(is_seen).order_by(*key).limit(size + 1)
        after = position(page_token, question, types=(int, str))
        if after is not None:
            query = query.where(tuple_(*key) > tuple_(*after))
        rows = connection.execute(query).all()
        return page(rows, size, question, key=("priority", "layer_id"), record=layer_record)

    @writing
    def delete_layer(
        self,
        connection: Connection,
        layer_id: str,
        *,
        now: datetime,
        etag: str = "",
        plan: RolloutPlan | None = None,
        author: str = "",
    ) -> AppliedLayer:
        """See ConfigStore."""
        present = the_layer(connection, layer_id)
        check_etag(etag, int(present.etag), f"layer {layer_id}")
        connection.execute(delete(config_layers).where(config_layers.c.layer_id == layer_id))
        changed(connection, _name(layer_id), before=said_of(present), after=None, tenant_id=present.tenant_id)
        revision = add_revision(connection, present, author=author, comment="", is_deletion=True, now_us=as_us(now))
        effect = retarget(connection, now=now, cause=_name(layer_id), tenant_id=present.tenant_id, plan=plan)
        note_rollout(connection, layer_id, revision, effect.rollout_id)
        return AppliedLayer(present, effect)

    @writing
    def rollback_layer(
        self,
        connection: Connection,
        layer_id: str,
        *,
        now: datetime,
        revision: int = 0,
        etag: str = "",
        plan: RolloutPlan | None = None,
        author: str = "",
    ) -> AppliedLayer:
        """See ConfigStore."""
        former = revision_to_go_back_to(connection, layer_id, revision)
        comment = f"back to revision {former.revision}"
        return _apply(connection, former.layer, now=now, etag=etag, plan=plan, author=author, comment=comment)


def _apply(
    connection: Connection,
    layer: ConfigLayerRecord,
    *,
    now: datetime,
    etag: str,
    plan: RolloutPlan | None,
    author: str,
    comment: str,
) -> AppliedLayer:
    present = find_layer(connection, layer.layer_id)
    check_owner(connection, layer)
    _check_etag(etag, present, layer.layer_id)
    if present is not None and said_of(present) == said_of(layer):
        return AppliedLayer(present, Retargeted())
    check_layer(connection, layer)
    now_us = as_us(now)
    revision = _put(connection, layer, present, now_us)
    applied = the_layer(connection, layer.layer_id)
    changed(
        connection,
        _name(layer.layer_id),
        before=None if present is None else said_of(present),
        after=said_of(applied),
        tenant_id=applied.tenant_id,
    )
    add_revision(connection, applied, author=author, comment=comment, is_deletion=False, now_us=now_us)
    effect = retarget(connection, now=now, cause=_name(layer.layer_id), tenant_id=applied.tenant_id, plan=plan)
    note_rollout(connection, layer.layer_id, revision, effect.rollout_id)
    return AppliedLayer(applied, effect)


def _name(layer_id: str) -> str:
    return f"configLayers/{layer_id}"


def _check_etag(etag: str, present: ConfigLayerRecord | None, layer_id: str) -> None:
    check_etag(etag, 0 if present is None else int(present.etag), f"layer {layer_id}")


def _put(connection: Connection, layer: ConfigLayerRecord, present: ConfigLayerRecord | None, now_us: int) -> int:
    """The revision it has now; the numbers of a deleted one go on."""
    revision = newest_revision(connection, layer.layer_id) + 1
    values = {
        "selector": selector_text(layer.selector),
        "priority": layer.priority,
        "config": canonical(layer.config).decode(),
        "update_us": now_us,
        "revision": revision,
    }
    if present is None:
        own = {"layer_id": layer.layer_id, "tenant_id": layer.tenant_id, "create_us": now_us}
        connection.execute(insert(config_layers), values | own)
    else:
        connection.execute(update(config_layers).where(config_layers.c.layer_id == layer.layer_id).values(values))
    return revision
