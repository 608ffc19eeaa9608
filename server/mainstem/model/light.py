"""Value classes that are made thousands of times a second."""

from dataclasses import MISSING, Field, field, fields, make_dataclass
from typing import Any, TypeVar

T = TypeVar("T")


def light(cls: type[T]) -> type[T]:
    """A frozen dataclass that costs a quarter to make.

    Python sets each field of a frozen one through a guard. Here the type checker alone guards
    them: for it the class stays frozen. Raises TypeError for a class with `__post_init__`.
    """
    if hasattr(cls, "__post_init__"):
        raise TypeError(f"{cls.__name__} has a __post_init__, which would no longer be called")
    own: list[Field[Any]] = list(fields(cls))  # type: ignore[arg-type]
    names = [(item.name, item.type, _copy(item)) for item in own]
    twin = make_dataclass(cls.__name__, names, repr=False, eq=False, match_args=False)
    cls.__init__ = twin.__init__  # type: ignore[method-assign, misc]
    del cls.__setattr__, cls.__delattr__
    return cls


def _copy(of: Field[Any]) -> Any:
    if of.default_factory is not MISSING:
        return field(default_factory=of.default_factory, init=of.init, kw_only=of.kw_only)
    if of.default is not MISSING:
        return field(default=of.default, init=of.init, kw_only=of.kw_only)
    return field(init=of.init, kw_only=of.kw_only)
