"""Labels as the flow language writes them: a map, or a list of keys with values."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from mainstem.model.execution import SYSTEM_LABEL
from mainstem.sdk.fields import Text
from mainstem.sdk.plugin import Fault


def _as_map(value: object) -> object:
    """The map form of `[{key: …, value: …}]`; of equal keys the last one counts."""
    if not isinstance(value, list):
        return value
    labels = {}
    for item in value:
        if not isinstance(item, dict) or set(item) - {"key", "value"} or "key" not in item:
            raise ValueError("each label of a list must have a `key` and a `value`")
        labels[item["key"]] = item.get("value")
    return labels


Labels = Annotated[
    dict[str, Text],
    BeforeValidator(_as_map),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "object",
                    "additionalProperties": {"type": ["string", "number", "boolean"]},
                },
                {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["key", "value"],
                        "properties": {
                            "key": {"type": "string"},
                            "value": {"type": ["string", "number", "boolean"]},
                        },
                    },
                },
            ]
        }
    ),
]


def system_label_faults(labels: Mapping[str, str], name: str = "labels") -> Iterator[Fault]:
    """One for each label under the reserved prefix."""
    for key, value in labels.items():
        if key.startswith(SYSTEM_LABEL):
            message = "System labels can only be set by Kestra itself, offending label: "
            yield Fault(f"{message}{key}={value}.", name, "system-label-here")
