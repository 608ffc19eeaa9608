"""Type names of the core group."""

from typing import Final

from mainstem.plugins.core import flow

_CORE: Final = "io.kestra.plugin.core"
_HERE: Final = "mainstem.plugins.core"

TYPES: Final = {
    **flow.TYPES,
    f"{_CORE}.log.Log": f"{_HERE}.log.log:Log",
    f"{_CORE}.debug.Return": f"{_HERE}.debug.returning:Return",
    f"{_CORE}.runner.Process": f"{_HERE}.runner.process:Process",
}

ALIASES: Final = {
    **flow.ALIASES,
    "io.kestra.core.tasks.log.Log": f"{_CORE}.log.Log",
    "io.kestra.core.tasks.debugs.Return": f"{_CORE}.debug.Return",
}
