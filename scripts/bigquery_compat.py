"""How much of googleapis/python-bigquery's own samples and system tests the emulator passes.

    python scripts/bigquery_compat.py CHECKOUT [--suite samples|snippets|system|all]

CHECKOUT is a clone of googleapis/python-bigquery, bare or with a work tree. Its samples and
tests are run unmodified, each suite in a pytest of its own, with a service-account key and the
endpoints of a local Google Cloud that lives in a temporary folder. The public data sets and
sample buckets they read are made small beforehand. Nothing of the checkout is kept.

Every test is put into one class:
  as documented   it passed
  refused         the emulator refused something and named it
  differs         the emulator answered something else than the test expects
  needs more      skipped, or it needs a service or library that is not here
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
from google.cloud import bigquery, storage
from google.oauth2 import service_account

from mainstem.localgcp.launch import LocalGcp

PROJECT = "compat-project"
PUBLIC = "bigquery-public-data"
SUITES = {
    "samples": ("samples/tests", []),
    "snippets": ("samples/snippets", ["-o", "python_files=*_test.py test_*.py"]),
    "system": ("tests/system", []),
}
SHAKESPEARE_ROWS = 164_656
STATES = (
    "Alabama AL,Alaska AK,Arizona AZ,Arkansas AR,California CA,Colorado CO,Connecticut CT,"
    "Delaware DE,Florida FL,Georgia GA,Hawaii HI,Idaho ID,Illinois IL,Indiana IN,Iowa IA,"
    "Kansas KS,Kentucky KY,Louisiana LA,Maine ME,Maryland MD,Massachusetts MA,Michigan MI,"
    "Minnesota MN,Mississippi MS,Missouri MO,Montana MT,Nebraska NE,Nevada NV,New Hampshire NH,"
    "New Jersey NJ,New Mexico NM,New York NY,North Carolina NC,North Dakota ND,Ohio OH,"
    "Oklahoma OK,Oregon OR,Pennsylvania PA,Rhode Island RI,South Carolina SC,South Dakota SD,"
    "Tennessee TN,Texas TX,Utah UT,Vermont VT,Virginia VA,Washington WA,West Virginia WV,"
    "Wisconsin WI,Wyoming WY"
)
TRANSACTIONS = b"timestamp,origin,destination,amount\n2020-01-01 00:00:00,a,b,2.5\n"
REFUSAL = re.compile(r"does not support|not supported|Unsupported|notImplemented")
ELSEWHERE = re.compile(
    r"No module named|PermissionDenied|DefaultCredentialsError|bigquery_storage|datacatalog|"
    r"googleapis\.com|NameResolutionError|_InactiveRpcError|ServiceUnavailable: 503 failed|"
    r"pyarrow\.lib|fixture '.*' not found|unrecognized arguments"
)
# Google's own test helpers, as far as these tests use them, and clients of services that no
# emulator has: importing them must not hide the tests that never call them.
STAND_INS = """
import functools, sys, time, types, uuid

def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made
    return made

class Prefixer:
    def __init__(self, *parts): self.parts = parts
    def create_prefix(self): return "compat_" + uuid.uuid4().hex[:12]
    def should_cleanup(self, name): return False

class Retry:
    def __init__(self, awaited=Exception, *, error_predicate=None, max_tries=2, **options):
        self.awaited, self.tries = awaited, max_tries
    def __call__(self, function):
        @functools.wraps(function)
        def attempt(*arguments, **options):
            for left in reversed(range(2)):
                try:
                    return function(*arguments, **options)
                except self.errors():
                    if not left: raise
        return attempt
    def errors(self): return self.awaited

class RetryResult(Retry):
    def errors(self): return ()

class Absent:
    def __init__(self, *arguments, **options): pass
    def __getattr__(self, name): raise RuntimeError("datacatalog is not here")

class Types:
    class Taxonomy: pass

retry = module("test_utils.retry", RetryErrors=Retry, RetryResult=RetryResult,
               RetryInstanceState=RetryResult)
