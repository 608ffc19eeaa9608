"""Scripts in other languages: a file that the language's own program runs."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from mainstem.errors import InvalidInput
from mainstem.sdk.context import RunContext
from mainstem.sdk.exec_task import ExecTask
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs

_SCRIPTS = "io.kestra.plugin.scripts"


class CommandsTask(ExecTask):
    """Commands in an image, or with a program, of a language."""

    IMAGE: ClassVar[str] = "ubuntu"

    commands: Property[list[Text]]

    def default_image(self) -> str:
        return self.IMAGE

    def run(self, ctx: RunContext) -> Outputs:
        self.prepare(ctx)
        return self.execute(ctx, ctx.render(self.commands), {})


class ScriptTask(ExecTask):
    """A script written inline; COMMAND runs the file that it becomes."""

    IMAGE: ClassVar[str] = "ubuntu"
    COMMAND: ClassVar[str] = ""
    EXTENSION: ClassVar[str] = ""

    script: Property[Text]

    def default_image(self) -> str:
        return self.IMAGE

    def run(self, ctx: RunContext) -> Outputs:
        self.prepare(ctx)
        file = ctx.workdir / f"mainstem-script{self.extension(ctx)}"
        file.write_text(ctx.render(self.script))
        return self.execute(ctx, [self.line(ctx, file.name)], {})

    def extension(self, ctx: RunContext) -> str:
        return self.EXTENSION

    def line(self, ctx: RunContext, file: str) -> str:
        return f"{self.COMMAND} ./{file}"


class NodeCommands(CommandsTask):
    """Run commands, usually `node` with scripts among the namespace or input files."""

    TYPE = f"{_SCRIPTS}.node.Commands"
    IMAGE = "node"


class NodeScript(ScriptTask):
    """Run a Node.js script written inline."""

    TYPE = f"{_SCRIPTS}.node.Script"
    IMAGE, COMMAND, EXTENSION = "node", "node", ".js"


class RubyCommands(CommandsTask):
    """Run commands, usually `ruby` with scripts among the namespace or input files."""

    TYPE = f"{_SCRIPTS}.ruby.Commands"
    IMAGE = "ruby"


class RubyScript(ScriptTask):
    """Run a Ruby script written inline."""

    TYPE = f"{_SCRIPTS}.ruby.Script"
    IMAGE, COMMAND, EXTENSION = "ruby", "ruby", ".rb"


class RCommands(CommandsTask):
    """Run commands, usually `Rscript` with scripts among the namespace or input files."""

    TYPE = f"{_SCRIPTS}.r.Commands"
    IMAGE = "r-base"


class RScript(ScriptTask):
    """Run an R script written inline."""

    TYPE = f"{_SCRIPTS}.r.Script"
    IMAGE, COMMAND, EXTENSION = "r-base", "Rscript", ".R"


class JuliaCommands(CommandsTask):
    """Run commands, usually `julia` with scripts among the namespace or input files."""

    TYPE = f"{_SCRIPTS}.julia.Commands"
    IMAGE = "julia"


class JuliaScript(ScriptTask):
    """Run a Julia script written inline."""

    TYPE = f"{_SCRIPTS}.julia.Script"
    IMAGE, COMMAND, EXTENSION = "julia", "julia", ".jl"


class GoCommands(CommandsTask):
    """Run commands, usually `go` with sources among the namespace or input files."""

    TYPE = f"{_SCRIPTS}.go.Commands"
    IMAGE = "golang"


class GoScript(ScriptTask):
    """Run a Go program written inline."""

    TYPE = f"{_SCRIPTS}.go.Script"
    IMAGE, COMMAND, EXTENSION = "golang", "go run", ".go"


class PerlCommands(CommandsTask):
    """Run commands, usually `perl` with scripts among the namespace or input files."""

    TYPE = f"{_SCRIPTS}.perl.Commands"
    IMAGE = "perl"


class PerlScript(ScriptTask):
    """Run a Perl script written inline."""

    TYPE = f"{_SCRIPTS}.perl.Script"
    IMAGE, COMMAND, EXTENSION = "perl", "perl", ".pl"


class PhpCommands(CommandsTask):
    """Run commands, usually `php` with scripts among the namespace or input files."""

    TYPE = f"{_SCRIPTS}.php.Commands"
    IMAGE = "php"


class PhpScript(ScriptTask):
    """Run a PHP script written inline."""

    TYPE = f"{_SCRIPTS}.php.Script"
    IMAGE, COMMAND, EXTENSION = "php", "php", ".php"


class LuaCommands(CommandsTask):
    """Run commands, usually `lua` with scripts among the namespace or input files."""

    TYPE = f"{_SCRIPTS}.lua.Commands"
    IMAGE = "nickblah/lua"


class LuaScript(ScriptTask):
    """Run a Lua script written inline."""

    TYPE = f"{_SCRIPTS}.lua.Script"
    IMAGE, COMMAND, EXTENSION = "nickblah/lua", "lua", ".lua"


class BunCommands(CommandsTask):
    """Run commands, usually `bun` with scripts among the namespace or input files."""

    TYPE = f"{_SCRIPTS}.bun.Commands"
    IMAGE = "oven/bun"


class BunScript(ScriptTask):
    """Run a TypeScript or JavaScript script written inline with Bun."""

    TYPE = f"{_SCRIPTS}.bun.Script"
    IMAGE, COMMAND, EXTENSION = "oven/bun", "bun run", ".ts"


class DenoCommands(CommandsTask):
    """Run commands, usually `deno` with scripts among the namespace or input files."""

    TYPE = f"{_SCRIPTS}.deno.Commands"
    IMAGE = "denoland/deno"


class DenoScript(ScriptTask):
    """Run a TypeScript or JavaScript script written inline with Deno."""

    TYPE = f"{_SCRIPTS}.deno.Script"
    IMAGE, COMMAND, EXTENSION = "denoland/deno", "deno run", ".ts"


class GroovyCommands(CommandsTask):
    """Run commands, usually `groovy` with scripts among the namespace or input files."""

    TYPE = f"{_SCRIPTS}.groovy.Commands"
    IMAGE = "groovy"


class GroovyScript(ScriptTask):
    """Run a Groovy script written inline."""

    TYPE = f"{_SCRIPTS}.groovy.Script"
    IMAGE, COMMAND, EXTENSION = "groovy", "groovy", ".groovy"


class JbangCommands(CommandsTask):
    """Run commands, usually `jbang` with sources among the namespace or input files."""

    TYPE = f"{_SCRIPTS}.jbang.Commands"
    IMAGE = "jbangdev/jbang-action"


class JbangScript(ScriptTask):
    """Run Java, Kotlin, Groovy or JShell written inline with JBang."""

    TYPE = f"{_SCRIPTS}.jbang.Script"
    IMAGE = "jbangdev/jbang-action"

    file_extension: Property[Text] = Field(default=Property(".java", str), alias="extension")
    quiet: Property[bool] = Property(True, bool)

    def extension(self, ctx: RunContext) -> str:
        given = ctx.render(self.file_extension)
        if not given.startswith(".") or not given[1:].isalnum():
            raise InvalidInput(f"`extension` must look like .java, not `{given}`")
        return given

    def line(self, ctx: RunContext, file: str) -> str:
        return f"jbang {'--quiet ' if ctx.render(self.quiet) else ''}./{file}"


_POWERSHELL = ["pwsh", "-NoProfile", "-NonInteractive", "-Command"]
_POWERSHELL_IMAGE = "ghcr.io/kestra-io/powershell:latest"


class PowershellTask(ExecTask):
    """What is run by PowerShell instead of a shell."""

    interpreter: Property[list[str]] = Property(_POWERSHELL, list[str])

    def default_image(self) -> str:
        return _POWERSHELL_IMAGE

    def _script(self, ctx: RunContext, lines: Sequence[str]) -> str:
        before = ctx.render(self.before_commands) if self.before_commands is not None else []
        first = ["$ErrorActionPreference = 'Stop'"] if ctx.render(self.fail_fast) else []
        return "\n".join([*first, *before, *lines])


class PowershellCommands(PowershellTask):
    """Run PowerShell commands one after another."""

    TYPE = f"{_SCRIPTS}.powershell.Commands"

    commands: Property[list[Text]]

    def run(self, ctx: RunContext) -> Outputs:
        self.prepare(ctx)
        return self.execute(ctx, ctx.render(self.commands), {})


class PowershellScript(PowershellTask):
    """Run a PowerShell script written inline."""

    TYPE = f"{_SCRIPTS}.powershell.Script"

    script: Property[Text]

    def run(self, ctx: RunContext) -> Outputs:
        self.prepare(ctx)
        file = ctx.workdir / "mainstem-script.ps1"
        file.write_text(ctx.render(self.script))
        return self.execute(ctx, [f"./{file.name}"], {})
