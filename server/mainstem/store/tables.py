"""Table definitions, nothing else."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from mainstem.store.columns import At, Json

metadata = MetaData()

# SQLite gives automatic numbers only to INTEGER keys; PostgreSQL wants 64 bits.
Serial = BigInteger().with_variant(Integer(), "sqlite")

schema_versions = Table(
    "schema_versions",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("applied_at", At, nullable=False),
)

flows = Table(
    "flows",
    metadata,
    Column("namespace", String(150), primary_key=True),
    Column("id", String(100), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("is_latest", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("description", Text),
    Column("labels", Json, nullable=False),
    Column("source", Text, nullable=False),
    Column("source_hash", String(64), nullable=False),
    Column("created_at", At, nullable=False),
    Column("git_source", String(100)),
    Column("git_commit", String(64)),
    Column("git_path", Text),
    Column("git_author", Text),
    Column("git_message", Text),
)
# Saying `postgresql_where` here would load that dialect on every start; migrations add it.
Index("flows_latest", flows.c.namespace, flows.c.id, sqlite_where=flows.c.is_latest)

executions = Table(
    "executions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("namespace", String(150), nullable=False),
    Column("flow_id", String(100), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("git_commit", String(64)),
    Column("state", String(16), nullable=False),
    Column("created_at", At, nullable=False),
    Column("ended_at", At),
    Column("history", Text, nullable=False),
    Column("inputs", Json),
    Column("labels", Json),
    Column("variables", Json),
    Column("outputs", Json),
    Column("trigger_id", String(100)),
    Column("trigger", Json),
    Column("parent_id", String(32)),
    Column("original_id", String(32)),
    Column("schedule_at", At),
    Column("attempt", Integer, nullable=False),
    Column("error", Text),
    Column("closed", Boolean, nullable=False),
)
Index("executions_by_time", executions.c.created_at, executions.c.id)
Index("executions_by_flow", executions.c.namespace, executions.c.flow_id, executions.c.created_at)
Index("executions_open", executions.c.namespace, executions.c.flow_id, executions.c.state,
      sqlite_where=text("NOT closed"))  # fmt: skip
Index("executions_running", executions.c.created_at, executions.c.id,
      sqlite_where=text("ended_at IS NULL"))  # fmt: skip
Index("executions_by_parent", executions.c.parent_id)
Index("executions_by_flow_state", executions.c.namespace, executions.c.flow_id, executions.c.state)
Index("executions_by_state", executions.c.state, executions.c.created_at)

execution_labels = Table(
    "execution_labels",
    metadata,
    Column("execution_id", String(32), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("value", Text, nullable=False),
)
Index("labels_by_value", execution_labels.c.key, execution_labels.c.value)

task_runs = Table(
    "task_runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("execution_id", String(32), nullable=False),
    Column("task_id", String(256), nullable=False),
    Column("parent_id", String(32)),
    Column("value", Text),
    Column("iteration", Integer),
    Column("position", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", At, nullable=False),
    Column("ended_at", At),
    Column("history", Text, nullable=False),
    Column("attempts", Text),
    Column("outputs", Json),
    Column("dynamic", Boolean, nullable=False),
)
Index("task_runs_by_execution", task_runs.c.execution_id, task_runs.c.position)

events = Table(
    "events",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("execution_id", String(32), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("payload", Json, nullable=False),
    Column("at", At, nullable=False),
    sqlite_autoincrement=True,  # a number that is given twice would settle the wrong event
)

timers = Table(
    "timers",
    metadata,
    Column("execution_id", String(32), primary_key=True),
    Column("key", String(120), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("task_run_id", String(32)),
    Column("subject", Text),
    Column("at", At, nullable=False),
)
Index("timers_by_time", timers.c.at)

children = Table(
    "children",
    metadata,
    Column("execution_id", String(32), primary_key=True),
    Column("parent_id", String(32), nullable=False),
    Column("task_run_id", String(32), nullable=False),
    Column("iteration", Integer),
    Column("waits", Boolean, nullable=False),
    Column("wants_variables", Boolean, nullable=False),
    Column("reported", Boolean, nullable=False),
)
Index("children_by_parent", children.c.parent_id)

logs = Table(
    "logs",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("execution_id", String(32)),
    Column("namespace", String(150)),
    Column("flow_id", String(100)),
    Column("task_run_id", String(32)),
    Column("task_id", String(256)),
    Column("attempt", Integer),
    Column("trigger_id", String(100)),
    Column("level", Integer, nullable=False),
    Column("at", At, nullable=False),
    Column("message", Text, nullable=False),
)
Index("logs_by_execution", logs.c.execution_id, logs.c.id)
Index("logs_by_time", logs.c.at)

metrics = Table(
    "metrics",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("execution_id", String(32), nullable=False),
    Column("namespace", String(150), nullable=False),
    Column("flow_id", String(100), nullable=False),
    Column("task_run_id", String(32), nullable=False),
    Column("task_id", String(256), nullable=False),
    Column("name", String(200), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("value", Float, nullable=False),
    Column("tags", Json),
    Column("at", At, nullable=False),
)
Index("metrics_by_execution", metrics.c.execution_id)
Index("metrics_by_flow", metrics.c.namespace, metrics.c.flow_id, metrics.c.at)

triggers = Table(
    "triggers",
    metadata,
    Column("namespace", String(150), primary_key=True),
    Column("flow_id", String(100), primary_key=True),
    Column("trigger_id", String(100), primary_key=True),
    Column("type", String(200), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("definition_hash", String(64), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("asleep", Boolean, nullable=False),
    Column("next_at", At),
    Column("last_at", At),
    Column("evaluated_at", At),
    Column("outcome", String(10)),
    Column("reason", Text),
    Column("execution_id", String(32)),
    Column("failures", Integer, nullable=False),
    Column("stop_after", Json),
)
Index("triggers_due", triggers.c.disabled, triggers.c.asleep, triggers.c.next_at)
Index("triggers_by_kind", triggers.c.kind)
Index("triggers_by_execution", triggers.c.execution_id)

trigger_evaluations = Table(
    "trigger_evaluations",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("namespace", String(150), nullable=False),
    Column("flow_id", String(100), nullable=False),
    Column("trigger_id", String(100), nullable=False),
    Column("at", At, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("slot", At),
    Column("execution_id", String(32)),
)
Index("evaluations_by_trigger", trigger_evaluations.c.namespace, trigger_evaluations.c.flow_id,
      trigger_evaluations.c.trigger_id, trigger_evaluations.c.id)  # fmt: skip

trigger_gatherings = Table(
    "trigger_gatherings",
    metadata,
    Column("namespace", String(150), primary_key=True),
    Column("flow_id", String(100), primary_key=True),
    Column("trigger_id", String(100), primary_key=True),
    Column("gathering_id", String(100), primary_key=True),
    Column("satisfied", Json, nullable=False),
)

trigger_slots = Table(
    "trigger_slots",
    metadata,
    Column("namespace", String(150), primary_key=True),
    Column("flow_id", String(100), primary_key=True),
    Column("trigger_id", String(100), primary_key=True),
    Column("backfill_id", String(32), primary_key=True),
    Column("slot", At, primary_key=True),
    Column("execution_id", String(32), nullable=False),
)
Index("slots_by_execution", trigger_slots.c.execution_id)
Index("slots_by_date", trigger_slots.c.namespace, trigger_slots.c.flow_id,
      trigger_slots.c.trigger_id, trigger_slots.c.slot)  # fmt: skip

backfills = Table(
    "backfills",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("namespace", String(150), nullable=False),
    Column("flow_id", String(100), nullable=False),
    Column("trigger_id", String(100), nullable=False),
    Column("start_at", At, nullable=False),
    Column("end_at", At, nullable=False),
    Column("cursor_at", At),
    Column("exhausted", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("policy", String(16), nullable=False),
    Column("newest_first", Boolean, nullable=False),
    Column("max_active", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("fired", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("inputs", Json, nullable=False),
    Column("labels", Json, nullable=False),
    Column("created_at", At, nullable=False),
    Column("ended_at", At),
)
Index("backfills_by_trigger", backfills.c.namespace, backfills.c.flow_id, backfills.c.trigger_id)
Index("backfills_by_state", backfills.c.state)

kv = Table(
    "kv",
    metadata,
    Column("namespace", String(150), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("value", Json),
    Column("description", Text),
    Column("created_at", At, nullable=False),
    Column("updated_at", At, nullable=False),
    Column("expires_at", At),
    Column("revision", Integer, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("namespace", String(150), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("description", Text),
    Column("updated_at", At, nullable=False),
    Column("tags", Json),
    Column("key_id", String(16)),
)

namespace_files = Table(
    "namespace_files",
    metadata,
    Column("namespace", String(150), primary_key=True),
    Column("path", String(1000), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("updated_at", At, nullable=False),
    Column("git_source", String(100)),
    Column("git_commit", String(64)),
)

sync_sources = Table(
    "sync_sources",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("url", Text, nullable=False),
    Column("branch", String(250), nullable=False),
    Column("state", String(16), nullable=False),
    Column("message", Text),
    Column("good_commit", String(64)),
    Column("seen_commit", String(64)),
    Column("author", Text),
    Column("summary", Text),
    Column("committed_at", At),
    Column("checked_at", At),
    Column("synced_at", At),
    Column("changed_at", At),
    Column("problems", Json, nullable=False),
    Column("failures", Integer, nullable=False),
)

sync_runs = Table(
    "sync_runs",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("source", String(100), nullable=False),
    Column("git_commit", String(64), nullable=False),
    Column("at", At, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("changes", Json, nullable=False),
    Column("problems", Json, nullable=False),
    Column("author", Text),
    Column("summary", Text),
    Column("cause", String(20)),
    Column("revisions", Json),
)
Index("sync_runs_by_source", sync_runs.c.source, sync_runs.c.id)
