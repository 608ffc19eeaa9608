"""The dbt command line."""

import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import yaml

from mainstem.plugins.dbt import profile
from mainstem.plugins.dbt.cache import PartialParse
from mainstem.plugins.dbt.events import DbtEvents
from mainstem.plugins.dbt.warehouse import check_target
from mainstem.plugins.dbt.warm import WARM_DBT
from mainstem.sdk.context import KvEntry, RunContext, TaskFailed
from mainstem.sdk.exec_task import ExecTask, Told, listen
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Properties
from mainstem.sdk.runner import Command
from mainstem.sdk.task import Outputs
from mainstem.sdk.workfiles import collect_outputs, safe_path

_ARTEFACTS = ("run_results.json", "manifest.json", "catalog.json", "sources.json")


class KvManifest(Properties):
    """Where a manifest is kept in the KV store."""

    key: Property[Text]
    namespace: Property[Text] | None = None


class DbtTask(ExecTask):
    """Common properties of dbt tasks."""

    profiles: Property[Text] | None = None
    project_dir: Property[Text] | None = None
    parse_run_results: Property[bool] = Property(True, bool)
    store_manifest: KvManifest | None = None
    load_manifest: KvManifest | None = None
    log_format: Property[Literal["JSON", "NONE", "TEXT"]] = Property("JSON", str)
    engine: Property[Literal["CORE", "FUSION"]] = Property("CORE", str)

    def default_image(self) -> str:
        return "ghcr.io/kestra-io/dbt"

    def dbt_lines(self, ctx: RunContext) -> Sequence[str]:
        """The shell lines to run."""
        raise NotImplementedError

    def programs(self, ctx: RunContext) -> Sequence[Path]:
        folder = Path(sys.executable).parent
        return [folder] if (folder / "dbt").exists() else []

    def _programs(self, ctx: RunContext, adapter: str) -> Sequence[Path]:
        """The environment's own programs, and before them a `dbt` that is imported already."""
        found = self.programs(ctx)
        if not found or not ctx.settings.dbt_warm:
            return found
        warm = WARM_DBT.folder(found[0] / "dbt", ctx.settings.environment, adapter)
        return [warm, *found] if warm is not None else found

    def run(self, ctx: RunContext) -> Outputs:
        self.prepare(ctx)
        lines = self.dbt_lines(ctx)
        project = self._project(ctx)
        adapter = self._write_profiles(ctx, project)
        self._load_manifest(ctx)
        parse = PartialParse(ctx, project)
        parse.restore()
        try:
            return self._run(ctx, lines, project, adapter)
        finally:
            parse.keep()

    def _run(
        self, ctx: RunContext, lines: Sequence[str], project: Path, adapter: str
    ) -> Outputs:
        events, told = DbtEvents(ctx), Told()
        as_json = ctx.render(self.log_format) == "JSON"

        def on_line(text: str, is_error: bool) -> None:
            if not (as_json and events.take(text)):
                listen(ctx, told, text, is_error)

        command = Command(
            argv=[*ctx.render(self.interpreter), self._script(ctx, lines)],
            workdir=ctx.workdir,
            env=self._dbt_environment(ctx, project, as_json=as_json),
            image=self._image(ctx),
            on_line=on_line,
            outputs=["**/target/*.json", *self._patterns(ctx)],
            programs=lambda: self._programs(ctx, adapter),
        )
        result = ctx.run_command(self.task_runner, command)
        if ctx.render(self.parse_run_results):
            events.reconcile(_read(project / "target" / "run_results.json"))
        events.close()
        self._store_manifest(ctx, project)
        outputs: dict[str, object] = {
            "exitCode": result.exit_code,
            "vars": told.outputs,
            "counts": events.tally.counts,
            "outputFiles": {
                **_artefacts(ctx, project),
                **collect_outputs(ctx, self._patterns(ctx)),
            },
        }
        if result.exit_code != 0:
            raise TaskFailed(_failure(result.exit_code, events, told), outputs=outputs)
        return outputs

    def _project(self, ctx: RunContext) -> Path:
        name = ctx.render(self.project_dir) if self.project_dir is not None else ""
        if not name or name in (".", "./"):
            return ctx.workdir
        return safe_path(ctx.workdir, name)

    def _write_profiles(self, ctx: RunContext, project: Path) -> str:
        """Write profiles.yml, after checking what it points at; returns the kind of warehouse."""

        def lookup(key: str) -> object:
            entry = ctx.kv.get(key)
            return entry.value if entry else None

        wanted = profile.project_profile(project)
        if self.profiles is not None:
            profiles = profile.parse(ctx.render(self.profiles))
        elif (own := self._own_profiles(ctx, project)) is not None:
            profiles = profile.parse(own.read_text())
        else:
            profiles = profile.derived(wanted, lookup)
        profiles = profile.with_endpoint(profiles, ctx.settings.gcp.bigquery)
        target = profile.chosen(profiles, wanted)
        for secret in _secrets(target.properties):
            ctx.mask(secret)
        if target.is_bigquery:
            text = profile.swapped(target, lookup)
            if text is not None:
                raise TaskFailed(text)
            token = check_target(ctx, target, ctx.workdir)
            if token is not None:
                profiles = profile.with_token(profiles, target, token)
        file = ctx.workdir / "profiles.yml"
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(profiles, sort_keys=False))
        return str(target.properties.get("type"))

    def _own_profiles(self, ctx: RunContext, project: Path) -> Path | None:
        found = (project / "profiles.yml", ctx.workdir / "profiles.yml")
        return next((file for file in found if file.is_file()), None)

    def _dbt_environment(self, ctx: RunContext, project: Path, *, as_json: bool) -> dict[str, str]:
        relative = project.relative_to(ctx.workdir.resolve()) if project != ctx.workdir else "."
        own = {
            "DBT_PROFILES_DIR": ".",
            "DBT_PROJECT_DIR": str(relative),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_USE_COLORS": "false",
            "DBT_VERSION_CHECK": "false",
            "PYTHONUNBUFFERED": "1",
        }
        if as_json:
            own |= {"DBT_LOG_FORMAT": "json", "DBT_LOG_LEVEL": "debug"}
        return self._environment(ctx, own)

    def _load_manifest(self, ctx: RunContext) -> None:
        given = self.load_manifest
        if given is None:
            return
        namespace = ctx.render(given.namespace) if given.namespace is not None else None
        entry = ctx.kv.get(ctx.render(given.key), namespace)
        if entry is None:
            ctx.log.warn(f"the KV store has no manifest `{ctx.render(given.key)}` yet")
            return
        value = entry.value
        text = value if isinstance(value, str) else json.dumps(value)
        (ctx.workdir / "manifest.json").write_text(text)

    def _store_manifest(self, ctx: RunContext, project: Path) -> None:
        given, file = self.store_manifest, project / "target" / "manifest.json"
        if given is None or not file.is_file():
            return
        namespace = ctx.render(given.namespace) if given.namespace is not None else None
        entry = KvEntry(ctx.render(given.key), _read(file), "JSON")
        ctx.kv.set(entry, namespace=namespace)


