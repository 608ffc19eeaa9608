"""`namespaces/<namespace>.yaml`: what a commit says about namespaces."""

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection

from mainstem.flowspec.problems import Problem
from mainstem.flowspec.source import load
from mainstem.services.flows import FlowService
from mainstem.services.namespaces import NamespaceProperties, NamespaceService, StoredNamespace
from mainstem.store import namespaces as rows
from mainstem.store.columns import dump_json
from mainstem.store.sync_entries import Entry, Key, Live


def read_namespace(
    text: str, path: str, namespace: str, service: NamespaceService
) -> tuple[NamespaceProperties | None, list[Problem]]:
    """The properties in a file; its name says whose they are."""
    document = load(text)
    if isinstance(document.data, dict) and "id" not in document.data:
        # At the end, so that no other line moves.
        text = f"{text.rstrip()}\nid: {namespace}\n"
    parsed = service.parse(text, path)
    problems = list(parsed.problems)
    made = parsed.properties
    if made is not None and made.id != namespace:
        reason = f"the file's name says `{namespace}`, its id `{made.id}`"
        problems.append(Problem(path, 1, 1, "namespace", reason))
        made = None
    return made, problems


def broken_flows(
    properties: NamespaceProperties, service: NamespaceService, flows: FlowService, path: str
) -> list[Problem]:
    """Live flows that would no longer be valid with the plug-in defaults of a commit."""
    old = service.find(properties.id)
    before = [dict(item) for item in old.plugin_defaults] if old else []
    if dump_json(_defaults(properties)) == dump_json(before):
        return []
    return [
        Problem(path, 1, 1, "plugin-defaults", f"with these plug-in defaults: {found}")
        for found in flows.broken_by(properties.id, properties.plugin_defaults)
    ]


def digest_of(properties: NamespaceProperties) -> str:
    return _digest(
        properties.description,
        properties.variables,
        _defaults(properties),
        properties.allowed_namespaces,
    )


def live_namespaces(tx: Connection, entries: list[Entry]) -> dict[Key, Live]:
    """What these namespaces say now."""
    found = {}
    for entry in entries:
        stored = rows.get(tx, entry.namespace)
        if stored is not None:
            found[entry.key] = Live(_stored_digest(stored), stored.git_source, stored.git_commit)
    return found


def _stored_digest(stored: StoredNamespace) -> str:
    defaults = [dict(item) for item in stored.plugin_defaults]
    return _digest(stored.description, stored.variables, defaults, stored.allowed_namespaces)


def _defaults(properties: NamespaceProperties) -> list[dict[str, object]]:
    return [
        {"type": item.type, "forced": item.forced, "values": item.values}
        for item in properties.plugin_defaults
    ]


def _digest(
    description: str | None, variables: object, defaults: object, allowed: Sequence[str]
) -> str:
    told = [description, variables, defaults]
    if allowed:  # what was digested before there were any stays the same
        told.append(list(allowed))
    return hashlib.sha256(dump_json(told).encode()).hexdigest()
