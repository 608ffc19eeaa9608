"""The language of unit tests of flows."""

from collections.abc import Iterator
from typing import Final, Literal

from pydantic import AliasChoices, Field

from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.sdk.fields import Text
from mainstem.sdk.plugin import Fault, Properties, yaml_names

UNIT_TEST: Final = "io.kestra.core.tests.flow.UnitTest"


class TaskFixture(Properties):
    """What a task gives without being run; with `value`, that loop iteration of it only."""

    id: str
    description: str | None = None
    value: Text | None = None
    state: State | None = None
    outputs: dict[str, object] = Field(default_factory=dict)
    assets: tuple[object, ...] = ()


class TriggerFixture(Properties):
    """The trigger that seems to have started the execution."""

    id: str
    type: str
    variables: dict[str, object] = Field(default_factory=dict)


class Fixtures(Properties):
    """What a case starts from. `kv` and `secrets` are the only ones its flow sees."""

    inputs: dict[str, object] = Field(default_factory=dict)
    files: dict[str, Text] = Field(default_factory=dict)
    tasks: tuple[TaskFixture, ...] = ()
    trigger: TriggerFixture | None = None
    kv: dict[str, object] = Field(default_factory=dict)
    secrets: dict[str, Text] = Field(default_factory=dict)


class Assertion(Properties):
    """A value after the end, and what must hold for it; every operator given must."""

    value: object
    task_id: str | None = None
    error_message: str | None = None
    description: str | None = None
    equal_to: object = Field(
        default=None, validation_alias=AliasChoices("equalTo", "equalsTo"), alias="equalTo"
    )
    not_equal_to: object = Field(
        default=None,
        validation_alias=AliasChoices("notEqualTo", "notEqualsTo"),
        alias="notEqualTo",
    )
    starts_with: Text | None = None
    ends_with: Text | None = None
    contains: Text | None = None
    greater_than: float | str | None = None
    greater_than_or_equal_to: float | str | None = None
    less_than: float | str | None = None
    less_than_or_equal_to: float | str | None = None
    in_: list[object] | str | None = Field(default=None, alias="in")
    not_in: list[object] | str | None = None
    is_null: bool | None = None
    is_not_null: bool | None = None

    def faults(self) -> Iterator[Fault]:
        if not self.operators():
            hint = "Add one such as `equalTo`, `contains` or `isNotNull: true`."
            yield Fault("an assertion needs an operator", None, "no-operator", hint)

    def operators(self) -> dict[str, object]:
        """The expected values by YAML name."""
        return {
            yaml_names(name, field)[0]: getattr(self, name)
            for name, field in type(self).model_fields.items()
            if name in self.model_fields_set and name not in _NO_OPERATORS
        }


_NO_OPERATORS: Final = frozenset({"value", "task_id", "error_message", "description"})


class UnitTest(Properties):
    """One execution and what must be true of it."""

    id: str
    type: Literal["io.kestra.core.tests.flow.UnitTest", "core.tests.flow.UnitTest"]
    description: str | None = None
    disabled: bool = False
    fixtures: Fixtures = Fixtures()
    assertions: tuple[Assertion, ...] = Field(min_length=1)
    expected_state: State | None = None


class Suite(Properties):
    """The tests of one flow; a file holds one suite."""

    id: str = Field(min_length=1)
    namespace: str = Field(min_length=1, max_length=150)
    flow_id: str = Field(min_length=1, max_length=100)
    description: str | None = None
    disabled: bool = False
    deleted: bool = False
    test_cases: tuple[UnitTest, ...] = Field(min_length=1)

    @property
    def flow(self) -> FlowId:
        return FlowId(self.namespace, self.flow_id)

    def faults(self) -> Iterator[Fault]:
        seen: set[str] = set()
        for case in self.test_cases:
            if case.id in seen:
                yield Fault(
                    f"Duplicate test case id with name [{case.id}]", "testCases", "duplicate-id"
                )
            seen.add(case.id)
