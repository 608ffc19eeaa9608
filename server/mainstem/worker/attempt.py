"""Makes one attempt: run the task, and turn whatever happens into a report."""

import logging
import traceback

from mainstem.engine.decision import Finished
from mainstem.errors import Bug, MainstemError
from mainstem.model.duration import format_duration
from mainstem.model.log import Level, LogLine
from mainstem.model.state import State
from mainstem.sdk.context import TaskFailed
from mainstem.sdk.task import RunnableTask
from mainstem.worker.context import AttemptContext
from mainstem.worker.deadline import Deadlines
from mainstem.worker.job import Report
from mainstem.worker.outputs import storable

_log = logging.getLogger("mainstem.worker")


def make_attempt(context: AttemptContext, deadlines: Deadlines) -> Report:
    """Run the task of the context to its end; never raises.

    The caller cleans the context up, once the report is told: removing a folder takes longer than
    a light process does, and nothing waits for it.
    """
    started = context.now()
    state, outputs = _outcome(context, deadlines)
    wishes = context.wishes
    finished = Finished(
        context.task_run_id,
        context.attempt,
        state,
        context.now(),
        outputs,
        started_at=started,
        labels=wishes.labels,
        variables=wishes.variables,
        removed_variables=tuple(wishes.removed),
        end_execution=wishes.end,
        log_file=_store_log(context),
    )
    return Report(context.execution_id, finished, context.take_lines(), tuple(context.metrics))


def _outcome(
    context: AttemptContext, deadlines: Deadlines
) -> tuple[State, dict[str, object] | None]:
    try:
        context.raise_if_killed()
        return _within_time(context, deadlines)
    except TaskFailed as failure:
        return _failed(context, failure)
    except MainstemError as error:
        context.log.error(error.message)
    except Exception as error:
        context.log.error(f"{type(error).__name__}: {error}")
        context.log.debug("".join(traceback.format_exception(error)))
    except BaseException:
        _log.exception("an attempt was torn down", extra={"task_run": context.task_run_id})
        raise
    return (State.KILLED if context.is_killed else State.FAILED), None


def _within_time(
    context: AttemptContext, deadlines: Deadlines
) -> tuple[State, dict[str, object] | None]:
    limit = context.job.task.timeout
    if limit is None:
        return State.SUCCESS, _outputs(context)
    timeout, began = context.render(limit), context.now()
    with deadlines.watch(timeout, context.kill) as deadline:
        try:
            outputs = _outputs(context)
        except Exception:
            if not deadline.passed:
                raise
            outputs = None
    if not deadline.passed:
        return State.SUCCESS, outputs
    context.log.error(f"Timeout: the task ran longer than {format_duration(timeout)}")
    took = format_duration(context.now() - began)
    context.log.debug(f"Timeout: begun at {began.isoformat()}, stopped after {took}")
    return State.FAILED, None


def _outputs(context: AttemptContext) -> dict[str, object] | None:
    task = context.job.task
    if not isinstance(task, RunnableTask):
        raise Bug(f"task `{task.id}` is not one that a worker runs")
    cache = context.result_cache()
    found = cache.find() if cache is not None else None
    if found is not None:
        return found.outputs
    outputs = storable(task.run(context), keep_nulls=task.KEEPS_NULLS)
    if cache is not None and not context.is_killed:
        cache.keep(outputs)
    return outputs


def _failed(context: AttemptContext, failure: TaskFailed) -> tuple[State, dict[str, object] | None]:
    if context.is_killed:
        return State.KILLED, storable(failure.outputs)
    level = Level.WARN if failure.state is State.WARNING else Level.ERROR
    context.log.log(level, failure.message)
    return failure.state, storable(failure.outputs)


def _store_log(context: AttemptContext) -> str | None:
    kept = context.log.kept
    if kept is None:
        return None
    text = "\n".join(_line(line) for line in kept)
    return context.files.put_bytes(f"{text}\n".encode(), f"{context.task_id}.log")


def _line(line: LogLine) -> str:
    return f"{line.at.isoformat()} {line.level.name} {line.message}"
