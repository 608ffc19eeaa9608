"""The engine under a seeded adversary; see tests/engine/simulator.py."""

import sys
from collections.abc import Callable
from random import Random
from types import FrameType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mainstem.engine.advance import advance
from mainstem.engine.decision import Begin, Finished
from mainstem.engine.environment import Environment
from mainstem.engine.live import LiveExecution
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.model.state import History, State
from mainstem.sdk.flow import Flow
from tests.engine.simulator import START, FlowMaker, Simulation, simulate
from tests.engine.tasks import Spec, flow, flowable, ok, registry

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
@given(st.randoms(use_true_random=False))
def test_whatever_happens_an_execution_ends_once_and_all_its_rows_are_sound(
    random: Random,
) -> None:
    Simulation(FlowMaker(random).flow(), random).run()


@pytest.mark.parametrize("block", range(4))
def test_many_seeds(block: int) -> None:
    for seed in range(block * 100, block * 100 + 100):
        try:
            simulate(seed)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_a_hundred_thousand_executions() -> None:
    for seed in range(20_000):
        try:
            simulate(seed, fates=5)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def calls_per_event(spec: Spec, tail: int) -> float:
    """Function calls of the last `tail` events of an execution in which everything succeeds."""
    parsed = Flow.model_validate(spec, context={"registry": registry()})
    live = LiveExecution.load(parsed, Execution("e", FlowId("t", "f"), 1, History.begin(START)))
    env = Environment(START)
    queue = list(advance(live, Begin(), env).submit)
    total = 0
    events = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal total
        total += event in ("call", "c_call")

    while queue:
        submit = queue.pop(0)
        done = Finished(submit.task_run.id, submit.attempt, State.SUCCESS, START, {"v": 1})
        measured = 10 < events <= 10 + tail
        sys.setprofile(count if measured else None)
        decision = advance(live, done, env)
        sys.setprofile(None)
        queue.extend(decision.submit)
        events += 1
    return total / tail


def _loop(limit: int) -> Callable[[int], Spec]:
    def made(size: int) -> Spec:
        values = [str(number) for number in range(size)]
        inner = flowable("Sequential", "s", ok("x"))
        return flow(flowable("ForEach", "l", inner, values=values, concurrencyLimit=limit))

    return made


def _parallel(size: int) -> Spec:
    return flow(flowable("Parallel", "p", *[ok(f"t{number}") for number in range(size)]))


@pytest.mark.parametrize("shape", [_loop(1), _loop(7), _loop(0), _parallel])
def test_an_event_costs_the_same_in_a_small_and_in_a_large_execution(
    shape: Callable[[int], Spec],
) -> None:
    small, large = calls_per_event(shape(100), 80), calls_per_event(shape(2000), 80)
    assert large <= small * 1.05
