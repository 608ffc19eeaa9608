"""Figures in the text form that Prometheus reads."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from mainstem import __version__
from mainstem.api.timings import BUCKETS, Timings
from mainstem.model.state import State
from mainstem.services.measures import LiveMeasures, StoredMeasures

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Family:
    """One name with its meaning and its values by labels."""

    name: str
    kind: str
    help: str
    values: Iterable[tuple[Mapping[str, str], float]] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels, value in self.values:
            yield f"{self.name}{_labels(labels)} {_number(value)}"


def exposition(stored: StoredMeasures, live: LiveMeasures, timings: Timings | None) -> str:
    """Everything there is to say."""
    lines: list[str] = []
    for family in (*_of_rows(stored), *_of_process(live)):
        lines += family.lines()
    if timings is not None:
        lines += _latencies(timings)
    return "\n".join([*lines, ""])


def _one(value: float) -> list[tuple[Mapping[str, str], float]]:
    return [({}, value)]


def _of_rows(found: StoredMeasures) -> Iterator[Family]:
    yield Family(
        "mainstem_executions", "gauge", "Stored executions by state.",
        [({"state": state.value}, found.executions.get(state, 0)) for state in State],
    )  # fmt: skip
    yield Family(
        "mainstem_open_task_runs", "gauge", "Task runs of open executions that have not ended.",
        [({"state": s.value}, n) for s, n in sorted(found.open_task_runs.items())],
    )  # fmt: skip
    yield Family(
        "mainstem_queued_executions", "gauge", "Executions that wait for their flow's limit.",
        [({"namespace": f.namespace, "flow": f.id}, n) for f, n in sorted(found.queued.items())],
    )  # fmt: skip
    yield Family(
        "mainstem_queue_depth", "gauge", "Stored events that the executor has not handled.",
        _one(found.events),
    )  # fmt: skip
    yield Family(
        "mainstem_queue_oldest_seconds", "gauge", "Age of the oldest of these events.",
        _one(found.oldest_event),
    )  # fmt: skip
    yield Family("mainstem_flows", "gauge", "Current flows.", _one(found.flows))
    yield Family("mainstem_triggers", "gauge", "Triggers of current flows.", _one(found.triggers))
    yield Family(
        "mainstem_scheduler_lag_seconds", "gauge", "How late the latest due trigger is.",
        _one(found.trigger_lag),
    )  # fmt: skip
    yield Family(
        "mainstem_sync_age_seconds", "gauge", "Time since each Git source was last looked at.",
        [({"source": name}, age) for name, age in sorted(found.sync_ages.items())],
    )  # fmt: skip
    yield Family(
        "mainstem_sync_failures", "gauge", "Failures of each Git source in a row.",
        [({"source": name}, n) for name, n in sorted(found.sync_failures.items())],
    )  # fmt: skip


def _of_process(live: LiveMeasures) -> Iterator[Family]:
    yield Family("mainstem_info", "gauge", "The version.", [({"version": __version__}, 1)])
    simple: tuple[tuple[str, str, float], ...] = (
        ("events_waiting", "Events in memory for the executor.", live.events_waiting),
        ("executions_open", "Executions that the executor holds.", live.executions_open),
        ("worker_slots", "Attempts that can run at once.", live.worker_slots),
        ("worker_attempts_running", "Attempts that run.", live.attempts_running),
        ("worker_attempts_waiting", "Attempts that wait for a slot.", live.attempts_waiting),
    )
    for name, help_, value in simple:
        yield Family(f"mainstem_{name}", "gauge", help_, _one(value))
    yield Family(
        "mainstem_loop_age_seconds", "gauge", "Time since each loop last ran.",
        [({"loop": name}, age) for name, age in sorted(live.loop_ages.items())],
    )  # fmt: skip
    import psutil  # slow to load, and many servers are never asked

    process = psutil.Process()
    cpu = process.cpu_times()
    readings: tuple[tuple[str, str, str, Callable[[], float]], ...] = (
        ("process_cpu_seconds_total", "counter", "Processor time.", lambda: cpu.user + cpu.system),
        ("process_resident_memory_bytes", "gauge", "Memory.", lambda: process.memory_info().rss),
        ("process_threads", "gauge", "Threads.", process.num_threads),
        ("process_start_time_seconds", "gauge", "Start of the process.", process.create_time),
    )
    for name, kind, help_, read in readings:
        yield Family(name, kind, help_, _one(read()))
    if os.name == "posix":
        yield Family("process_open_fds", "gauge", "Open files.", _one(process.num_fds()))


def _latencies(timings: Timings) -> Iterator[str]:
    name = "mainstem_http_request_duration_seconds"
    yield f"# HELP {name} Time of requests until the answer's end, by route."
    yield f"# TYPE {name} histogram"
    for (method, route, status), found in timings.items():
        labels = {"method": method, "route": route, "status": status}
        reached = 0
        for bound, count in zip((*BUCKETS, None), found.counts, strict=True):
            reached += count
            edge = "+Inf" if bound is None else _number(bound)
            yield f"{name}_bucket{_labels({**labels, 'le': edge})} {reached}"
        yield f"{name}_sum{_labels(labels)} {_number(found.total)}"
        yield f"{name}_count{_labels(labels)} {reached}"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    inside = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{{{inside}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
