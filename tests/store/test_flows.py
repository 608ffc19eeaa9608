"""Flow revisions, namespace files, key-value entries, secrets, Git sources, logs, metrics."""

from dataclasses import replace

import pytest

from mainstem.errors import NotFound
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level
from mainstem.model.metric import Metric, MetricKind
from mainstem.store import flows, kv, logs, namespace_files, secrets, syncs
from mainstem.store.database import Database
from mainstem.store.flows import Origin
from mainstem.store.kv import StoredKv
from mainstem.store.logs import LogFilter, StoredMetric
from mainstem.store.namespace_files import ChangeNote, Seen, StoredFile
from mainstem.store.secrets import SealedSecret
from mainstem.store.syncs import SourceStatus, SyncRun
from tests.store.builders import FLOW, NOON, later, line, revision

BELOW = FlowId("zoomcamp.week2", "b")
BESIDE = FlowId("zoomcamp_2", "c")


def test_a_new_revision_becomes_the_latest_and_old_ones_stay(database: Database) -> None:
    origin = Origin("main", "abc", "flows/taxi.yaml", "Ada", "message")
    second = revision(number=2, source="id: x", labels={"a": "b"}, origin=origin, description="d")
    with database.write() as tx:
        flows.add_revisions(tx, [revision()])
        flows.add_revisions(tx, [second])
        flows.add_revisions(tx, [])
    with database.read() as tx:
        assert flows.latest(tx, FLOW) == second
        assert flows.revision(tx, FLOW, 1) == revision(is_latest=False)
        assert [item.revision for item in flows.revisions(tx, FLOW)] == [2, 1]
        assert len(second.source_hash) == 64


def test_missing_flows_and_revisions_are_named(database: Database) -> None:
    with database.read() as tx:
        with pytest.raises(NotFound, match=r"zoomcamp\.taxi"):
            flows.latest(tx, FLOW)
        with pytest.raises(NotFound, match="revision 7"):
            flows.revision(tx, FLOW, 7)
        assert flows.revisions(tx, FLOW) == []


def test_current_flows_of_a_namespace_take_in_those_below_but_not_beside(
    database: Database,
) -> None:
    gone = revision(FlowId("zoomcamp", "gone"), deleted=True)
    with database.write() as tx:
        flows.add_revisions(tx, [revision(), revision(BELOW), revision(BESIDE), gone])
    with database.read() as tx:
        assert [f.flow for f in flows.all_latest(tx)] == [FLOW, BELOW, BESIDE]
        assert [f.flow for f in flows.all_latest(tx, namespace="zoomcamp")] == [FLOW, BELOW]
        assert flows.namespaces(tx) == {"zoomcamp": 1, "zoomcamp.week2": 1, "zoomcamp_2": 1}
        heads = flows.heads(tx, [FLOW, gone.flow, FlowId("no", "body")])
        assert set(heads) == {FLOW, gone.flow}
        assert heads[gone.flow].deleted


def test_sources_are_searched_literally_in_any_case(database: Database) -> None:
    with database.write() as tx:
        flows.add_revisions(tx, [revision(source="a: 100%_Sure"), revision(BELOW, source="a: 1")])
    with database.read() as tx:
        assert [f.flow for f in flows.search_source(tx, "100%_sURE", 9)] == [FLOW]
        assert flows.search_source(tx, "%", 9)[0].flow == FLOW
        assert len(flows.search_source(tx, "A", 1)) == 1


def test_an_unchanged_revision_takes_over_a_new_commit(database: Database) -> None:
    origin = Origin("main", "def", "flows/taxi.yaml")
    with database.write() as tx:
        flows.add_revisions(tx, [revision()])
        flows.set_origin(tx, revision(), origin)
    with database.read() as tx:
        assert flows.latest(tx, FLOW).origin == origin


NOTE = ChangeNote(NOON, "ada", "why")


def test_namespace_files_are_pointers_that_can_be_replaced(database: Database) -> None:
    file = StoredFile("zoomcamp", "a/b.sql", "0" * 64, 3, NOON, "main", "abc")
    other = StoredFile("zoomcamp", "a.sql", "1" * 64, 2**40, NOON)
    with database.write() as tx:
        namespace_files.put(tx, [file, other], NOTE)
        namespace_files.put(tx, [replace(file, size=4)], NOTE)
    with database.read() as tx:
        assert namespace_files.get(tx, "zoomcamp", "a/b.sql") == replace(file, size=4)
        assert namespace_files.get(tx, "zoomcamp", "nobody") is None
        assert [f.path for f in namespace_files.of_namespace(tx, "zoomcamp")] == [
            "a.sql",
            "a/b.sql",
        ]
        assert [f.path for f in namespace_files.of_source(tx, "main")] == ["a/b.sql"]
        assert len(namespace_files.everything(tx)) == 2
        assert namespace_files.counts(tx) == {"zoomcamp": 2}
    gone = [("zoomcamp", "a.sql"), ("zoomcamp", "nobody")]
    with database.write() as tx:
        assert namespace_files.remove(tx, gone, NOTE) == 1


