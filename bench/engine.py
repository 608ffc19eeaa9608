"""What the engine alone costs: events per second, and whether a loop's cost per event grows.

`python -m bench.engine` runs flows against the engine with results made up on the spot; nothing
is stored and no task runs.
"""

import time
from collections import deque
from datetime import UTC, datetime

from mainstem.engine.advance import advance
from mainstem.engine.decision import Begin, Event, Finished, Started
from mainstem.engine.environment import Environment
from mainstem.engine.live import LiveExecution
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.model.state import History, State
from mainstem.sdk.flow import Flow
from tests.engine.tasks import Spec, flow, flowable, ok, registry

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def drive(parsed: Flow, number: int) -> tuple[int, LiveExecution]:
    """Run one execution; returns the number of events."""
    execution = Execution(f"e{number}", FlowId("tests", parsed.id), 1, History.begin(NOW))
    live = LiveExecution.load(parsed, execution)
    env = Environment(NOW)
    queue: deque[Event] = deque([Begin()])
    events = 0
    while queue:
        decision = advance(live, queue.popleft(), env)
        events += 1
        for submit in decision.submit:
            run_id = submit.task_run.id
            queue.append(Started(run_id, submit.attempt, NOW))
            done = Finished(run_id, submit.attempt, State.SUCCESS, NOW, {"value": "x"})
            queue.append(done)
    assert live.execution.state is State.SUCCESS, live.execution.state
    return events, live


def measure(name: str, spec: Spec, times: int) -> float:
    """CPU seconds per event."""
    parsed = Flow.model_validate(spec, context={"registry": registry()})
    drive(parsed, 0)
    began = time.process_time()
    events = sum(drive(parsed, number)[0] for number in range(times))
    taken = time.process_time() - began
    each = taken / events
    print(
        f"{name:28} {times:6} executions {events:8} events {taken:7.3f} s "
        f"{events / taken:9.0f} events/s {each * 1e6:6.1f} µs/event "
        f"{taken / times * 1e6:9.0f} µs/execution"
    )
    return each


def loop(size: int, limit: int) -> Spec:
    values = [str(number) for number in range(size)]
    return flow(flowable("ForEach", "loop", ok("child"), values=values, concurrencyLimit=limit))


def ifs() -> Spec:
    tasks = [
        {
            "id": f"if{n}",
            "type": "io.kestra.plugin.core.flow.If",
            "condition": "{{ outputs.a.value == 'x' }}",
            "then": [ok(f"then{n}")],
        }
        for n in range(5)
    ]
    return flow(ok("a"), *tasks)


def main() -> None:
    measure("two tasks", flow(ok("a"), ok("b")), 5_000)
    measure("ten tasks, five Ifs", ifs(), 1_000)
    measure(
        "Parallel of 20", flow(flowable("Parallel", "p", *[ok(f"t{n}") for n in range(20)])), 300
    )
    small = measure("ForEach x 100", loop(100, 1), 50)
    for limit in (1, 10, 0):
        big = measure(f"ForEach x 10,000 limit {limit}", loop(10_000, limit), 1)
        print(f"    {big / small:.2f} times the cost per event of ForEach x 100")


if __name__ == "__main__":
    main()
