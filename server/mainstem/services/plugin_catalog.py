"""Plug-ins for who looks for one: groups, docs, a first example, and the flows that use it."""

import importlib.util
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from mainstem.errors import NotFound
from mainstem.model.flow_id import FlowId
from mainstem.sdk.plugin_docs import PluginDoc, PropertyDoc, plugin_doc
from mainstem.sdk.registry import PREFIX, Registry, UnknownType
from mainstem.sdk.schema import flow_schema, plugin_schema
from mainstem.services.flows import FlowService

__all__ = ["Group", "PluginCatalog", "PluginDoc", "PropertyDoc", "Usage"]

_TYPE: Final = re.compile(r"""\btype["']?\s*:\s*["']?([A-Za-z_][\w.]*)""")
_TITLES: Final = {
    "core": "Core",
    "scripts": "Scripts",
    "gcp": "Google Cloud",
    "jdbc": "Databases",
    "dbt": "dbt",
    "git": "Git",
    "fs": "File systems",
    "serdes": "File formats",
    "notifications": "Notifications",
    "compress": "Archives",
    "aws": "Amazon Web Services",
    "openai": "OpenAI",
}
# What a group needs besides the server itself, and the extra that installs it.
_NEEDS: Final = {
    "gcp": ("google.cloud.bigquery", "gcp"),
    "dbt": ("dbt.cli", "dbt"),
    "jdbc": ("psycopg", "postgres"),
    "aws": ("boto3", "aws"),
}


@dataclass(frozen=True, slots=True)
class Group:
    """Plug-ins whose names begin alike; `install` is the line that adds what is missing."""

    name: str
    title: str
    plugins: Sequence[PluginDoc]
    install: str | None = None

    def of_kind(self, kind: str) -> list[PluginDoc]:
        return [doc for doc in self.plugins if doc.kind == kind]


@dataclass(frozen=True, slots=True)
class Usage:
    """How often current flows name each type, and which flows name it."""

    counts: Mapping[str, int]
    flows: Mapping[str, Sequence[FlowId]]


class PluginCatalog:
    """Docs are made once; classes are imported by the first look at the list."""

    def __init__(self, registry: Registry, flows: FlowService) -> None:
        self.registry = registry
        self._flows = flows
        self._docs: dict[str, PluginDoc] = {}
        self._schema: dict[str, Any] | None = None
        self._lock = threading.Lock()

    def doc(self, name: str) -> PluginDoc:
        """By full, short or alias name; raises NotFound."""
        try:
            full = self.registry.canonical(name)
        except UnknownType as error:
            raise NotFound(error.message) from error
        found = self._docs.get(full)
        if found is None:
            found = plugin_doc(self.registry, full)
            self._docs[full] = found
        return found

    def docs(self) -> list[PluginDoc]:
        """All, by type."""
        return [self.doc(name) for name in self.registry.types()]

    def groups(self) -> list[Group]:
        """By the first word of the short names."""
        found: dict[str, list[PluginDoc]] = {}
        for doc in self.docs():
            found.setdefault(group_of(doc.type), []).append(doc)
        return [
            Group(name, _TITLES.get(name, name.capitalize()), docs, install_line(name))
            for name, docs in sorted(found.items())
        ]

    def find(self, text: str) -> list[PluginDoc]:
        """Docs whose type, alias or description holds every word; names before descriptions."""
        words = text.lower().split()
        ranked = []
        for doc in self.docs():
            names = " ".join((doc.short, *doc.aliases)).lower()
            whole = f"{names} {doc.description.lower()}"
            if all(word in whole for word in words):
                ranked.append((not all(word in names for word in words), doc.type, doc))
        return [doc for *_, doc in sorted(ranked, key=lambda item: item[:2])]

    def schema(self, name: str) -> dict[str, Any]:
        """The JSON Schema of one plug-in; raises NotFound."""
        return plugin_schema(self.registry, self.doc(name).type)

    def flow_schema(self) -> dict[str, Any]:
        """The JSON Schema of flows with every plug-in."""
        with self._lock:
            if self._schema is None:
                self._schema = flow_schema(self.registry)
            return self._schema

    def usage(self) -> Usage:
        """Read from the sources of current flows."""
        counts: Counter[str] = Counter()
        flows: dict[str, list[FlowId]] = {}
        known: dict[str, str | None] = {}
        for item in self._flows.all():
            for name, times in Counter(_TYPE.findall(item.source)).items():
                if name not in known:
                    known[name] = self._canonical(name)
                if full := known[name]:
                    counts[full] += times
                    flows.setdefault(full, []).append(item.flow)
        return Usage(counts, flows)

    def _canonical(self, name: str) -> str | None:
        try:
            return self.registry.canonical(name)
        except UnknownType:
            return None


