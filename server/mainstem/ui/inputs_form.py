"""Typed inputs of a flow as form fields, and posted forms as given values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import FormData, UploadFile

from mainstem.flowspec.inputs import ResolvedInput
from mainstem.sdk.inputs import Input
from mainstem.ui import format as words

PREFIX: Final = "in."
_CONTROLS: Final = {
    "INT": "number", "FLOAT": "number", "BOOLEAN": "check", "BOOL": "check", "DATE": "date",
    "TIME": "time", "EMAIL": "email", "SECRET": "password", "FILE": "file", "JSON": "area",
    "YAML": "area", "ARRAY": "area", "SELECT": "select", "ENUM": "select", "MULTISELECT": "many",
}  # fmt: skip
_PLACEHOLDERS: Final = {
    "DURATION": "PT5M", "DATETIME": "2026-01-31T00:00:00Z", "URI": "https://…", "ARRAY": "[]",
}  # fmt: skip
_FEW: Final = 4


@dataclass(frozen=True, slots=True)
class FormField:
    """One field as the template draws it; `chosen` are the current values of a choice."""

    id: str
    label: str
    type: str
    control: str
    required: bool
    text: str = ""
    chosen: Sequence[str] = ()
    values: Sequence[str] = ()
    hint: str = ""
    error: str = ""
    placeholder: str = ""
    step: str = "any"


def fields(resolved: Iterable[ResolvedInput], given: Mapping[str, object]) -> list[FormField]:
    """The fields of enabled inputs; what was given stays in them, the default otherwise."""
    return [_field(item, given) for item in resolved if item.enabled]


def _field(item: ResolvedInput, given: Mapping[str, object]) -> FormField:
    declared = item.declared
    values = tuple(item.choices or declared.values or declared.options or ())
    current = given.get(declared.id, _default(declared))
    text = "" if current is None or declared.type == "SECRET" else words.value(current)
    if isinstance(current, bool):
        text = str(current).lower()
    return FormField(
        id=declared.id,
        label=declared.display_name or declared.id,
        type=declared.type,
        control=_control(declared, values),
        required=declared.required and declared.type not in ("BOOLEAN", "BOOL"),
        text=text,
        chosen=[words.value(v) for v in current] if isinstance(current, list | tuple) else [text],
        values=values,
        hint=declared.description or "",
        error=item.error or "",
        placeholder=_PLACEHOLDERS.get(declared.type, ""),
        step="1" if declared.type == "INT" else "any",
    )


def _default(declared: Input) -> object:
    return declared.defaults if declared.defaults is not None else declared.prefill


def _control(declared: Input, values: Sequence[str]) -> str:
    control = _CONTROLS.get(declared.type, "text")
    if control == "select" and declared.allow_custom_value:
        return "text"
    if control == "select" and (declared.is_radio or 0 < len(values) <= _FEW):
        return "radio"
    if control == "many" and (declared.allow_custom_value or not values):
        return "area"
    return control


def given(form: FormData, declared: Sequence[Input]) -> dict[str, object]:
    """The values of a posted form by input; an empty field counts as not given."""
    found: dict[str, object] = {}
    for item in declared:
        posted = [v for v in form.getlist(PREFIX + item.id) if isinstance(v, str) and v != ""]
        if not posted:
            continue
        if item.type == "MULTISELECT" and not posted[0].lstrip().startswith("["):
            found[item.id] = posted
        else:
            found[item.id] = posted[-1]
    return found


async def uploads(form: FormData) -> dict[str, tuple[str, bytes]]:
    """The uploaded files by input; an empty file field counts as not given."""
    found: dict[str, tuple[str, bytes]] = {}
    for key, value in form.items():
        if key.startswith(PREFIX) and isinstance(value, UploadFile) and value.filename:
            found[key.removeprefix(PREFIX)] = (value.filename, await value.read())
    return found


def message(error: str, field: str) -> str:
    """An input's error without the words that its place beside the field already says."""
    return error.removeprefix(f"Invalid input for `{field}`, ")
