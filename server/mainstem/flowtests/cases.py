"""One case: run it, then hold its assertions against what is there."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from mainstem.engine.live import LiveExecution
from mainstem.errors import MainstemError
from mainstem.expr import Scope, UndefinedVariable, render_typed, render_value, text_of
from mainstem.flowtests.mocks import mocked
from mainstem.flowtests.operators import Missing, holds, shown
from mainstem.flowtests.suite import Assertion, Fixtures, Suite, UnitTest
from mainstem.flowtests.world import Surroundings, World
from mainstem.model.execution import Execution, ExecutionTrigger, TaskRun
from mainstem.model.state import State
from mainstem.sdk.context import KvEntry
from mainstem.services.executions import NewRun
from mainstem.storage.uri import execution_prefix, make_uri
from mainstem.store import logs
from mainstem.store.logs import LogFilter

SECONDS: Final = 60.0
_MOST_LINES: Final = 10_000
_GOOD: Final = frozenset({State.SUCCESS, State.WARNING})


class Verdict(StrEnum):
    """How a case ended; ERROR means that it could not be judged."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    ERROR = "ERROR"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True)
class AssertionResult:
    """One operator of one assertion; `number` is the place of the assertion in its list."""

    number: int
    operator: str
    expected: object
    actual: object
    holds: bool
    message: str
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case with all that went wrong; `number` is its place in the suite."""

    number: int
    case: UnitTest
    verdict: Verdict
    assertions: tuple[AssertionResult, ...] = ()
    errors: tuple[str, ...] = ()
    execution: Execution | None = None
    seconds: float = 0.0


def run_case(
    suite: Suite, number: int, around: Surroundings, seconds: float = SECONDS
) -> CaseResult:
    """Run one case in this thread; never raises for what flows and tests do."""
    case = suite.test_cases[number]
    if case.disabled or suite.disabled:
        return CaseResult(number, case, Verdict.SKIPPED)
    began = time.monotonic()
    secrets = {key: str(value) for key, value in case.fixtures.secrets.items()}
    with World(around, secrets, f"{suite.id}/{case.id}") as world:
        try:
            result = _run(world, suite, number, around, seconds)
        except MainstemError as error:
            result = CaseResult(number, case, Verdict.ERROR, errors=(error.message,))
    return replace(result, seconds=time.monotonic() - began)


def _run(
    world: World, suite: Suite, number: int, around: Surroundings, seconds: float
) -> CaseResult:
    case = suite.test_cases[number]
    fixtures = case.fixtures
    execution_id = world.ids()
    files = _store_files(world, suite, execution_id, fixtures)
    flow = around.flows[suite.flow]
    world.flows.put({**around.flows, suite.flow: mocked(flow, fixtures.tasks, files)})
    for key, value in fixtures.kv.items():
        world.kv.set(suite.namespace, KvEntry(key, value, ""))
    inputs = render_value(dict(fixtures.inputs), Scope({"files": files}))
    assert isinstance(inputs, dict)
    trigger = fixtures.trigger
    execution = world.executions.create(
        NewRun(
            suite.flow,
            inputs=inputs,
            id=execution_id,
            trigger=ExecutionTrigger(trigger.id, trigger.type, trigger.variables)
            if trigger
            else None,
        )
    )
    in_time = world.work_off(seconds)
    execution = world.executions.get(execution.id)
    errors = [*_state_errors(case, execution, in_time, seconds)]
    results = tuple(_judge(world, execution, case, files)) if in_time else ()
    failed = errors or any(not item.holds for item in results)
    verdict = Verdict.FAILED if failed else Verdict.SUCCESS
    return CaseResult(number, case, verdict, results, tuple(errors), execution)


def _store_files(
    world: World, suite: Suite, execution_id: str, fixtures: Fixtures
) -> dict[str, str]:
    """Inline files as files of the execution; their URIs by name."""
    found = {}
    for name, text in fixtures.files.items():
        path = f"{execution_prefix(suite.flow, execution_id)}/fixtures/{name}"
        world.storage.put_bytes(path, text.encode())
        found[name] = make_uri(path)
    return found


def _state_errors(
    case: UnitTest, execution: Execution, in_time: bool, seconds: float
) -> Iterator[str]:
    state = execution.state
    if not in_time:
        yield f"the case took longer than {seconds:g} seconds and was ended, {state} by then"
    elif case.expected_state is not None and state is not case.expected_state:
        yield f"the execution is {state}, but `expectedState` is {case.expected_state}"
    elif case.expected_state is None and not state.is_terminal:
        yield f"the execution is {state} and nothing in the test makes it go on"
    elif case.expected_state is None and state not in _GOOD:
        yield f"the execution ended {state}; set `expectedState: {state}` if that is meant"


def _judge(
    world: World, execution: Execution, case: UnitTest, files: Mapping[str, str]
) -> Iterator[AssertionResult]:
    flow = world.flows.load(execution.flow)
    runs = world.executions.task_runs(execution.id)
    live = LiveExecution.load(flow, execution, runs, constants=world.constants)
    for number, assertion in enumerate(case.assertions):
        run = _run_of(runs, assertion.task_id)
        variables = {
            **dict(live.variables_for(run.id if run else None)),
            "files": files,
            "logs": _lines(world, execution, assertion.task_id),
        }
        known = variables.get("execution")
        if isinstance(known, dict):
            variables["execution"] = {**known, "outputs": execution.outputs or {}}
        scope = Scope(variables, world.host_of(execution), world.options)
        yield from _results(number, assertion, scope)


def _run_of(runs: Sequence[TaskRun], task_id: str | None) -> TaskRun | None:
    """The last run of a task."""
    return next((run for run in reversed(runs) if run.task_id == task_id), None)


def _lines(world: World, execution: Execution, task_id: str | None) -> list[dict[str, object]]:
    wanted = LogFilter(execution_id=execution.id, task_ids=(task_id,) if task_id else ())
    with world.database.read() as tx:
        found = logs.lines(tx, wanted, limit=_MOST_LINES)
    return [
        {
            "taskId": item.line.task_id,
            "level": item.line.level.name,
            "message": item.line.message,
        }
        for item in found
    ]


def _results(number: int, assertion: Assertion, scope: Scope) -> Iterator[AssertionResult]:
    for operator, wanted in assertion.operators().items():
        try:
            actual = _value(assertion.value, scope)
            expected = _value(wanted, scope)
            if isinstance(expected, Missing):
                raise expected.error
            good = holds(operator, actual, expected)
            message = "" if good else _message(assertion, operator, expected, actual, scope)
        except MainstemError as error:
            actual, expected, good, message = None, wanted, False, error.message
        yield AssertionResult(
            number,
            operator,
            expected,
            None if isinstance(actual, Missing) else actual,
            good,
            message,
            assertion.task_id,
        )


def _value(given: object, scope: Scope) -> object:
    """The rendered value, typed; Missing where the expression names what is not there."""
    try:
        return render_typed(given, scope) if isinstance(given, str) else render_value(given, scope)
    except UndefinedVariable as error:
        return Missing(error)


def _message(
    assertion: Assertion, operator: str, expected: object, actual: object, scope: Scope
) -> str:
    if assertion.error_message is not None:
        return text_of(_value(assertion.error_message, scope))
    name = f" ({assertion.description})" if assertion.description else ""
    return f"expected {operator} {shown(expected)}, but the value is {shown(actual)}{name}"
