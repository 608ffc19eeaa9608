"""Given values to the inputs of an execution.

Each input is resolved after those it depends on. One whose condition does not hold, or that
depends on one that is disabled, is disabled: its value and default are ignored and nothing is
required of it. All faults are collected. Pure but for the callables it is given.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from mainstem.errors import InvalidInput, MainstemError
from mainstem.flowspec.limits import reason_to_refuse
from mainstem.flowspec.values import Unfit, coerce, shown
from mainstem.sdk.fields import is_expression
from mainstem.sdk.inputs import Input

Render = Callable[[str, Mapping[str, object]], object]
_MASK: Final = "******"


class FileIntake(Protocol):
    """Stores what was given for a FILE input and returns its URI.

    `given` is what the caller of `resolve_inputs` passed: an upload, a URI or the default.
    Raises InvalidInput when it cannot be stored.
    """

    def __call__(self, declared: Input, given: object) -> str: ...


@dataclass(frozen=True, slots=True)
class ResolvedInput:
    """One input; `value` is the given one while `error` says why it was refused."""

    declared: Input
    value: object = None
    enabled: bool = True
    error: str | None = None
    is_default: bool = False
    choices: tuple[str, ...] | None = None

    @property
    def id(self) -> str:
        return self.declared.id


@dataclass(frozen=True, slots=True)
class ResolvedInputs:
    """Every declared input in its order."""

    inputs: tuple[ResolvedInput, ...]
    errors: tuple[str, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.errors

    @property
    def enabled(self) -> Mapping[str, bool]:
        return {item.id: item.enabled for item in self.inputs}

    def checked(self) -> Mapping[str, object]:
        """The nested values; raises InvalidInput with every error."""
        if self.errors:
            raise InvalidInput("\n".join(self.errors))
        return self.values


def resolve_inputs(
    declared: Sequence[Input],
    given: Mapping[str, object],
    *,
    render: Render,
    files: FileIntake | None = None,
    encrypt: Callable[[str], object] | None = None,
    discloses: Callable[[str], bool] = lambda text: False,
) -> ResolvedInputs:
    """Coerce and check what was given; unknown names are ignored.

    `render(expression, variables)` evaluates to a typed value; `variables` is
    `{"inputs": …}` with the inputs resolved so far. Defaults are rendered, given values never.
    A SECRET goes through `encrypt`; another default for whose text `discloses` holds is refused.
    """
    work = _Resolution(declared, given, render, files, encrypt, discloses)
    resolved = tuple(work.resolve(item) for item in work.declared.values())
    errors = [item.error for item in resolved if item.error]
    values: Mapping[str, object] = {}
    try:
        values = nested({item.id: item.value for item in resolved if item.enabled})
    except InvalidInput as error:
        errors.append(error.message)
    return ResolvedInputs(resolved, tuple(errors), values)


def nested(flat: Mapping[str, object]) -> dict[str, object]:
    """Dots in names become nested maps; raises InvalidInput when a name needs two kinds."""
    root: dict[str, object] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        here = root
        for part in path:
            below = here.setdefault(part, _Branch())
            if not isinstance(below, _Branch):
                raise _conflict(name)
            here = below
        if last in here:
            raise _conflict(name)
        here[last] = value
    return root


class _Branch(dict[str, object]):
    """A map made of a dotted name, as opposed to a value that is a map."""


def _conflict(name: str) -> InvalidInput:
    return InvalidInput(
        f"Conflict at input `{name}`: an input cannot have a value and nested inputs; rename one"
    )


def invalid_input(declared_id: str, reason: str, value: object) -> str:
    """The sentence about one refused value."""
    return f"Invalid input for `{declared_id}`, {reason}, but received `{shown(value)}`"


class _Resolution:
    def __init__(
        self,
        declared: Sequence[Input],
        given: Mapping[str, object],
        render: Render,
        files: FileIntake | None,
        encrypt: Callable[[str], object] | None,
        discloses: Callable[[str], bool],
    ) -> None:
        self.declared: dict[str, Input] = {}
        for item in declared:
            self.declared.setdefault(item.id, item)
        self.given = given
        self.render = render
        self.files = files
        self.encrypt = encrypt
        self.discloses = discloses
        self.done: dict[str, ResolvedInput] = {}
        self.open: set[str] = set()

    def resolve(self, declared: Input) -> ResolvedInput:
        known = self.done.get(declared.id)
        if known is None:
            known = self.done[declared.id] = self._resolve(declared)
        return known

    def _resolve(self, declared: Input) -> ResolvedInput:
        value, is_default = self._written(declared)
        item = ResolvedInput(declared, value, is_default=is_default)
        self.open.add(declared.id)
        dependencies = list(self._dependencies(declared))
        self.open.discard(declared.id)
        if not all(other.enabled for other in dependencies):
            return replace(item, enabled=False)
        try:
            if not self._condition(declared):
                return replace(item, enabled=False)
        except MainstemError as error:
            return replace(item, enabled=False, error=f"Invalid condition: {error.message}")
        return self._valued(item)

    def _written(self, declared: Input) -> tuple[object, bool]:
        """What was given, or the default; a form gives an expression back as it found it."""
        given = self.given.get(declared.id)
        if given is None or (given == declared.defaults and is_expression(given)):
            return declared.defaults, declared.defaults is not None
        return given, False

    def _dependencies(self, declared: Input) -> Iterator[ResolvedInput]:
        for name in declared.depends_on.inputs if declared.depends_on else ():
            other = self.declared.get(name)
            if other is not None and name not in self.open:
                yield self.resolve(other)

    def _condition(self, declared: Input) -> bool:
        condition = declared.depends_on.condition if declared.depends_on else None
        return condition is None or self.render(condition, self._variables()) is True

    def _variables(self) -> Mapping[str, object]:
        usable = {name: item.value for name, item in self.done.items() if item.enabled}
        return {"inputs": nested(usable)}

    def _valued(self, item: ResolvedInput) -> ResolvedInput:
        declared = item.declared
        try:
            choices = self._choices(declared)
            item = replace(item, choices=choices)
            if item.is_default and is_expression(item.value):
                item = replace(item, value=self._default(declared, item.value))
            if item.value is None and declared.auto_select_first and choices:
                item = replace(item, value=_first(declared, choices), is_default=True)
            if item.value is None:
                return self._absent(item)
            return replace(item, value=self._accepted(declared, item.value, choices))
        except (Unfit, MainstemError) as error:
            secret = declared.type == "SECRET"
            reason = str(error) if not secret or isinstance(error, _Refused) else "it must be text"
            given = _MASK if secret else item.value
            return replace(item, error=invalid_input(declared.id, reason, given))

    def _default(self, declared: Input, written: object) -> object:
        value = self._rendered(written)
        if declared.type != "SECRET" and self.discloses(shown(value)):
            raise _Refused("a secret may be the default of an input of type SECRET only")
        return value

    def _rendered(self, default: object) -> object:
        """A default with its expressions evaluated; what a caller gave never comes here."""
        if isinstance(default, dict):
            return {key: self._rendered(value) for key, value in default.items()}
        if isinstance(default, list):
            return [self._rendered(value) for value in default]
        if not isinstance(default, str) or not is_expression(default):
            return default
        try:
            return self.render(default, self._variables())
        except MainstemError as error:
            raise _Refused(f"Cannot render 'defaults'. Cause: {error.message}") from error

    def _absent(self, item: ResolvedInput) -> ResolvedInput:
        if not item.declared.required:
            return item
        error = invalid_input(item.id, "missing required input", None)
        return replace(item, error=error)

    def _choices(self, declared: Input) -> tuple[str, ...] | None:
        if declared.type not in {"SELECT", "MULTISELECT"} or declared.expression is None:
            return declared.choices()
        return rendered_choices(declared.expression, self.render, self._variables())

    def _accepted(self, declared: Input, given: Any, choices: Sequence[str] | None) -> object:
        if declared.type == "FILE":
            return self._stored(declared, given)
        value = coerce(declared.type, given, _item_type(declared))
        reason = reason_to_refuse(declared, value, choices)
        if reason is not None:
            raise _Refused(reason)
        return self._encrypted(str(value)) if declared.type == "SECRET" else value

    def _stored(self, declared: Input, given: object) -> str:
        if self.files is not None:
            return self.files(declared, given)
        return str(coerce("FILE", given))

    def _encrypted(self, text: str) -> object:
        if self.encrypt is None:
            raise _Refused("Unable to use a `SECRET` input/output as encryption is not configured")
        try:
            return self.encrypt(text)
        except MainstemError as error:  # says what is wrong with the key, not with the text
            raise _Refused(error.message) from error


class _Refused(Unfit):
    """A reason that may be told even of a secret."""


def _item_type(declared: Input) -> str | None:
    if declared.type == "MULTISELECT":
        return declared.item_type or "STRING"
    return declared.item_type


def _first(declared: Input, choices: Sequence[str]) -> object:
    return [choices[0]] if declared.type == "MULTISELECT" else choices[0]


def rendered_choices(
    expression: str, render: Render, variables: Mapping[str, object]
) -> tuple[str, ...]:
    """The values that an `expression` gives, as text without nulls; raises InvalidInput."""
    try:
        result = render(expression, variables)
    except MainstemError as error:
        raise InvalidInput(f"Cannot render 'expression'. Cause: {error.message}") from error
    if not isinstance(result, (list, tuple)):
        raise InvalidInput(
            f"Invalid expression result. Expected a list of strings, but received {_kind(result)}"
        )
    return tuple(shown(item) for item in result if item is not None)


def _kind(value: object) -> str:
    kinds: Iterable[tuple[type, str]] = (
        (bool, "Boolean"), (int, "Integer"), (float, "Double"), (str, "String"), (dict, "Map"),
    )  # fmt: skip
    if value is None:
        return "<null>"
    return next((name for kind, name in kinds if isinstance(value, kind)), type(value).__name__)


def coerce_output(
    type_: str, value: object, *, encrypt: Callable[[str], object] | None = None
) -> object:
    """A flow output's rendered value as its declared type; raises InvalidInput."""
    if value is None:
        return None
    try:
        coerced = coerce(type_, value)
        if type_ != "SECRET":
            return coerced
        if encrypt is None:
            raise Unfit("Unable to use a `SECRET` input/output as encryption is not configured")
        return encrypt(str(coerced))
    except Unfit as error:
        raise InvalidInput(str(error)) from error
