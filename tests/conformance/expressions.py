"""Runs lines of the corpus file `expressions.jsonl` against the expression language.

`run_line` is what a runner calls: None is a pass, `skipped: …` a line that is not for this
engine, anything else says what differs.
"""

import atexit
import json
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from mainstem.errors import Denied, NotFound
from mainstem.expr import (
    ENCRYPTED_TYPE,
    ZULU,
    ExpressionError,
    Float32,
    Long,
    RenderOptions,
    Scope,
    render,
    render_value,
    seal,
)
from mainstem.expr.scope import NoHost
from mainstem.flowspec.inputs import resolve_inputs
from mainstem.model.duration import parse_duration
from mainstem.runtime.jq_processes import JqProcesses
from mainstem.sdk.fields import Property
from mainstem.sdk.inputs import Input

JQ = JqProcesses()
atexit.register(JQ.close)
_KEY = b"conformance-corpus-key-of-32-byt"
_TYPES: Mapping[str, Any] = {
    "String": str,
    "Integer": int,
    "Boolean": bool,
    "Double": float,
    "Duration": str,
    "List<String>": list[str],
    "List<Integer>": list[int],
    "Map<String,String>": dict[str, str],
    "Map<String,Object>": dict[str, Any],
}


class CorpusHost(NoHost):
    """The effects that a line's `setup` describes."""

    def __init__(self, line: Mapping[str, Any]) -> None:
        super().__init__(datetime.now(UTC))
        self._setup = line.get("setup") or {}
        self._variables = line.get("vars") or {}

    def kv(self, key: str, namespace: str | None, error_on_missing: bool) -> object:
        place = namespace or self._flow("namespace")
        found = typed((self._setup.get("kv") or {}).get(place, {}).get(key))
        if found is None and error_on_missing:
            raise NotFound(f"The key '{key}' does not exist in the namespace '{place}'.")
        return found

    def secret(self, key: str, namespace: str | None, subkey: str | None) -> str:
        found = (self._setup.get("secrets") or {}).get(key)
        if found is None:
            raise NotFound(f"Cannot find secret for key '{key}'.")
        return str(found)

    def read(self, path: str) -> str:
        return self._file(path)

    def file_size(self, path: str) -> int:
        return len(self._file(path).encode())

    def file_exists(self, path: str) -> bool:
        return path in self._files()

    def file_uri(self, path: str) -> str:
        return f"kestra:///{self._flow('namespace').replace('.', '/')}/_files/{path}"

    def error_logs(self) -> list[dict[str, object]]:
        return [log for log in self._setup.get("logs", []) if log["level"] == "ERROR"]

    def encryption_key(self) -> bytes | None:
        return _KEY

    def _flow(self, name: str) -> str:
        return str((self._variables.get("flow") or {}).get(name, ""))

    def _files(self) -> dict[str, str]:
        storage: dict[str, str] = self._setup.get("storage", {})
        namespace = self._flow("namespace")
        root = f"kestra:///{namespace.replace('.', '/')}/_files/"
        own = {uri.removeprefix(root): text for uri, text in storage.items() if root in uri}
        files = (self._setup.get("namespace_files") or {}).get(namespace, {})
        return {**storage, **own, **{path.lstrip("/"): text for path, text in files.items()}}

    def _file(self, path: str) -> str:
        if path.startswith("kestra:///") and not self._belongs(path):
            raise Denied(
                f"Unable to read the file '{path}' as it didn't belong to the current execution"
            )
        name = path.lstrip("/")
        if name not in self._files():
            raise NotFound(f"There is no file `{path}`")
        return self._files()[name]

    def _belongs(self, path: str) -> bool:
        flow = self._variables.get("flow") or {}
        execution = self._variables.get("execution") or {}
        trigger = self._variables.get("trigger") or {}
        owners = [
            (flow.get("namespace"), flow.get("id"), execution.get("id")),
            (trigger.get("namespace"), trigger.get("flowId"), trigger.get("executionId")),
        ]
        return any(
            path.startswith(f"kestra:///{namespace.replace('.', '/')}/{flow_id}/executions/{id_}/")
            for namespace, flow_id, id_ in owners
            if namespace and flow_id and id_
        )


