"""The `filter` of list calls: comparisons joined by AND, OR and NOT; pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mainstem.localgcp.secretmanager.errors import invalid

TOKEN = re.compile(
    r"\s*(?:(?P<word>AND|OR|NOT)(?![\w.])|(?P<minus>-)|"
    r"(?P<field>[A-Za-z_][\w.\-]*)\s*(?P<operator>!=|<=|>=|=|:|<|>)\s*"
    r"(?P<value>\"[^\"]*\"|[^\s()\"]+))"
)
MAX_LENGTH = 2000

Fields = Mapping[str, str | datetime]
Predicate = Callable[[Fields], bool]


def compile_filter(text: str) -> Predicate:
    """A predicate over a resource's fields; what it does not understand it refuses."""
    if not text.strip():
        return lambda fields: True
    if len(text) > MAX_LENGTH:
        raise invalid("The filter is too long.")
    return _Parser(text).whole()


@dataclass(frozen=True, slots=True)
class _Comparison:
    field: str
    operator: str
    value: str

    def __call__(self, fields: Fields) -> bool:
        actual = fields.get(self.field)
        if actual is None:
            return self.operator == "!="
        if isinstance(actual, datetime):
            return self._compares(actual.timestamp(), _moment(self.value).timestamp())
        if self.operator == ":":
            return self.value == "*" or self.value.lower() in actual.lower()
        return self._compares(actual.lower(), self.value.lower())

    def _compares(self, actual: str | float, wanted: str | float) -> bool:
        if self.operator in {"=", ":"}:
            return actual == wanted
        if self.operator == "!=":
            return actual != wanted
        if isinstance(actual, float) and isinstance(wanted, float):
            is_after, is_same = actual > wanted, actual == wanted
            return (is_after if self.operator[0] == ">" else not (is_after or is_same)) or (
                is_same and self.operator.endswith("=")
            )
        raise invalid(
            f"The filter compares '{self.field}' with '{self.operator}', which has no order."
        )


class _Parser:
    """OR binds tighter than AND, and terms side by side are joined by AND (AIP-160)."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def whole(self) -> Predicate:
        parts = [self._alternatives()]
        while self._text[self._at :].strip():
            self._word("AND")
            parts.append(self._alternatives())
        return lambda fields: all(part(fields) for part in parts)

    def _alternatives(self) -> Predicate:
        options = [self._term()]
        while self._word("OR"):
            options.append(self._term())
        return lambda fields: any(option(fields) for option in options)

    def _term(self) -> Predicate:
        match = TOKEN.match(self._text, self._at)
        if match is None or match["word"] in {"AND", "OR"}:
            raise invalid(
                f"The filter is not understood at '{self._text[self._at :].strip()[:40]}': write "
                f"comparisons like name:part, labels.key=value or state:ENABLED, joined by AND, "
                f"OR and NOT; the local Secret Manager takes no parentheses."
            )
        self._at = match.end()
        if match["word"] == "NOT" or match["minus"]:
            negated = self._term()
            return lambda fields: not negated(fields)
        return _Comparison(_snake(match["field"]), match["operator"], match["value"].strip('"'))

    def _word(self, word: str) -> bool:
        match = TOKEN.match(self._text, self._at)
        if match is None or match["word"] != word:
            return False
        self._at = match.end()
        return True


def _snake(field: str) -> str:
    if field.startswith("labels."):
        return field
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", field).lower()


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"The filter compares a time with '{text}', which is none.") from None
    if moment.tzinfo is None:
        raise invalid(f"The time '{text}' in the filter needs a zone, like 2030-01-01T00:00:00Z.")
    return moment