def group_of(type_name: str) -> str:
    """The first word after the common prefix."""
    return type_name.removeprefix(PREFIX).partition(".")[0]


def install_line(group: str) -> str | None:
    """What to type when a group lacks a library; None when it lacks nothing."""
    needed = _NEEDS.get(group)
    if needed is None:
        return None
    module, extra = needed
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        found = None
    return None if found else f"pip install 'mainstem[{extra}]'"


def example(doc: PluginDoc) -> str:
    """The least that a flow has to write to use it, as YAML."""
    shown: dict[str, Any] = {}
    if doc.kind in ("task", "trigger"):
        shown["id"] = _example_id(doc.title)
    shown["type"] = doc.type
    for item in doc.properties:
        if item.required and item.name not in shown:
            shown[item.name] = _value(item)
    shown |= _ONE_OF_SEVERAL.get(doc.short, {})
    text: str = yaml.safe_dump([shown], sort_keys=False, allow_unicode=True, width=96)
    return text


_HELLO: Final = {"id": "hello", "type": f"{PREFIX}core.log.Log", "message": "Hello"}
# Where one of several properties is needed, none of which is required alone.
_ONE_OF_SEVERAL: Final[Mapping[str, Mapping[str, Any]]] = {
    "core.execution.Count": {"flows": [{"namespace": "company.team", "flowId": "other_flow"}]},
    "core.flow.Switch": {"cases": {"text": [_HELLO]}},
    "core.flow.WorkingDirectory": {"tasks": [_HELLO]},
    "core.namespace.UploadFiles": {"filesMap": {"data.csv": "{{ outputs.extract.uri }}"}},
    "core.storage.Split": {"rows": 1_000},
}


def _example_id(title: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z][a-z])", "_", title).lower()


def _value(item: PropertyDoc) -> object:
    if item.choices:
        return item.choices[0]
    words = item.type
    if words.startswith("list"):
        return [_one(words.removeprefix("list of ").partition(" or ")[0], item)]
    return _one(words.partition(" or ")[0], item)


def _one(word: str, item: PropertyDoc) -> object:
    known: dict[str, object] = {
        "whole number": 1,
        "number": 1,
        "boolean": True,
        "duration": "PT1M",
        "date and time": "2026-01-01T00:00:00Z",
        "task": _HELLO,
        "condition": {"type": f"{PREFIX}core.condition.Weekend"},
        "map": {p.name: _value(p) for p in item.properties if p.required} or {"key": "value"},
    }
    return known.get(word, _named(item.name))


_NAMED: Final = {
    "cron": "0 6 * * *", "namespace": "company.team", "flowId": "other_flow", "uri": "https://example.com",
    "url": "jdbc:postgresql://localhost:5432/db", "key": "some_key", "expression": "{{ 1 == 1 }}",
    "condition": "{{ 1 == 1 }}", "from": "{{ outputs.extract.uri }}",
}  # fmt: skip


def _named(name: str) -> str:
    return _NAMED.get(name, "text")


def all_properties(doc: PluginDoc) -> Iterator[PropertyDoc]:
    """Its own properties before those that every plug-in of its kind has."""
    yield from sorted((p for p in doc.properties if not p.inherited), key=lambda p: not p.required)
    yield from (p for p in doc.properties if p.inherited)