class DbtCLI(DbtTask):
    """Run dbt commands; every model and test shows as a task run while dbt works."""

    TYPE = "io.kestra.plugin.dbt.cli.DbtCLI"

    commands: Property[list[Text]]

    def dbt_lines(self, ctx: RunContext) -> Sequence[str]:
        return ctx.render(self.commands)


class DbtCommandTask(DbtTask):
    """One dbt command with its usual switches as properties."""

    COMMAND: ClassVar[str] = ""

    fail_fast: Property[bool] = Property(False, bool)
    warn_error: Property[bool] = Property(False, bool)
    debug: Property[bool] = Property(False, bool)
    dbt_path: Property[Text] = Property("dbt", str)
    thread: Property[int] | None = None
    full_refresh: Property[bool] = Property(False, bool)
    target: Property[Text] | None = None
    selector: Property[Text] | None = None
    select: Property[list[Text]] | None = None
    models: Property[list[Text]] | None = None
    exclude: Property[list[Text]] | None = None

    def dbt_lines(self, ctx: RunContext) -> Sequence[str]:
        return [shlex.join(self._words(ctx))]

    def _words(self, ctx: RunContext) -> Iterator[str]:
        yield ctx.render(self.dbt_path)
        for flag, prop in (("--debug", self.debug), ("--warn-error", self.warn_error)):
            if ctx.render(prop):
                yield flag
        yield from self.COMMAND.split()
        for flag, prop in (("--fail-fast", self.fail_fast), ("--full-refresh", self.full_refresh)):
            if ctx.render(prop) and self.COMMAND != "deps":
                yield flag
        if self.thread is not None:
            yield from ("--threads", str(ctx.render(self.thread)))
        for flag, text in (("--target", self.target), ("--selector", self.selector)):
            if text is not None:
                yield from (flag, ctx.render(text))
        for flag, listed in (
            ("--select", self.select),
            ("--select", self.models),
            ("--exclude", self.exclude),
        ):
            if listed is not None:
                yield from (flag, *ctx.render(listed))

    def _script(self, ctx: RunContext, lines: Sequence[str]) -> str:
        before = ctx.render(self.before_commands) if self.before_commands is not None else []
        return "\n".join(["set -e", *before, *lines])


