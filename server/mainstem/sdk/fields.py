"""Property[T]: a plug-in property that is a literal or an expression rendered at run time."""

import re
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any, Generic, TypeVar, get_args

from pydantic import (
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from mainstem.errors import InvalidInput
from mainstem.model.duration import format_duration, parse_duration
from mainstem.sdk.yamltext import read_yaml

T_co = TypeVar("T_co", covariant=True)

DYNAMIC = "$dynamic"
"""Marks, in the JSON Schema of a property, that it may be an expression."""

_SECONDS = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)")
_MARKS = ("{{", "{%", "{#")


class SourceInt(int):
    """A whole number that its author wrote in another form, such as 007; `text` is that form."""

    text: str

    def __new__(cls, value: int, text: str) -> "SourceInt":
        number = super().__new__(cls, value)
        number.text = text
        return number


class SourceFloat(float):
    """A number that its author wrote in another form, such as 1.10; `text` is that form."""

    text: str

    def __new__(cls, value: float, text: str) -> "SourceFloat":
        number = super().__new__(cls, value)
        number.text = text
        return number


@lru_cache(maxsize=1024)
def _adapter_of(type_: Any) -> TypeAdapter[Any]:
    return TypeAdapter(type_)


def is_expression(value: object) -> bool:
    """Whether rendering could change `value`: it is or contains text with a template tag."""
    if isinstance(value, str):
        return any(mark in value for mark in _MARKS)
    if isinstance(value, dict):
        return any(is_expression(k) or is_expression(v) for k, v in value.items())
    return isinstance(value, (list, tuple)) and any(is_expression(item) for item in value)


class Property(Generic[T_co]):
    """A value of type T, or text (or a structure holding text) that renders to one.

    A literal is checked when the flow is parsed; an expression when it has been rendered.
    """

    def __init__(self, raw: object, type_: Any) -> None:
        self.raw = raw
        self._type = type_

    def __repr__(self) -> str:
        return f"Property({self.raw!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Property) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(repr(self.raw))

    @property
    def _adapter(self) -> TypeAdapter[T_co]:
        return _adapter_of(self._type)

    def resolve(self, render: Callable[[object], object]) -> T_co:
        """Render and convert; raises InvalidInput saying what the rendered value is not."""
        value = render(self.raw) if is_expression(self.raw) else self.raw
        return self.convert(value)

    def convert(self, value: object) -> T_co:
        """Convert a rendered value; lists and maps may come as JSON or YAML text."""
        try:
            return self._adapter.validate_python(value)
        except ValidationError as error:
            if isinstance(value, str):
                return self._convert_text(value, error)
            raise InvalidInput(_reason(value, error)) from error

    def _convert_text(self, text: str, first: ValidationError) -> T_co:
        try:
            structure = read_yaml(text)
            if not isinstance(structure, (list, dict)):
                raise InvalidInput(_reason(text, first)) from first
            return self._adapter.validate_python(structure)
        except (InvalidInput, ValidationError) as error:
            raise InvalidInput(_reason(text, first)) from error

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        (inner,) = get_args(source)

        def check(value: object) -> "Property[Any]":
            if isinstance(value, Property):
                return value
            prop: Property[Any] = Property(value, inner)
            if not is_expression(value):
                prop.convert(value)
            return prop

        def checked(value: object) -> "Property[Any]":
            try:
                return check(value)
            except InvalidInput as error:
                raise ValueError(error.message) from error

        return core_schema.no_info_plain_validator_function(
            checked,
            metadata={"inner": inner},
            serialization=core_schema.plain_serializer_function_ser_schema(lambda p: p.raw),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        inner = schema.get("metadata", {}).get("inner", str)
        literal = handler(_adapter_of(inner).core_schema)
        if literal == {"type": "string"}:
            return {**literal, DYNAMIC: True}
        expression = {"type": "string", "description": "an expression"}
        return {"anyOf": [literal, expression], DYNAMIC: True}


def _reason(value: object, error: ValidationError) -> str:
    said = (item["msg"] for item in error.errors(include_url=False)[:3])
    details = "; ".join(text.removeprefix("Value error, ") for text in said)
    shown = repr(value)
    shown = shown if len(shown) <= 80 else f"{shown[:77]}…"
    return f"{shown} cannot be used here: {details}"


def _to_duration(value: object) -> object:
    if not isinstance(value, str):
        return value
    if _SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        return parse_duration(value)
    except InvalidInput as error:
        raise ValueError(error.message) from error


def as_text(value: object) -> object:
    """The text that a number or boolean was written as; all else as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (SourceInt, SourceFloat)):
        return value.text
    return str(value) if isinstance(value, (int, float)) else value


Duration = Annotated[
    timedelta,
    BeforeValidator(_to_duration),
    PlainSerializer(lambda d: format_duration(d), return_type=str),
]
Text = Annotated[
    str,
    BeforeValidator(as_text),
    WithJsonSchema({"type": ["string", "number", "boolean"], DYNAMIC: True}),
]
