"""Filters on text. Null passes through all of them as null."""

import base64
import binascii
import hashlib
import re
import unicodedata
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Final

from mainstem.expr.arguments import a_boolean, a_text, an_integer, an_optional_text, text_input
from mainstem.expr.errors import Fault
from mainstem.expr.numbers import type_name
from mainstem.expr.regexes import JavaRegex
from mainstem.expr.runtime import Evaluation

_ESCAPES: Final = {
    "single": ("'", "\\'"),
    "double": ('"', '\\"'),
    "shell": ("'", "'\\''"),
}
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_NOT_SLUG: Final = re.compile(r"[^A-Za-z0-9_-]")
_JAVA_SPACE: Final = "".join(map(chr, range(33)))


def _on_text(change: Callable[[str], object]) -> Callable[[Evaluation, object], object]:
    def apply(ev: Evaluation, value: object) -> object:
        return None if value is None else change(text_input(value))

    return apply


def _each_text(value: object, ev: Evaluation, change: Callable[[str], str]) -> object:
    """Apply to text, or to every text inside maps and lists."""
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        ev.budget.spend(len(value))
    if isinstance(value, Mapping):
        return {key: _each_text(item, ev, change) for key, item in list(value.items())}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_each_text(item, ev, change) for item in value]
    return None if value is None else change(text_input(value))


def abbreviate(ev: Evaluation, value: object, length: object) -> object:
    if value is None:
        return None
    text, most = text_input(value), an_integer(length, "length")
    if most < 0:
        raise Fault("`length` must not be negative")
    if len(text) < most or len(text) <= 3:
        return text
    return text[:most] if most <= 3 else text[: most - 3] + "..."


def _titled(char: str) -> str:
    """The title form of one character, itself where that would be several."""
    changed = char.title()
    return changed if len(changed) == 1 else char


def capitalize(text: str) -> str:
    start = len(text) - len(text.lstrip())
    return text[:start] + _titled(text[start : start + 1]) + text[start + 1 :]


def title(text: str) -> str:
    return re.sub(r"(?<!\S)\S", lambda found: _titled(found[0]), text)


def ends_with(_: Evaluation, value: object, end: object) -> object:
    return None if value is None else text_input(value).endswith(text_input(end))


def starts_with(_: Evaluation, value: object, start: object) -> object:
    return None if value is None else text_input(value).startswith(text_input(start))


def escape_char(ev: Evaluation, value: object, kind: object) -> object:
    if value is None:
        return None
    pair = _ESCAPES.get(a_text(kind, "type").lower())
    if pair is None:
        raise Fault("`escapeChar` knows the types single, double and shell")
    return _each_text(value, ev, lambda text: text.replace(*pair))


def replace(ev: Evaluation, value: object, replace_pairs: object, regexp: object = None) -> object:
    if value is None:
        return None
    if not isinstance(replace_pairs, Mapping):
        raise Fault(f"`replace_pairs` must be a map but is {type_name(replace_pairs)}")
    pairs = [(text_input(k), text_input(v)) for k, v in replace_pairs.items()]
    if regexp is not None and a_boolean(regexp, "regexp"):
        patterns = [(JavaRegex(old, ev.options), new) for old, new in pairs]
        return _each_text(value, ev, lambda text: _replace_patterns(text, patterns))
    most = ev.options.max_output
    return _each_text(value, ev, lambda text: replace_texts(text, pairs, most))


def _replace_patterns(text: str, pairs: list[tuple[JavaRegex, str]]) -> str:
    for pattern, new in pairs:
        text = pattern.replace(text, new)
    return text


def replace_texts(text: str, pairs: list[tuple[str, str]], most: int) -> str:
    """Every old text replaced by its new one, in the order of the pairs."""
    for old, new in pairs:
        if len(text) + text.count(old) * len(new) > 2 * most:
            raise Fault("`replace` would make more text than allowed")
        text = text.replace(old, new)
    return text


def split(ev: Evaluation, value: object, delimiter: object, limit: object = None) -> object:
    if value is None:
        return None
    most = 0 if limit is None else an_integer(limit, "limit")
    pattern = JavaRegex(a_text(delimiter, "delimiter"), ev.options)
    return pattern.split(text_input(value), most)


def slugify(text: str) -> str:
    spaced = re.sub(r"\s", "-", text)
    plain = _NOT_SLUG.sub("", unicodedata.normalize("NFD", spaced)).replace("_", "-")
    plain = re.sub("-{2,}", "-", plain)
    return plain.removeprefix("-").removesuffix("-").lower()


