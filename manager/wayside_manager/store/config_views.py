"""What people see of nodes' configurations, in SQL: where one stands, what it was, and where its values come from."""

from typing import Any

from sqlalchemy import Connection, Row, Select, select

from wayside.errors import NotFoundError
from wayside_manager.core.config_diff import value_changes
from wayside_manager.core.config_schemas import own_schema
from wayside_manager.core.configs import (
    Explanation,
    NodeConfigRecord,
    NodeConfigState,
    ValueChange,
)
from wayside_manager.core.explaining import explained
from wayside_manager.core.missing import not_there
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.core.pages import page_token as token_of
from wayside_manager.store.config_making import (
    EMPTY_CONTENT,
    EMPTY_SHA256,
    ConfigMaker,
    config_of,
    schemas_of,
)
from wayside_manager.store.config_previews import SqlConfigPreviews
from wayside_manager.store.config_rows import config_nodes, contents, every_layer
from wayside_manager.store.moments import as_time
from wayside_manager.store.node_rows import node_not_found
from wayside_manager.store.part import reading
from wayside_manager.store.tables import config_contents, node_configs, node_desired, node_status

_CONFIGS: Select[Any] = select(
    node_configs.c.node_id,
    node_configs.c.revision,
    node_configs.c.sha256,
    node_configs.c.cause,
    node_configs.c.create_us,
    config_contents.c.content,
).join(config_contents, config_contents.c.sha256 == node_configs.c.sha256)


class SqlConfigViews(SqlConfigPreviews):
    """The views' share of `ports.ConfigStore`."""

    @reading
    def get_node_config(self, connection: Connection, node_id: str, *, revision: int = 0) -> NodeConfigRecord:
        """See ConfigStore."""
        query = select(node_desired.c.config_revision).where(node_desired.c.node_id == node_id)
        told = connection.scalar(query)
        if told is None:
            raise node_not_found(node_id)
        return _config(connection, node_id, revision or told)

    @reading
    def node_config_state(self, connection: Connection, node_id: str, *, revision: int = 0) -> NodeConfigState:
        """See ConfigStore."""
        row = _standing(connection, node_id)
        schema = schemas_of(connection).of(running_release=row.running_release, running_version=row.running_version)
        return NodeConfigState(
            config=_config(connection, node_id, revision or row.target_config_revision),
            target_revision=row.target_config_revision,
            told_revision=row.config_revision,
            running_revision=row.running_config_revision,
            trial=row.config_trial,
            problem=row.config_problem,
            schema_version=schema.version,
            report=row.config_report,
        )

    @reading
    def list_node_configs(
        self, connection: Connection, node_id: str, *, page_size: int = 0, page_token: str = ""
    ) -> Page[tuple[NodeConfigRecord, tuple[ValueChange, ...]]]:
        """See ConfigStore."""
        _standing(connection, node_id)
        size, question = checked_page_size(page_size), f"node_configs|{node_id}"
        query = _CONFIGS.where(node_configs.c.node_id == node_id)
        query = query.order_by(node_configs.c.revision.desc()).limit(size + 1)
        before = position(page_token, question, types=(int,))
        if before is not None:
            query = query.where(node_configs.c.revision < before[0])
        records = [_record(row) for row in connection.execute(query)]
        # the one behind the page is what its last differs from
        older = [config_of(record.content) for record in records[1:]] + [{}]
        items = tuple(
            (record, value_changes(former, config_of(record.content)))
            for record, former in zip(records[:size], older, strict=False)
        )
        has_more = len(records) > size
        return Page(items, token_of(question, (records[size - 1].revision,)) if has_more else "")

    @reading
    def explain_node_config(self, connection: Connection, node_id: str, path: str = "") -> Explanation:
        """See ConfigStore."""
        row = _standing(connection, node_id)
        found = config_nodes(connection, [node_id])
        if not found:  # retired: it keeps what it has, and nobody asks for anything
            return Explanation((), own_schema().version)
        node = found[0]
        maker = ConfigMaker(connection, every_layer(connection))
        made = maker.made(node)
        running = contents(connection, [row.running_config_sha256]).get(row.running_config_sha256)
        return explained(
            path,
            layers=maker.layers_of(node),
            config={} if made is None else made.config,
            running=None if running is None else config_of(running),
            schema=maker.schema_of(node),
            origins=node.variable_origins,
        )

    @reading
    def find_config_schema(self, connection: Connection, version: str) -> tuple[str, str]:
        """See ConfigStore."""
        schema = schemas_of(connection).find(version)
        if schema is None:
            raise not_there("configSchemas", version[:80])
        return schema.text, schema.version


def _standing(connection: Connection, node_id: str) -> Row[Any]:
    query = (
        select(
            node_desired,
            node_status.c.running_config_revision,
            node_status.c.running_config_sha256,
            node_status.c.running_release,
            node_status.c.running_version,
            node_status.c.config_report,
        )
        .join(node_status, node_status.c.node_id == node_desired.c.node_id)
        .where(node_desired.c.node_id == node_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise node_not_found(node_id)
    return row


def _config(connection: Connection, node_id: str, revision: int) -> NodeConfigRecord:
    if revision == 0:
        return NodeConfigRecord(node_id, 0, EMPTY_SHA256, EMPTY_CONTENT)
    query = _CONFIGS.where(node_configs.c.node_id == node_id, node_configs.c.revision == revision)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFoundError(
            f"node {node_id} has no configuration {revision}; list its configurations to see which it has",
            reason="CONFIG_NOT_FOUND",
        )
    return _record(row)


def _record(row: Row[Any]) -> NodeConfigRecord:
    return NodeConfigRecord(row.node_id, row.revision, row.sha256, row.content, row.cause, as_time(row.create_us))
