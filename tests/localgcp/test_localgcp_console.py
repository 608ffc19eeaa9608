"""The console page as a browser gets it."""

import re
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mainstem.localgcp.console import format
from mainstem.localgcp.launch import LocalGcp
from tests.localgcp.clients import PROJECT, bigquery_client, secret_client, storage_client

SECRET_VALUE = b"never-to-be-shown"
CSS = Path(format.__file__).parent / "static" / "console.css"


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.found.update(value for name, value in attrs if name == "href" and value)


class Visitor:
    """Reads pages and remembers what they link to."""

    def __init__(self, cloud: LocalGcp) -> None:
        self.base = cloud.endpoints.console.removesuffix("/console")

    def get(self, path: str) -> tuple[int, str, dict[str, str]]:
        try:
            with urllib.request.urlopen(self.base + path) as answer:
                return answer.status, answer.read().decode(), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(), dict(error.headers)


@pytest.fixture(scope="module")
def visitor(cloud: LocalGcp, key: dict[str, str]) -> Visitor:
    storage = storage_client(cloud, key)
    bucket = storage.create_bucket("console-bucket")
    bucket.blob("raw/2024/rows.csv").upload_from_string(
        "id,note\n1,<script>alert(1)</script>\n", content_type="text/csv"
    )
    bucket.blob("raw/blob.bin").upload_from_string(b"\x00\x01\x02" * 100)
    secrets = secret_client(cloud, key)
    secret = secrets.create_secret(
        parent=f"projects/{PROJECT}",
        secret_id="console-secret",
        secret={"replication": {"automatic": {}}},
    )
    for _ in range(2):
        version = secrets.add_secret_version(parent=secret.name, payload={"data": SECRET_VALUE})
    secrets.disable_secret_version(name=version.name)
    bigquery = bigquery_client(cloud, key)
    bigquery.query_and_wait("CREATE SCHEMA console_set OPTIONS (description = 'Seen <here>')")
    bigquery.query_and_wait(
        "CREATE TABLE console_set.trips (id INT64 NOT NULL OPTIONS (description = 'The id'), "
        "moment TIMESTAMP, note STRING) PARTITION BY DATE(moment) CLUSTER BY id"
    )
    bigquery.query_and_wait(
        "INSERT INTO console_set.trips VALUES (1, TIMESTAMP '2024-01-02 03:04:05', 'first note')"
    )
    bigquery.query_and_wait("CREATE VIEW console_set.view AS SELECT id FROM console_set.trips")
    with pytest.raises(Exception, match="nowhere"):
        bigquery.query_and_wait("SELECT * FROM console_set.nowhere")
    bigquery.close()
    storage.close()
    return Visitor(cloud)


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("/console/", ["Local Google Cloud", "Endpoints", "Latest jobs"]),
        ("/console/storage", ["console-bucket"]),
        ("/console/storage/console-bucket", ["raw/", "folder"]),
        ("/console/storage/console-bucket?prefix=raw/", ["2024/", "blob.bin", "300 B"]),
        ("/console/storage/console-bucket/raw/2024/rows.csv", ["gs://console-bucket", "text/csv"]),
        ("/console/storage/console-bucket/raw/blob.bin", ["is not text"]),
        ("/console/bigquery", ["console_set", "Seen &lt;here&gt;"]),
        (f"/console/bigquery/{PROJECT}/console_set", ["trips", "view"]),
        (f"/console/bigquery/{PROJECT}/console_set/trips", ["REQUIRED", "TIMESTAMP", "The id"]),
        (
            f"/console/bigquery/{PROJECT}/console_set/trips?tab=preview",
            ["first note", "2024-01-02"],
        ),
        (f"/console/bigquery/{PROJECT}/console_set/trips?tab=details", ["Clustered by", "DAY"]),
        (f"/console/bigquery/{PROJECT}/console_set/view?tab=details", ["Query of the view"]),
        (f"/console/jobs?project={PROJECT}", ["✕ failed", "✓ done", "CREATE SCHEMA"]),
        ("/console/secrets", ["console-secret", "2 disabled", "1 enabled"]),
    ],
)
def test_a_page_shows_what_is_there(visitor: Visitor, path: str, texts: list[str]) -> None:
    status, page, _ = visitor.get(path)
    assert status == 200
    for text in texts:
        assert text in page


