"""The shapes under which a secret leaks: as it is, encoded, escaped, line by line (pure)."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

SHORTEST: Final = 3
_SHORTEST_LINE: Final = 8
# Pieces of base64 are told from ordinary text only from some length on.
_SHORTEST_PIECE: Final = 6
_DEEPEST: Final = 6
_TELLING: Final = ("password", "passwd", "secret", "token", "private", "key", "credential", "pwd")
_PUBLIC: Final = frozenset({"auth_provider_x509_cert_url", "client_x509_cert_url", "token_uri"})


def forms(value: str) -> set[str]:
    """Every text that gives the value away; those shorter than three characters are left out."""
    found: set[str] = set()
    for part in parts(value):
        found |= _encoded(part)
    return {form for form in found if len(form) >= SHORTEST}


def parts(value: str) -> set[str]:
    """The value, its lines, and the telling fields of JSON such as a service-account key."""
    found = {value, value.strip()}
    for inner in _telling_fields(value):
        found |= {inner, inner.strip()}
    for text in list(found):
        if "\n" in text or "\r" in text:
            found |= set(_lines(text))
    return {part for part in found if len(part) >= SHORTEST}


def _lines(text: str) -> Iterator[str]:
    lines = [line.strip() for line in text.splitlines()]
    body = [line for line in lines if not line.startswith("-----")]
    yield from (line for line in lines if len(line) >= _SHORTEST_LINE)
    # A PEM body is often written without its line breaks.
    joined = "".join(body)
    if len(body) > 1 and len(joined) >= _SHORTEST_LINE:
        yield joined


def _telling_fields(value: str) -> Iterator[str]:
    if not value.lstrip().startswith(("{", "[")):
        return
    try:
        tree = json.loads(value)
    except (ValueError, RecursionError):
        return
    yield from _fields(tree, telling=False, depth=0)


def _fields(node: object, *, telling: bool, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(node, Mapping):
        for key, inner in node.items():
            name = str(key).lower()
            found = name not in _PUBLIC and any(word in name for word in _TELLING)
            yield from _fields(inner, telling=telling or found, depth=depth + 1)
    elif isinstance(node, list):
        for inner in node:
            yield from _fields(inner, telling=telling, depth=depth + 1)
    elif telling and isinstance(node, str) and len(node) >= SHORTEST:
        yield node


def _encoded(value: str) -> set[str]:
    escaped = json.dumps(value)[1:-1]
    raw = json.dumps(value, ensure_ascii=False)[1:-1]
    content = value.encode("utf-8", "surrogatepass")
    found = {
        value,
        escaped,
        raw,
        escaped.replace("/", "\\/"),
        raw.replace("/", "\\/"),
        json.dumps(escaped)[1:-1],
        json.dumps(raw, ensure_ascii=False)[1:-1],
        content.hex(),
        content.hex().upper(),
        *_percent(content),
    }
    return found | _base64(content)


def _percent(content: bytes) -> Iterator[str]:
    for quoted in (quote(content), quote(content, safe=""), quote_plus(content)):
        yield quoted
        yield _lower_hex(quoted)


def _lower_hex(quoted: str) -> str:
    first, *rest = quoted.split("%")
    return "%".join([first, *(piece[:2].lower() + piece[2:] for piece in rest)])


def _base64(content: bytes) -> set[str]:
    """The whole, and what stays the same wherever it lies within a longer text."""
    found: set[str] = set()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(content).decode()
        found |= {whole, whole.rstrip("=")}
        for shift in range(3):
            piece = _piece(encode(b"\0" * shift + content).decode(), shift, len(content))
            if len(piece) >= _SHORTEST_PIECE:
                found.add(piece)
    return found


def _piece(encoded: str, shift: int, length: int) -> str:
    """The characters that the content alone decides."""
    begin = -(-8 * shift // 6)
    end = 8 * (shift + length) // 6
    return encoded[begin:end]
