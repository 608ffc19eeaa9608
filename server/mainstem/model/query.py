"""Search filters as a tree of conditions, as clients of the API write them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mainstem.errors import InvalidInput


class Op(StrEnum):
    """How a field is compared."""

    EQUALS = "EQUALS"
    NOT_EQUALS = "NOT_EQUALS"
    GREATER_THAN = "GREATER_THAN"
    LESS_THAN = "LESS_THAN"
    GREATER_THAN_OR_EQUAL_TO = "GREATER_THAN_OR_EQUAL_TO"
    LESS_THAN_OR_EQUAL_TO = "LESS_THAN_OR_EQUAL_TO"
    IN = "IN"
    NOT_IN = "NOT_IN"
    STARTS_WITH = "STARTS_WITH"
    ENDS_WITH = "ENDS_WITH"
    CONTAINS = "CONTAINS"
    NOT_CONTAINS = "NOT_CONTAINS"
    IS_NULL = "IS_NULL"
    IS_NOT_NULL = "IS_NOT_NULL"
    REGEX = "REGEX"
    PREFIX = "PREFIX"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One condition; `key` is the part of a map that it is about, such as a label."""

    field: str
    op: Op
    value: str
    key: str | None = None

    @property
    def values(self) -> list[str]:
        """The members of a list written with commas."""
        return [part.strip() for part in self.value.split(",") if part.strip()]

    def refused(self, instead: str) -> InvalidInput:
        """The error for a comparison that this field does not have."""
        return InvalidInput(f"filter `{self.field}` has no {self.op}: use {instead}")


@dataclass(frozen=True, slots=True)
class Group:
    """All of the members, or with `any` at least one of them."""

    members: Sequence["Leaf | Group"]
    any: bool = False

    def leaves(self) -> Iterator[Leaf]:
        """Every condition in it."""
        for member in self.members:
            if isinstance(member, Leaf):
                yield member
            else:
                yield from member.leaves()