def test_a_failed_job_shows_its_statement_and_its_error(visitor: Visitor) -> None:
    _, jobs, _ = visitor.get(f"/console/jobs?project={PROJECT}")
    row = next(row for row in jobs.split("<tr>") if "failed" in row and "nowhere" in row)
    link = re.search(r'href="([^"]+)"', row)
    assert link is not None
    status, page, _ = visitor.get(link[1])
    assert status == 200
    assert "SELECT * FROM console_set.nowhere" in page
    assert 'class="error"' in page


def test_every_link_leads_to_a_page(visitor: Visitor) -> None:
    seen, waiting = set[str](), ["/console/"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        status, page, headers = visitor.get(path)
        assert status == 200, path
        if "html" in headers["content-type"]:
            links = Links()
            links.feed(page)
            here = path.partition("?")[0]
            inside = {here + link if link.startswith("?") else link for link in links.found}
            waiting.extend(link for link in inside if link.startswith("/"))
            assert not links.tags & {"script", "iframe", "form"}, path
            assert not links.attributes & {"style", "onclick", "onload"}, path
    assert len(seen) > 15


def test_what_is_stored_cannot_speak_html(visitor: Visitor) -> None:
    _, page, _ = visitor.get("/console/storage/console-bucket/raw/2024/rows.csv")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>" not in page


def test_no_page_knows_a_secret_s_value(visitor: Visitor) -> None:
    _, page, _ = visitor.get("/console/secrets")
    assert SECRET_VALUE.decode() not in page


def test_scripts_and_foreign_content_are_forbidden_by_header(visitor: Visitor) -> None:
    _, _, headers = visitor.get("/console/")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "'unsafe-inline'" not in policy


@pytest.mark.parametrize(
    "path",
    [
        "/console/nowhere",
        "/console/storage/no-bucket/no-object",
        f"/console/bigquery/{PROJECT}/no_dataset",
        f"/console/bigquery/{PROJECT}/console_set/no_table",
        f"/console/bigquery/{PROJECT}/console_set/trips?tab=else",
        f"/console/jobs/{PROJECT}/no-job",
        "/console/jobs?before=yesterday",
    ],
)
def test_what_does_not_exist_is_a_page_that_says_so(visitor: Visitor, path: str) -> None:
    status, page, _ = visitor.get(path)
    assert status == 404
    assert 'role="status"' in page


def test_looking_changes_nothing(visitor: Visitor) -> None:
    request = urllib.request.Request(f"{visitor.base}/console/storage", method="DELETE")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 405
    refused.value.close()


def test_the_stylesheet_loads_nothing_and_is_small() -> None:
    css = CSS.read_text()
    assert "url(" not in css
    assert "@import" not in css
    assert len(css) < 40_000


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_has_contrast_in_both_themes() -> None:
    tokens = re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", CSS.read_text())
    half = len(tokens) // 2
    for theme in (dict(tokens[:half]), dict(tokens[half:])):
        pairs = [("text", "bg"), ("text-2", "surface"), ("text-3", "bg"), ("accent", "bg")]
        pairs += [(f"st-{name}", f"st-{name}-bg") for name in ("success", "failed", "warning")]
        for front, back in pairs:
            lighter, darker = sorted((luminance(theme[front]), luminance(theme[back])))[::-1]
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (front, back)


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "—"), (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5_000_000_000, "4.7 GiB")],
)
def test_sizes_are_written_in_their_unit(count: int | None, text: str) -> None:
    assert format.size(count) == text


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (timedelta(seconds=1), "just now"),
        (timedelta(seconds=61), "1 minute ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=400), "1 year ago"),
    ],
)
def test_ages_are_written_in_their_largest_unit(passed: timedelta, text: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert format.age(now - passed, now) == text
