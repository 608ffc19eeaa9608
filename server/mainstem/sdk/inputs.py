"""Typed declarations of a flow's inputs and outputs (SEMANTICS.md section 6)."""

from typing import Literal

from pydantic import AliasChoices, Field

from mainstem.sdk.fields import Text
from mainstem.sdk.plugin import Properties

InputType = Literal[
    "STRING", "INT", "FLOAT", "BOOLEAN", "BOOL", "DATETIME", "DATE", "TIME", "DURATION", "FILE",
    "JSON", "YAML", "URI", "SECRET", "ENUM", "SELECT", "MULTISELECT", "ARRAY", "EMAIL",
]  # fmt: skip


class DependsOn(Properties):
    """Inputs that must be resolved first, and a condition on them."""

    inputs: tuple[str, ...] = ()
    condition: Text | None = None


class Input(Properties):
    """One declared input; which checks apply depends on `type`."""

    id: str = Field(validation_alias=AliasChoices("id", "name"))
    type: InputType
    description: str | None = None
    display_name: str | None = None
    required: bool = True
    defaults: object = None
    prefill: object = None
    depends_on: DependsOn | None = None
    validator: str | None = None
    min: object = None
    max: object = None
    after: object = None
    before: object = None
    extension: str | None = None
    allowed_file_extensions: tuple[str, ...] = ()
    values: tuple[Text, ...] | None = None
    options: tuple[Text, ...] | None = None
    expression: str | None = None
    allow_custom_value: bool = False
    is_radio: bool = False
    auto_select_first: bool = False
    item_type: InputType | None = None


AnyInput = Input


class FlowOutput(Properties):
    """One declared output, rendered when the execution ends."""

    id: str
    type: InputType
    value: object
    description: str | None = None
    display_name: str | None = None
    required: bool = True