prefixer = module("test_utils.prefixer", Prefixer=Prefixer)
system = module("test_utils.system", unique_resource_id=lambda: "_" + uuid.uuid4().hex[:8])
module("test_utils", retry=retry, prefixer=prefixer, system=system, __path__=[])
import google.cloud
google.cloud.datacatalog_v1 = module(
    "google.cloud.datacatalog_v1", types=Types, PolicyTagManagerClient=Absent)
import google.cloud.resourcemanager_v3
google.cloud.resourcemanager_v3.TagKeysClient = Absent
google.cloud.resourcemanager_v3.TagValuesClient = Absent
"""


@dataclass(frozen=True)
class Outcome:
    suite: str
    test: str
    verdict: str
    reason: str


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--suite", choices=[*SUITES, "all"], default="all")
    parser.add_argument("--match", default="", help="pytest -k expression")
    parser.add_argument("--json", type=Path, help="write every outcome there")
    arguments = parser.parse_args(argv)
    suites = list(SUITES) if arguments.suite == "all" else [arguments.suite]
    with tempfile.TemporaryDirectory(prefix="bigquery-compat-") as folder:
        root = Path(folder)
        export(arguments.checkout, root / "checkout")
        with LocalGcp(root / "state", project=PROJECT) as cloud:
            key = cloud.key()
            (root / "key.json").write_text(json.dumps(key))
            client, buckets = clients(cloud, key)
            seed(client, buckets)
            outcomes = [
                outcome
                for suite in suites
                for outcome in run_suite(suite, root, cloud, arguments.match)
            ]
            statements = statement_counts(client)
            client.close()
            buckets.close()
    report(outcomes, statements)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(one) for one in outcomes], indent=1))
    return 0


def export(checkout: Path, target: Path) -> None:
    """Copy the parts that are run out of the repository's HEAD."""
    target.mkdir()
    paths = ["samples", "tests/__init__.py", "tests/system", "tests/data"]
    archive = subprocess.run(
        ["git", "-C", str(checkout), "archive", "HEAD", *paths], check=True, capture_output=True
    )
    subprocess.run(["tar", "-x", "-C", str(target)], input=archive.stdout, check=True)


def clients(cloud: LocalGcp, key: Mapping[str, str]) -> tuple[bigquery.Client, storage.Client]:
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    credentials = service_account.Credentials.from_service_account_info(key, scopes=scopes)
    return (
        bigquery.Client(
            project=PROJECT,
            credentials=credentials,
            client_options={"api_endpoint": cloud.endpoints.bigquery},
        ),
        storage.Client(
            project=PROJECT,
            credentials=credentials,
            client_options={"api_endpoint": cloud.endpoints.storage},
        ),
    )


