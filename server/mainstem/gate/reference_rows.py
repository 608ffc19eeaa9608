"""Rows of the permission table for addresses that clients of the reference use."""

from typing import Final

from mainstem.model.principal import Permission as P

_ACTIONS: Final = "kill pause resume restart replay state change-status force-run unqueue labels"
_BULK: Final = "kill restart replay pause resume unqueue force-run labels change-status"


def _acts() -> str:
    """Acts on one execution under the newer address, and acts on many."""
    lines = []
    for name in _ACTIONS.split():
        method = "DELETE" if name == "kill" else "POST"
        lines.append(f"{method} /api/v1/executions/{{execution_id}}/actions/{name}")
    for name in _BULK.split():
        method = "DELETE" if name == "kill" else "POST"
        lines += [f"{method} /api/v1/executions/{name}/by-{suffix}" for suffix in ("ids", "query")]
    return "\n".join(lines)


READING: Final[dict[P, str]] = {
    P.SYSTEM_READ: """
        GET /metrics
        GET /api/v1/cluster/workers
        GET /api/v1/cluster/services
    """,
    P.FLOW_READ: """
        GET /api/v1/flows/deprecated
        GET /api/v1/flows/export/by-query
        GET /api/v1/flows/export/by-query/csv
        GET /api/v1/flows/{namespace}/{flow_id}/graph
        GET /api/v1/flows/{namespace}/{flow_id}/dependencies
        GET /api/v1/flows/{namespace}/{flow_id}/tasks/{task_id}
        GET /api/v1/namespaces/{namespace}/dependencies
        GET /api/v1/plugins/groups/subgroups
        GET /api/v1/plugins/icons
        GET /api/v1/plugins/icons/groups
        GET /api/v1/plugins/icons/{cls}
        GET /api/v1/plugins/triggers
        GET /api/v1/plugins/inputs
        GET /api/v1/plugins/inputs/{input_type}
        GET /api/v1/plugins/schemas/{schema_type}
        GET /api/v1/plugins/properties/{schema_type}
        GET /api/v1/plugins/{cls}
        GET /api/v1/plugins/{cls}/versions
        GET /api/v1/plugins/{cls}/versions/{version}
        GET /api/v1/pebble/filters
        GET /api/v1/pebble/functions
    """,
    P.EXECUTION_READ: """
        GET /api/v1/executions/namespaces
        GET /api/v1/executions/namespaces/{namespace}/flows
        GET /api/v1/executions/namespaces/{namespace}/flows/{flow_id}/average-duration
        GET /api/v1/executions/flows/{namespace}/{flow_id}
        GET /api/v1/executions/distinct-field-values
        GET /api/v1/executions/export/by-query/csv
        GET /api/v1/executions/{execution_id}/file/preview
        GET /api/v1/executions/{execution_id}/flow
        GET /api/v1/executions/{execution_id}/graph
        GET /api/v1/outputs/executions/{execution_id}
        GET /api/v1/outputs/tasks/{execution_id}
        GET /api/v1/outputs/tasks/{execution_id}/{task_run_id}
        GET /api/v1/metrics/names/{namespace}/{flow_id}
        GET /api/v1/metrics/names/{namespace}/{flow_id}/{task_id}
        GET /api/v1/metrics/tasks/{namespace}/{flow_id}
        GET /api/v1/metrics/aggregates/{namespace}/{flow_id}/{metric}
        GET /api/v1/metrics/aggregates/{namespace}/{flow_id}/{task_id}/{metric}
        GET /api/v1/operations
        GET /api/v1/operations/{operation_id}
        GET /api/v1/stats/executions
        GET /api/v1/stats/executions/daily
        GET /api/v1/stats/flows/slowest
        GET /api/v1/concurrency-limit/search
    """,
    P.TRIGGER_READ: """
        GET /api/v1/triggers/export/by-query/csv
    """,
}

CHANGING: Final[dict[P, str]] = {
    P.FLOW_WRITE: """
        POST /api/v1/flows/bulk
        POST /api/v1/flows/{namespace}
        POST /api/v1/flows/source/replace/apply
        POST /api/v1/flows/source/replace/line
        POST /api/v1/flows/enable/by-ids
        POST /api/v1/flows/enable/by-query
        POST /api/v1/flows/disable/by-ids
        POST /api/v1/flows/disable/by-query
        DELETE /api/v1/flows/delete/by-query
        DELETE /api/v1/flows/{namespace}/{flow_id}/revisions
    """,
    P.EXECUTION_OPERATE: f"""
        {_acts()}
        POST /api/v1/executions/{{execution_id}}/replay-with-inputs
        POST /api/v1/executions/{{execution_id}}/actions/replay-with-inputs
        POST /api/v1/operations/{{operation_id}}/cancel
    """,
    P.EXECUTION_DELETE: """
        DELETE /api/v1/logs/{execution_id}
        DELETE /api/v1/logs/{namespace}/{flow_id}
    """,
    P.TRIGGER_OPERATE: """
        PUT /api/v1/triggers/set-disabled
        POST /api/v1/triggers/set-disabled/by-query
        POST /api/v1/triggers/unlock/by-query
        DELETE /api/v1/triggers/delete/by-triggers
        DELETE /api/v1/triggers/delete/by-query
        POST /api/v1/triggers/{namespace}/{flow_id}/{trigger_id}/restart
        DELETE /api/v1/triggers/{namespace}/{flow_id}/{trigger_id}
        PUT /api/v1/triggers/backfill/create
        POST /api/v1/triggers/backfill/pause/by-triggers
        POST /api/v1/triggers/backfill/pause/by-query
        POST /api/v1/triggers/backfill/unpause/by-triggers
        POST /api/v1/triggers/backfill/unpause/by-query
        POST /api/v1/triggers/backfill/delete/by-triggers
        POST /api/v1/triggers/backfill/delete/by-query
    """,
}

#: Changes by their method only. Expressions read values of keys, which viewers may not.
LOOKING: Final[dict[P, str]] = {
    P.FLOW_READ: """
        POST /api/v1/flows/validate/task
        POST /api/v1/flows/validate/trigger
        POST /api/v1/flows/graph
        POST /api/v1/flows/export/by-ids
        POST /api/v1/flows/source/replace/preview
    """,
    P.EXECUTION_READ: """
        POST /api/v1/executions/latest
        POST /api/v1/stats/executions/daily
    """,
    P.EXECUTION_OPERATE: """
        POST /api/v1/executions/{execution_id}/eval
        POST /api/v1/executions/{execution_id}/eval/{task_run_id}
        POST /api/v1/executions/{execution_id}/actions/eval
        POST /api/v1/executions/{execution_id}/actions/eval/{task_run_id}
        POST /api/v1/executions/{execution_id}/resume/validate
        POST /api/v1/executions/{execution_id}/actions/resume/validate
    """,
}
