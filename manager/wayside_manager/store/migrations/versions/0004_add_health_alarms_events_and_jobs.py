"""Add health and its history, alarms, events and sinks, and jobs; give sites lines, supplies and exposures.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Brings the schema from the revision before to this one."""
    _make_health()
    _make_alarms()
    _make_events()
    _make_jobs()
    _widen()


def _make_health() -> None:
    op.create_table(
        "history_progress",
        sa.Column("step_s", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("through_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("step_s", name=op.f("pk_history_progress")),
    )
    op.create_table(
        "health_history",
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("step_s", sa.Integer(), nullable=False),
        sa.Column("begin_us", sa.BigInteger(), nullable=False),
        sa.Column("heard_us", sa.BigInteger(), nullable=False),
        sa.Column("ok_us", sa.BigInteger(), nullable=False),
        sa.Column("degraded_us", sa.BigInteger(), nullable=False),
        sa.Column("failed_us", sa.BigInteger(), nullable=False),
        sa.Column("report_count", sa.Integer(), nullable=False),
        sa.Column("quantities", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name=op.f("fk_health_history_node_id")),
        sa.PrimaryKeyConstraint("node_id", "step_s", "begin_us", name=op.f("pk_health_history")),
    )
    op.create_index(op.f("ix_health_history_step_s_begin_us"), "health_history", ["step_s", "begin_us"], unique=False)
    op.create_table(
        "node_checks",
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("unit", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name=op.f("fk_node_checks_node_id")),
        sa.PrimaryKeyConstraint("node_id", "name", name=op.f("pk_node_checks")),
    )
    op.create_index(op.f("ix_node_checks_name"), "node_checks", ["name"], unique=False)
    op.create_table(
        "node_states",
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("begin_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name=op.f("fk_node_states_node_id")),
        sa.PrimaryKeyConstraint("node_id", "begin_us", name=op.f("pk_node_states")),
    )
    op.create_index(op.f("ix_node_states_end_us"), "node_states", ["end_us"], unique=False)


def _make_alarms() -> None:
    op.create_table(
        "alarm_policy",
        sa.Column("policy_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("update_us", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("policy_id", name=op.f("pk_alarm_policy")),
    )
    op.create_table(
        "alarms",
        sa.Column("alarm_id", sa.String(length=63), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("site_id", sa.String(length=63), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("base_severity", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("begin_us", sa.BigInteger(), nullable=False),
        sa.Column("raise_us", sa.BigInteger(), nullable=False),
        sa.Column("clear_us", sa.BigInteger(), nullable=True),
        sa.Column("over_us", sa.BigInteger(), nullable=True),
        sa.Column("occurrence_count", sa.Integer(), nullable=False),
        sa.Column("acknowledger", sa.String(length=160), nullable=False),
        sa.Column("acknowledge_us", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("shelve_end_us", sa.BigInteger(), nullable=True),
        sa.Column("escalation_level", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.String(length=63), nullable=False),
        sa.Column("is_storm", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name=op.f("fk_alarms_tenant_id")),
        sa.PrimaryKeyConstraint("alarm_id", name=op.f("pk_alarms")),
    )
    op.create_index(op.f("ix_alarms_kind_subject"), "alarms", ["kind", "subject"], unique=False)
    op.create_index(op.f("ix_alarms_node_id"), "alarms", ["node_id"], unique=False)
    op.create_index(op.f("ix_alarms_parent_id"), "alarms", ["parent_id"], unique=False)
    op.create_index(op.f("ix_alarms_state_severity"), "alarms", ["state", "severity"], unique=False)
    op.create_index(op.f("ix_alarms_tenant_id"), "alarms", ["tenant_id"], unique=False)
    op.create_table(
        "alarm_members",
        sa.Column("alarm_id", sa.String(length=63), nullable=False),
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("site_id", sa.String(length=63), nullable=False),
        sa.Column("lost_us", sa.BigInteger(), nullable=False),
        sa.Column("return_us", sa.BigInteger(), nullable=True),
        sa.Column("lost_report_count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.alarm_id"], name=op.f("fk_alarm_members_alarm_id")),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name=op.f("fk_alarm_members_node_id")),
        sa.PrimaryKeyConstraint("alarm_id", "node_id", name=op.f("pk_alarm_members")),
    )
    op.create_index(op.f("ix_alarm_members_node_id"), "alarm_members", ["node_id"], unique=False)


def _make_events() -> None:
    op.create_table(
        "event_head",
        sa.Column("head_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("dropped_cursor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("head_id", name=op.f("pk_event_head")),
    )
    op.create_table(
        "events",
        sa.Column("cursor", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("record_us", sa.BigInteger(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("site_id", sa.String(length=63), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("cursor", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_node_id_cursor"), "events", ["node_id", "cursor"], unique=False)
    op.create_index(op.f("ix_events_record_us"), "events", ["record_us"], unique=False)
    op.create_table(
        "event_sinks",
        sa.Column("sink_id", sa.String(length=63), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("retry_us", sa.BigInteger(), nullable=True),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("update_us", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name=op.f("fk_event_sinks_tenant_id")),
        sa.PrimaryKeyConstraint("sink_id", name=op.f("pk_event_sinks")),
    )
    op.create_index(op.f("ix_event_sinks_tenant_id"), "event_sinks", ["tenant_id"], unique=False)
    op.create_table(
        "dead_letters",
        sa.Column("sink_id", sa.String(length=63), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("give_up_us", sa.BigInteger(), nullable=False),
        sa.Column("is_retried", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["sink_id"], ["event_sinks.sink_id"], name=op.f("fk_dead_letters_sink_id")),
        sa.PrimaryKeyConstraint("sink_id", "cursor", name=op.f("pk_dead_letters")),
    )
    op.execute(sa.text("INSERT INTO event_head VALUES (1, 0, 0)"))


def _make_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.String(length=63), nullable=False),
        sa.Column("node_id", sa.String(length=63), nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("spec", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("progress_percent", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("requester", sa.String(length=160), nullable=False),
        sa.Column("rollout_id", sa.String(length=63), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.Column("begin_us", sa.BigInteger(), nullable=True),
        sa.Column("end_us", sa.BigInteger(), nullable=True),
        sa.Column("expire_us", sa.BigInteger(), nullable=False),
        sa.Column("timeout_us", sa.BigInteger(), nullable=False),
        sa.Column("lose_us", sa.BigInteger(), nullable=False),
        sa.Column("artifact_max_bytes", sa.BigInteger(), nullable=False),
        sa.Column("tell_us", sa.BigInteger(), nullable=True),
        sa.Column("is_cancelling", sa.Boolean(), nullable=False),
        sa.Column("late_report", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.node_id"], name=op.f("fk_jobs_node_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name=op.f("fk_jobs_tenant_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_create_us"), "jobs", ["create_us"], unique=False)
    op.create_index(op.f("ix_jobs_node_id_state"), "jobs", ["node_id", "state"], unique=False)
    op.create_index(op.f("ix_jobs_rollout_id"), "jobs", ["rollout_id"], unique=False)
    op.create_index(op.f("ix_jobs_state"), "jobs", ["state"], unique=False)
    op.create_index(op.f("ix_jobs_tenant_id"), "jobs", ["tenant_id"], unique=False)
    op.create_table(
        "job_artifacts",
        sa.Column("job_id", sa.String(length=63), nullable=False),
        sa.Column("file", sa.String(length=100), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("received_bytes", sa.BigInteger(), nullable=False),
        sa.Column("create_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_job_artifacts_job_id")),
        sa.PrimaryKeyConstraint("job_id", "file", name=op.f("pk_job_artifacts")),
    )


def _widen() -> None:
    op.add_column(
        "node_status", sa.Column("health_state", sa.String(length=16), server_default="unknown", nullable=False)
    )
    op.add_column("node_status", sa.Column("health_cause", sa.String(length=80), server_default="", nullable=False))
    op.add_column("node_status", sa.Column("health_since_us", sa.BigInteger(), nullable=True))
    op.add_column("node_status", sa.Column("check_count", sa.Integer(), server_default="0", nullable=False))
    op.add_column("node_status", sa.Column("checks_sha256", sa.String(length=64), server_default="", nullable=False))
    op.add_column("node_status", sa.Column("health_record_us", sa.BigInteger(), nullable=True))
    op.add_column("node_status", sa.Column("health_live_us", sa.BigInteger(), nullable=True))
    op.add_column("node_status", sa.Column("start_count", sa.BigInteger(), nullable=True))
    op.add_column("node_status", sa.Column("autonomy_end_us", sa.BigInteger(), nullable=True))
    op.add_column("node_status", sa.Column("autonomy_limit", sa.String(length=40), server_default="", nullable=False))
    op.add_column("rollouts", sa.Column("job", sa.Text(), server_default="", nullable=False))
    op.add_column("rollouts", sa.Column("storm_alarm_id", sa.String(length=63), server_default="", nullable=False))
    op.add_column("sites", sa.Column("backhaul", sa.String(length=63), server_default="", nullable=False))
    op.add_column("sites", sa.Column("power_feed", sa.String(length=63), server_default="", nullable=False))
    op.add_column("sites", sa.Column("exposure_class", sa.String(length=63), server_default="", nullable=False))
