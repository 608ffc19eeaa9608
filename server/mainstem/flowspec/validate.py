"""Rules that look across a whole flow."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mainstem.flowspec.build import Record
from mainstem.flowspec.problems import Problem
from mainstem.flowspec.wording import Wording
from mainstem.sdk.registry import Registry


@dataclass(frozen=True, slots=True)
class Parsing:
    """The data of a flow after defaults, and what was made of each of its maps."""

    data: dict[str, Any]
    records: Mapping[int, Record]
    wording: Wording
    registry: Registry


def check(parsing: Parsing) -> Iterator[Problem]:
    """Every broken rule."""
    yield from ()
