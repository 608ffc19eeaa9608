"""Typed declarations of a flow's inputs and outputs (SEMANTICS.md section 6)."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal, get_args

from pydantic import AliasChoices, Field

from mainstem.sdk.checks import pattern_fault
from mainstem.sdk.fields import Text
from mainstem.sdk.plugin import Fault, Properties

InputType = Literal[
    "STRING", "INT", "FLOAT", "BOOLEAN", "BOOL", "DATETIME", "DATE", "TIME", "DURATION", "FILE",
    "JSON", "YAML", "URI", "SECRET", "ENUM", "SELECT", "MULTISELECT", "ARRAY", "EMAIL",
]  # fmt: skip
INPUT_TYPES: Final[tuple[str, ...]] = get_args(InputType)
INPUT_ID: Final = re.compile(r"[a-zA-Z0-9][.a-zA-Z0-9_-]*")

_COMMON: Final = frozenset(
    [
        "id",
        "name",
        "type",
        "description",
        "displayName",
        "required",
        "defaults",
        "prefill",
        "dependsOn",
    ]
)
OWN_PROPERTIES: Final[Mapping[str, frozenset[str]]] = {
    "STRING": frozenset({"validator"}),
    "SECRET": frozenset({"validator"}),
    "INT": frozenset({"min", "max"}),
    "FLOAT": frozenset({"min", "max"}),
    "DURATION": frozenset({"min", "max"}),
    "DATETIME": frozenset({"after", "before"}),
    "DATE": frozenset({"after", "before"}),
    "TIME": frozenset({"after", "before"}),
    "FILE": frozenset({"extension", "allowedFileExtensions", "accept"}),
    "ENUM": frozenset({"values"}),
    "SELECT": frozenset({"values", "expression", "allowCustomValue", "isRadio", "autoSelectFirst"}),
    "MULTISELECT": frozenset(
        {"values", "options", "expression", "allowCustomValue", "itemType", "autoSelectFirst"}
    ),
    "ARRAY": frozenset({"itemType"}),
}
"""Properties that only some types have."""

_FILE_SCHEMES: Final = ("nsfile:", "file:", "kestra:", "mainstem:", "http:", "https:", "gs:", "s3:")


class DependsOn(Properties):
    """Inputs that must be resolved first, and a condition on them."""

    inputs: tuple[str, ...] = ()
    condition: Text | None = None


class Input(Properties):
    """One declared input; which properties and checks apply depends on `type`."""

    id: str = Field(
        validation_alias=AliasChoices("id", "name"),
        description="The name under which tasks read it; dots make nested values.",
    )
    type: InputType
    description: str | None = None
    display_name: str | None = Field(default=None, max_length=64)
    required: bool = True
    defaults: object = Field(default=None, description="The value when none is given.")
    prefill: object = Field(default=None, description="What a form shows before it is edited.")
    depends_on: DependsOn | None = None
    validator: str | None = Field(
        default=None, description="A regular expression for the whole value."
    )
    min: object = None
    max: object = None
    after: object = None
    before: object = None
    extension: str | None = None
    allowed_file_extensions: tuple[str, ...] = ()
    accept: tuple[str, ...] | str | None = None
    values: tuple[Text, ...] | None = None
    options: tuple[Text, ...] | None = Field(
        default=None, json_schema_extra={"deprecated": True}, description="Now called `values`."
    )
    expression: str | None = Field(
        default=None, description="An expression that gives the list of values."
    )
    allow_custom_value: bool = False
    is_radio: bool = False
    auto_select_first: bool = False
    item_type: InputType | None = None

    def faults(self) -> Iterator[Fault]:
        if not self.id.strip():
            yield Fault("must not be blank", "id", "required")
        elif not INPUT_ID.fullmatch(self.id):
            yield Fault(f'must match "^{INPUT_ID.pattern}"', "id", "invalid-id")
        yield from self._foreign()
        if self.validator is not None and (wrong := pattern_fault(self.validator)):
            yield Fault(wrong, "validator", "invalid-pattern")
        if self.type == "FILE" and self.defaults is not None:
            text = str(self.defaults)
            if not text.startswith(_FILE_SCHEMES):
                message = "no `defaults` can be set for inputs of type 'FILE'"
                yield Fault(f"{message}, except a URI such as nsfile:///…", "defaults")
        yield from self._list_faults()

    def _foreign(self) -> Iterator[Fault]:
        own = _COMMON | OWN_PROPERTIES.get(self.type, frozenset())
        for name in sorted(self.model_fields_set):
            alias = _YAML_NAMES[name]
            if alias not in own:
                message = f'Unrecognized field "{alias}" (an input of type {self.type} has none)'
                yield Fault(message, alias, "unknown-property")

    def _list_faults(self) -> Iterator[Fault]:
        if self.type == "ARRAY":
            if self.item_type is None:
                yield Fault("must not be null", "itemType", "required")
            elif self.item_type == "ARRAY":
                yield Fault("`itemType` cannot be `ARRAY`", "itemType")
        if self.values is not None and self.options is not None:
            yield Fault("you can't define both `values` and `options`", "options")
        if self.type == "ENUM" and self.values is None:
            yield Fault("must not be null", "values", "required")
        unnamed = self.values is None and self.options is None and self.expression is None
        if self.type in {"SELECT", "MULTISELECT"} and unnamed:
            yield Fault(f"an input of type {self.type} needs `values` or an `expression`")

    def choices(self) -> tuple[str, ...] | None:
        """The values that may be chosen, unless an expression gives them."""
        return self.values if self.values is not None else self.options

    def file_extension(self) -> str:
        """What the stored name of an upload ends with."""
        ending = self.extension or ".upl"
        return ending if ending.startswith(".") else f".{ending}"


AnyInput = Input

_YAML_NAMES: Final[Mapping[str, str]] = {
    name: "id" if name == "id" else str(field.alias) for name, field in Input.model_fields.items()
}


def file_extension(declared: tuple[Input, ...] | list[Input], input_id: str) -> str:
    """The ending for an upload under `input_id`; `.upl` for one that is not declared."""
    found = (item for item in declared if item.type == "FILE" and item.id == input_id)
    return next((item.file_extension() for item in found), ".upl")


class FlowOutput(Properties):
    """One declared output, rendered when the execution ends."""

    id: str
    type: InputType
    value: object
    description: str | None = None
    display_name: str | None = None
    required: bool = True

    def faults(self) -> Iterator[Fault]:
        if not INPUT_ID.fullmatch(self.id):
            yield Fault(f'must match "^{INPUT_ID.pattern}"', "id", "invalid-id")
