"""The base of every plug-in class, and polymorphic fields resolved by `type`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import InitErrorDetails, PydanticCustomError

from mainstem.errors import InvalidInput
from mainstem.sdk.fields import as_text


@dataclass(frozen=True, slots=True)
class Fault:
    """A broken rule between properties; `property` is the YAML name of the one to look at."""

    message: str
    property: str | None = None
    code: str = "invalid-value"
    suggestion: str | None = None

    def details(self, value: object) -> InitErrorDetails:
        context = {"message": self.message, "suggestion": self.suggestion}
        return InitErrorDetails(
            type=PydanticCustomError(self.code, "{message}", context),
            loc=(self.property,) if self.property else (),
            input=value,
        )

    def error(self) -> PydanticCustomError:
        """The fault as something a validator may raise."""
        context = {"message": self.message, "suggestion": self.suggestion}
        return PydanticCustomError(self.code, "{message}", context)


def _yaml_name(name: str) -> str:
    """camelCase; a trailing underscore keeps Python's reserved words out of the way."""
    return to_camel(name.rstrip("_"))


class Properties(BaseModel):
    """A frozen group of YAML properties in camelCase; unknown names are refused.

    A property set to null counts as absent. Rules between properties go into `faults`.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=_yaml_name,
        populate_by_name=True,
        arbitrary_types_allowed=True,
        protected_namespaces=(),
    )

    def faults(self) -> Iterator[Fault]:
        """Every broken rule between the properties; each keeps the flow from being stored.

        Those of base classes are asked as well, whether or not an override calls them.
        """
        return iter(())

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: object) -> object:
        if isinstance(value, dict) and None in value.values():
            return {key: item for key, item in value.items() if item is not None}
        return value

    @model_validator(mode="before")
    @classmethod
    def _scalar_is_text(cls, value: object) -> object:
        """A number or boolean stands for its own text where text is wanted: `id: 1`."""
        if not isinstance(value, dict):
            return value
        names = _texts_of(cls)
        found = {
            key: as_text(item)
            for key, item in value.items()
            if isinstance(item, (bool, int, float)) and key in names
        }
        return {**value, **found} if found else value

    @model_validator(mode="after")
    def _refuse_faults(self) -> Self:
        found = dict.fromkeys(fault for faults in _faults_of(type(self)) for fault in faults(self))
        if found:
            details = [fault.details(None) for fault in found]
            raise ValidationError.from_exception_data(type(self).__name__, details)
        return self


@cache
def _texts_of(kind: type[Properties]) -> frozenset[str]:
    """The names of the properties that hold text and nothing else."""
    fields = kind.model_fields.items()
    texts = [(name, field) for name, field in fields if _is_text(field.annotation)]
    return frozenset(name for key, field in texts for name in (key, *yaml_names(key, field)))


def _is_text(annotation: Any) -> bool:
    members = set(get_args(annotation)) or {annotation}
    return str in members and members <= {str, type(None)}


@cache
def _faults_of(
    kind: type[Properties],
) -> tuple[Callable[[Properties], Iterator[Fault]], ...]:
    """The rules of a class and its bases, the bases' first."""
    own = [base.__dict__["faults"] for base in kind.__mro__ if "faults" in base.__dict__]
    return tuple(reversed(own[:-1]))


class Plugin(Properties):
    """A class that a flow names by `type`.

    TYPE is the full name in the flow language; ALIASES are further full names it answers to.
    DEPRECATED plug-ins work, but their use is reported as a warning. OUTPUTS describes each
    output for the docs page: its name and one sentence.
    """

    TYPE: ClassVar[str]
    ALIASES: ClassVar[tuple[str, ...]] = ()
    DEPRECATED: ClassVar[bool] = False
    OUTPUTS: ClassVar[Mapping[str, str]] = {}

    type: str


PLUGIN_MARK: Final = "$plugin"
"""Marks, in the JSON Schema of a class, a place for any plug-in of a kind."""

_BASES: dict[str, type[Plugin]] = {}


def plugin_bases() -> Mapping[str, type[Plugin]]:
    """The kinds of plug-ins that fields may hold, by class name."""
    return _BASES


def plugin_field(base: Any) -> Any:
    """The annotation for a field holding any plug-in derived from `base`.

    The class is found through the registry given as `context["registry"]` to the validation. With
    `context["builder"]` that object makes it instead and may go on after a fault.
    """

    def build(value: object, info: ValidationInfo) -> object:
        if isinstance(value, base):
            return value
        context = info.context or {}
        builder = context.get("builder")
        if builder is not None:
            return builder.build(base, value)
        if not isinstance(value, dict):
            raise Fault("must be a map with a `type`", code="wrong-kind").error()
        try:
            return context["registry"].build(base, value, info.context)
        except InvalidInput as error:
            suggestion = getattr(error, "suggestion", None)
            raise Fault(error.message, "type", "invalid-type", suggestion).error() from error

    _BASES[base.__name__] = base
    return Annotated[
        base,
        PlainValidator(build),
        PlainSerializer(_written, return_type=dict[str, Any]),
        WithJsonSchema({PLUGIN_MARK: base.__name__}),
    ]


def _written(plugin: BaseModel) -> dict[str, Any]:
    return plugin.model_dump(mode="json", by_alias=True, exclude_unset=True)


@cache
def known_properties(properties: type[Properties]) -> frozenset[str]:
    """The YAML names that a class accepts."""
    fields = properties.model_fields.items()
    return frozenset(name for key, field in fields for name in yaml_names(key, field))


def yaml_names(name: str, field: Any) -> list[str]:
    """The YAML names of one field, the preferred one first."""
    alias = field.validation_alias or field.alias or name
    choices = getattr(alias, "choices", None)
    return [str(choice) for choice in choices] if choices else [str(alias)]
