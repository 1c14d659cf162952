"""A database of the program before: its layers go on in their new form, and every node is told what they ask for."""

import json
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, create_engine, text

from tests.contract.manager_store import opened
from wayside_manager.core.nodes import NodeState
from wayside_manager.store import migrate as migrating
from wayside_manager.store.migrate import migrate

LAYER: dict[str, Any] = {
    "report_period": "5s",
    "can": {"buses": [{"name": "body", "database_name": "j1939.dbc"}]},
    "telemetry": {"broker_host": "b.example", "broker_port": 1883, "publish_period": "0.500s"},
    "update": {"max_download_bytes_per_second": "1000"},
}


def put(connection: Connection, table: str, **given: Any) -> None:  # noqa: ANN401  # values of columns
    """A row; columns that are not given and need a value get an empty one."""
    row = dict(given)
    for column in connection.execute(text(f"PRAGMA table_info({table})")):
        if column.name not in row and column.notnull:
            row[column.name] = 0 if "INT" in column.type.upper() or "BOOL" in column.type.upper() else ""
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)  # noqa: S608  # names of ours


@pytest.fixture
def old_url(store_url: str) -> str:
    """A database of revision 0002 with a layer, a unit in service, one that was told something, and a retired one."""
    engine = create_engine(store_url)
    with engine.begin() as connection:
        if engine.dialect.name != "sqlite":
            pytest.skip("the rows of before are written for SQLite")
        command.upgrade(migrating._config(connection), "0002")
        for node_id, state in (
            ("rsu-1", NodeState.ENROLLED),
            ("rsu-2", NodeState.ENROLLED),
            ("rsu-3", NodeState.RETIRED),
        ):
            put(
                connection, "nodes", node_id=node_id, tenant_id="root", esn=node_id, kind="rsu", state=state, revision=1
            )
            put(connection, "node_status", node_id=node_id, health=b"", config_report=b"", update_report=b"")
            put(connection, "node_desired", node_id=node_id, revision=4, config_revision=3, config_sha256="0" * 64)
        put(
            connection,
            "config_layers",
            layer_id="base",
            tenant_id="root",
            selector=json.dumps({"all_nodes": True, "node_ids": [], "kinds": [], "labels": []}),
            config=json.dumps(LAYER),
            revision=7,
        )
    engine.dispose()
    return store_url


async def test_after_an_upgrade_every_node_is_told_what_the_layers_ask_for(old_url: str) -> None:
    await migrate(old_url)
    async with opened(old_url) as store:
        layer = await store.get_layer("base")
        assert layer.config == {
            "report_period_s": 5.0,
            "can": {"buses": {"body": {"database_name": "j1939.dbc"}}},
            "telemetry": {"broker_host": "b.example", "broker_port": 1883, "publish_period_s": 0.5},
            "update": {"max_download_bytes_per_s": 1000},
        }
        assert [one.revision for one in (await store.list_layer_revisions("base")).items] == [7]
        for node_id in ("rsu-1", "rsu-2"):
            desired = await store.get_desired(node_id)
            assert (desired.config_revision, desired.target_config_revision, desired.revision) == (1, 1, 5)
            told = await store.get_node_config(node_id)
            assert json.loads(told.content) == layer.config
            assert (desired.config_sha256, desired.config_problem) == (told.sha256, "")
        assert (await store.get_desired("rsu-3")).target_config_revision == 0


async def test_migrating_again_tells_nobody_anything(old_url: str) -> None:
    await migrate(old_url)
    await migrate(old_url)
    async with opened(old_url) as store:
        assert (await store.get_desired("rsu-1")).revision == 5
