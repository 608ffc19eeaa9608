"""Filters that look for a pattern anywhere in a text."""

from collections.abc import Callable
from typing import Final

from mainstem.expr.arguments import a_text, an_integer
from mainstem.expr.printing import java_string
from mainstem.expr.regexes import JavaRegex
from mainstem.expr.runtime import Evaluation


def regex_match(ev: Evaluation, value: object, regex: object) -> object:
    if value is None:
        return False
    return JavaRegex(a_text(regex, "regex"), ev.options).search(java_string(value)) is not None


def regex_extract(ev: Evaluation, value: object, regex: object, group: object = None) -> object:
    """The first part that matches, or one of its groups; null where there is none."""
    if value is None:
        return None
    number = 0 if group is None else an_integer(group, "group")
    return JavaRegex(a_text(regex, "regex"), ev.options).search(java_string(value), number)


def regex_replace(ev: Evaluation, value: object, regex: object, replacement: object) -> object:
    if value is None:
        return None
    pattern = JavaRegex(a_text(regex, "regex"), ev.options)
    return pattern.replace(java_string(value), a_text(replacement, "replacement"))


FILTERS_REGEX: Final[dict[str, tuple[Callable[..., object], str]]] = {
    "regexExtract": (regex_extract, "regex group"),
    "regexMatch": (regex_match, "regex"),
    "regexReplace": (regex_replace, "regex replacement"),
}
