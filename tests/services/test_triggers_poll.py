"""Polling triggers and webhooks."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from mainstem.errors import Conflict, InvalidInput, NotFound
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level
from mainstem.model.state import State
from mainstem.model.trigger import Outcome
from mainstem.sdk.context import RunContext
from mainstem.sdk.registry import Registry
from mainstem.sdk.trigger import Found, PollingTrigger
from mainstem.services.executions import NewRun
from mainstem.services.search import LogFilter
from mainstem.services.webhooks import Call
from tests.services.trigger_world import FLOW, PAUSE, RETURN, World

MINUTE = timedelta(minutes=1)


class Letterbox(PollingTrigger):
    """Finds what the test put in."""

    TYPE = "test.Letterbox"

    letters: ClassVar[list[str]] = []
    looks: ClassVar[list[datetime | None]] = []
    opening: ClassVar[threading.Event] = threading.Event()

    def poll(self, ctx: RunContext, since: datetime | None) -> Found | None:
        self.looks.append(since)
        assert self.opening.wait(10)
        if not self.letters:
            return None
        letter = self.letters.pop()
        if letter == "broken":
            raise InvalidInput("the letterbox is stuck")
        ctx.log.info(f"found {letter}")
        uri = ctx.files.put_bytes(letter.encode(), "letter.txt")
        return Found({"letter": letter, "uri": uri})


@pytest.fixture
def polled(tmp_path: Path) -> Iterator[World]:
    registry = Registry.installed()
    registry.register(Letterbox)
    Letterbox.letters.clear()
    Letterbox.looks.clear()
    Letterbox.opening.set()
    world = World(tmp_path / "state", registry=registry)
    yield world
    Letterbox.opening.set()
    world.close()


def letterbox(**properties: object) -> dict[str, object]:
    return {"id": "p", "type": "test.Letterbox", "interval": "PT1M", **properties}


def look(world: World, number: int, by: timedelta = MINUTE) -> None:
    """Tick, and wait until the trigger has been asked that often and has answered."""
    at = world.clock.advance(by)
    world.tick_until(lambda: len(Letterbox.looks) == number and world.state("p").evaluated_at == at)


def test_a_poll_that_finds_something_starts_an_execution_with_it(polled: World) -> None:
    polled.save(
        letterbox(inputs={"text": "{{ trigger.letter }}"}),
        inputs=[{"id": "text", "type": "STRING"}],
        tasks=[{**RETURN, "format": "{{ read(trigger.uri) }}"}],
    )
    look(polled, 1, timedelta(0))
    assert polled.executions() == []
    assert polled.state("p").outcome is Outcome.NOTHING
    Letterbox.letters.append("hello")
    look(polled, 2)
    (execution,) = polled.settle()
    assert execution.state is State.SUCCESS
    assert execution.inputs == {"text": "hello"}
    (run,) = polled.app.executions.task_runs(execution.id)
    assert run.outputs == {"value": "hello"}
    lines = polled.app.search.lines(LogFilter(trigger_id="p", level=Level.INFO))
    assert [item.line.message for item in lines] == ["found hello"]


def test_nobody_is_asked_before_the_interval_is_over(polled: World) -> None:
    polled.save(letterbox())
    look(polled, 1, timedelta(0))
    polled.tick(MINUTE / 2)
    assert len(Letterbox.looks) == 1
    look(polled, 2, MINUTE / 2)


def test_one_trigger_is_asked_by_one_thread_at_a_time(polled: World) -> None:
    Letterbox.opening.clear()
    polled.save(letterbox())
    for _ in range(5):
        polled.tick(MINUTE)
    polled.wait(lambda: len(Letterbox.looks) == 1)
    Letterbox.opening.set()
    polled.wait(lambda: polled.state("p").evaluated_at is not None)
    assert len(Letterbox.looks) == 1


def test_a_failed_poll_is_logged_and_tried_again_ever_more_seldom(polled: World) -> None:
    polled.save(letterbox())
    Letterbox.letters.extend(["fine", "broken", "broken"])
    look(polled, 1)
    assert polled.state("p").next_at == polled.clock.now() + MINUTE
    look(polled, 2)
    assert polled.state("p").next_at == polled.clock.now() + 2 * MINUTE
    assert polled.state("p").failures == 2
    assert polled.executions() == []
    lines = polled.app.search.lines(LogFilter(trigger_id="p", level=Level.ERROR))
    assert lines[0].line.message == "the poll failed: the letterbox is stuck"
    look(polled, 3, 2 * MINUTE)
    assert polled.state("p").failures == 0
    assert len(polled.settle()) == 1


def test_no_poll_while_an_execution_of_the_trigger_runs(polled: World) -> None:
    polled.save(letterbox(), tasks=[PAUSE])
    Letterbox.letters.append("hello")
    look(polled, 1)
    polled.settle()
    polled.tick(MINUTE)
    assert len(Letterbox.looks) == 1


def test_a_condition_that_cannot_be_asked_leaves_a_failed_execution(polled: World) -> None:
    condition = {"type": "io.kestra.plugin.core.condition.Expression", "expression": "{{ nope }}"}
    polled.save(letterbox(conditions=[condition]))
    polled.tick()
    polled.wait(lambda: len(polled.executions()) == 1)
    assert polled.executions()[0].state is State.FAILED


# the task that switches


def test_the_toggle_task_switches_a_trigger_of_its_own_or_another_flow(world: World) -> None:
    other = FlowId("company", "switchboard")
    toggle = {"id": "t", "type": "io.kestra.core.tasks.trigger.Toggle", "trigger": "w"}
    world.save(hook())
    world.save(flow=other, tasks=[{**toggle, "flowId": "{{ 'taxi' }}", "namespace": "company"}])
    made = world.app.executions.create(NewRun(other))
    world.wait(lambda: world.app.executions.get(made.id).state.is_terminal)
    assert world.app.executions.get(made.id).state is State.SUCCESS
    assert world.state("w").disabled

    world.save(hook(), tasks=[{**toggle, "enabled": True}])
    made = world.app.executions.create(NewRun(FLOW))
    world.wait(lambda: world.app.executions.get(made.id).state.is_terminal)
    assert not world.state("w").disabled


def test_toggling_an_unknown_trigger_fails_the_task(world: World) -> None:
    world.save(tasks=[{"id": "t", "type": "io.kestra.plugin.core.trigger.Toggle", "trigger": "x"}])
    made = world.app.executions.create(NewRun(FLOW))
    world.wait(lambda: world.app.executions.get(made.id).state.is_terminal)
    assert world.app.executions.get(made.id).state is State.FAILED


# webhooks


def hook(**properties: object) -> dict[str, object]:
    kind = "io.kestra.plugin.core.trigger.Webhook"
    return {"id": "w", "type": kind, "key": "s3cret", **properties}


def test_a_call_with_the_key_starts_an_execution_with_what_was_sent(world: World) -> None:
    world.save(
        hook(
            inputs={"taxi": "{{ trigger.body.taxi }}"},
            labels={"by": "{{ trigger.parameters.name[0] }}"},
        ),
        inputs=[{"id": "taxi", "type": "STRING"}],
    )
    call = Call({"taxi": "green"}, {"x-id": ["7"]}, {"name": ["john"], "age": ["12", "13"]})
    execution = world.app.triggers.webhooks.fire(FLOW, "s3cret", call)
    assert execution
    (ended,) = world.settle()
    assert ended.state is State.SUCCESS
    assert ended.inputs == {"taxi": "green"}
    assert ended.labels["by"] == "john"
    assert ended.trigger
    assert ended.trigger.variables == {
        "body": {"taxi": "green"},
        "headers": {"x-id": ["7"]},
        "parameters": {"name": ["john"], "age": ["12", "13"]},
    }


@pytest.mark.parametrize("key", ["wrong", "", "s3cre", "s3crets", "schlüssel"])
def test_a_wrong_key_finds_nothing(world: World, key: str) -> None:
    world.save(hook())
    with pytest.raises(NotFound, match="Flow not found"):
        world.app.triggers.webhooks.fire(FLOW, key, Call())


def test_the_key_may_be_an_expression(world: World) -> None:
    world.save(hook(key="{{ flow.id }}"))
    assert world.app.triggers.webhooks.fire(FLOW, "taxi", Call())


def test_a_webhook_of_a_disabled_flow_is_refused(world: World) -> None:
    world.save(hook(), disabled=True)
    with pytest.raises(Conflict, match="disabled"):
        world.app.triggers.webhooks.fire(FLOW, "s3cret", Call())


@pytest.mark.parametrize("how", ["trigger", "switch"])
def test_a_webhook_that_is_off_finds_nothing(world: World, how: str) -> None:
    world.save(hook(disabled=how == "trigger"))
    if how == "switch":
        world.app.triggers.set_disabled(FLOW, "w", True)
    with pytest.raises(NotFound):
        world.app.triggers.webhooks.fire(FLOW, "s3cret", Call())


def test_false_conditions_start_nothing(world: World) -> None:
    condition = {
        "type": "io.kestra.plugin.core.condition.ExpressionCondition",
        "expression": "{{ trigger.body.hello == 'world' }}",
    }
    world.save(hook(conditions=[condition]))
    fire = world.app.triggers.webhooks.fire
    assert fire(FLOW, "s3cret", Call({"hello": "webhook"})) is None
    assert fire(FLOW, "s3cret", Call({"hello": "world"})) is not None
    assert world.state("w").outcome is Outcome.FIRED
    assert len(world.executions()) == 1
