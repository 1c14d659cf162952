"""Add sites, corridors, groups, geofences and licences; give configuration a history, and rollouts plans and waves.

Sites are made of the free texts nodes had. Layers keep their values in their new names and units. What nodes were
told is made anew from the layers: no agent of before reads the new form, nor the reverse.

Revision ID: 0003
Revises: 0002
"""

import json
import re
import time
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_SECONDS = {
    "report_period": "report_period_s",
    "publish_period": "publish_period_s",
    "sample_period": "sample_period_s",
    "health_gate_timeout": "health_gate_timeout_s",
}
_INTEGERS = {"max_download_bytes_per_second": "max_download_bytes_per_s", "broker_port": "broker_port"}


def upgrade() -> None:
    """Brings the schema from the revision before to this one."""
    _make_tables()
    _make_sites()
    _renew_layers()
    _renew_node_configs()
    _renew_rollouts()
    _widen()


def _make_tables() -> None:
    op.create_table(
        "config_contents",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_config_contents")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expire_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "config_layer_revisions",
        sa.Column("layer_id", sa.String(length=63), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("selector", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("is_deletion", sa.Boolean(), nullable=False),
        sa.Column("rollout_id", sa.String(length=63), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name=op.f("fk_config_layer_revisions_tenant_id")),
        sa.PrimaryKeyConstraint("layer_id", "revision", name=op.f("pk_config_layer_revisions")),
    )
    with op.batch_alter_table("config_layer_revisions") as batch_op:
        batch_op.create_index(batch_op.f("ix_config_layer_revisions_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "corridors",
        sa.Column("corridor_id", sa.String(length=63), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("is_ring", sa.Boolean(), nullable=False),
        sa.Column("max_in_flight_percent", sa.Float(), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("update_us", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name=op.f("fk_corridors_tenant_id")),
        sa.PrimaryKeyConstraint("corridor_id", name=op.f("pk_corridors")),
    )
    with op.batch_alter_table("corridors") as batch_op:
        batch_op.create_index(batch_op.f("ix_corridors_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "geofences",
        sa.Column("geofence_id", sa.String(length=63), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("geometry", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("update_us", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name=op.f("fk_geofences_tenant_id")),
        sa.PrimaryKeyConstraint("geofence_id", name=op.f("pk_geofences")),
    )
    with op.batch_alter_table("geofences") as batch_op:
        batch_op.create_index(batch_op.f("ix_geofences_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "groups",
        sa.Column("group_id", sa.String(length=63), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("selector", sa.Text(), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("update_us", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name=op.f("fk_groups_tenant_id")),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_groups")),
    )
    with op.batch_alter_table("groups") as batch_op:
        batch_op.create_index(batch_op.f("ix_groups_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "sites",
        sa.Column("site_id", sa.String(length=63), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("latitude_deg", sa.Float(), nullable=True),
        sa.Column("longitude_deg", sa.Float(), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("variables", sa.Text(), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("update_us", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name=op.f("fk_sites_tenant_id")),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_sites")),
    )
    with op.batch_alter_table("sites") as batch_op:
        batch_op.create_index(batch_op.f("ix_sites_tenant_id"), ["tenant_id"], unique=False)

    op.create_table(
        "corridor_sites",
        sa.Column("corridor_id", sa.String(length=63), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.String(length=63), nullable=False),
        sa.Column("stake_m", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["corridor_id"], ["corridors.corridor_id"], name=op.f("fk_corridor_sites_corridor_id")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.site_id"], name=op.f("fk_corridor_sites_site_id")),
        sa.PrimaryKeyConstraint("corridor_id", "place", name=op.f("pk_corridor_sites")),
        sa.UniqueConstraint("corridor_id", "site_id", name=op.f("uq_corridor_sites_corridor_id_site_id")),
    )
    with op.batch_alter_table("corridor_sites") as batch_op:
        batch_op.create_index(batch_op.f("ix_corridor_sites_site_id"), ["site_id"], unique=False)

    op.create_table(
        "group_nodes",
        sa.Column("group_id", sa.String(length=63), nullable=False),
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.group_id"], name=op.f("fk_group_nodes_group_id")),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name=op.f("fk_group_nodes_node_id")),
        sa.PrimaryKeyConstraint("group_id", "node_id", name=op.f("pk_group_nodes")),
    )
    with op.batch_alter_table("group_nodes") as batch_op:
        batch_op.create_index(batch_op.f("ix_group_nodes_node_id"), ["node_id"], unique=False)

    op.create_table(
        "radio_licences",
        sa.Column("licence_id", sa.String(length=63), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("center_hz", sa.Float(), nullable=False),
        sa.Column("bandwidth_hz", sa.Float(), nullable=False),
        sa.Column("max_power_dbm", sa.Float(), nullable=False),
        sa.Column("expire_us", sa.BigInteger(), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("update_us", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name=op.f("fk_radio_licences_node_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name=op.f("fk_radio_licences_tenant_id")),
        sa.PrimaryKeyConstraint("licence_id", name=op.f("pk_radio_licences")),
        sa.UniqueConstraint("node_id", name=op.f("uq_radio_licences_node_id")),
    )
    with op.batch_alter_table("radio_licences") as batch_op:
        batch_op.create_index(batch_op.f("ix_radio_licences_tenant_id"), ["tenant_id"], unique=False)


def _make_sites() -> None:
    connection, now_us = op.get_bind(), time.time_ns() // 1000
    with op.batch_alter_table("nodes") as batch:
        batch.add_column(sa.Column("site_id", sa.String(63), nullable=True))
        batch.add_column(sa.Column("variables", sa.Text(), nullable=False, server_default="{}"))
    owners: dict[str, set[str]] = {}
    for site, tenant_id in connection.execute(sa.text("SELECT DISTINCT site, tenant_id FROM nodes WHERE site <> ''")):
        owners.setdefault(site, set()).add(tenant_id)
    taken: dict[str, str] = {}
    for site, tenant_ids in sorted(owners.items()):
        site_id = taken[site] = _label(site, taken.values())
        tenant_id = tenant_ids.pop() if len(tenant_ids) == 1 else "root"
        connection.execute(
            sa.text(
                "INSERT INTO sites VALUES (:site_id, :tenant_id, :site, '', NULL, NULL, '', '{}', :now_us, :now_us, 1)"
            ),
            {"site_id": site_id, "tenant_id": tenant_id, "site": site, "now_us": now_us},
        )
        connection.execute(
            sa.text("UPDATE nodes SET site_id = :site_id WHERE site = :site"), {"site_id": site_id, "site": site}
        )
    _renew_bindings("operators", "operator_id", taken)
    _renew_bindings("credentials", "sha256", taken)
    with op.batch_alter_table("nodes") as batch:
        batch.alter_column("variables", server_default=None)
        batch.drop_index("ix_nodes_site")
        batch.create_index("ix_nodes_site_id", ["site_id"])
        batch.create_foreign_key("fk_nodes_site_id", "sites", ["site_id"], ["site_id"])
        batch.drop_column("site")


def _renew_bindings(table: str, key: str, site_ids: dict[str, str]) -> None:
    """Roles at sites keep their reach. A text nobody had gets an id nobody has: it must not become another's."""
    connection = op.get_bind()
    for row in connection.execute(sa.text(f"SELECT {key} AS id, bindings FROM {table}")).mappings().all():  # noqa: S608  # our own names
        bindings = json.loads(row["bindings"] or "[]")
        if not any(binding["sites"] for binding in bindings):
            continue
        for binding in bindings:
            for site in binding["sites"]:
                site_ids.setdefault(site, _label(site, site_ids.values()))
            binding["sites"] = sorted(site_ids[site] for site in binding["sites"])
        connection.execute(
            sa.text(f"UPDATE {table} SET bindings = :bindings WHERE {key} = :id"),  # noqa: S608  # our own names
            {"bindings": json.dumps(bindings), "id": row["id"]},
        )


def _label(text: str, taken: Collection[str]) -> str:
    """A free text as an id that nobody has."""
    label = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:50].rstrip("-") or "site"
    count = 1
    while (named := label if count == 1 else f"{label}-{count}") in taken:
        count += 1
    return named


def _renew_layers() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT * FROM config_layers")).mappings().all()
    for row in rows:
        config = json.dumps(_renewed(json.loads(row["config"])), sort_keys=True)
        connection.execute(
            sa.text("UPDATE config_layers SET config = :config WHERE layer_id = :layer_id"),
            {"config": config, "layer_id": row["layer_id"]},
        )
        connection.execute(
            sa.text(
                "INSERT INTO config_layer_revisions VALUES (:layer_id, :revision, :tenant_id, :selector, :priority,"
                " :config, '', '', false, '', :update_us)"
            ),
            dict(row) | {"config": config},
        )


def _renewed(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration in its new names and units."""
    renewed: dict[str, Any] = {}
    for name, value in config.items():
        if name in _SECONDS:
            renewed[_SECONDS[name]] = float(str(value).removesuffix("s"))
        elif name in _INTEGERS:
            renewed[_INTEGERS[name]] = int(value)
        elif name == "buses":
            renewed[name] = {bus["name"]: {k: v for k, v in bus.items() if k != "name"} for bus in value}
        else:
            renewed[name] = _renewed(value) if isinstance(value, dict) else value
    return renewed


def _renew_node_configs() -> None:
    op.drop_table("node_configs")
    op.create_table(
        "node_configs",
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=160), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name="fk_node_configs_node_id"),
        sa.ForeignKeyConstraint(["sha256"], ["config_contents.sha256"], name="fk_node_configs_sha256"),
        sa.PrimaryKeyConstraint("node_id", "revision", name="pk_node_configs"),
    )
    op.create_index("ix_node_configs_sha256", "node_configs", ["sha256"])
    op.execute("UPDATE node_desired SET config_revision = 0, config_sha256 = ''")


def _renew_rollouts() -> None:
    with op.batch_alter_table("rollouts") as batch:
        for name, kind, value in (
            ("config_cause", sa.String(160), ""),
            ("plan", sa.Text(), "{}"),
            ("selector", sa.Text(), ""),
            ("waves", sa.Text(), "[]"),
            ("retry_of", sa.String(63), ""),
            ("deadline_us", sa.BigInteger(), "0"),
        ):
            batch.add_column(sa.Column(name, kind, nullable=False, server_default=value))
        batch.alter_column("version", existing_type=sa.String(80), nullable=True)
    # one that is under way ends: its plan was another kind of plan
    op.execute(
        "UPDATE rollouts SET state = 'aborted', message = 'ended by the update of the manager; start it again'"
        " WHERE state IN ('running', 'paused')"
    )
    op.execute("UPDATE rollouts SET deadline_us = update_us")
    with op.batch_alter_table("rollouts") as batch:
        for name in ("config_cause", "plan", "selector", "waves", "retry_of", "deadline_us"):
            batch.alter_column(name, server_default=None)
        batch.drop_column("max_failure_count")
        batch.drop_column("max_in_flight_count")
    with op.batch_alter_table("rollout_nodes") as batch:
        for name, type_, default in (
            ("wave", sa.Integer(), "0"),
            ("runs_target", sa.Boolean(), sa.false()),
            ("report", sa.LargeBinary(), sa.text("x''")),
            ("message", sa.Text(), ""),
            ("config_revision", sa.BigInteger(), "0"),
            ("config_sha256", sa.String(64), ""),
        ):
            batch.add_column(sa.Column(name, type_, nullable=False, server_default=default))
        batch.add_column(sa.Column("tell_us", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("previous_config_revision", sa.BigInteger(), nullable=True))
    op.execute("UPDATE rollout_nodes SET report = update_report, runs_target = (state = 'succeeded')")
    op.execute("UPDATE rollout_nodes SET state = 'expired' WHERE state = 'pending'")
    with op.batch_alter_table("rollout_nodes") as batch:
        for name in ("wave", "runs_target", "report", "message", "config_revision", "config_sha256"):
            batch.alter_column(name, server_default=None)
        batch.drop_column("running_release")
        batch.drop_column("update_report")
        batch.create_index("ix_rollout_nodes_state", ["state"])


def _widen() -> None:
    added: dict[str, tuple[tuple[str, Any, str], ...]] = {
        "node_desired": (
            ("target_config_revision", sa.BigInteger(), "0"),
            ("target_config_sha256", sa.String(64), ""),
            ("config_problem", sa.Text(), ""),
            ("config_trial", sa.String(80), ""),
            ("config_trial_timeout_us", sa.BigInteger(), "0"),
            ("config_decision", sa.String(16), ""),
        ),
        "node_status": (
            ("model", sa.String(80), ""),
            ("running_config_sha256", sa.String(64), ""),
            ("config_outcome", sa.String(16), ""),
            ("config_trial", sa.String(80), ""),
            ("penalty", sa.Float(), "0"),
        ),
        "releases": (("config_schema", sa.Text(), ""),),
    }
    for table, columns in added.items():
        with op.batch_alter_table(table) as batch:
            for name, kind, value in columns:
                batch.add_column(sa.Column(name, kind, nullable=False, server_default=value))
        with op.batch_alter_table(table) as batch:  # the default was for what is there already
            for name, _, _ in columns:
                batch.alter_column(name, server_default=None)
    with op.batch_alter_table("node_status") as batch:
        batch.add_column(sa.Column("config_since_us", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("penalty_us", sa.BigInteger(), nullable=True))
