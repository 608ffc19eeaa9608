"""Type names of the core group."""

from typing import Final

from mainstem.plugins.core import condition, flow, trigger

_CORE: Final = "io.kestra.plugin.core"
_HERE: Final = "mainstem.plugins.core"

TYPES: Final = {
    **flow.TYPES,
    **trigger.TYPES,
    **condition.TYPES,
    f"{_CORE}.log.Log": f"{_HERE}.log.log:Log",
    f"{_CORE}.debug.Return": f"{_HERE}.debug.returning:Return",
    f"{_CORE}.flow.Sleep": f"{_HERE}.flow.sleep:Sleep",
    f"{_CORE}.execution.Labels": f"{_HERE}.execution.labels:Labels",
    f"{_CORE}.execution.Fail": f"{_HERE}.execution.fail:Fail",
    f"{_CORE}.execution.PurgeExecutions": f"{_HERE}.execution.purge:PurgeExecutions",
    f"{_CORE}.storage.PurgeCurrentExecutionFiles": (
        f"{_HERE}.storage.purge:PurgeCurrentExecutionFiles"
    ),
    f"{_CORE}.kv.Set": f"{_HERE}.kv.tasks:Set",
    f"{_CORE}.kv.Get": f"{_HERE}.kv.tasks:Get",
    f"{_CORE}.kv.GetKeys": f"{_HERE}.kv.tasks:GetKeys",
    f"{_CORE}.kv.Delete": f"{_HERE}.kv.tasks:Delete",
    f"{_CORE}.http.Request": f"{_HERE}.http.tasks:Request",
    f"{_CORE}.http.Download": f"{_HERE}.http.tasks:Download",
    f"{_CORE}.runner.Process": f"{_HERE}.runner.process:Process",
}

ALIASES: Final = {
    **flow.ALIASES,
    **trigger.ALIASES,
    **condition.ALIASES,
    "io.kestra.core.tasks.log.Log": f"{_CORE}.log.Log",
    "io.kestra.core.tasks.debugs.Return": f"{_CORE}.debug.Return",
    "io.kestra.core.tasks.executions.Labels": f"{_CORE}.execution.Labels",
    "io.kestra.core.tasks.executions.Fail": f"{_CORE}.execution.Fail",
    "io.kestra.plugin.core.storage.Purge": f"{_CORE}.execution.PurgeExecutions",
    "io.kestra.plugin.core.execution.PurgeExecution": f"{_CORE}.execution.PurgeExecutions",
    "io.kestra.core.tasks.storages.Purge": f"{_CORE}.execution.PurgeExecutions",
    "io.kestra.core.tasks.storages.PurgeExecution": f"{_CORE}.storage.PurgeCurrentExecutionFiles",
    "io.kestra.plugin.core.storage.PurgeExecution": f"{_CORE}.storage.PurgeCurrentExecutionFiles",
    "io.kestra.plugin.fs.http.Request": f"{_CORE}.http.Request",
    "io.kestra.plugin.fs.http.Download": f"{_CORE}.http.Download",
}