def _cut(
    split_at: Callable[[str, str], tuple[str, str, str]],
    part: int,
    *,
    absent: bool,
    empty: bool,
) -> Callable[[Evaluation, object, object], object]:
    """Each flag says whether all of the text is the result: no such separator, or an empty one."""

    def apply(ev: Evaluation, value: object, separator: object) -> object:
        if value is None:
            return None
        text = text_input(value)
        mark = an_optional_text(separator, "separator")
        if mark == "":
            return text if empty else ""
        if mark is None or mark not in text:
            return text if absent else ""
        return split_at(text, mark)[part]

    return apply


substring_before = _cut(str.partition, 0, absent=True, empty=False)
substring_before_last = _cut(str.rpartition, 0, absent=True, empty=True)
substring_after = _cut(str.partition, 2, absent=False, empty=True)
substring_after_last = _cut(str.rpartition, 2, absent=False, empty=False)


def _indenting(*, new_line_first: bool) -> Callable[..., object]:
    name = "nindent" if new_line_first else "indent"

    def apply(ev: Evaluation, value: object, amount: object, prefix: object = None) -> object:
        if value is None:
            return None
        text = text_input(value)
        if not text:
            return text
        count = an_integer(amount, "amount")
        if count < 0:
            raise Fault(f"`{name}` expects an `amount` of 0 or more")
        pad = " " if prefix is None else a_text(prefix, "prefix")
        if count * len(pad) * (text.count("\n") + 1) > ev.options.max_output:
            raise Fault(f"`{name}` would make more text than allowed")
        line_end = _line_end(text)
        source = line_end + text if new_line_first else text
        return source.replace(line_end, line_end + pad * count)

    return apply


def _line_end(text: str) -> str:
    return next((mark for mark in ("\r\n", "\n\r", "\n", "\r") if mark in text), "\n")


indent = _indenting(new_line_first=False)
nindent = _indenting(new_line_first=True)


def base64decode(text: str) -> str:
    padded = text if text.endswith("=") else text + "=" * (-len(text) % 4)
    try:
        return base64.b64decode(padded, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        raise Fault("`base64decode` needs text in base64") from error


def urldecode(text: str) -> str:
    if _BROKEN_ESCAPE.search(text):
        raise Fault("`urldecode` needs two hexadecimal digits after every %")
    return urllib.parse.unquote_plus(text)


def urlencode(text: str) -> str:
    return urllib.parse.quote_plus(text, safe="*-._").replace("~", "%7E")


def _hashing(algorithm: str) -> Callable[[Evaluation, object], object]:
    def apply(ev: Evaluation, value: object) -> object:
        if value is None:
            return None
        if not isinstance(value, str):
            raise Fault(f"A hash needs text but got {type_name(value)}")
        return hashlib.new(algorithm, value.encode(), usedforsecurity=False).hexdigest()

    return apply


def to_text(ev: Evaluation, value: object) -> object:
    return None if value is None else text_input(value)


def java_trim(text: str) -> str:
    return text.strip(_JAVA_SPACE)


FILTERS_TEXT: Final[dict[str, tuple[Callable[..., object], str]]] = {
    "abbreviate": (abbreviate, "length"),
    "base64encode": (_on_text(lambda text: base64.b64encode(text.encode()).decode()), ""),
    "base64decode": (_on_text(base64decode), ""),
    "capitalize": (_on_text(capitalize), ""),
    "endsWith": (ends_with, "value"),
    "escapeChar": (escape_char, "type"),
    "indent": (indent, "amount prefix"),
    "lower": (_on_text(str.lower), ""),
    "md5": (_hashing("md5"), ""),
    "nindent": (nindent, "amount prefix"),
    "replace": (replace, "replace_pairs regexp"),
    "sha1": (_hashing("sha1"), ""),
    "sha256": (_hashing("sha256"), ""),
    "sha512": (_hashing("sha512"), ""),
    "slugify": (_on_text(slugify), ""),
    "split": (split, "delimiter limit"),
    "startsWith": (starts_with, "value"),
    "string": (to_text, ""),
    "substringAfter": (substring_after, "separator"),
    "substringAfterLast": (substring_after_last, "separator"),
    "substringBefore": (substring_before, "separator"),
    "substringBeforeLast": (substring_before_last, "separator"),
    "title": (_on_text(title), ""),
    "trim": (_on_text(java_trim), ""),
    "upper": (_on_text(str.upper), ""),
    "urldecode": (_on_text(urldecode), ""),
    "urlencode": (_on_text(urlencode), ""),
}
