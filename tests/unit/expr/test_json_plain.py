"""The quick way to JSON gives what the careful one gives, or leaves the value to it."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstem.expr.errors import Fault
from mainstem.expr.jsonplain import plain_json
from mainstem.expr.numbers import BigInteger, Float32, Long
from mainstem.expr.printing import Entry, to_json, to_json_carefully

MOST = 1_000_000
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers().map(Long),
    st.integers().map(BigInteger),
    st.floats(),
    st.floats(width=32).map(Float32),
    st.text(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.just(datetime(2026, 1, 2, tzinfo=UTC)),
    st.binary(max_size=4),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.text(), st.integers(), st.floats()), inner, max_size=4),
        st.tuples(inner, inner),
        st.builds(Entry, st.text(), inner),
    ),
    max_leaves=12,
)


@given(VALUES)
def test_any_value_has_the_same_json_both_ways(value: object) -> None:
    assert to_json(value) == to_json_carefully(value)


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, "two", True, 3.5, {"deep": []}]},
        [None, {"b": Long(5_000_000_000)}, "\N{SNOWMAN}"],
    ],
)
def test_plain_values_take_the_quick_way(value: object) -> None:
    assert plain_json(value, MOST) == to_json_carefully(value)


@pytest.mark.parametrize(
    "value",
    [
        {"a": None},
        {1: "a"},
        [1e10],
        [1e-5],
        [float("nan")],
        [Float32(0.1)],
        [Decimal("1.50")],
        ["\x01"],
        (1, 2),
        [Entry("a", 1)],
        "text",
    ],
)
def test_what_the_reference_writes_in_its_own_way_is_left_to_the_careful_one(value: object) -> None:
    assert plain_json(value, MOST) is None


def test_a_value_that_repeats_itself_is_refused_before_it_is_written_out() -> None:
    value: list[object] = ["x" * 1000]
    for _ in range(30):
        value = [value] * 10
    assert plain_json(value, MOST) is None
    with pytest.raises(Fault, match="larger than allowed"):
        to_json(value, most=MOST)


def test_nesting_is_refused_at_the_same_depth() -> None:
    value: object = 1
    for _ in range(200):
        value = [value]
    assert to_json(value) == "[" * 200 + "1" + "]" * 200
    with pytest.raises(Fault, match="nested too deeply"):
        to_json([value])