def typed(value: Any) -> Any:
    """A value of the corpus with its `$type` notes applied."""
    if isinstance(value, list):
        return [typed(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$type" not in value:
        return {key: typed(item) for key, item in value.items()}
    return _BUILDERS[value["$type"]](value["value"])


def _zoned(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=ZULU) if not moment.utcoffset() else moment


_BUILDERS: Mapping[str, Callable[[Any], Any]] = {
    "float32": Float32,
    "int64": Long,
    "zoned_datetime": _zoned,
    "local_datetime": datetime.fromisoformat,
    "local_date": date.fromisoformat,
    "instant": lambda text: datetime.fromisoformat(text).astimezone(UTC),
    "java_util_date": lambda text: datetime.fromisoformat(text).astimezone(UTC),
    "duration": parse_duration,
    "uri": str,
    "set": typed,
    "array": typed,
    "encrypted_string": lambda text: {"type": ENCRYPTED_TYPE, "value": seal(_KEY, text)},
}


def run_line(line: dict[str, Any]) -> str | None:
    """None if the line holds, `skipped: …`, or what differs."""
    expected = line["expect"]
    try:
        actual = _evaluate(line)
    except ExpressionError as error:
        return _check_error(expected, error)
    except Exception as error:
        return f"raised {type(error).__name__} instead of an ExpressionError: {error}"
    if isinstance(expected, dict) and "error" in expected:
        return f"should fail with {expected['error']!r} but rendered {actual!r}"
    return _check(expected, actual)


def _evaluate(line: dict[str, Any]) -> object:
    recursive = bool((line.get("config") or {}).get("kestra.variables.recursive-rendering"))
    variables = typed(line.get("vars") or {})
    if line.get("kind") == "execution_context":
        variables = {**variables, "inputs": _inputs(line)}
    scope = Scope(variables, CorpusHost(line), RenderOptions(recursive=recursive, jq=JQ))
    if line.get("kind") == "property":
        return _property(line, scope)
    if line.get("kind") == "render_map":
        return render_value(line["template"], scope)
    return render(line["template"], scope)


def _inputs(line: dict[str, Any]) -> Mapping[str, object]:
    """The inputs of an execution that was started without any."""
    declared = [Input.model_validate(item) for item in line["setup"].get("flow_inputs", [])]

    def given(expression: str, more: Mapping[str, object]) -> object:
        return render_value(expression, Scope(more))

    return resolve_inputs(declared, {}, render=given).checked()


def _property(line: dict[str, Any], scope: Scope) -> object:
    kind = line["as_type"]
    if line["template"] is None:
        return [] if kind.startswith("List") else {} if kind.startswith("Map") else None
    prop: Property[Any] = Property(line["template"], _TYPES[kind])
    return prop.resolve(lambda value: render_value(value, scope))


def _check_error(expected: Any, error: ExpressionError) -> str | None:
    wanted = expected.get("error") if isinstance(expected, dict) else None
    if wanted is None:
        return f"failed: {error}"
    if wanted == "*" or wanted in str(error):
        return None
    return f"should fail with {wanted!r} but failed with {str(error)!r}"


def _check(expected: Any, actual: Any) -> str | None:
    if isinstance(expected, dict) and expected and all(key in _MATCHERS for key in expected):
        failures = [
            f"{key}: {wanted!r} does not hold for {actual!r}"
            for key, wanted in expected.items()
            if not _MATCHERS[key](wanted, actual)
        ]
        return "; ".join(failures) or None
    return None if expected == actual else f"expected {expected!r} but got {actual!r}"


def _all_in(wanted: Any, actual: Any) -> bool:
    parts = wanted if isinstance(wanted, list) else [wanted]
    return all(part in actual for part in parts)


def _ordered_keys(wanted: Any, actual: Any) -> bool:
    return all(
        list(actual if path == "" else actual[path]) == keys for path, keys in wanted.items()
    )


def _now(wanted: Any, actual: Any) -> bool:
    return str(render(f"{{{{ now(format='{wanted['format']}') }}}}", Scope({}))) in actual


def _subset(wanted: Any, actual: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(actual, dict) and all(
            key in actual and _subset(item, actual[key]) for key, item in wanted.items()
        )
    return bool(wanted == actual)


_MATCHERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "contains": _all_in,
    "startswith": lambda wanted, actual: actual.startswith(wanted),
    "endswith": lambda wanted, actual: actual.endswith(wanted),
    "matches": lambda wanted, actual: re.search(wanted, actual) is not None,
    "not_equals": lambda wanted, actual: wanted != actual,
    "not_empty": lambda wanted, actual: (actual != "") is wanted,
    "int_between": lambda wanted, actual: wanted[0] <= int(actual) <= wanted[1],
    "json_subset": lambda wanted, actual: _subset(wanted, json.loads(actual)),
    "json_contains_items": lambda wanted, actual: all(
        item in json.loads(actual) for item in wanted
    ),
    "contains_now": _now,
    "comma_parts": lambda wanted, actual: len(actual.split(",")) == wanted,
    "typed": lambda wanted, actual: wanted == actual,
    "$ordered_keys": _ordered_keys,
}


def main(path: str) -> None:
    """Print what fails of one corpus file."""
    lines = [json.loads(text) for text in Path(path).read_text().splitlines() if text.strip()]
    results = [(line, run_line(line)) for line in lines]
    for line, result in results:
        if result is not None:
            print(f"{line['id']}: {line['template']!r}\n    {result}")
    print(f"{sum(result is None for _, result in results)} of {len(results)} lines pass")


if __name__ == "__main__":
    main(sys.argv[1])
