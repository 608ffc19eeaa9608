"""`mainstem run`: one execution in this process, with live logs."""

import argparse
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Final

from mainstem.app import App
from mainstem.bus.inprocess import execution_topic
from mainstem.cli.options import (
    add_settings_options,
    parse_pairs,
    read_bytes,
    read_text,
    settings_from,
)
from mainstem.errors import InvalidInput
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.runtime.lock import StateLock
from mainstem.services.executions import NewRun
from mainstem.services.search import LogFilter
from mainstem.telemetry import configure_logging

_EXIT: Final[Mapping[State, int]] = {
    State.SUCCESS: 0,
    State.WARNING: 0,
    State.SKIPPED: 0,
    State.PAUSED: 75,
    State.KILLED: 137,
}
_LOOK_SECONDS: Final = 0.5


def arguments(parser: argparse.ArgumentParser) -> None:
    add_settings_options(parser)
    parser.add_argument("flow", help="a flow file, or the id of a stored flow (namespace.id)")
    parser.add_argument(
        "-i", "--input", action="append", default=[], metavar="KEY=VALUE", help="an input"
    )
    parser.add_argument(
        "-f", "--file", action="append", default=[], metavar="KEY=PATH", help="a FILE input"
    )
    parser.add_argument(
        "-l", "--label", action="append", default=[], metavar="KEY=VALUE", help="a label"
    )
    parser.add_argument("--quiet", action="store_true", help="print only how it ended")


def run(args: argparse.Namespace) -> int:
    """Returns 0 for SUCCESS and WARNING, 75 for PAUSED, 137 for KILLED, 1 for the rest."""
    settings = settings_from(args)
    configure_logging(settings.log_format, "WARNING")
    with StateLock(settings.state_dir):
        app = App(settings.model_copy(update={"scheduler": False}))
        try:
            new = _new_run(app, args)
            app.start()
            execution = _follow(app, app.executions.create(new), quiet=args.quiet)
        finally:
            app.stop()
    print(f"{execution.flow} {execution.id} {execution.state}", file=sys.stderr)
    return _EXIT.get(execution.state, 1)


def _new_run(app: App, args: argparse.Namespace) -> NewRun:
    path = Path(args.flow)
    if path.is_file():
        flow = app.flows.save(read_text(path)).flow
    else:
        namespace, mark, flow_id = args.flow.rpartition(".")
        if not mark:
            raise InvalidInput(f"`{args.flow}` is neither a file nor an id (namespace.id)")
        flow = FlowId(namespace, flow_id)
    uploads = {
        key: (Path(name).name, read_bytes(Path(name)))
        for key, name in parse_pairs(args.file, "--file").items()
    }
    return NewRun(
        flow,
        inputs=parse_pairs(args.input, "--input"),
        labels=parse_pairs(args.label, "--label"),
        files=uploads,
    )


def _follow(app: App, execution: Execution, *, quiet: bool) -> Execution:
    """Until it ends or pauses; the first interrupt kills it, the second leaves at once."""
    changed = threading.Event()
    unsubscribe = app.bus.subscribe([execution_topic(execution.id)], lambda _topic: changed.set())
    shown: int | None = None
    asked_to_end = killed = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked_to_end
        asked_to_end = True
        changed.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        while True:
            changed.clear()
            current = app.executions.get(execution.id)
            shown = shown if quiet else _print_lines(app, execution.id, shown)
            if current.state.is_terminal or current.state.is_paused:
                return current
            if asked_to_end and not killed:
                killed = True
                app.executions.kill(execution.id)
            changed.wait(_LOOK_SECONDS)
    finally:
        signal.signal(signal.SIGINT, before)
        unsubscribe()


def _print_lines(app: App, execution_id: str, after: int | None) -> int | None:
    while lines := app.search.lines(LogFilter(execution_id=execution_id, after=after)):
        for item in lines:
            line = item.line
            at = line.at.strftime("%H:%M:%S.%f")[:-3]
            print(f"{at} {line.level.name:<5} {line.task_id or '-'}: {line.message}")
        sys.stdout.flush()
        after = lines[-1].number
    return after
