"""Folders that say which namespace their flows belong to (pure)."""

import re
from pathlib import PurePosixPath
from typing import Final

from mainstem.flowspec.problems import Problem
from mainstem.flowspec.source import load
from mainstem.gitsync.tree import below
from mainstem.settings_git import GitSource, NamespaceMapping

_LINE: Final = re.compile(r"^namespace:[^\n]*$", re.MULTILINE)


def place_flow(text: str, path: str, source: GitSource) -> tuple[str, Problem | None]:
    """The source of a flow with the namespace of its folder, and what speaks against it.

    A missing namespace is added at the end, so that no other line moves.
    """
    found = _mapping_of(path, source)
    if found is None:
        return text, None
    mapping, wanted = found
    document = load(text)
    if not isinstance(document.data, dict):
        return text, None
    given = document.data.get("namespace")
    if given is None:
        return f"{text.rstrip()}\nnamespace: {wanted}\n", None
    if given == wanted:
        return text, None
    if mapping.on_mismatch == "rewrite" and len(_LINE.findall(text)) == 1:
        return _LINE.sub(f"namespace: {wanted}", text), None
    at = document.value(document.data, "namespace")
    line, column = at or (1, 1)
    message = f"flows in this folder belong to namespace `{wanted}`, not `{given}`"
    return text, Problem(path, line, column, "namespace", message)


def _mapping_of(path: str, source: GitSource) -> tuple[NamespaceMapping, str] | None:
    seen = below(path, source.directory)
    if seen is None:
        return None
    # The deepest folder decides.
    ordered = sorted(source.namespaces, key=lambda m: -len(m.directory.strip("/")))
    for mapping in ordered:
        inner = below(seen, mapping.directory)
        if inner is not None:
            folders = PurePosixPath(inner).parts[:-1] if mapping.children else ()
            return mapping, ".".join((mapping.namespace, *folders))
    return None
