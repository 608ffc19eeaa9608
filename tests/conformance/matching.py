"""Expected values of corpus lines: matchers such as `$contains` and placeholders."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

Lookup = Callable[[str], Any]


class Matcher:
    """Compares values; `lookup` answers placeholders, `content` gives the text of a file URI."""

    def __init__(
        self, lookup: Lookup, content: Callable[[str], str], now: Callable[[], datetime]
    ) -> None:
        self._lookup = lookup
        self._content = content
        self._now = now
        self.outputs: Lookup = lambda _: None

    def fault(self, wanted: Any, actual: Any, where: str) -> str | None:
        """None when `actual` is as wanted, else a sentence."""
        wanted = self.resolved(wanted)
        if isinstance(wanted, dict) and any(str(key).startswith("$") for key in wanted):
            faults = (self._special(key, item, actual, where) for key, item in wanted.items())
            return next((fault for fault in faults if fault), None)
        if isinstance(wanted, dict) and isinstance(actual, Mapping):
            if not wanted and actual:
                return f"{where} should be empty, not {_short(actual)}"
            faults = (
                self.fault(item, actual.get(key), f"{where}.{key}") for key, item in wanted.items()
            )
            return next((fault for fault in faults if fault), None)
        if isinstance(wanted, list) and isinstance(actual, (list, tuple)):
            if len(wanted) != len(actual):
                return f"{where} should be {_short(wanted)}, not {_short(actual)}"
            pairs = zip(wanted, actual, strict=True)
            faults = (self.fault(w, a, f"{where}[{n}]") for n, (w, a) in enumerate(pairs))
            return next((fault for fault in faults if fault), None)
        if wanted == actual or str(wanted) == str(actual):
            return None
        return f"{where} should be {_short(wanted)}, not {_short(actual)}"

    def resolved(self, wanted: Any) -> Any:
        """Placeholders inside a text replaced."""
        if not isinstance(wanted, str) or "$" not in wanted:
            return wanted
        whole = re.fullmatch(r"\$[\w.()\[\]+-]+", wanted)
        if whole:
            found = self._lookup(wanted)
            return wanted if found is None else found
        return re.sub(
            r"\$(?:root|aux|b|triggered\[\d+\]|taskrun\([\w-]+\))(?:\.\w+)+",
            lambda match: str(self._lookup(match.group())),
            wanted,
        )

    def _special(self, key: str, wanted: Any, actual: Any, where: str) -> str | None:
        check = _CHECKS.get(key)
        if check is None:
            return f"{where}: no matcher {key}"
        if check(self, self.resolved(wanted), actual):
            return None
        return f"{where} should satisfy {key} {_short(wanted)}, it is {_short(actual)}"

    def output_of(self, path: str) -> Any:
        """`task.key` to what that task gave."""
        return self.outputs(path)

    def lines(self, uri: Any) -> int:
        return len(self._content(str(uri)).splitlines())

    def text_of(self, uri: Any) -> str:
        return self._content(str(uri))

    def is_recent(self, seconds: Any, text: Any) -> bool:
        found = datetime.fromisoformat(str(text))
        return abs((self._now() - found).total_seconds()) <= float(seconds)


_CHECKS: dict[str, Callable[[Matcher, Any, Any], bool]] = {
    "$contains": lambda _, w, a: str(w) in str(a),
    "$startswith": lambda _, w, a: str(a).startswith(str(w)),
    "$endswith": lambda _, w, a: str(a).endswith(str(w)),
    "$matches": lambda _, w, a: re.search(str(w), str(a)) is not None,
    "$not": lambda _, w, a: a != w,
    "$in": lambda _, w, a: a in w,
    "$set": lambda _, w, a: sorted(map(str, w)) == sorted(map(str, a)),
    "$has_key": lambda _, w, a: isinstance(a, Mapping) and w in a,
    "$size": lambda _, w, a: len(a) == w,
    "$not_null": lambda _, w, a: (a is not None) is bool(w),
    "$file_line_count": lambda m, w, a: m.lines(a) == w,
    "$file_content": lambda m, w, a: m.text_of(a) == w,
    "$single_file_content": lambda m, w, a: m.text_of(next(iter(a.values()))) == w,
    "$iso_datetime_within_seconds_of_now": lambda m, w, a: m.is_recent(w, a),
    "$instant": lambda _, w, a: w is True or str(a) == str(w),
    "$date": lambda _, w, a: str(a) == str(w),
    "$time": lambda _, w, a: str(a) == str(w),
    "$duration": lambda _, w, a: str(a) == str(w),
    "$contains_output": lambda m, w, a: str(m.output_of(str(w))) in str(a),
    "$repeat": lambda _, w, a: a == str(w[0]) * int(w[1]),
}


def _short(value: Any) -> str:
    try:
        text = json.dumps(value, default=str)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}…"