class Build(DbtCommandTask):
    """dbt build."""

    TYPE = "io.kestra.plugin.dbt.cli.Build"
    COMMAND = "build"


class Run(DbtCommandTask):
    """dbt run."""

    TYPE = "io.kestra.plugin.dbt.cli.Run"
    COMMAND = "run"


class Test(DbtCommandTask):
    """dbt test."""

    TYPE = "io.kestra.plugin.dbt.cli.Test"
    COMMAND = "test"


class Seed(DbtCommandTask):
    """dbt seed."""

    TYPE = "io.kestra.plugin.dbt.cli.Seed"
    COMMAND = "seed"


class Snapshot(DbtCommandTask):
    """dbt snapshot."""

    TYPE = "io.kestra.plugin.dbt.cli.Snapshot"
    COMMAND = "snapshot"


class Compile(DbtCommandTask):
    """dbt compile."""

    TYPE = "io.kestra.plugin.dbt.cli.Compile"
    COMMAND = "compile"


class Deps(DbtCommandTask):
    """dbt deps."""

    TYPE = "io.kestra.plugin.dbt.cli.Deps"
    COMMAND = "deps"


class List(DbtCommandTask):
    """dbt ls."""

    TYPE = "io.kestra.plugin.dbt.cli.List"
    COMMAND = "ls"


class Freshness(DbtCommandTask):
    """dbt source freshness."""

    TYPE = "io.kestra.plugin.dbt.cli.Freshness"
    COMMAND = "source freshness"


def _read(file: Path) -> Mapping[str, Any]:
    try:
        tree = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return tree if isinstance(tree, dict) else {}


def _artefacts(ctx: RunContext, project: Path) -> dict[str, str]:
    folder = project / "target"
    return {
        name: ctx.files.put(folder / name, name) for name in _ARTEFACTS if (folder / name).is_file()
    }


def _secrets(properties: Mapping[str, Any]) -> Iterator[str]:
    for name in ("password", "pass", "token", "client_secret", "refresh_token"):
        value = properties.get(name)
        if isinstance(value, str) and value != "local":
            yield value
    key = properties.get("keyfile_json")
    if isinstance(key, dict) and isinstance(key.get("private_key"), str):
        yield key["private_key"]


def _failure(code: int, events: DbtEvents, told: Told) -> str:
    failures = events.tally.failures
    if failures:
        shown = "; ".join(failures[:5])
        more = f" (and {len(failures) - 5} more)" if len(failures) > 5 else ""
        return f"dbt: {len(failures)} failed: {shown}{more}"
    lines = events.error_lines or told.tail
    return f"dbt ended with exit code {code}{': ' + lines[-1] if lines else ''}"
