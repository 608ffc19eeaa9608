"""Charts, the Gantt chart and the topology as values, without a browser."""

import re
from datetime import timedelta
from xml.etree import ElementTree

import yaml

from mainstem.model.execution import Attempt, Execution, TaskRun
from mainstem.model.state import State
from mainstem.ui import charts, gantt, painting, topology, topology_svg
from mainstem.ui.states import LOOKS, STACK, look
from mainstem.ui.topology_layout import place
from tests.ui import sources
from tests.ui.seed import NOW, TAXI, history

SVG_STYLE = re.compile(r"\sstyle=|<style|<script|\son\w+=")


def parsed(svg: str) -> ElementTree.Element:
    """The drawing as a browser parses it; attributes only."""
    assert not SVG_STYLE.search(svg)
    return ElementTree.fromstring(svg)


def test_every_state_has_a_look_of_its_own() -> None:
    assert set(LOOKS) == set(State)
    assert set(STACK) == set(State)
    shown = [(found.icon, found.solid, found.word) for found in LOOKS.values()]
    assert len(set(shown)) == len(shown)
    assert look("RUNNING") is LOOKS[State.RUNNING]


def test_stacked_bars_say_their_figures_and_lead_to_the_list() -> None:
    slots = [
        charts.Slot("09:00", {State.SUCCESS: 3, State.FAILED: 1}, "/ui/executions"),
        charts.Slot("10:00", {}),
    ]
    svg = charts.stacked_bars(slots, label="Executions")
    root = parsed(svg)
    titles = [e.text for e in root.iter("title")]
    assert titles == ["09:00: Success 3, Failed 1", "10:00: no executions"]
    assert [e.get("href") for e in root.iter("a")] == ["/ui/executions"]
    assert charts.bars_table(slots) == (["Time", "Success", "Failed"], [["09:00", "3", "1"]])


def test_stacked_bars_of_nothing_are_drawn_too() -> None:
    assert parsed(charts.stacked_bars([], label="none")).tag == "svg"


def test_ticks_are_as_tall_as_their_runs_are_long() -> None:
    runs = [charts.Run(State.SUCCESS, timedelta(seconds=s), f"{s} s", "/x") for s in (1, 60, 3_600)]
    rects = [r for r in parsed(charts.ticks(runs)).iter("rect") if "fill-" in r.get("class", "")]
    heights = [float(r.get("height", "0")) for r in rects]
    assert heights == sorted(heights)
    assert heights[-1] == 20


def run(
    task: str, start: float, end: float | None, *, position: int = 0, **more: object
) -> TaskRun:
    began = NOW + timedelta(seconds=start)
    ended = NOW + timedelta(seconds=end) if end is not None else None
    state = State(str(more.pop("state", "SUCCESS")))
    whole = history(began, ended, state)
    parent = more.pop("parent", None)
    attempts = more.pop("attempts", None)
    return TaskRun(
        task, "e", task, whole, position, str(parent) if parent else None,
        attempts=attempts if isinstance(attempts, tuple) else (Attempt(1, whole),),
    )  # fmt: skip


def chart(runs: list[TaskRun], *, ended: float | None, now: float) -> gantt.Gantt:
    end = NOW + timedelta(seconds=ended) if ended is not None else None
    execution = Execution("e", TAXI, 1, history(NOW, end, State.SUCCESS))
    return gantt.build(execution, runs, NOW + timedelta(seconds=now))


def test_the_gantt_chart_nests_children_under_their_parents() -> None:
    runs = [
        run("a", 0, 10, position=0, attempts=()),
        run("c", 5, 10, position=2, parent="a"),
        run("b", 0, 5, position=1, parent="a"),
        run("d", 10, 20, position=3),
    ]
    rows = chart(runs, ended=20, now=99).rows
    assert [(row.run.id, row.depth) for row in rows] == [("a", 0), ("b", 1), ("c", 1), ("d", 0)]
    assert [part.kind for part in rows[0].parts] == ["group"]


def test_a_row_shows_waiting_apart_from_its_attempts() -> None:
    first = Attempt(
        1, history(NOW + timedelta(seconds=2), NOW + timedelta(seconds=4), State.FAILED)
    )
    second = Attempt(
        2, history(NOW + timedelta(seconds=6), NOW + timedelta(seconds=10), State.SUCCESS)
    )
    (row,) = chart([run("a", 0, 10, attempts=(first, second))], ended=10, now=10).rows
    kinds = [(part.kind, part.state) for part in row.parts]
    assert kinds[0] == ("waiting", State.CREATED)
    assert kinds[1:] == [("attempt", State.FAILED), ("attempt", State.SUCCESS)]
    assert row.parts[2].x == 60
    assert row.parts[2].width == 40


