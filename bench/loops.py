"""ForEach over many values, with a light task for each: does a value cost the same in any loop?

    python -m bench.loops [--runs 5] [--json]

Time from creating the execution to its end, as its rows tell (created to ended), and until it was
seen; processor time beside it, since a machine that does other things hits a long run more often
than a short one. Targets: 100 values within 0.4 s; 10,000 values at most 20 % above a hundred times
that.
A published benchmark of a loop of 100 unbounded values reports 5 s (200 task runs).
"""

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import dataclass

from bench.machine import speed
from mainstem.app import App
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.runtime.garbage import collect_seldom
from mainstem.services.executions import NewRun
from mainstem.settings import load_settings

_FLOW = """id: loop_{size}_{limit}
namespace: bench
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: "{{{{ range(1, {size}) }}}}"
    concurrencyLimit: {limit}
    tasks:
      - id: value
        type: io.kestra.plugin.core.output.OutputValues
        values: {{number: "{{{{ taskrun.value }}}}"}}
      - id: say
        type: io.kestra.plugin.core.log.Log
        message: "value {{{{ taskrun.value }}}}"
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds from created to ended, and of processor time."""

    wall: float
    cpu: float


def measure(app: App, size: int, limit: int, runs: int) -> Cost:
    """Medians; each value makes two task runs."""
    app.flows.save(_FLOW.format(size=size, limit=limit))
    flow = FlowId("bench", f"loop_{size}_{limit}")
    found = [once(app, flow, size) for _ in range(runs + 1)][1:]
    return Cost(
        statistics.median(item.wall for item in found),
        statistics.median(item.cpu for item in found),
    )


def once(app: App, flow: FlowId, size: int) -> Cost:
    before = time.process_time()
    made = app.executions.create(NewRun(flow))
    while not (execution := app.executions.get(made.id)).state.is_terminal:
        time.sleep(0.005)
    cpu = time.process_time() - before
    assert execution.state is State.SUCCESS, execution.state
    ended_at = execution.history.ended_at
    assert ended_at is not None
    assert len(app.executions.task_runs(made.id)) == 2 * size + 1
    return Cost((ended_at - execution.history.started_at).total_seconds(), cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as state:
        app = App(load_settings(overrides={"state_dir": state, "auth.mode": "none"}))
        app.start()
        collect_seldom()  # as a server does
        figures = {}
        for limit in (1, 0):
            small = measure(app, 100, limit, options.runs)
            large = measure(app, 10_000, limit, max(1, options.runs // 2))
            figures[str(limit)] = {
                "100": small.wall,
                "10000": large.wall,
                "ratio": large.wall / small.wall / 100,
                "ratio_cpu": large.cpu / small.cpu / 100,
            }
        app.stop()
    if options.json:
        print(json.dumps(figures))
        return
    print(speed())
    for limit, found in figures.items():
        name = "one after the other" if limit == "1" else "all at once"
        print(
            f"ForEach, {name}: 100 values {found['100']:.3f} s (target <= 0.4), 10,000 values "
            f"{found['10000']:.2f} s, {found['ratio']:.2f} times a hundred times (target <= 1.2), "
            f"{found['ratio_cpu']:.2f} times by processor time"
        )


if __name__ == "__main__":
    main()
