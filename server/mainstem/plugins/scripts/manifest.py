"""Type names of the script group."""

from typing import Final

_SCRIPTS: Final = "io.kestra.plugin.scripts"
_HERE: Final = "mainstem.plugins.scripts"

_LANGUAGES: Final = (
    "Node", "Ruby", "R", "Julia", "Go", "Perl", "Php", "Lua", "Bun", "Deno", "Groovy", "Jbang",
    "Powershell",
)  # fmt: skip

TYPES: Final = {
    f"{_SCRIPTS}.shell.Commands": f"{_HERE}.shell.tasks:Commands",
    f"{_SCRIPTS}.shell.Script": f"{_HERE}.shell.tasks:Script",
    f"{_SCRIPTS}.python.Commands": f"{_HERE}.python.tasks:Commands",
    f"{_SCRIPTS}.python.Script": f"{_HERE}.python.tasks:Script",
    **{
        f"{_SCRIPTS}.{language.lower()}.{name}": f"{_HERE}.languages:{language}{name}"
        for language in _LANGUAGES
        for name in ("Commands", "Script")
    },
    f"{_SCRIPTS}.runner.docker.Docker": f"{_HERE}.runner.docker:Docker",
}

ALIASES: Final = {
    "io.kestra.plugin.docker.runner.Docker": f"{_SCRIPTS}.runner.docker.Docker",
    "io.kestra.core.tasks.scripts.Bash": f"{_SCRIPTS}.shell.Commands",
}
