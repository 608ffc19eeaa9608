"""Time windows and filters of Flow triggers."""

import pytest

from mainstem.flowspec.parse import check_properties
from mainstem.sdk.preconditions import Filter, Preconditions, TimeWindow
from mainstem.sdk.registry import Registry


def said(kind: type[Filter | TimeWindow | Preconditions], text: str) -> list[str]:
    return [item.message for item in check_properties(kind, text, Registry([])).problems]


@pytest.mark.parametrize("type_", ["EQUAL_TO", "IS_NULL", "IS_TRUE", "REGEX", "CONTAINS"])
def test_a_filter_of_one_value_has_a_value_and_no_list(type_: str) -> None:
    head = f"{{field: FLOW_ID, type: {type_}, "
    assert said(Filter, head + "value: x}") == []
    assert said(Filter, head + "values: [x]}") == [f"`value` cannot be null for type {type_}"]
    assert said(Filter, head + "value: x, values: [x]}") == [
        f"`values` must be null for type {type_}"
    ]


@pytest.mark.parametrize("type_", ["IN", "NOT_IN"])
def test_a_filter_of_several_values_has_a_list_and_no_value(type_: str) -> None:
    head = f"{{field: STATE, type: {type_}"
    assert said(Filter, head + ", values: [FAILED]}") == []
    assert said(Filter, head + ", value: x}") == [f"`value` must be null for type {type_}"]
    assert said(Filter, head + "}") == [f"`values` cannot be null for type {type_}"]


@pytest.mark.parametrize(
    ("window", "messages"),
    [
        ("{}", []),
        ("{type: DURATION_WINDOW, window: PT1H, windowAdvance: PT5M}", []),
        ("{type: DURATION_WINDOW, deadline: '09:00:00'}", ["cannot have a deadline."]),
        ("{type: SLIDING_WINDOW, window: PT1H}", []),
        ("{type: SLIDING_WINDOW, windowAdvance: PT1H}", ["cannot have a window advance."]),
        ("{type: DAILY_TIME_DEADLINE, deadline: '09:00:00'}", []),
        ("{type: DAILY_TIME_DEADLINE}", ["must have a deadline."]),
        (
            "{type: DAILY_TIME_DEADLINE, startTime: '09:00', endTime: '10:00'}",
            ["cannot have a start time.", "cannot have an end time."],
        ),
        ("{type: DAILY_TIME_WINDOW, startTime: '06:00', endTime: '09:00'}", []),
        ("{type: DAILY_TIME_WINDOW}", ["must have a start time.", "must have an end time."]),
        (
            "{type: DAILY_TIME_WINDOW, startTime: '06:00', endTime: '09:00', window: PT1H}",
            ["cannot have a window.", "cannot have a deadline."],
        ),
    ],
)
def test_a_window_has_what_its_type_needs_and_nothing_else(
    window: str, messages: list[str]
) -> None:
    found = [text.partition("` ")[2] for text in said(TimeWindow, window)]
    assert sorted(found) == sorted(messages)


def test_preconditions_have_an_id_and_whole_filters() -> None:
    assert said(Preconditions, "id: a.b") == ['must match "^[a-zA-Z0-9][a-zA-Z0-9_-]*"']
    assert said(Preconditions, "id: a\nwhere: [{id: w, filters: []}]") == ["must not be empty"]


def test_the_type_of_a_filter_is_a_property_like_any() -> None:
    assert said(Filter, "{field: STATE, value: x}") == ["must not be null"]
    (message,) = said(Filter, "{field: STATE, type: EQUALS, value: x}")
    assert message.startswith("must be one of EQUAL_TO, NOT_EQUAL_TO, IN")
