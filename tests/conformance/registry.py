"""The plug-ins that corpus lines may name."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from mainstem.sdk.registry import Registry, UnknownType
from tests.conformance.execution_tasks import with_fixtures

_BUILT_IN = re.compile(r"io\.kestra\.[\w.$]+")


@lru_cache(maxsize=1)
def installed() -> Registry:
    """Every installed plug-in and the test plug-ins, found once for all lines."""
    return with_fixtures(Registry.installed())


def missing_types(data: Any, expected: list[str]) -> list[str]:
    """Types that the data names, that no plug-in answers to and whose absence is not the point."""
    found = dict.fromkeys(_types(data))
    wanted = [name for name in found if _BUILT_IN.fullmatch(name)]
    return [name for name in wanted if not _known(name) and not _refused(name, expected)]


def _types(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        name = data.get("type")
        if isinstance(name, str) and "values" not in data:
            yield name
        for item in data.values():
            yield from _types(item)
    elif isinstance(data, list):
        for item in data:
            yield from _types(item)


def _known(name: str) -> bool:
    try:
        installed().canonical(name)
    except UnknownType:
        return False
    return True


def _refused(name: str, expected: list[str]) -> bool:
    return any(f"Invalid type: {name}" in text for text in expected)
