"""Reading what clients send: archives, filters, key-value bodies, Host and Origin."""

import io
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest
from starlette.datastructures import QueryParams

from mainstem.api.filters import execution_filter, log_filter, parse_labels, parse_moment
from mainstem.errors import InvalidInput
from mainstem.guard import host_of, is_foreign
from mainstem.model.duration import parse_duration
from mainstem.model.log import Level
from mainstem.model.state import State
from mainstem.services.archives import split_documents, unpack_flows
from mainstem.services.kv_values import Kind, from_body


def zipped(**files: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def test_documents_are_split_at_lines_of_three_dashes() -> None:
    assert split_documents("---\nid: a\n---  \nid: b\n---\n\n") == ["id: a\n", "id: b\n"]
    assert split_documents("id: a\r\n---\r\nid: b\r\n") == ["id: a\r\n", "id: b\r\n"]
    assert split_documents("text: |\n  --- not here\n") == ["text: |\n  --- not here\n"]


def test_an_archive_gives_the_flows_of_its_yaml_files() -> None:
    content = zipped(**{
        "b/a.yaml": b"id: a", "c.yml": b"id: b\n---\nid: c", "x.sql": b"\xff",
        "__MACOSX/b/._a.yaml": b"\xff",
    })  # fmt: skip
    found = [flow.source for flow in unpack_flows("f.zip", content)]
    assert found == ["id: a\n", "id: b\n", "id: c\n"]


def damaged() -> bytes:
    whole = bytearray(zipped(**{"a.yaml": b"id: a" * 100}))
    whole[40] ^= 0xFF
    return bytes(whole)


def encrypted() -> bytes:
    whole = bytearray(zipped(**{"a.yaml": b"id: a"}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        whole[whole.index(mark) + offset] |= 1
    return bytes(whole)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.zip", b"no zip", "not a zip archive"),
        ("a.zip", damaged(), "not a zip archive"),
        ("a.zip", encrypted(), "not a zip archive"),
        ("a.zip", zipped(**{"a.yaml": b"\xff"}), r"`a\.yaml` is not UTF-8"),
        ("a.zip", zipped(**{"a.yaml": b" " * 200_000_001}), "too large"),
        ("a.txt", b"id: a", "is expected"),
        ("a.yaml", b"\xff", "not UTF-8"),
    ],
)
def test_an_upload_that_cannot_be_read_says_why(name: str, content: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        unpack_flows(name, content)


def test_query_parameters_become_a_filter() -> None:
    place = "namespace=a&flowId=f&q=*text*&startDate=2026-01-01T00:00:00"
    found = execution_filter(QueryParams(f"{place}&state=failed&state=SUCCESS&labels=k:v:w"))
    assert (found.namespace, found.flow_id, found.text) == ("a", "f", "text")
    assert found.states == [State.FAILED, State.SUCCESS]
    assert found.labels == {"k": "v:w"}
    assert found.start == datetime(2026, 1, 1, tzinfo=UTC)


def test_the_first_attempt_of_a_client_is_number_zero() -> None:
    found = log_filter(QueryParams("attempt=0&minLevel=warn&after=7&taskId=a&taskId=b"), "e")
    assert (found.attempt, found.level, found.after) == (1, Level.WARN, 7)
    assert (found.execution_id, found.task_ids) == ("e", ["a", "b"])


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("state=DONE", "DONE"),
        ("labels=novalue", "novalue"),
        ("startDate=yesterday", "yesterday"),
        ("startDate=0001-01-01T00:00:00%2B10:00", "0001"),
        ("timeRange=P1Y", "P1Y"),
        ("timeRange=P999999999D", "too long"),
        ("timeRange=P9999999999999D", "longer"),
    ],
)
def test_a_bad_filter_is_named(query: str, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        execution_filter(QueryParams(query))


@pytest.mark.parametrize("number", ["x", "-1", "²", "9" * 30, "1.5"])
def test_a_bad_number_is_named(number: str) -> None:
    for name in ("attempt", "after"):
        with pytest.raises(InvalidInput, match=name):
            log_filter(QueryParams({name: number}))


def test_labels_and_moments() -> None:
    assert parse_labels([]) == {}
    assert parse_moment(None) is None
    assert parse_moment("2026-01-01T02:00:00+02:00") == datetime(2026, 1, 1, tzinfo=UTC)
    assert parse_duration("P1W") == timedelta(weeks=1)


@pytest.mark.parametrize(
    ("body", "kind", "value"),
    [
        ('"text"', Kind.STRING, "text"),
        ('"2026-01-01"', Kind.STRING, "2026-01-01"),
        ("2026-01-01", Kind.DATE, date(2026, 1, 1)),
        ("2026-01-01T10:00:00Z", Kind.DATETIME, datetime(2026, 1, 1, 10, tzinfo=UTC)),
        ("PT5M", Kind.DURATION, timedelta(minutes=5)),
        ("12", Kind.NUMBER, 12),
        (" 1.5 ", Kind.NUMBER, 1.5),
        ("true", Kind.BOOLEAN, True),
        ('{"a": [1]}', Kind.JSON, {"a": [1]}),
    ],
)
def test_the_body_of_a_key_decides_its_type(body: str, kind: Kind, value: object) -> None:
    assert from_body(body) == (kind, value)


@pytest.mark.parametrize(
    ("netloc", "host"),
    [
        ("127.0.0.1:8080", "127.0.0.1"), ("LOCALHOST", "localhost"), ("[::1]:80", "::1"),
        ("", ""), ("[bad", ""), ("a@b:1", "b"),
    ],
)  # fmt: skip
def test_the_host_is_read_from_its_header(netloc: str, host: str) -> None:
    assert host_of(netloc) == host


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({"origin": "http://127.0.0.1:80", "host": "127.0.0.1:80"}, False),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"origin": "http://127.0.0.1:81", "host": "127.0.0.1:80"}, True),
        ({"origin": "null", "host": "127.0.0.1:80"}, True),
        ({"origin": "http://[", "host": "127.0.0.1:80"}, True),
    ],
)
def test_a_page_of_another_site_is_told_by_its_headers(
    headers: dict[str, str], foreign: bool
) -> None:
    assert is_foreign(headers) is foreign