def test_a_pinned_reader_sees_the_files_of_its_change_and_its_own(database: Database) -> None:
    def put(path: str, digest: str, note: ChangeNote = NOTE) -> None:
        with database.write() as tx:
            namespace_files.put(tx, [StoredFile("n", path, digest * 64, 1, NOON)], note)

    def seen(version: int, execution: str = "e") -> dict[str, str]:
        with database.read() as tx:
            files = namespace_files.of_namespace(tx, "n", Seen(version, execution))
            for file in files:
                assert namespace_files.get(tx, "n", file.path, Seen(version, execution)) == file
        return {file.path: file.sha256[0] for file in files}

    put("a", "1")
    put("b", "1")
    with database.read() as tx:
        before = namespace_files.latest_change(tx)
    put("a", "2")
    put("a", "2")
    with database.write() as tx:
        namespace_files.remove(tx, [("n", "b")], NOTE)
    put("c", "3", ChangeNote(NOON, execution_id="own"))
    put("d", "4")
    assert seen(before) == {"a": "1", "b": "1"}
    assert seen(before, "own") == {"a": "1", "b": "1", "c": "3"}
    with database.read() as tx:
        now = namespace_files.latest_change(tx)
        history = namespace_files.revisions(tx, "n", "a")
        gone = namespace_files.revisions(tx, "n", "b")
    assert seen(now) == {"a": "2", "c": "3", "d": "4"}
    assert [(item.revision, (item.sha256 or "-")[0]) for item in history] == [(2, "2"), (1, "1")]
    assert [(item.revision, item.sha256 is None) for item in gone] == [(2, True), (1, False)]
    assert (history[0].author, history[0].message) == ("ada", "why")


@pytest.mark.parametrize("value", ["text", 1, 1.5, True, None, {"a": [1, None]}, "ä\x00"])
def test_a_kv_value_of_any_type_is_read_as_it_was_written(
    database: Database, value: object
) -> None:
    entry = StoredKv("zoomcamp", "k", "JSON", value, NOON, NOON, later(1), "why", 2)
    with database.write() as tx:
        kv.put(tx, replace(entry, value="old"))
        kv.put(tx, entry)
    with database.read() as tx:
        assert kv.get(tx, "zoomcamp", "k") == entry
        assert kv.get(tx, "zoomcamp", "none") is None
        assert kv.entries(tx) == kv.entries(tx, "zoomcamp") == [entry]
        assert kv.entries(tx, "other") == []
        assert kv.is_known(tx, "zoomcamp")
        assert not kv.is_known(tx, "zoom")
    with database.write() as tx:
        assert kv.remove(tx, "zoomcamp", "k")
        assert not kv.remove(tx, "zoomcamp", "k")


def test_sealed_secrets_are_kept_by_namespace_and_key(database: Database) -> None:
    old = SealedSecret("zoomcamp", "b", b"\x00\xff", NOON, None, {}, None)
    with database.write() as tx:
        secrets.put(tx, old)
        secrets.put(tx, SealedSecret("zoomcamp", "a", b"x", NOON, "why", {"t": "1"}, "k1"))
        secrets.put(tx, SealedSecret("other", "c", b"y", NOON, None, {}, "k2"))
        assert secrets.annotate(tx, "other", "c", "text", {"u": "2"})
        assert not secrets.annotate(tx, "other", "nobody", None, {})
    with database.write() as tx:
        assert secrets.get(tx, "zoomcamp", "b") == b"\x00\xff"
        assert secrets.get(tx, "zoomcamp", "nobody") is None
        assert [n.key for n in secrets.notes(tx, "zoomcamp")] == ["a", "b"]
        assert (secrets.notes(tx, "other")[0].description, secrets.counts(tx)["zoomcamp"]) == (
            "text",
            2,
        )
        others = secrets.sealed_by_others(tx, "k1", 10)
        assert [item.key for item in others] == ["c", "b"]
        assert secrets.reseal(tx, old, b"new", "k1")
        assert not secrets.reseal(tx, old, b"late", "k1")
        assert secrets.note_read(tx, "e", "zoomcamp", "b", NOON)
        assert not secrets.note_read(tx, "e", "zoomcamp", "b", NOON)
        assert secrets.reads_of(tx, ["e", "f"]) == [("e", "zoomcamp", "b")]
        assert secrets.remove(tx, "zoomcamp", "a")
        assert not secrets.remove(tx, "zoomcamp", "a")


