"""YAML in the reference's dialect: dates stay text, only true and false are booleans."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final

import yaml

from mainstem.expr.errors import Fault
from mainstem.expr.isodates import json_date, json_text
from mainstem.expr.numbers import number_text, sized_integer

_MAX_NESTING: Final = 100
_MAX_ALIASES: Final = 50
_AMBIGUOUS: Final = re.compile(
    r"(?:|~|null|true|false|yes|no|on|off|y|n|[-+.]?[0-9].*|[-+]?\.(?:inf|nan))", re.IGNORECASE
)
_UNSAFE: Final = re.compile(
    r"^[\s!&*?|>%@`'\"#,\[\]{}=<]|^-(?:\s|$)|^---|^\.\.\.|:(?:\s|$)|\s#|\s$|^[-:?]$|\t"
)
_CONTROL: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"
)


class _Loader(yaml.SafeLoader):
    """Without YAML 1.1's surprises, and with a bound on aliases."""

    aliases = 0
    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 - filled below

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Count aliases, for a few lines of them can stand for billions of nodes."""
        if self.check_event(yaml.events.AliasEvent):
            self.aliases += 1
            if self.aliases > _MAX_ALIASES:
                raise Fault(f"The YAML text has more than {_MAX_ALIASES} aliases")
        return super().compose_node(parent, index)


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "")
    return sized_integer(int(text, 0) if re.search("0[xo]", text) else int(text))


def _resolver(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


_resolver("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF")
_resolver("null", r"^(?:~|null|Null|NULL)$", "~nN")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^$"), [""])
_resolver("int", r"^[-+]?[0-9][0-9_]*$|^0x[0-9a-fA-F]+$|^0o[0-7]+$", "-+0123456789")
_resolver(
    "float",
    r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$"
    r"|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$",
    "-+0123456789.",
)
_resolver("merge", r"^<<$", "<")
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def from_yaml(text: str) -> object:
    """The first document of a YAML text."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at its line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Fault(f"The YAML text can't be read{place}") from error


def to_yaml(value: object, zone: tzinfo) -> str:
    """Block style: list items are indented by one space, text is quoted only where it must be."""
    lines = _lines(value, 0, zone, 0)
    return "\n".join(lines) + "\n"


def _lines(value: object, indent: int, zone: tzinfo, depth: int) -> list[str]:
    if depth > _MAX_NESTING:
        raise Fault("The value is nested too deeply to be written as YAML")
    if isinstance(value, Mapping) and value:
        return _map_lines(dict(value), indent, zone, depth)
    if isinstance(value, (list, tuple, set, frozenset)) and value:
        return _list_lines(list(value), indent, zone, depth)
    return [" " * indent + _scalar(value, indent, zone)]


def _map_lines(value: dict[object, object], indent: int, zone: tzinfo, depth: int) -> list[str]:
    lines: list[str] = []
    for key, item in value.items():
        name = " " * indent + _key(key)
        if isinstance(item, Mapping) and item:
            lines += [name + ":", *_lines(item, indent + 2, zone, depth + 1)]
        elif isinstance(item, (list, tuple, set, frozenset)) and item:
            lines += [name + ":", *_list_lines(list(item), indent, zone, depth + 1)]
        else:
            lines.append(f"{name}: {_scalar(item, indent, zone)}")
    return lines


def _list_lines(items: list[object], indent: int, zone: tzinfo, depth: int) -> list[str]:
    lines: list[str] = []
    for item in items:
        inner = _lines(item, indent + 3, zone, depth + 1)
        lines.append(" " * indent + " - " + inner[0][indent + 3 :])
        lines += inner[1:]
    return lines


def _scalar(value: object, indent: int, zone: tzinfo) -> str:
    if isinstance(value, str):
        return _text(value, indent)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return number_text(value)
    if isinstance(value, timedelta):
        return json_text(value, zone)
    if isinstance(value, (datetime, date, time)):
        return json_date(value, zone)
    if isinstance(value, Mapping):
        return "{}"
    return "[]" if isinstance(value, (list, tuple, set, frozenset)) else str(value)


def _key(key: object) -> str:
    text = key if isinstance(key, str) else str(key)
    multiline = "\n" in text and not _CONTROL.search(text)
    return _quoted(text) if multiline else _text(text, 0)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\t", "\\t").replace("\n", "\\n") + '"'


def _text(text: str, indent: int) -> str:
    if _CONTROL.search(text):
        return yaml.safe_dump(text, default_style='"', width=1 << 30, allow_unicode=True).rstrip(
            "\n"
        )
    if "\n" in text:
        return _literal(text, indent)
    if _AMBIGUOUS.fullmatch(text) or _UNSAFE.search(text):
        return _quoted(text)
    return text


def _literal(text: str, indent: int) -> str:
    body = text.removesuffix("\n")
    if not body.strip() or body.startswith((" ", "\n")) or body.endswith("\n"):
        return _quoted(text)
    pad = " " * (indent + 2)
    lines = [pad + line if line else "" for line in body.split("\n")]
    return "\n".join(["|" if text.endswith("\n") else "|-", *lines])
