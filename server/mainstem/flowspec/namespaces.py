"""The properties of a namespace as text: what a repository or an editor holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from mainstem.flowspec.parse import check_properties
from mainstem.flowspec.problems import Problem
from mainstem.model.flow_id import NAMESPACE
from mainstem.sdk.flow import PluginDefault
from mainstem.sdk.plugin import Properties
from mainstem.sdk.registry import Registry

#: In `allowedNamespaces`: flows of every namespace.
EVERYONE: Final = "*"


def _names(given: object) -> object:
    """The reference writes `- namespace: a`, which means the same as `- a`."""
    if not isinstance(given, (list, tuple)):
        return given
    return [
        item["namespace"] if isinstance(item, Mapping) and set(item) == {"namespace"} else item
        for item in given
    ]


class NamespaceProperties(Properties):
    """What flows of a namespace, and of those below it, share."""

    id: str
    description: str | None = None
    variables: dict[str, object] = Field(default_factory=dict)
    plugin_defaults: tuple[PluginDefault, ...] = ()
    allowed_namespaces: Annotated[tuple[str, ...], BeforeValidator(_names)] = ()
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class ParsedNamespace:
    """The properties, unless errors were found, and all problems."""

    properties: NamespaceProperties | None
    problems: tuple[Problem, ...]


def parse_namespace(
    source: str | Mapping[str, Any], registry: Registry, *, path: str | None = None
) -> ParsedNamespace:
    """Read the properties of a namespace; never raises on bad input."""
    checked = check_properties(NamespaceProperties, source, registry)
    made = checked.made if isinstance(checked.made, NamespaceProperties) else None
    problems = [_placed(problem, path) for problem in checked.problems]
    if made is not None and not NAMESPACE.fullmatch(made.id):
        reason = f"`{made.id}` is not a namespace: lower case, digits, and . _ - between them"
        problems.append(Problem(path, 1, 1, "namespace", reason))
        made = None
    for place in made.allowed_namespaces if made else ():
        if place != EVERYONE and not NAMESPACE.fullmatch(place):
            reason = f"allowedNamespaces: `{place}` is not a namespace; `*` stands for all"
            problems.append(Problem(path, 1, 1, "namespace", reason))
            made = None
    return ParsedNamespace(made, tuple(problems))


def _placed(problem: Problem, path: str | None) -> Problem:
    return Problem(
        path,
        problem.line,
        problem.column,
        problem.code,
        problem.message,
        problem.severity,
        problem.suggestion,
        problem.pointer,
    )


def merged_variables(layers: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Variables of a namespace and those above it, nearest first: the nearest wins, maps merge."""
    merged: dict[str, object] = {}
    for layer in reversed(layers):
        merged = _over(merged, layer)
    return merged


def _over(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            result[key] = _over(old, value)
        else:
            result[key] = value
    return result