def test_git_sources_and_their_history(database: Database) -> None:
    status = SourceStatus(
        "main", "https://x", "main", "READY", committed_at=NOON, problems=[{"line": 1}], failures=2
    )
    run = SyncRun("main", "abc", NOON, 0.5, "READY", {"create": ["a"]}, [])
    with database.write() as tx:
        syncs.put(tx, replace(status, state="NEW"))
        syncs.put(tx, status)
        syncs.put(tx, replace(status, name="old"))
        syncs.forget(tx, ["main"])
        syncs.add_run(tx, run)
        syncs.add_run(tx, replace(run, commit="def"))
    with database.read() as tx:
        assert syncs.get(tx, "main") == status
        assert syncs.get(tx, "old") is None
        assert syncs.all_sources(tx) == [status]
        found = syncs.runs(tx, "main", 9)
        assert [item.commit for item in found] == ["def", "abc"]
        assert replace(found[1], id=0) == run
        assert len(syncs.runs(tx, "main", 1)) == 1


LINES = [
    line("start", Level.DEBUG, execution_id="e1", task_id="a", task_run_id="r1", attempt=1),
    line("50% done", execution_id="e1", task_id="b", task_run_id="r2", attempt=2),
    line("Oh no", Level.ERROR, execution_id="e2", task_id="a", task_run_id="r3", attempt=1),
    line("polled", Level.WARN, trigger_id="daily"),
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (LogFilter(), "start|50% done|Oh no|polled"),
        (LogFilter(execution_id="e1"), "start|50% done"),
        (LogFilter(namespace="zoomcamp"), "start|50% done|Oh no"),
        (LogFilter(namespace="zoom"), ""),
        (LogFilter(flow_id="taxi"), "start|50% done"),
        (LogFilter(task_ids=["a"]), "start|Oh no"),
        (LogFilter(task_run_ids=["r2", "r3"]), "50% done|Oh no"),
        (LogFilter(trigger_id="daily"), "polled"),
        (LogFilter(attempt=2), "50% done"),
        (LogFilter(level=Level.WARN), "Oh no|polled"),
        (LogFilter(levels=[Level.DEBUG, Level.WARN]), "start|polled"),
        (LogFilter(text="0% DONE"), "50% done"),
        (LogFilter(start=later(1)), ""),
        (LogFilter(end=later(1)), "start|50% done|Oh no|polled"),
    ],
)
def test_a_log_filter_finds(database: Database, wanted: LogFilter, found: str) -> None:
    places = [FLOW, FLOW, BELOW, None]
    with database.write() as tx:
        logs.add_lines(tx, list(zip(LINES, places, strict=True)))
        logs.add_lines(tx, [])
    with database.read() as tx:
        messages = [item.line.message for item in logs.lines(tx, wanted, limit=9)]
        assert messages == [text for text in found.split("|") if text]
        newest = logs.lines(tx, wanted, limit=9, newest_first=True)
        assert [item.line.message for item in newest] == messages[::-1]
        assert sum(logs.count_by_level(tx, wanted).values()) == len(messages)
    with database.write() as tx:
        assert logs.remove_lines(tx, wanted) == len(messages)


def test_lines_go_on_after_a_number(database: Database) -> None:
    with database.write() as tx:
        logs.add_lines(tx, [(item, None) for item in LINES])
    with database.read() as tx:
        first, *rest = logs.lines(tx, LogFilter(), limit=9)
        assert first.line == LINES[0]
        assert logs.lines(tx, LogFilter(after=first.number), limit=9) == rest
        assert logs.lines(tx, LogFilter(before=rest[0].number), limit=9) == [first]
        assert logs.lines(tx, LogFilter(), limit=9, offset=1) == rest


def test_metrics_keep_kind_tags_and_order(database: Database) -> None:
    found = [
        StoredMetric(Metric("rows", 2.0, MetricKind.COUNTER, {"table": "t"}), "r", "load", NOON),
        StoredMetric(Metric("time", 0.5, MetricKind.TIMER), "r", "load", NOON),
    ]
    with database.write() as tx:
        logs.add_metrics(tx, "e1", FLOW, found)
        logs.add_metrics(tx, "e1", FLOW, [])
    with database.read() as tx:
        assert logs.metrics_of(tx, "e1") == found
