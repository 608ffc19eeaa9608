"""Every route and the permission it needs: one table, deny by default.

A row is `METHOD template: permission`. Where the template has a `{namespace}`, the permission is
needed in that namespace; elsewhere it is needed in some namespace, and the services look at the
thing itself. `PUBLIC` needs nobody, `SIGNED_IN` anybody. `KEYED` checks a key or signature of its
own and acts with the server's authority. Below `/api/v1/main` the rows of `/api/v1` hold. HEAD
needs what GET needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from mainstem.gate.reference_rows import CHANGING, LOOKING, READING
from mainstem.model.principal import Permission as P


class Special(Enum):
    """What is not a matter of roles."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"
    KEYED = "keyed"


PUBLIC: Final = Special.PUBLIC
SIGNED_IN: Final = Special.SIGNED_IN
KEYED: Final = Special.KEYED
Needed = P | Special
#: Stands for any method, for applications of their own that are mounted whole.
ANY: Final = "*"


_USUAL: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route needs, and whether the gate records its changes."""

    needs: Needed
    #: False where the change records itself elsewhere, or is none in spite of its method.
    audited: bool = True
    #: In bytes; what is larger is answered with 413 while it is read.
    largest_body: int = _USUAL


_UPLOAD: Final = 1_100_000_000
#: Bodies that may be larger than the usual; the routes check their parts.
_LARGER: Final = {
    "POST /api/v1/flows": 21_000_000,
    "POST /api/v1/flows/validate": 21_000_000,
    "POST /api/v1/flows/import": 21_000_000,
    "PUT /api/v1/flows/{namespace}/{flow_id}": 21_000_000,
    "POST /api/v1/executions/{namespace}/{flow_id}": _UPLOAD,
    "POST /api/v1/executions/{namespace}/{flow_id}/validate": _UPLOAD,
    "POST /api/v1/executions/trigger/{namespace}/{flow_id}": _UPLOAD,
    "POST /api/v1/executions/{execution_id}/resume": _UPLOAD,
    "POST /api/v1/executions/{execution_id}/actions/resume": _UPLOAD,
    "POST /api/v1/executions/{execution_id}/replay-with-inputs": _UPLOAD,
    "POST /api/v1/executions/{execution_id}/actions/replay-with-inputs": _UPLOAD,
    "POST /api/v1/flows/bulk": 21_000_000,
    "POST /api/v1/flows/{namespace}": 21_000_000,
    "POST /api/v1/flows/graph": 21_000_000,
    "POST /api/v1/executions/webhook/{namespace}/{flow_id}/{key}": 11_000_000,
    "PUT /api/v1/executions/webhook/{namespace}/{flow_id}/{key}": 11_000_000,
    "POST /api/v1/executions/webhook/{namespace}/{flow_id}/{key}/{path:path}": 11_000_000,
    "PUT /api/v1/executions/webhook/{namespace}/{flow_id}/{key}/{path:path}": 11_000_000,
    "POST /api/v1/namespaces/{namespace}/files": 101_000_000,
    "POST /api/v1/git/webhooks/{name}": 26_000_000,
    "POST /git/{name}/git-upload-pack": 21_000_000,
    "POST /git/{name}/git-receive-pack": 510_000_000,
    "POST /ui/flows/edit/{namespace}/{flow_id}/execute": _UPLOAD,
    "POST /ui/namespaces/{namespace}/files": 101_000_000,
    "POST /ui/executions/{namespace}/{flow_id}/{execution_id}/resume": _UPLOAD,
}


def _rules(*groups: Mapping[Any, str], audited: bool = True) -> dict[str, Rule]:
    found: dict[str, Rule] = {}
    for group in groups:
        for needed, lines in group.items():
            for line in lines.split("\n"):
                if line.strip():
                    methods, _, template = line.strip().partition(" ")
                    for method in methods.split(","):
                        name = f"{method} {template.strip()}"
                        found[name] = Rule(needed, audited, _LARGER.get(name, _USUAL))
    return found


_API: Final[dict[Needed, str]] = {
    PUBLIC: """
        GET /health
        GET /health/live
        GET /health/ready
    """,
    SIGNED_IN: """
        GET /
        GET /api/openapi.json
        GET /api/v1/version
        GET /api/v1/configs
        GET /api/v1/plugins
        GET /api/v1/me
        GET /api/v1/tokens
    """,
    P.USER_ADMIN: """
        GET,POST /api/v1/users
        GET,PATCH,DELETE /api/v1/users/{user_id}
    """,
    P.AUDIT_READ: """
        GET /api/v1/audit
        GET /api/v1/audit/export
    """,
    P.SYNC_READ: """
        GET /api/v1/syncs
        GET /api/v1/syncs/{name}
        GET /api/v1/syncs/{name}/history
    """,
    P.SYNC_OPERATE: """
        POST /api/v1/syncs/{name}
        POST /api/v1/syncs/{name}/suspend
        POST /api/v1/syncs/{name}/resume
        POST /api/v1/syncs/{name}/pin
        POST /api/v1/syncs/{name}/unpin
    """,
    P.SYNC_WRITE: """
        POST /api/v1/syncs
        POST /api/v1/syncs/_test
        PUT /api/v1/syncs/{name}
        DELETE /api/v1/syncs/{name}
    """,
    P.EXECUTION_READ: """
        GET /api/v1/executions
        GET /api/v1/executions/search
        GET /api/v1/executions/{execution_id}
        GET /api/v1/executions/{execution_id}/follow
        GET /api/v1/executions/{execution_id}/file
        GET /api/v1/executions/{execution_id}/file/metas
        GET /api/v1/logs/search
        GET /api/v1/logs/{execution_id}
        GET /api/v1/logs/{execution_id}/download
        GET /api/v1/logs/{execution_id}/follow
        GET /api/v1/metrics/{execution_id}
    """,
    P.EXECUTION_OPERATE: """
        POST /api/v1/executions/{namespace}/{flow_id}
        POST /api/v1/executions/trigger/{namespace}/{flow_id}
        DELETE /api/v1/executions/{execution_id}/kill
        POST /api/v1/executions/{execution_id}/pause
        POST /api/v1/executions/{execution_id}/resume
        POST /api/v1/executions/{execution_id}/restart
        POST /api/v1/executions/{execution_id}/replay
        POST /api/v1/executions/{execution_id}/state
        POST /api/v1/executions/{execution_id}/change-status
        POST /api/v1/executions/{execution_id}/force-run
        POST /api/v1/executions/{execution_id}/unqueue
        POST /api/v1/executions/{execution_id}/labels
        DELETE /api/v1/executions/kill/by-ids
        DELETE /api/v1/executions/kill/by-query
        POST /api/v1/executions/restart/by-ids
        POST /api/v1/executions/restart/by-query
        POST /api/v1/executions/replay/by-ids
        POST /api/v1/executions/replay/by-query
        POST /api/v1/executions/pause/by-ids
        POST /api/v1/executions/pause/by-query
        POST /api/v1/executions/resume/by-ids
        POST /api/v1/executions/resume/by-query
        POST /api/v1/executions/unqueue/by-ids
        POST /api/v1/executions/unqueue/by-query
        POST /api/v1/executions/force-run/by-ids
        POST /api/v1/executions/force-run/by-query
        POST /api/v1/executions/labels/by-ids
    """,
    P.EXECUTION_DELETE: """
        DELETE /api/v1/executions/{execution_id}
        DELETE /api/v1/executions/by-ids
        DELETE /api/v1/executions/by-query
    """,
    P.TRIGGER_READ: """
        GET /api/v1/triggers/search
        GET /api/v1/triggers/{namespace}/{flow_id}
        GET /api/v1/triggers/{namespace}/{flow_id}/{trigger_id}
        GET /api/v1/triggers/{namespace}/{flow_id}/{trigger_id}/next
        GET /api/v1/triggers/{namespace}/{flow_id}/{trigger_id}/evaluations
        GET /api/v1/triggers/{namespace}/{flow_id}/{trigger_id}/backfills
        GET /api/v1/triggers/{namespace}/{flow_id}/{trigger_id}/backfills/{backfill_id}
    """,
    P.TRIGGER_OPERATE: """
        PUT /api/v1/triggers
        PUT /api/v1/triggers/backfill/pause
        PUT /api/v1/triggers/backfill/unpause
        POST,PUT /api/v1/triggers/backfill/delete
        POST /api/v1/triggers/set-disabled/by-triggers
        POST /api/v1/triggers/unlock/by-triggers
        POST /api/v1/triggers/{namespace}/{flow_id}/{trigger_id}/unlock
        POST /api/v1/triggers/{namespace}/{flow_id}/{trigger_id}/backfills
        POST /api/v1/triggers/{namespace}/{flow_id}/{trigger_id}/backfills/{backfill_id}/pause
        POST /api/v1/triggers/{namespace}/{flow_id}/{trigger_id}/backfills/{backfill_id}/resume
        POST /api/v1/triggers/{namespace}/{flow_id}/{trigger_id}/backfills/{backfill_id}/cancel
    """,
    P.FLOW_READ: """
        GET /git/{name}/info/refs
        GET /api/v1/flows/search
        GET /api/v1/flows/source
        GET /api/v1/flows/distinct-namespaces
        GET /api/v1/flows/{namespace}
        GET /api/v1/flows/{namespace}/{flow_id}
        GET /api/v1/flows/{namespace}/{flow_id}/revisions
        GET /api/v1/templates/search
        GET /api/v1/templates/distinct-namespaces
        GET /api/v1/templates/{namespace}/{template_id}
    """,
    P.FLOW_WRITE: """
        POST /git/{name}/git-receive-pack
        POST /api/v1/syncs/{name}/propose
        POST /api/v1/flows
        POST /api/v1/flows/import
        DELETE /api/v1/flows/delete/by-ids
        PUT,DELETE /api/v1/flows/{namespace}/{flow_id}
        DELETE /api/v1/flows/{namespace}/{flow_id}/task-cache
        POST /api/v1/templates
        PUT,DELETE /api/v1/templates/{namespace}/{template_id}
    """,
    P.KV_READ: """
        GET /api/v1/namespaces/{namespace}/kv
        GET /api/v1/namespaces/{namespace}/kv/inheritance
    """,
    P.KV_VALUE: """
        GET /api/v1/namespaces/{namespace}/kv/{key}
    """,
    P.KV_WRITE: """
        PUT,DELETE /api/v1/namespaces/{namespace}/kv/{key}
        DELETE /api/v1/namespaces/{namespace}/kv
    """,
    P.SECRET_READ: """
        GET /api/v1/namespaces/{namespace}/secrets
        GET /api/v1/namespaces/{namespace}/inherited-secrets
    """,
    P.SECRET_WRITE: """
        PUT /api/v1/namespaces/{namespace}/secrets
        PATCH,DELETE /api/v1/namespaces/{namespace}/secrets/{key}
        POST /api/v1/namespaces/{namespace}/kv/{key}/to-secret
    """,
    P.NAMESPACE_READ: """
        GET /api/v1/namespaces/search
        GET /api/v1/namespaces/{namespace}
        GET /api/v1/namespaces/{namespace}/inherited-variables
        GET /api/v1/namespaces/{namespace}/inherited-variables/origins
        GET /api/v1/namespaces/{namespace}/inherited-plugindefaults
        GET /api/v1/namespaces/{namespace}/google
    """,
    P.NAMESPACE_WRITE: """
        POST /api/v1/namespaces
        PUT,DELETE /api/v1/namespaces/{namespace}
    """,
    P.FILE_READ: """
        GET /api/v1/namespaces/{namespace}/files
        GET /api/v1/namespaces/{namespace}/files/search
        GET /api/v1/namespaces/{namespace}/files/stats
        GET /api/v1/namespaces/{namespace}/files/directory
        GET /api/v1/namespaces/{namespace}/files/revisions
        GET /api/v1/namespaces/{namespace}/files/export
    """,
    P.FILE_WRITE: """
        POST,PUT,DELETE /api/v1/namespaces/{namespace}/files
        POST /api/v1/namespaces/{namespace}/files/directory
        POST /api/v1/namespaces/{namespace}/files/revisions/{revision}/restore
    """,
}

#: Changes by their method only, or recorded by what they start.
_UNRECORDED: Final[dict[Needed, str]] = {
    KEYED: """
        GET,POST,PUT /api/v1/executions/webhook/{namespace}/{flow_id}/{key}
        GET,POST,PUT /api/v1/executions/webhook/{namespace}/{flow_id}/{key}/{path:path}
        POST /api/v1/git/webhooks/{name}
    """,
    PUBLIC: """
        POST /ui/login
        POST /ui/welcome/{link}
    """,
    SIGNED_IN: """
        POST /ui/settings
        POST /ui/logout
        POST /api/v1/tokens
        DELETE /api/v1/tokens/{token_id}
        POST /ui/tokens
        POST /ui/tokens/_revoke
        POST /ui/tokens/_password
        POST /ui/tokens/_sessions
    """,
    # Git asks by POST for what it fetches.
    P.FLOW_READ: """
        POST /api/v1/flows/validate
        POST /ui/flows/_check
        POST /ui/flows/_complete
        POST /ui/flows/_docs
        POST /ui/flows/_format
        POST /api/v1/templates/validate
        POST /git/{name}/git-upload-pack
    """,
    P.NAMESPACE_READ: """
        POST /api/v1/namespaces/autocomplete
    """,
    P.EXECUTION_OPERATE: """
        POST /api/v1/executions/{namespace}/{flow_id}/validate
        POST /ui/flows/edit/{namespace}/{flow_id}/_preview
    """,
    P.TRIGGER_READ: """
        POST /api/v1/triggers/{namespace}/{flow_id}/{trigger_id}/backfills/preview
    """,
}

_UI: Final[dict[Needed, str]] = {
    PUBLIC: """
        GET /ui/static/{name}
        GET /ui/login
        GET /ui/login/oidc
        GET /ui/login/oidc/callback
        GET /ui/welcome/{link}
    """,
    SIGNED_IN: """
        GET /ui
        GET /ui/live
        GET /ui/
        GET /ui/_dashboard
        GET /ui/palette
        GET /ui/palette/_results
        GET /ui/settings
        GET /ui/tokens
        GET /ui/_components
    """,
    P.EXECUTION_READ: """
        GET /ui/executions
        GET /ui/executions/_rows
        GET /ui/executions/{execution_id}
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/overview
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/_overview
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/_header
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/_actions
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/gantt
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/_gantt
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/topology
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/_topology
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/metrics
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/context
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/dbt
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/logs
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/_logs
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/_logs.txt
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/outputs
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/_outputs
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/files
        GET /ui/executions/{namespace}/{flow_id}/{execution_id}/_download
        GET /ui/flows/edit/{namespace}/{flow_id}/_runs
        GET /ui/flows/edit/{namespace}/{flow_id}/executions
        GET /ui/flows/edit/{namespace}/{flow_id}/_executions
        GET /ui/operations/{operation_id}
        GET /ui/operations/{operation_id}/_progress
        GET /ui/flows/edit/{namespace}/{flow_id}/logs
        GET /ui/flows/edit/{namespace}/{flow_id}/_logs
        GET /ui/flows/edit/{namespace}/{flow_id}/metrics
        GET /ui/logs
        GET /ui/logs/_found
    """,
    P.EXECUTION_OPERATE: """
        POST /ui/executions/_bulk
        POST /ui/executions/_all
        POST /ui/operations/{operation_id}/_cancel
        GET,POST /ui/executions/{namespace}/{flow_id}/{execution_id}/resume
        POST /ui/executions/{namespace}/{flow_id}/{execution_id}/_kill
        POST /ui/executions/{namespace}/{flow_id}/{execution_id}/_restart
        POST /ui/executions/{namespace}/{flow_id}/{execution_id}/_resume
        POST /ui/executions/{namespace}/{flow_id}/{execution_id}/_replay
        GET,POST /ui/flows/edit/{namespace}/{flow_id}/execute
    """,
    P.FLOW_READ: """
        GET /ui/flows
        GET /ui/flows/_rows
        GET /ui/plugins
        GET /ui/plugins/{name}
        GET /ui/flows/edit/{namespace}/{flow_id}/dependencies
        GET /ui/flows/edit/{namespace}/{flow_id}
        GET /ui/flows/edit/{namespace}/{flow_id}/overview
        GET /ui/flows/edit/{namespace}/{flow_id}/topology
        GET /ui/flows/edit/{namespace}/{flow_id}/source
        GET /ui/flows/edit/{namespace}/{flow_id}/revisions
    """,
    P.TRIGGER_READ: """
        GET /ui/triggers
        GET /ui/triggers/_rows
        GET /ui/flows/edit/{namespace}/{flow_id}/triggers
        GET /ui/flows/edit/{namespace}/{flow_id}/_triggers
    """,
    P.TRIGGER_OPERATE: """
        POST /ui/flows/edit/{namespace}/{flow_id}/_toggle
        POST /ui/flows/edit/{namespace}/{flow_id}/_unlock
        POST /ui/flows/edit/{namespace}/{flow_id}/_backfill
        GET,POST /ui/flows/edit/{namespace}/{flow_id}/backfill
    """,
    P.NAMESPACE_READ: """
        GET /ui/namespaces
        GET /ui/namespaces/_open
        GET /ui/namespaces/{namespace}
    """,
    P.FLOW_WRITE: """
        GET,POST /ui/flows/new
        GET,POST /ui/flows/edit/{namespace}/{flow_id}/edit
        GET /ui/flows/edit/{namespace}/{flow_id}/_newer
        POST /ui/flows/edit/{namespace}/{flow_id}/_restore
    """,
    P.NAMESPACE_WRITE: """
        GET,POST /ui/namespaces/{namespace}/edit
        POST /ui/namespaces/{namespace}/_delete
    """,
    P.SECRET_READ: """
        GET /ui/namespaces/{namespace}/secrets
    """,
    P.SECRET_WRITE: """
        POST /ui/namespaces/{namespace}/secrets
        POST /ui/namespaces/{namespace}/secrets/_delete
        POST /ui/namespaces/{namespace}/kv/_to_secret
    """,
    P.KV_READ: """
        GET /ui/namespaces/{namespace}/kv
    """,
    P.KV_WRITE: """
        POST /ui/namespaces/{namespace}/kv
        POST /ui/namespaces/{namespace}/kv/_delete
    """,
    P.FILE_READ: """
        GET /ui/namespaces/{namespace}/files
        GET /ui/namespaces/{namespace}/files/_download
        GET /ui/namespaces/{namespace}/files/_export
    """,
    P.FILE_WRITE: """
        POST /ui/namespaces/{namespace}/files
        POST /ui/namespaces/{namespace}/files/_delete
        POST /ui/namespaces/{namespace}/files/_save
        POST /ui/namespaces/{namespace}/files/_restore
        POST /ui/namespaces/{namespace}/files/_move
    """,
    P.SYNC_READ: """
        GET /ui/gitsync
        GET /ui/gitsync/_sources
        GET /ui/gitsync/{name}
        GET /ui/gitsync/{name}/_source
        GET /ui/gitsync/{name}/syncs/{number}
    """,
    P.SYNC_OPERATE: """
        POST /ui/gitsync/_sync
        POST /ui/gitsync/{name}/_switch
    """,
    P.SYNC_WRITE: """
        GET,POST /ui/gitsync/_new
        POST /ui/gitsync/_test
        GET,POST /ui/gitsync/{name}/edit
        POST /ui/gitsync/{name}/_remove
    """,
    P.USER_ADMIN: """
        GET,POST /ui/users
        GET,POST /ui/users/{user_id}
        POST /ui/users/{user_id}/_link
        POST /ui/users/{user_id}/_disable
        POST /ui/users/{user_id}/_delete
    """,
    P.AUDIT_READ: """
        GET /ui/audit
        GET /ui/audit/_export
    """,
    P.SYSTEM_READ: """
        GET /ui/system
        GET /ui/system/_status
        GET /ui/system/_diagnostics
    """,
    P.SYSTEM_WRITE: """
        POST /ui/system/_drain
    """,
}

ROUTES: Final[dict[str, Rule]] = {
    **_rules(READING, CHANGING, _API, _UI),
    **_rules(LOOKING, _UNRECORDED, audited=False),
}


def rule_of(method: str, template: str) -> Rule | None:
    """The row of a route; None when it has none, and must not be served."""
    wanted = "GET" if method == "HEAD" else method
    if template.startswith("/api/v1/main/"):
        template = "/api/v1/" + template.removeprefix("/api/v1/main/")
    return ROUTES.get(f"{wanted} {template}")
