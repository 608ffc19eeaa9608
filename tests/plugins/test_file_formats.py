"""CSV, JSON and Parquet to Ion rows and back; archives and compressed files."""

import io
import json
import tarfile
import zipfile
from typing import Any

import pytest

from mainstem.model.state import State
from tests.plugins.bench import Bench, task, written

CSV = 'id,name,amount\n1,"Müller, Ann",10.5\n2,,3\n'


def serdes(kind: str, id_: str, source: str, **more: Any) -> dict[str, Any]:
    return task(f"serdes.{kind}", id_, from_=f"{{{{ outputs.{source}.uri }}}}", **more)


def test_csv_becomes_rows_and_csv_again(bench: Bench) -> None:
    found = bench.run(
        written(CSV),
        serdes("csv.CsvToIon", "rows", "file"),
        serdes("csv.IonToCsv", "back", "rows"),
        serdes("json.IonToJson", "json", "rows"),
    )
    assert found.state is State.SUCCESS, found.errors
    assert found.outputs["rows"]["size"] == 2
    assert found.text(found.outputs["back"]["uri"]) == CSV
    assert found.outputs["back"]["size"] == 2
    rows = [json.loads(line) for line in found.text(found.outputs["json"]["uri"]).splitlines()]
    assert rows[0] == {"id": "1", "name": "Müller, Ann", "amount": "10.5"}


@pytest.mark.parametrize(
    ("text", "more", "rows"),
    [
        ("a;b\n1;2\n", {"fieldSeparator": ";"}, [{"a": "1", "b": "2"}]),
        ("x\na,b\n1,2\n", {"skipRows": 1}, [{"a": "1", "b": "2"}]),
        ("1,2\n3,4\n", {"header": False}, [["1", "2"], ["3", "4"]]),
        ("a,b\n1\n", {}, [{"a": "1", "b": None}]),
        ("a\n'x,y'\n", {"textDelimiter": "'"}, [{"a": "x,y"}]),
        ("", {}, []),
    ],
)
def test_the_dialects_of_csv(
    bench: Bench, text: str, more: dict[str, Any], rows: list[Any]
) -> None:
    found = bench.run(
        written(text),
        serdes("csv.CsvReader", "rows", "file", **more),
        serdes("json.JsonWriter", "json", "rows", newLine=False),
    )
    assert found.state is State.SUCCESS, found.errors
    assert json.loads(found.text(found.outputs["json"]["uri"])) == rows
    assert found.outputs["json"]["size"] == len(rows)


def test_json_lines_and_arrays_become_rows(bench: Bench) -> None:
    lines = '{"n": 1, "when": "2024-05-01"}\n\n{"n": 2.5, "deep": {"x": [1, null]}}\n'
    found = bench.run(
        written(lines),
        serdes("json.JsonToIon", "rows", "file"),
        serdes("json.IonToJson", "array", "rows", newLine=False),
        serdes("json.JsonToIon", "again", "array", newLine=False),
        serdes("csv.IonToCsv", "csv", "again", quoteMode="ALL"),
    )
    assert found.state is State.SUCCESS, found.errors
    expected = [json.loads(line) for line in lines.splitlines() if line]
    assert json.loads(found.text(found.outputs["array"]["uri"])) == expected
    assert found.outputs["again"]["size"] == 2
    assert found.text(found.outputs["csv"]["uri"]).splitlines()[0] == '"n","when"'


@pytest.mark.parametrize(
    ("mode", "lines"),
    [
        ("REQUIRED", ["n,name", '1.5,"a,b"', "2,-3.0", "3,"]),
        ("ALWAYS", ['"n","name"', '"1.5","a,b"', '"2","-3.0"', '"3",""']),
        ("NON_NUMERIC", ['"n","name"', '1.5,"a,b"', "2,-3.0", '3,""']),
    ],
)
def test_text_of_a_csv_file_is_quoted_as_the_mode_says(
    bench: Bench, mode: str, lines: list[str]
) -> None:
    text = '{"n": 1.5, "name": "a,b"}\n{"n": "2", "name": "-3.0"}\n{"n": 3, "name": ""}\n'
    found = bench.run(
        written(text),
        serdes("json.JsonToIon", "rows", "file"),
        serdes("csv.IonToCsv", "csv", "rows", quoteMode=mode),
    )
    assert found.state is State.SUCCESS, found.errors
    assert found.text(found.outputs["csv"]["uri"]).splitlines() == lines


