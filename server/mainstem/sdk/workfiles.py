"""Files into and out of a task's working directory: inputFiles, outputFiles, namespaceFiles."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from mainstem.errors import InvalidInput
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.globs import is_glob, working_files
from mainstem.sdk.plugin import Properties


class NamespaceFilesOption(Properties):
    """Which files of the namespace are put into the working directory."""

    enabled: Property[bool] = Property(True, bool)
    include: Property[list[Text]] | None = None
    exclude: Property[list[Text]] | None = None
    namespaces: Property[list[Text]] | None = None
    folder_per_namespace: Property[bool] = Property(False, bool)
    fail_on_missing_file: bool | None = None


InputFiles = dict[str, Text] | list[Text]


def safe_path(root: Path, name: str) -> Path:
    """A path below `root`, its folders made; raises InvalidInput when it would leave it."""
    target = (root / name.lstrip("/")).resolve()
    if not target.is_relative_to(root.resolve()) or target == root.resolve():
        raise InvalidInput(f"`{name}` leaves the working directory")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def place_namespace_files(ctx: RunContext, option: NamespaceFilesOption | None) -> list[Path]:
    """Copy the wanted namespace files into the working directory."""
    if option is None or not ctx.render(option.enabled):
        return []
    include = ctx.render(option.include) if option.include is not None else []
    exclude = ctx.render(option.exclude) if option.exclude is not None else []
    spaces = ctx.render(option.namespaces) if option.namespaces is not None else []
    nested = ctx.render(option.folder_per_namespace)
    placed: list[Path] = []
    for namespace in spaces or [ctx.flow.id.namespace]:
        root = ctx.workdir / namespace if nested else ctx.workdir
        placed += ctx.namespace_files.materialize(root, namespace, include=include, exclude=exclude)
    return placed


def place_input_files(ctx: RunContext, files: object) -> list[Path]:
    """Write `inputFiles`: names to contents, or to URIs whose contents are copied."""
    if files is None:
        return []
    rendered = ctx.render_value(files.raw if isinstance(files, Property) else files)
    placed = []
    for name, content in _as_map(rendered).items():
        target = safe_path(ctx.workdir, name)
        _write(ctx, target, content)
        placed.append(target)
    return placed


def _as_map(rendered: object) -> Mapping[str, object]:
    if isinstance(rendered, str):
        try:
            rendered = json.loads(rendered)
        except ValueError as error:
            raise InvalidInput("`inputFiles` must be a map of names to contents or URIs") from error
    if isinstance(rendered, list):
        return {str(uri).rpartition("/")[2]: uri for uri in rendered}
    if not isinstance(rendered, Mapping):
        raise InvalidInput("`inputFiles` must be a map of names to contents or URIs")
    return {str(name): content for name, content in rendered.items()}


def _write(ctx: RunContext, target: Path, content: object) -> None:
    if isinstance(content, str) and content.startswith(("kestra://", "mainstem://")):
        ctx.files.fetch(content, target)
    elif isinstance(content, str) and content.startswith("nsfile://"):
        namespace, _, path = content.removeprefix("nsfile://").partition("/")
        target.write_bytes(ctx.namespace_files.read(path, namespace or None))
    elif content is None:
        target.write_bytes(b"")
    else:
        text = content if isinstance(content, str) else json.dumps(content, default=str)
        target.write_text(text)


def collect_outputs(ctx: RunContext, patterns: Sequence[str]) -> dict[str, str]:
    """Store every file that matches a glob; returns URIs by path within the working directory.

    A plain name that is not there is told as a warning: the reference lets it pass.
    """
    found: dict[str, str] = {}
    for pattern in patterns:
        matched = list(working_files(ctx.workdir, [pattern]))
        if not matched and not is_glob(pattern):
            ctx.log.warn(f"`outputFiles` names `{pattern}`, but the task wrote no such file")
        for name, path in matched:
            if name not in found:
                found[name] = ctx.files.put(path, name)
    return found
