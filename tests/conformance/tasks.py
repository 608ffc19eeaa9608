"""Runs lines of `tasks.jsonl`: single core tasks, KV calls of the API, the KV store itself."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from mainstem.errors import Gone, MainstemError
from mainstem.expr.ion import from_ion
from mainstem.expr.isodates import java_text
from mainstem.services.kv_values import check_key
from tests.conformance.expressions import typed
from tests.conformance.task_world import KEY, NAMESPACE, TaskWorld, task_world

_TYPES: Mapping[str, tuple[type, ...]] = {
    "list": (list,),
    "map": (dict,),
    "dict": (dict,),
    "object": (dict,),
    "string": (str,),
    "integer": (int,),
    "int": (int,),
    "decimal": (float, Decimal),
    "boolean": (bool,),
    "date": (date,),
    "instant": (datetime,),
    "datetime": (datetime,),
    "duration": (timedelta,),
}


def run_line(line: dict[str, Any], corpus_dir: Path) -> str | None:
    """None if the line holds, `skipped: …`, or what differs."""
    with task_world(line) as world:
        steps = [{"task": line["task"], "expect": line["expect"]}, *(line.get("then") or ())]
        for number, step in enumerate(steps):
            fault = _step(world, step["task"], dict(step["expect"]))
            if fault:
                return fault if number == 0 else f"step {number + 1}: {fault}"
    return None


def _step(world: TaskWorld, task: Mapping[str, Any], expect: dict[str, Any]) -> str | None:
    if "api" in task:
        return _api(world, task, expect)
    for name, act in _STORE.items():
        if name in task:
            return act(world, task[name], expect)
    wanted = expect.pop("error", None)
    try:
        outputs = world.run(task)
    except MainstemError as error:
        return _failed(wanted, error.message)
    if wanted is not None:
        return f"should fail with {wanted!r} but gives {outputs}"
    return _checked(world, outputs, expect)


def _failed(wanted: str | None, said: str) -> str | None:
    if wanted is None:
        return f"fails: {said}"
    return None if wanted == "*" or wanted in said else f"should say {wanted!r}, not {said!r}"


def _checked(world: TaskWorld, outputs: Mapping[str, Any], expect: Mapping[str, Any]) -> str | None:
    for key, wanted in expect.items():
        check = _CHECKS.get(key)
        if check is None:
            return f"skipped: unknown expectation {key}"
        fault = check(world, outputs, wanted)
        if fault:
            return f"{key}: {fault}"
    return None


def _same(wanted: Any, actual: Any) -> bool:
    """Equal, dates by their text and lists of `$set` in any order."""
    if isinstance(wanted, dict) and "$set" in wanted:
        return sorted(map(str, wanted["$set"])) == sorted(map(str, actual))
    if isinstance(wanted, dict) and "$duration_seconds" in wanted:
        return isinstance(actual, timedelta) and actual == timedelta(
            seconds=wanted["$duration_seconds"]
        )
    if isinstance(wanted, dict) and "$type" not in wanted:
        if not isinstance(actual, Mapping) or wanted.keys() != actual.keys():
            return False
        return all(_same(item, actual[key]) for key, item in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(actual, list)
            and len(wanted) == len(actual)
            and all(_same(w, a) for w, a in zip(wanted, actual, strict=True))
        )
    return _same_scalar(typed(wanted), actual)


def _same_scalar(wanted: Any, actual: Any) -> bool:
    if isinstance(wanted, (datetime, date, timedelta)):
        return wanted == actual or java_text(wanted) == actual
    return bool(wanted == actual)


def _compare(wanted: Any, actual: Any) -> str | None:
    return None if _same(wanted, actual) else f"should be {wanted!r}, not {actual!r}"


def _outputs(world: TaskWorld, outputs: Mapping[str, Any], wanted: Any) -> str | None:
    return _compare(wanted, {key: outputs.get(key) for key in wanted})


def _kv(world: TaskWorld, outputs: Mapping[str, Any], wanted: Any) -> str | None:
    for place, entries in wanted.items():
        namespace = world.flow.namespace if place == "$flow_namespace" else place
        for key, value in entries.items():
            found = world.app.kv.find(namespace, key, inherit=False)
            if found is None:
                return f"{namespace} has no {key}"
            fault = _compare(value, found.entry.value)
            if fault:
                return f"{key} {fault}"
    return None


def _entries(world: TaskWorld) -> list[tuple[str, str]]:
    return [(item.namespace, item.key) for item in world.app.kv.entries(None)]


def _expiration(world: TaskWorld, outputs: Mapping[str, Any], wanted: Any) -> str | None:
    found = [world.expiry(*entry) for entry in _entries(world)]
    return None if found == [wanted] else f"should be {wanted}, not {found}"


def _between(world: TaskWorld, outputs: Mapping[str, Any], wanted: Any) -> str | None:
    low, high = (_minutes_from(world.clock.now(), text) for text in wanted)
    for entry in _entries(world):
        at = world.expiry(*entry)
        if at is None or not low < at < high:
            return f"{entry} expires at {at}"
    return None


def _minutes_from(now: datetime, text: str) -> datetime:
    match = re.fullmatch(r"\$now([+-]\d+)min", text)
    assert match is not None, text
    return now + timedelta(minutes=int(match[1]))


def _content(world: TaskWorld, outputs: Mapping[str, Any], wanted: str) -> str | None:
    text = wanted.replace("<F>", world.content.decode())
    return _compare(text, world.read(outputs["uri"]).decode())


def _uri(world: TaskWorld, outputs: Mapping[str, Any], wanted: str) -> str | None:
    uri = outputs.get("uri") or outputs["uris"][0]
    return None if uri.endswith(wanted) else f"{uri} does not end with {wanted}"


def _items(world: TaskWorld, outputs: Mapping[str, Any], wanted: Any) -> str | None:
    rows = from_ion(world.read(outputs["uri"]).decode(), all_rows=True)
    return _compare(wanted, rows)


def _files(world: TaskWorld, outputs: Mapping[str, Any], wanted: Any) -> str | None:
    found = {name: world.read(uri).decode() for name, uri in outputs["uris"].items()}
    own = world.content.decode()
    return _compare({n: own if c == "<file content>" else c for n, c in wanted.items()}, found)


def _size(world: TaskWorld, outputs: Mapping[str, Any], wanted: int) -> str | None:
    return _compare(wanted, len(outputs["uris"]))


def _joined(world: TaskWorld, outputs: Mapping[str, Any]) -> bytes:
    return b"".join(world.read(uri) for uri in outputs["uris"])


def _concatenation(world: TaskWorld, outputs: Mapping[str, Any], wanted: str) -> str | None:
    if wanted != "same as input":
        return f"skipped: unknown concatenation {wanted}"
    return None if _joined(world, outputs) == world.content else "differs from the input"


def _newlines(world: TaskWorld, outputs: Mapping[str, Any], wanted: int) -> str | None:
    return _compare(wanted, _joined(world, outputs).count(b"\n"))


_CHECKS: Mapping[str, Callable[[TaskWorld, Mapping[str, Any], Any], str | None]] = {
    "outputs": _outputs,
    "kv": _kv,
    "expiration": _expiration,
    "expiration_between": _between,
    "content": _content,
    "uri_endswith": _uri,
    "uris_endwith": _uri,
    "uris_endswith": _uri,
    "items": _items,
    "output_files": _files,
    "uris_size": _size,
    "concatenation": _concatenation,
    "newline_count": _newlines,
    "total_lines": _newlines,
    "line_count": _newlines,
}

# the API


def _api(world: TaskWorld, task: Mapping[str, Any], expect: dict[str, Any]) -> str | None:
    answer = world.call(task)
    status = expect.pop("http_status", None)
    if status is not None and answer.status_code != status:
        return f"answers {answer.status_code}, not {status}: {answer.text[:200]}"
    if status is None and answer.is_error:
        return f"answers {answer.status_code}: {answer.text[:200]}"
    for key, wanted in expect.items():
        check = _ANSWERS.get(key)
        fault = check(world, answer, wanted) if check else _checked(world, {}, {key: wanted})
        if fault:
            return fault if fault.startswith("skipped") else f"{key}: {fault}"
    return None


def _text(world: TaskWorld, answer: Any, wanted: list[str]) -> str | None:
    lacking = [part for part in wanted if part not in answer.text]
    return f"{answer.text} lacks {lacking}" if lacking else None


def _stored(world: TaskWorld, answer: Any, wanted: str) -> str | None:
    value = world.app.kv.get(NAMESPACE, KEY).entry.value
    kinds = _TYPES[wanted]
    right = isinstance(value, kinds) and (isinstance(value, bool) is (wanted == "boolean"))
    right = right and (isinstance(value, datetime) is (wanted in ("instant", "datetime")))
    return None if right else f"should be a {wanted}, it is {value!r}"


def _listed(world: TaskWorld, answer: Any, wanted: Any) -> str | None:
    body = answer.json()
    found = [item["key"] for item in body] if isinstance(body, list) else body["keys"]
    return _compare(wanted if isinstance(wanted, dict) else {"$set": wanted}, found)


_ANSWERS: Mapping[str, Callable[[TaskWorld, Any, Any], str | None]] = {
    "error": lambda world, answer, wanted: _compare(wanted, answer.json().get("message")),
    "json_text_contains": _text,
    "json": lambda world, answer, wanted: _compare(wanted, answer.json()),
    "body": lambda world, answer, wanted: _compare(wanted, answer.json()),
    "stored_type": _stored,
    "keys": _listed,
    "deleted_keys": _listed,
    "exists_after": lambda world, answer, wanted: _compare(
        wanted, world.app.kv.find(NAMESPACE, KEY) is not None
    ),
    "kv_absent": lambda world, answer, wanted: _compare(
        None, world.app.kv.find(NAMESPACE, wanted if isinstance(wanted, str) else KEY)
    ),
}

# the store itself


def _key(world: TaskWorld, key: str, expect: Mapping[str, Any]) -> str | None:
    try:
        check_key(key)
    except MainstemError as error:
        if expect.get("valid") is False or "error" in expect:
            return _failed(expect.get("error", "*"), error.message)
        return f"should be a key: {error.message}"
    return None if expect.get("valid") else "should be refused"


def _list(world: TaskWorld, _: object, expect: Mapping[str, Any]) -> str | None:
    world.clock.advance(timedelta(seconds=1))
    return _compare({"$set": expect["keys"]}, world.app.kv.keys(NAMESPACE))


def _get(world: TaskWorld, key: str, expect: Mapping[str, Any]) -> str | None:
    world.clock.advance(timedelta(milliseconds=1))
    namespace = next(iter(world.setup.get("kv") or {}), NAMESPACE)
    try:
        found = world.app.kv.find(namespace, key)
    except Gone as error:
        return _failed(expect.get("error"), error.message)
    if "error" in expect:
        return f"should fail with {expect['error']}"
    if "found" in expect and expect["found"] is not (found is not None):
        return f"found should be {expect['found']}"
    return _compare(expect.get("value"), found.entry.value if found else None)


_STORE: Mapping[str, Callable[[TaskWorld, Any, Mapping[str, Any]], str | None]] = {
    "kv_key": _key,
    "kv_list": _list,
    "kv_get": _get,
}
