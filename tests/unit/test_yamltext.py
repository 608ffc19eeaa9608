"""YAML and JSON text that tasks are given."""

import pytest

from mainstem.errors import InvalidInput
from mainstem.sdk.yamltext import read_yaml


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ('{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        ("a: 2024-01-31\nb: yes\nc: on\nd: True\ne: ~\nf:", {
            "a": "2024-01-31", "b": "yes", "c": "on", "d": True, "e": None, "f": None,
        }),
        ("on: 1\ntrue: 2\n3: 4\nnull: 5", {"on": 1, "true": 2, "3": 4, "null": 5}),
        ("[007, 1.50, 1e3, 12:30:45, 0x1F, '5']", [7, 1.5, 1000.0, "12:30:45", "0x1F", "5"]),
        ("a: &x {k: 1}\nb: {<<: *x, z: 2}", {"a": {"k": 1}, "b": {"k": 1, "z": 2}}),
        ("just text", "just text"),
    ],
)  # fmt: skip
def test_text_is_read_as_a_flow_is(text: str, data: object) -> None:
    assert read_yaml(text) == data


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "!!python/object:os.system x", "&a [*a]"])
def test_what_is_no_yaml_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_yaml(text)


def test_a_bomb_does_not_go_off() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    with pytest.raises(InvalidInput, match="more than 1000000 values"):
        read_yaml("\n".join(lines))
    with pytest.raises(InvalidInput, match="levels deep"):
        read_yaml("[" * 5_000)