def test_what_is_not_of_the_format_says_where(bench: Bench) -> None:
    found = bench.run(written('{"a": 1}\n{broken\n'), serdes("json.JsonToIon", "rows", "file"))
    assert "line 2 is not JSON" in found.errors
    uneven = bench.run(
        written("a,b\n1,2\n3\n"),
        serdes("csv.CsvToIon", "rows", "file", errorOnDifferentFieldCount=True),
    )
    assert "row 2 has 1 fields, not 2" in uneven.errors


def test_rows_become_parquet_and_rows_again(bench: Bench) -> None:
    pytest.importorskip("pyarrow")
    lines = '{"n": 1, "name": "a"}\n{"n": 2, "name": null}\n'
    found = bench.run(
        written(lines),
        serdes("json.JsonToIon", "rows", "file"),
        serdes("parquet.IonToParquet", "parquet", "rows"),
        serdes("parquet.ParquetToIon", "again", "parquet"),
        serdes("json.IonToJson", "json", "again"),
    )
    assert found.state is State.SUCCESS, found.errors
    assert found.read(found.outputs["parquet"]["uri"])[:4] == b"PAR1"
    assert found.text(found.outputs["json"]["uri"]) == lines


@pytest.mark.parametrize("compression", ["GZIP", "BZIP2", "XZ", "LZMA"])
def test_a_file_is_compressed_and_plain_again(bench: Bench, compression: str) -> None:
    content = "many times the same\n" * 1000
    source = "{{ outputs.file.uri }}"
    found = bench.run(
        written(content),
        task("compress.FileCompress", "small", from_=source, compression=compression),
        task(
            "compress.FileDecompress", "plain", from_="{{ outputs.small.uri }}",
            compression=compression,
        ),
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    assert len(found.read(found.outputs["small"]["uri"])) < 2000
    assert found.text(found.outputs["plain"]["uri"]) == content
    broken = bench.run(
        written("no archive"),
        task("compress.FileDecompress", "plain", from_=source, compression=compression),
    )
    assert f"is not a {compression} file" in broken.errors


@pytest.mark.parametrize(
    "how",
    [
        {"algorithm": "ZIP"},
        {"algorithm": "TAR"},
        {"algorithm": "TAR", "compression": "GZIP"},
        {"algorithm": "TAR", "compression": "XZ"},
    ],
)
def test_files_are_packed_and_unpacked_by_their_names(bench: Bench, how: dict[str, str]) -> None:
    found = bench.run(
        written("one"),
        written("two", "second"),
        task(
            "compress.ArchiveCompress", "packed",
            from_={"a.txt": "{{ outputs.file.uri }}", "deep/b.txt": "{{ outputs.second.uri }}"},
            **how,
        ),
        task("compress.ArchiveDecompress", "files", from_="{{ outputs.packed.uri }}", **how),
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    files = found.outputs["files"]["files"]
    assert {name: found.text(uri) for name, uri in files.items()} == {
        "a.txt": "one",
        "deep/b.txt": "two",
    }


def _archive(kind: str, name: str) -> bytes:
    target = io.BytesIO()
    if kind == "ZIP":
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr(name, "x")
    else:
        with tarfile.open(fileobj=target, mode="w") as tar:
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
    return target.getvalue()


@pytest.mark.parametrize("kind", ["ZIP", "TAR"])
@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil"])
def test_an_archive_cannot_write_outside_its_folder(bench: Bench, kind: str, name: str) -> None:
    bench.app.files.write("plugins.test", "evil.bin", _archive(kind, name))
    found = bench.run(
        task("core.namespace.DownloadFiles", "get", namespace="plugins.test", files=["evil.bin"]),
        task(
            "compress.ArchiveDecompress", "files", algorithm=kind,
            from_="{{ outputs.get.files['/evil.bin'] ?? outputs.get.files['evil.bin'] }}",
        ),
    )  # fmt: skip
    assert found.state is State.FAILED
    assert "would leave its folder" in found.errors
