"""The base of every plug-in class, and polymorphic fields resolved by `type`."""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationInfo, WithJsonSchema
from pydantic.alias_generators import to_camel


class Properties(BaseModel):
    """A frozen group of YAML properties in camelCase; unknown names are refused."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        arbitrary_types_allowed=True,
        protected_namespaces=(),
    )


class Plugin(Properties):
    """A class that a flow names by `type`.

    TYPE is the full name in the flow language; ALIASES are further full names it answers to.
    """

    TYPE: ClassVar[str]
    ALIASES: ClassVar[tuple[str, ...]] = ()

    type: str


def plugin_field(base: Any) -> Any:
    """The annotation for a field holding any plug-in derived from `base`.

    The class is found through the registry given as `context["registry"]` to the validation.
    """

    def build(value: object, info: ValidationInfo) -> object:
        if isinstance(value, base):
            return value
        if not isinstance(value, dict):
            raise ValueError("expected a map with a `type`")
        registry = (info.context or {})["registry"]
        return registry.build(base, value, info.context)

    return Annotated[
        base,
        PlainValidator(build),
        WithJsonSchema({"$ref": f"#/$defs/any.{base.__name__}"}),
    ]
