"""jq programs of flows run in processes that can be ended."""

import threading
from collections.abc import Iterator

import psutil
import pytest

from mainstem.errors import MainstemError
from mainstem.expr import RenderOptions, Scope, render
from mainstem.runtime.jq_processes import JqProcesses


class Watched(JqProcesses):
    """Tells its own children from those of other tests."""

    def __init__(self) -> None:
        super().__init__()
        self._others = set(children_of_jq())

    def children(self) -> list[psutil.Process]:
        return [child for child in children_of_jq() if child not in self._others]


def children_of_jq() -> list[psutil.Process]:
    return [c for c in psutil.Process().children() if "jq_child.py" in " ".join(c.cmdline())]


@pytest.fixture
def processes() -> Iterator[Watched]:
    made = Watched()
    yield made
    made.close()


def run(processes: Watched, program: str, value: object, seconds: float = 30) -> str:
    options = RenderOptions(jq=processes, max_seconds=seconds, max_output=100_000)
    return render(
        "{{ value | jq(program) }}", Scope({"value": value, "program": program}, options=options)
    )


def refusal(processes: Watched, program: str, seconds: float = 30) -> str:
    with pytest.raises(MainstemError) as caught:
        run(processes, program, {"a": 1}, seconds)
    return caught.value.message


def test_results_are_those_of_the_library(processes: Watched) -> None:
    assert (
        run(
            processes,
            "[.rows[] | select(.n > 1) | .n] | add",
            {"rows": [{"n": n} for n in range(4)]},
        )
        == "[5]"
    )
    assert run(processes, '.a | test("^é$")', {"a": "é"}) == "[true]"
    assert (
        run(processes, "map(. * 2)", list(range(5_000)))
        == f"[[{','.join(str(n * 2) for n in range(5_000))}]]"
    )


def test_one_process_serves_one_program_after_the_other(processes: Watched) -> None:
    run(processes, "length", [1])
    (first,) = processes.children()
    run(processes, "length", [1, 2])
    assert processes.children() == [first]
    processes.close()
    assert processes.children() == []


def test_programs_that_cannot_be_read_or_applied_say_why(processes: Watched) -> None:
    assert "can't read its expression" in refusal(processes, ".[")
    assert "can't apply its expression: own words" in refusal(processes, '.a | error("own words")')
    assert run(processes, "length", [1]) == "[1]"


@pytest.mark.parametrize(
    "program",
    [
        "[range(100000) as $a | range(100000) | select(. < 0)] | length",
        "until(false; .)",
        "def f: f; f",
        "last(repeat(1))",
    ],
)
def test_a_program_that_does_not_end_is_ended(processes: Watched, program: str) -> None:
    assert "takes more time than allowed" in refusal(processes, program, seconds=0.3)
    assert processes.children() == []
    assert run(processes, "length", [1]) == "[1]"


@pytest.mark.parametrize(
    "program", ["setpath([300000000]; 1) | length", '"ab" * 1000000000 | length']
)
def test_a_program_that_wants_all_memory_is_ended(processes: Watched, program: str) -> None:
    said = refusal(processes, program)
    assert "more memory or time than allowed" in said or "can't apply" in said
    assert run(processes, "length", [1]) == "[1]"


def test_more_text_than_allowed_is_refused(processes: Watched) -> None:
    assert "more text than allowed" in refusal(processes, "[range(100000)]")


@pytest.mark.parametrize(
    ("program", "result"),
    [("env", "[{}]"), ("$ENV", "[{}]"), ("input_filename", "[null]"), ("[inputs]", "[[]]")],
)
def test_a_program_sees_nothing_of_the_server(
    processes: Watched, program: str, result: str
) -> None:
    assert run(processes, program, {}) == result


def test_an_idle_process_that_was_killed_from_outside_costs_nothing(
    processes: Watched,
) -> None:
    run(processes, "length", [1])
    (child,) = processes.children()
    child.kill()
    psutil.wait_procs([child], 10)
    assert run(processes, "length", [1]) == "[1]"


def test_without_processes_nothing_but_walks_is_run() -> None:
    assert render("{{ {'a': [1]} | jq('.a[0]') | first }}", Scope({})) == "1"
    with pytest.raises(MainstemError, match="can't be run here"):
        render("{{ [1] | jq('length') }}", Scope({}))


def test_many_programs_run_at_once(processes: Watched) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(run(processes, "length", [0] * n)))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [f"[{n}]" for n in range(8)]
    assert len(processes.children()) <= 4
