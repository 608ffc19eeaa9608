"""Type names of the core group."""

from typing import Final

from mainstem.plugins.core import condition, flow, trigger

_CORE: Final = "io.kestra.plugin.core"
_HERE: Final = "mainstem.plugins.core"
_OLD: Final = "io.kestra.core.tasks"

# module -> the classes of it that flows may name; a type is named after its package
_MODULES: Final = {
    "log.log": ("Log",),
    "log.stored": ("Fetch", "PurgeLogs"),
    "debug.returning": ("Return",),
    "debug.echo": ("Echo",),
    "flow.sleep": ("Sleep",),
    "execution.labels": ("Labels",),
    "execution.fail": ("Fail",),
    "execution.purge": ("PurgeExecutions",),
    "execution.others": ("Count", "Resume"),
    "execution.ending": ("Exit", "Assert"),
    "execution.variables": ("SetVariables", "UnsetVariables"),
    "output.values": ("OutputValues",),
    "state.tasks": ("Get", "Set", "Delete"),
    "storage.purge": ("PurgeCurrentExecutionFiles",),
    "storage.files": ("Concat", "Delete", "Reverse", "Size", "Split", "Write"),
    "storage.items": ("DeduplicateItems", "FilterItems"),
    "storage.local": ("LocalFiles",),
    "namespace.files": ("UploadFiles", "DownloadFiles", "DeleteFiles"),
    "templating.templated": ("TemplatedTask",),
    "kv.tasks": ("Set", "Get", "GetKeys", "Delete"),
    "kv.purge": ("PurgeKV",),
    "metric.publish": ("Publish",),
    "http.tasks": ("Request", "Download"),
    "http.trigger": ("Trigger",),
    "runner.process": ("Process",),
}

TYPES: Final = {
    **flow.TYPES,
    **trigger.TYPES,
    **condition.TYPES,
    **{
        f"{_CORE}.{module.partition('.')[0]}.{name}": f"{_HERE}.{module}:{name}"
        for module, names in _MODULES.items()
        for name in names
    },
}

ALIASES: Final = {
    **flow.ALIASES,
    **trigger.ALIASES,
    **condition.ALIASES,
    f"{_OLD}.log.Log": f"{_CORE}.log.Log",
    f"{_OLD}.log.Fetch": f"{_CORE}.log.Fetch",
    f"{_OLD}.debugs.Return": f"{_CORE}.debug.Return",
    f"{_OLD}.debugs.Echo": f"{_CORE}.debug.Echo",
    f"{_OLD}.executions.Labels": f"{_CORE}.execution.Labels",
    f"{_OLD}.executions.Fail": f"{_CORE}.execution.Fail",
    f"{_OLD}.executions.Counts": f"{_CORE}.execution.Count",
    f"{_OLD}.storages.Purge": f"{_CORE}.execution.PurgeExecutions",
    f"{_OLD}.storages.PurgeExecution": f"{_CORE}.storage.PurgeCurrentExecutionFiles",
    **{
        f"{_OLD}.storages.{name}": f"{_CORE}.storage.{name}"
        for name in (
            "Concat",
            "DeduplicateItems",
            "Delete",
            "FilterItems",
            "LocalFiles",
            "Reverse",
            "Size",
            "Split",
        )
    },
    **{f"{_OLD}.states.{name}": f"{_CORE}.state.{name}" for name in ("Get", "Set", "Delete")},
    f"{_OLD}.templating.TemplatedTask": f"{_CORE}.templating.TemplatedTask",
    f"{_CORE}.storage.Purge": f"{_CORE}.execution.PurgeExecutions",
    f"{_CORE}.storage.PurgeExecution": f"{_CORE}.storage.PurgeCurrentExecutionFiles",
    f"{_CORE}.execution.PurgeExecution": f"{_CORE}.execution.PurgeExecutions",
    "io.kestra.plugin.fs.http.Request": f"{_CORE}.http.Request",
    "io.kestra.plugin.fs.http.Download": f"{_CORE}.http.Download",
    "io.kestra.plugin.fs.http.Trigger": f"{_CORE}.http.Trigger",
}