def public_tables() -> dict[str, pa.Table]:
    """Small stand-ins, with the columns that the samples read."""
    many, plays = range(2000), range(SHAKESPEARE_ROWS)
    words = ["the", "Mary", "James", "Hamlet", "love", "And", "king", "Rose", "I", "Emily"]
    names = ["Mary", "Emily", "William", "Rose", "John"]
    moment = pa.timestamp("us", tz="UTC")
    births = {
        "source_year": [1969 + n % 40 for n in many],
        "year": [1969 + n % 40 for n in many],
        "state": [["TX", "CA", "WA"][n % 3] for n in many],
        "wday": [n % 7 + 1 for n in many],
        "is_male": [n % 2 == 0 for n in many],
        "plurality": [n % 3 + 1 for n in many],
        "weight_pounds": [5 + n % 40 / 10 for n in many],
        "mother_age": [18 + n % 25 for n in many],
        "father_age": [20 + n % 25 for n in many],
        "gestation_weeks": [36 + n % 6 for n in many],
        "weight_gain_pounds": [20 + n % 20 for n in many],
        "apgar_5min": [7 + n % 3 for n in many],
    }
    # The samples' tests name the sums of the public table's most frequent name.
    james = [("TX", 272_793), ("CA", 4_942_431 - 272_793 - 100), ("WA", 100)]
    named = {
        "state": [["TX", "CA", "WA"][n % 3] for n in many] + [state for state, _ in james],
        "gender": ["FM"[n // 3 % 2] for n in many] + ["M"] * 3,
        "year": [1910 + n % 104 for n in many] + [2000] * 3,
        "name": [names[n % 5] for n in many] + ["James"] * 3,
        "number": [1 + n * 7 % 9 for n in many] + [number for _, number in james],
    }
    days = [date(2016, 1, 1) + timedelta(days=n) for n in range(1100)]
    return {
        "samples.shakespeare": pa.table(
            {
                "word": [words[n % 10] for n in plays],
                "word_count": [1 + n * 13 % 500 for n in plays],
                "corpus": [["romeoandjuliet", "hamlet", "kinglear"][n % 3] for n in plays],
                "corpus_date": [1590 + n % 20 for n in plays],
            }
        ),
        "samples.natality": pa.table(births),
        "samples.gsod": pa.table(
            {"year": [1969 + n % 40 for n in many], "wban_number": list(many)}
        ),
        "ethereum_blockchain.blocks": pa.table({"day": days, "number": list(range(1100))}),
        "usa_names.usa_1910_2013": pa.table(named),
        "usa_names.usa_1910_current": pa.table(named),
        "utility_us.country_code_iso": pa.table(
            {"country_name": ["Uganda", "Ukraine", "Uruguay", "Chad", "Peru", "Fiji"]}
        ),
        "github_repos.commits": pa.table(
            {
                "commit": [f"{n:040x}" for n in range(20)],
                "author": [{"name": "A", "email": f"a{n}@example.com"} for n in range(20)],
                "committer": [{"name": "C", "email": f"c{n}@example.com"} for n in range(20)],
                "repo_name": [["example/one"] for _ in range(20)],
            }
        ),
        "hacker_news.full": pa.table(
            {
                "id": list(range(1, 2001)),
                "by": [names[n % 5] for n in many],
                "timestamp": pa.array([1_160_418_111_000_000 + n * 10**6 for n in many], moment),
                "dead": [None if n % 3 else True for n in many],
            }
        ),
        "stackoverflow.posts_questions": pa.table(
            {
                "id": list(many),
                "view_count": [n * 3 for n in many],
                "tags": ["google-bigquery|sql" if n % 2 else "python" for n in many],
            }
        ),
    }


def seed(client: bigquery.Client, buckets: storage.Client) -> None:
    for name, content in public_tables().items():
        dataset, _, table = name.partition(".")
        client.create_dataset(f"{PUBLIC}.{dataset}", exists_ok=True)
        config = bigquery.LoadJobConfig(source_format="PARQUET")
        config.parquet_options = bigquery.ParquetOptions.from_api_repr(
            {"enableListInference": True}
        )
        if "day" in content.column_names:
            config.time_partitioning = bigquery.TimePartitioning(field="day")
        client.load_table_from_file(
            BytesIO(parquet(content)), f"{PUBLIC}.{dataset}.{table}", job_config=config
        ).result()
    states = [(one[:-2].strip(), one[-2:]) for one in STATES.split(",")]
    table = pa.table({"name": [one for one, _ in states], "post_abbr": [one for _, one in states]})
    orc = BytesIO()
    pyarrow.orc.write_table(table, orc)
    lines = "".join(json.dumps({"name": a, "post_abbr": b}) + "\n" for a, b in states)
    rows = "".join(f"{a},{b}\n" for a, b in states)
    dated = "".join(f"{a},{b},{1787 + n}-01-01\n" for n, (a, b) in enumerate(states))
    files: dict[str, bytes] = {
        "us-states/us-states.csv": f"name,post_abbr\n{rows}".encode(),
        "us-states/us-states.json": lines.encode(),
        "us-states/us-states.parquet": parquet(table),
        "us-states/us-states.orc": orc.getvalue(),
        "us-states/us-states-by-date.csv": f"name,post_abbr,date\n{dated}".encode(),
        "sample-transactions/transactions.csv": TRANSACTIONS,
        "hive-partitioning-samples/autolayout/dt=2020-11-15/part.parquet": parquet(table),
    }
    for letter in "abc":
        tweet = {"username": [letter], "tweet": ["hi"], "timestamp": ["1"], "likes": ["2"]}
        name = f"federated-formats-reference-file-schema/{letter}-twitter.parquet"
        files[name] = parquet(pa.table(tweet))
    bucket = buckets.create_bucket("cloud-samples-data")
    for name, content_bytes in files.items():
        bucket.blob(f"bigquery/{name}").upload_from_string(content_bytes)


def parquet(table: pa.Table) -> bytes:
    stream = BytesIO()
    pyarrow.parquet.write_table(table, stream)
    return stream.getvalue()


def run_suite(suite: str, root: Path, cloud: LocalGcp, match: str) -> list[Outcome]:
    folder, options = SUITES[suite]
    checkout = root / "checkout"
    (root / "stand_ins.py").write_text(STAND_INS)
    results = root / f"{suite}.xml"
    argv = [
        sys.executable,
        "-m",
        "pytest",
        folder,
        "-q",
        "-p",
        "stand_ins",
        "-p",
        "no:cacheprovider",
    ]
    argv += ["-c", os.devnull, "--rootdir", str(checkout), f"--junitxml={results}", "--timeout=90"]
    argv += [*options, *(["-k", match] if match else [])]
    environment = {
        **os.environ,
        **cloud.environment(),
        "GOOGLE_APPLICATION_CREDENTIALS": str(root / "key.json"),
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "PYTHONPATH": str(root),
    }
    answer = subprocess.run(argv, cwd=checkout, env=environment, capture_output=True, text=True)
    if not results.exists():
        print(answer.stdout[-3000:], answer.stderr[-3000:], file=sys.stderr)
        return [Outcome(suite, folder, "needs more", "pytest did not run")]
    cases = ElementTree.parse(results).getroot().iter("testcase")
    return [outcome_of(suite, case) for case in cases]


def outcome_of(suite: str, case: ElementTree.Element) -> Outcome:
    test = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name', '')}"
    problem = next((one for one in case if one.tag in {"failure", "error", "skipped"}), None)
    if problem is None:
        return Outcome(suite, test, "as documented", "")
    text = f"{problem.get('message', '')}\n{problem.text or ''}"
    reason = " ".join((problem.get("message") or "").split())[:300]
    if problem.tag == "skipped" or (ELSEWHERE.search(text) and not REFUSAL.search(text)):
        return Outcome(suite, test, "needs more", reason)
    return Outcome(suite, test, "refused" if REFUSAL.search(text) else "differs", reason)


def statement_counts(client: bigquery.Client) -> Counter[str]:
    """What became of every job the suites started, by kind and error reason."""
    counts: Counter[str] = Counter()
    for job in client.list_jobs(all_users=True):
        result = (job.error_result or {}).get("reason", "ok")
        counts[f"{job.job_type} {result}"] += 1
    return counts


def report(outcomes: Sequence[Outcome], statements: Counter[str]) -> None:
    verdicts = ("as documented", "refused", "differs", "needs more")
    print(f"{'suite':<12}" + "".join(f"{verdict:>16}" for verdict in verdicts))
    for suite in [*dict.fromkeys(one.suite for one in outcomes), "all"]:
        counts = Counter(one.verdict for one in outcomes if suite in {one.suite, "all"})
        print(f"{suite:<12}" + "".join(f"{counts[verdict]:>16}" for verdict in verdicts))
    print("\nJobs of these suites (system tests provoke errors on purpose):")
    for kind, count in sorted(statements.items()):
        print(f"  {count:>5}  {kind}")
    for verdict in ("refused", "differs"):
        print(f"\n{verdict}:")
        for one in outcomes:
            if one.verdict == verdict:
                print(f"  {one.suite} {one.test}\n      {one.reason}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
