"""Runs lines of `executions.jsonl`: on the engine in its world of virtual time, which is fast,
or on a real server where a line speaks HTTP or has triggers."""

from pathlib import Path
from typing import Any

from mainstem.errors import MainstemError
from tests.conformance.execution_expect import Expectations
from tests.conformance.execution_http import run_http_line
from tests.conformance.execution_server import is_for_a_server
from tests.conformance.execution_steps import Steps
from tests.conformance.execution_world import LineWorld, Skipped


def run_line(line: dict[str, Any], corpus_dir: Path, *, over_http: bool = False) -> str | None:
    """None if the line holds, `skipped: …`, or what differs; `over_http` takes a server for all."""
    expect = dict(line.get("expect") or {})
    if over_http and line.get("inputs_mode") == "raw":
        return "skipped: its inputs are not those that an API would take"
    if over_http or is_for_a_server(line):
        try:
            return run_http_line(line, corpus_dir)
        except Skipped as reason:
            return f"skipped: {reason}"
    try:
        world = LineWorld(line, corpus_dir)
    except Skipped as reason:
        return f"skipped: {reason}"
    try:
        return _run(world, expect)
    except Skipped as reason:
        return f"skipped: {reason}"
    finally:
        world.world.close()


def _run(world: LineWorld, expect: dict[str, Any]) -> str | None:
    steps = Steps(world)
    if expect.pop("rejected", False):
        return _rejected(steps, expect)
    listed = world.line.get("steps") or [{"op": "create", "await": "terminated"}]
    for step in listed:
        fault = steps.perform(step)
        if fault:
            return fault
    world.world.run()
    if world.root is None:
        world.root = steps.ids[0] if steps.ids else None
    if world.root is None:
        return None
    subject = world.root if listed[-1]["op"] != "replay" else steps.ids[0]
    return Expectations(world, subject).fault(expect)


def _rejected(steps: Steps, expect: dict[str, Any]) -> str | None:
    try:
        steps.create({"op": "create"})
    except MainstemError as error:
        return _said(str(error), expect)
    return "should be rejected"


def _said(text: str, expect: dict[str, Any]) -> str | None:
    for key in ("error_contains", "error_exact"):
        wanted = expect.get(key)
        for part in wanted if isinstance(wanted, list) else [wanted] if wanted else []:
            if part not in text:
                return f"says `{text}`, not `{part}`"
    return None