def test_a_running_execution_has_a_now_line_and_grows() -> None:
    open_run = run("a", 0, None)
    early, late = (chart([open_run], ended=None, now=n) for n in (10, 20))
    assert early.now == late.now == 100
    assert late.span == 2 * early.span
    assert 'class="now"' in gantt.bar(late.rows[0], late.now)
    assert parsed(gantt.axis(late)).tag == "svg"


def test_the_critical_path_is_what_held_up_the_end() -> None:
    runs = [
        run("short", 0, 3, position=0),
        run("long", 0, 9, position=1),
        run("last", 9, 12, position=2),
    ]
    assert gantt.critical_path(runs, NOW + timedelta(seconds=12)) == {"long", "last"}


def test_the_time_axis_has_few_round_marks() -> None:
    for seconds in (0.3, 4, 45, 600, 7_200, 200_000):
        ticks = chart([run("a", 0, seconds)], ended=seconds, now=seconds).ticks
        assert 2 <= len(ticks) <= 8


def everything() -> topology.Topology:
    flow = yaml.safe_load(sources.TAXI)
    return topology.from_tasks(flow["tasks"], triggers=flow["triggers"], errors=flow["errors"])


def test_the_topology_reads_branches_loops_and_errors() -> None:
    found = everything()
    branches = {step.id: [group.label for group in step.groups] for step in found.main.steps}
    assert branches["if_green_taxi"] == ["then", "else"]
    assert branches["each_month"] == ["for each value"]
    assert [group.label for group in found.after] == ["on error"]
    assert [step.id for step in found.triggers] == ["green_schedule", "yellow_schedule"]


def test_every_task_is_drawn_once_and_named_in_the_list() -> None:
    found = everything()
    names = {step.id for step in topology.walk([found.main, *found.after])}
    svg = topology_svg.draw(found, "/icons.svg", label="x")
    drawn = [e.text for e in parsed(svg).iter("text") if e.get("class") == "name"]
    assert sorted(drawn) == sorted([*names, "green_schedule", "yellow_schedule"])
    outline = topology_svg.nested_list(found)
    assert all(f">{name}</span>" in outline for name in names)


def test_boxes_lie_within_the_drawing_and_siblings_do_not_overlap() -> None:
    drawing = place(everything())
    leaves = [box for box in drawing.boxes if not box.is_container]
    for box in drawing.boxes:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= drawing.width
        assert box.y + box.height <= drawing.height
    for i, a in enumerate(leaves):
        for b in leaves[i + 1 :]:
            apart = (
                a.x + a.width <= b.x or b.x + b.width <= a.x
                or a.y + a.height <= b.y or b.y + b.height <= a.y
            )  # fmt: skip
            assert apart, f"{a.step.id} overlaps {b.step.id}"


def test_a_dag_stands_in_layers_even_with_a_cycle() -> None:
    steps = [topology.Step(name, "t") for name in "abcd"]
    edges = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]
    assert [[s.id for s in layer] for layer in topology.layers(steps, edges)] == [
        ["a"], ["b", "c"], ["d"],
    ]  # fmt: skip
    looped = topology.layers(steps[:2], [("a", "b"), ("b", "a")])
    assert sorted(s.id for layer in looped for s in layer) == ["a", "b"]


def test_a_loop_shows_how_far_it_is_and_its_worst_state() -> None:
    runs = [
        run("load1", 0, 2, parent="each_month"), run("load2", 2, None, parent="each_month"),
    ]  # fmt: skip
    runs = [TaskRun(r.id, "e", "load", r.history, i, None, str(i)) for i, r in enumerate(runs)]
    painted = painting.with_runs(everything(), runs, NOW + timedelta(seconds=9), "/base")
    load = next(s for s in topology.walk([painted.main]) if s.id == "load")
    assert (load.state, load.note, load.href) == (State.RUNNING, "1 of 2", "/base/logs?task=load")


def test_a_source_that_is_no_flow_draws_nothing_and_raises_nothing() -> None:
    for source in ("", "- a\n- b", "a: [", "tasks: 3", "tasks: [1, 2]"):
        assert place(painting.from_source(source)).boxes == ()


def test_a_large_flow_is_laid_out_quickly() -> None:
    tasks = [
        {"id": f"p{i}", "type": "core.flow.Parallel",
         "tasks": [{"id": f"t{i}_{j}", "type": "core.log.Log"} for j in range(10)]}
        for i in range(40)
    ]  # fmt: skip
    drawing = place(topology.from_tasks(tasks))
    assert len(drawing.boxes) == 440


def test_what_a_pause_runs_while_it_waits_is_a_branch_of_it() -> None:
    told = {"id": "tell", "type": "core.log.Log"}
    pause = {"id": "p", "type": "core.flow.Pause", "onPause": told}
    (step,) = topology.from_tasks([pause]).main.steps
    assert [(group.label, [each.id for each in group.steps]) for group in step.groups] == [
        ("on pause", ["tell"])
    ]
