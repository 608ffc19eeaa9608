"""The key-value store from within a flow."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from mainstem.errors import InvalidInput
from mainstem.model.state import State
from mainstem.sdk.context import KvEntry
from mainstem.services.kv_values import Kind, from_body, kind_of
from tests.plugins.bench import NAMESPACE, Bench, task


@pytest.mark.parametrize(
    ("body", "kind", "value"),
    [
        ('"hello"', Kind.STRING, "hello"),
        ("1", Kind.NUMBER, 1),
        ("1.5", Kind.NUMBER, 1.5),
        ("true", Kind.BOOLEAN, True),
        ("null", Kind.STRING, None),
        ('{"a": [1]}', Kind.JSON, {"a": [1]}),
        ('{a: ["x"]}', Kind.JSON, {"a": ["x"]}),
        ("2021-09-01", Kind.DATE, date(2021, 9, 1)),
        ("2021-09-01T01:02:03Z", Kind.DATETIME, datetime(2021, 9, 1, 1, 2, 3, tzinfo=UTC)),
        ("P1DT5S", Kind.DURATION, timedelta(days=1, seconds=5)),
        ('"PT5S"', Kind.DURATION, "PT5S"),
        ('"2021-09-01"', Kind.STRING, "2021-09-01"),
    ],
)
def test_the_body_of_a_call_decides_the_kind(body: str, kind: Kind, value: object) -> None:
    assert from_body(body) == (kind, value)


@pytest.mark.parametrize("body", ["two words", "", "{", "[1,", "$%"])
def test_a_body_that_is_no_value_is_refused(body: str) -> None:
    with pytest.raises(InvalidInput, match="must be JSON"):
        from_body(body)


@pytest.mark.parametrize("text", ["P", "PT", "PT5", "POST", "P1X", "plain"])
def test_text_that_only_looks_like_a_duration_is_text(text: str) -> None:
    assert kind_of(text) is Kind.STRING


@pytest.mark.parametrize(
    ("given", "kind", "value"),
    [
        ({"value": "{{ inputs.number }}"}, "NUMBER", 3),
        ({"value": "n={{ inputs.number }}"}, "STRING", "n=3"),
        ({"value": 5}, "STRING", "5"),
        ({"value": "123.45", "kvType": "NUMBER"}, "NUMBER", 123.45),
        ({"value": "true", "kvType": "BOOLEAN"}, "BOOLEAN", True),
        ({"value": '["x"]', "kvType": "JSON"}, "JSON", ["x"]),
        ({"value": {"a": "{{ inputs.number }}"}}, "JSON", {"a": "3"}),
        ({"value": "2024-01-02", "kvType": "DATE"}, "DATE", date(2024, 1, 2)),
        (
            {"value": "2024-01-02T03:04:05Z", "kvType": "DATE"},
            "DATETIME",
            datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
        ),
        ({"value": "PT5S", "kvType": "STRING"}, "STRING", "PT5S"),
    ],
)
def test_a_value_is_stored_with_its_type(
    bench: Bench, given: dict[str, Any], kind: str, value: object
) -> None:
    found = bench.run(
        task("core.kv.Set", key="typed", **given),
        inputs=[{"id": "number", "type": "INT", "defaults": 3}],
    )
    assert found.state is State.SUCCESS, found.errors
    entry = bench.app.kv.get(NAMESPACE, "typed").entry
    assert (entry.kind, entry.value) == (kind, value)


def test_a_stored_value_is_read_listed_and_deleted(bench: Bench) -> None:
    found = bench.run(
        task("core.kv.Set", "set", key="kv-a", value="{{ flow }}"),
        task("core.kv.Get", "get", key="kv-a"),
        task("core.kv.GetKeys", "keys", prefix="kv-"),
        task("core.debug.Return", "inline", format="{{ kv('kv-a').namespace }}"),
        task("core.kv.Delete", "del", key="kv-a"),
        task("core.kv.Get", "none", key="kv-a"),
        task("core.kv.Delete", "again", key="kv-a", errorOnMissing=True),
    )
    assert found.outputs["get"]["value"]["namespace"] == NAMESPACE
    assert found.outputs["keys"] == {"keys": ["kv-a"]}
    assert found.outputs["inline"] == {"value": NAMESPACE}
    assert found.outputs["del"] == {"deleted": True}
    assert found.outputs["none"] == {}
    assert (
        f"No value found for key 'kv-a' in namespace '{NAMESPACE}' and `errorOnMissing` is set to "
        "true" in found.errors
    )


def test_a_value_may_be_kept_from_being_overwritten(bench: Bench) -> None:
    once = task("core.kv.Set", key="once", value="first", overwrite=False)
    assert bench.run(once).state is State.SUCCESS
    assert (
        "Cannot set value for key 'once'. Key already exists and `overwrite` is set to `false`."
        in bench.run(once).errors
    )


@pytest.mark.parametrize(
    ("namespace", "state"),
    [("plugins", State.SUCCESS), (NAMESPACE, State.SUCCESS), ("no.such.place", State.FAILED)],
)
def test_a_namespace_is_written_if_the_flow_lies_in_it_or_it_exists(
    bench: Bench, namespace: str, state: State
) -> None:
    found = bench.run(task("core.kv.Set", key="k", value="v", namespace=namespace))
    assert found.state is state
    if state is State.FAILED:
        assert "The namespace 'no.such.place' does not exist" in found.errors


def test_a_key_with_other_characters_is_refused(bench: Bench) -> None:
    found = bench.run(task("core.kv.Set", key="bad key", value="v"))
    assert "Key must start with an alphanumeric character" in found.errors


def test_a_time_to_live_is_not_negative(bench: Bench) -> None:
    found = bench.run(task("core.kv.Set", key="k", value="v", ttl="PT-5S"))
    assert "ttl cannot be negative" in found.errors


def put(bench: Bench, namespace: str, key: str, ttl: timedelta | None = None) -> None:
    bench.app.kv.set(namespace, KvEntry(key, "v", ""), ttl=ttl)


@pytest.mark.parametrize(
    ("given", "gone"),
    [
        ({}, {"a/old", "a.b/old", "ab/old"}),
        ({"behavior": {"type": "version", "keepAmount": 1}}, set()),
        ({"namespaces": [f"{NAMESPACE}.a"]}, {"a/old", "a.b/old"}),
        ({"namespaces": [f"{NAMESPACE}.a"], "includeChildNamespaces": False}, {"a/old"}),
        ({"namespacePattern": "*.a?"}, {"ab/old"}),
        ({"keyPattern": "n*", "expiredOnly": False}, {"a/new", "a.b/new", "ab/new"}),
        (
            {"namespaces": [f"{NAMESPACE}.ab"], "behavior": {"expiredOnly": False}},
            {"ab/old", "ab/new"},
        ),
    ],
)
def test_keys_of_several_namespaces_are_purged_as_far_as_the_flow_may_change_them(
    bench: Bench, given: dict[str, Any], gone: set[str]
) -> None:
    places = [f"{NAMESPACE}.{name}" for name in ("a", "a.b", "ab")]
    for place in (*places, "elsewhere"):
        put(bench, place, "new")
        put(bench, place, "old", timedelta(0))
    found = bench.run(task("core.kv.PurgeKV", "purge", **given))
    kept = {f"{e.namespace}/{e.key}" for e in bench.app.kv.entries(None, expired=True)}
    all_of_them = {f"{place}/{key}" for place in places for key in ("new", "old")}
    assert all_of_them - kept == {f"{NAMESPACE}.{name}" for name in gone}
    assert {"elsewhere/new", "elsewhere/old"} <= kept
    assert found.outputs["purge"] == {"size": len(gone)}


def test_a_named_namespace_that_the_flow_may_not_change_is_refused(bench: Bench) -> None:
    put(bench, "elsewhere", "old", timedelta(0))
    found = bench.run(task("core.kv.PurgeKV", namespaces=["elsewhere"]))
    assert "may not change keys of namespace `elsewhere`" in found.errors


def test_namespaces_and_a_pattern_of_them_exclude_each_other(bench: Bench) -> None:
    with pytest.raises(InvalidInput, match="exclude each other"):
        bench.run(task("core.kv.PurgeKV", namespaces=["a"], namespacePattern="a*"))
