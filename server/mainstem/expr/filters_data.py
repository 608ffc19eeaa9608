"""Filters between values and their JSON, YAML and Ion texts, and `jq`."""

from collections.abc import Callable
from typing import Final

from mainstem.expr.arguments import a_text
from mainstem.expr.ion import to_ion
from mainstem.expr.jqprogram import run_jq
from mainstem.expr.printing import to_json
from mainstem.expr.runtime import Evaluation
from mainstem.expr.yamlwriting import to_yaml


def json_filter(ev: Evaluation, value: object) -> object:
    return to_json(value, ev.options.timezone, most=ev.options.max_output)


def ion_filter(ev: Evaluation, value: object) -> object:
    return to_ion(value)


def yaml_filter(ev: Evaluation, value: object) -> object:
    return "null" if value is None else to_yaml(value, ev.options.timezone)


def jq(ev: Evaluation, value: object, expression: object) -> object:
    if value is None:
        return None
    return run_jq(a_text(expression, "expression"), value, ev.options)


FILTERS_DATA: Final[dict[str, tuple[Callable[..., object], str]]] = {
    "jq": (jq, "expression"),
    "json": (json_filter, ""),
    "jsonEncode": (json_filter, ""),
    "toIon": (ion_filter, ""),
    "toJson": (json_filter, ""),
    "yaml": (yaml_filter, ""),
}
