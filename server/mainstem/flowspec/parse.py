"""Text to a flow, with every problem of the text in one pass."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mainstem.flowspec.build import Builder
from mainstem.flowspec.defaults import inject, read_defaults
from mainstem.flowspec.problems import Problem
from mainstem.flowspec.source import Remark, Source, load
from mainstem.flowspec.validate import Parsing, check, check_part
from mainstem.flowspec.wording import Wording
from mainstem.sdk.fields import as_text
from mainstem.sdk.flow import Flow, PluginDefault
from mainstem.sdk.plugin import Plugin, Properties
from mainstem.sdk.registry import Registry

DefaultsOf = Callable[[str], Sequence[PluginDefault]]


@dataclass(frozen=True, slots=True)
class ParsedFlow:
    """A flow, unless errors were found, and all problems in the order of the source."""

    flow: Flow | None
    problems: tuple[Problem, ...]
    source: str

    @property
    def ok(self) -> bool:
        return self.flow is not None


def parse_flow(
    source: str,
    registry: Registry,
    *,
    path: str | None = None,
    global_defaults: Sequence[PluginDefault] = (),
    namespace_defaults: Sequence[PluginDefault] | DefaultsOf = (),
    lenient: bool = False,
) -> ParsedFlow:
    """Read a flow; never raises on bad input.

    Defaults of the flow go before those of its namespace (nearest first) and the global ones;
    those of the namespace may be a function of its name.
    `lenient` drops properties that no class knows, as when a stored flow is read back by a
    version that lost them.
    """
    text = load(source)
    wording = Wording(text, path)
    problems = [_remark(remark, path) for remark in text.remarks]
    if text.data is None and not problems:
        problems.append(Problem(path, 1, 1, "empty-file", "the file holds no flow"))
    elif text.data is not None and not isinstance(text.data, dict):
        problems.append(Problem(path, 1, 1, "not-a-map", "a flow is a map of properties"))
    flow = None
    if isinstance(text.data, dict):
        outer = (*_of_namespace(text.data, namespace_defaults), *global_defaults)
        flow = _build(text, registry, outer, lenient, wording, problems)
    ordered = _ordered(problems)
    clean = not any(problem.is_error for problem in ordered)
    return ParsedFlow(flow if clean else None, ordered, source)


def _of_namespace(
    data: Mapping[str, Any], defaults: Sequence[PluginDefault] | DefaultsOf
) -> Sequence[PluginDefault]:
    if not callable(defaults):
        return defaults
    namespace = as_text(data.get("namespace"))
    return defaults(namespace) if isinstance(namespace, str) else ()


def _build(
    source: Source,
    registry: Registry,
    outer: Sequence[PluginDefault],
    lenient: bool,
    wording: Wording,
    problems: list[Problem],
) -> Flow | None:
    written: Any = source.data
    defaults = (*read_defaults(written), *outer)
    data = inject(written, defaults, registry, source) if defaults else written
    source.data = data
    builder = Builder(registry, source, lenient=lenient)
    flow = builder.build_properties(Flow, data)
    for record in builder.records.values():
        if record.details:
            problems.extend(wording.problems_of(record))
    problems.extend(check(Parsing(data, builder.records, wording, registry)))
    return flow


def _remark(remark: Remark, path: str | None) -> Problem:
    line, column = remark.at
    return Problem(path, line, column, remark.code, remark.message, "error", remark.suggestion)


def _ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda problem: (problem.line, problem.column)))


@dataclass(frozen=True, slots=True)
class CheckedProperties:
    """One group of properties on its own, unless errors were found."""

    made: Properties | None
    problems: tuple[Problem, ...]


def check_properties(
    kind: type[Properties], source: str | Mapping[str, Any], registry: Registry
) -> CheckedProperties:
    """Read a task, trigger or other part of a flow by itself, as an editor does.

    `kind` is the class, or the base of plug-ins whose `type` names the class.
    """
    text = load(source) if isinstance(source, str) else Source(data=source)
    problems = [_remark(remark, None) for remark in text.remarks]
    wording = Wording(text, None)
    made: object = None
    if not isinstance(text.data, dict):
        problems.append(Problem(None, 1, 1, "not-a-map", "must be a map of properties"))
    else:
        builder = Builder(registry, text)
        if issubclass(kind, Plugin):
            made = builder.build(kind, text.data)
        else:
            made = builder.build_properties(kind, text.data)
        for record in builder.records.values():
            problems.extend(wording.problems_of(record))
        problems.extend(check_part(Parsing(text.data, builder.records, wording, registry)))
    ordered = _ordered(problems)
    clean = not any(problem.is_error for problem in ordered)
    return CheckedProperties(made if clean and isinstance(made, kind) else None, ordered)
