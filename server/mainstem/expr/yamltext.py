"""YAML read in the reference's dialect: YAML 1.1 words and numbers, but dates stay text."""

import re
from typing import Any, Final

import yaml

from mainstem.expr.errors import Fault
from mainstem.expr.numbers import sized_integer

_MAX_ALIASES: Final = 50


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

    def scan_plain_spaces(self, indent: Any, start_mark: Any) -> Any:
        """A tab inside a plain text is a space like others; PyYAML would end the text there."""
        length = 0
        while self.peek(length) in " \t":
            length += 1
        spaces = self.prefix(length)
        if "\t" not in spaces:
            return super().scan_plain_spaces(indent, start_mark)
        self.forward(length)
        if self.peek() in "\r\n\x85\u2028\u2029":
            return super().scan_plain_spaces(indent, start_mark)
        return [spaces]


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "").lower()
    bare = text.lstrip("+-")
    base = 16 if bare[:2] == "0x" else 2 if bare[:2] == "0b" else 8 if bare[:1] == "0" else 10
    return sized_integer(int(text, base))


def _resolver(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


_BOOLEANS: Final = ("true", "yes", "on", "false", "no", "off")
_resolver(
    "bool",
    "^(?:"
    + "|".join(form for word in _BOOLEANS for form in (word, word.upper(), word.capitalize()))
    + ")$",
    "tTyYoOfFnN",
)
_resolver("null", r"^(?:~|null|Null|NULL)$", "~nN")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^$"), [""])
_resolver("int", r"^[-+]?(?:0|[1-9][0-9_]*|0[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+)$", "-+0123456789")
_resolver(
    "float",
    r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$"
    r"|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$",
    "-+0123456789.",
)
_resolver("merge", r"^<<$", "<")
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def _untagged(loader: _Loader, _: str, node: yaml.Node) -> object:
    """A value of a type that only its author knows is read as if it had no tag."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_Loader.add_multi_constructor("!", _untagged)


def _has_data(loader: Any) -> bool:
    return bool(loader.check_data())


def _first(loader: Any) -> object:
    """The first document; others after it are not read."""
    return loader.get_data()


def _is_nothing(text: str) -> bool:
    lines = (line.lstrip(" \t\r\ufeff") for line in text.split("\n"))
    return all(not line or line[0] == "#" for line in lines)


def from_yaml(text: str) -> object:
    """The first document of a YAML text."""
    try:
        loader = _Loader(text.removeprefix("\ufeff"))
        try:
            if _is_nothing(text) or not _has_data(loader):
                raise Fault("The YAML text has no content")
            return _first(loader)
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at its line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Fault(f"The YAML text can't be read{place}") from error
