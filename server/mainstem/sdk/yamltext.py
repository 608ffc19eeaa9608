"""YAML text that tasks are given: as a flow is read, without places and without remarks."""

import json
import re
from typing import Any, Final

import yaml

from mainstem.errors import InvalidInput

_MAX_DEPTH: Final = 100
_MAX_VALUES: Final = 1_000_000


class _Loader(yaml.SafeLoader):
    """The core schema of YAML 1.2: dates, `yes` and `on` are text."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 - filled below
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse what is nested too deeply before Python's stack does."""
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise InvalidInput(f"YAML nested more than {_MAX_DEPTH} levels deep")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    return int(str(loader.construct_scalar(node)))


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL)$", "~nN"),
    ("int", r"^[-+]?[0-9]{1,400}$", "-+0123456789"),
    (
        "float",
        r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$",
        "-+0123456789.",
    ),
    ("merge", r"^<<$", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^$"), [""])
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def read_yaml(text: str) -> object:
    """The data of a text, quickly if it is JSON; raises InvalidInput saying what is wrong."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return _Expansion().of(yaml.load(text, Loader=_Loader))  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise InvalidInput(f"not YAML: {error}") from error


def _key(key: object) -> str:
    return json.dumps(key) if key is None or isinstance(key, bool) else str(key)


class _Expansion:
    """Keys become text; aliases may not stand for more values than anybody can use."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[object, int]] = {}

    def of(self, value: object) -> object:
        return self._sized(value)[0]

    def _sized(self, value: object) -> tuple[object, int]:
        if not isinstance(value, (dict, list)):
            return value, 1
        known = self._made.get(id(value))
        if known is None:
            known = self._made[id(value)] = self._built(value)
        return known

    def _built(self, value: dict[object, object] | list[object]) -> tuple[object, int]:
        if isinstance(value, dict):
            entries = {_key(key): self._sized(item) for key, item in value.items()}
            made: object = {key: item for key, (item, _) in entries.items()}
            size = 1 + sum(size for _, size in entries.values())
        else:
            items = [self._sized(item) for item in value]
            made = [item for item, _ in items]
            size = 1 + sum(size for _, size in items)
        if size > _MAX_VALUES:
            raise InvalidInput(f"YAML of more than {_MAX_VALUES} values")
        return made, size
