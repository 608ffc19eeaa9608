"""The SQL and the dbt project of DataTalksClub's data engineering course, on the emulator.

    python scripts/course_compat.py CHECKOUT [--rows 2000]

CHECKOUT is a clone of DataTalksClub/data-engineering-zoomcamp, bare or with a work tree. The
statements of its GCP taxi flow run one by one over small made-up taxi files, twice, as two
months; then its dbt project is built over their tables. The two macros it takes from the dbt
hub are stood in for by our own. Nothing of the checkout is kept.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml
from google.cloud import bigquery, storage
from google.oauth2 import service_account

from mainstem.localgcp.launch import LocalGcp

PROJECT = "course-project"
DATASET = "nytaxi"
BUCKET = "course-bucket"
FLOW = "cohorts/2025/02-workflow-orchestration/flows/06_gcp_taxi.yaml"
DBT = "04-analytics-engineering/taxi_rides_ny"
MONTHS = ("01", "02")
UTILS = {
    "dbt_project.yml": "name: dbt_utils\nversion: '1.3.0'\nconfig-version: 2\n",
    "macros/keys.sql": """
{% macro generate_surrogate_key(fields) %}
{%- set parts = [] -%}
{%- for field in fields -%}
{%- do parts.append("coalesce(cast(" ~ field ~ " as " ~ dbt.type_string() ~ "), '_null_')") -%}
{%- if not loop.last -%}{%- do parts.append("'-'") -%}{%- endif -%}
{%- endfor -%}
{{ dbt.hash(dbt.concat(parts)) }}
{% endmacro %}
{% test unique_combination_of_columns(model, combination_of_columns) %}
select {{ combination_of_columns | join(', ') }} from {{ model }}
group by {{ combination_of_columns | join(', ') }} having count(*) > 1
{% endtest %}
""",
}
HEADERS = {
    "yellow": "VendorID,tpep_pickup_datetime,tpep_dropoff_datetime,passenger_count,trip_distance,"
    "RatecodeID,store_and_fwd_flag,PULocationID,DOLocationID,payment_type,fare_amount,extra,"
    "mta_tax,tip_amount,tolls_amount,improvement_surcharge,total_amount,congestion_surcharge",
    "green": "VendorID,lpep_pickup_datetime,lpep_dropoff_datetime,store_and_fwd_flag,RatecodeID,"
    "PULocationID,DOLocationID,passenger_count,trip_distance,fare_amount,extra,mta_tax,"
    "tip_amount,tolls_amount,ehail_fee,improvement_surcharge,total_amount,payment_type,"
    "trip_type,congestion_surcharge",
}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--rows", type=int, default=2000)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="course-compat-") as folder:
        root = Path(folder)
        flow = yaml.safe_load(show(arguments.checkout, FLOW))
        with LocalGcp(root / "state", project=PROJECT) as cloud:
            key = cloud.key()
            client = prepare(cloud, key, arguments.rows)
            failures = run_flow(client, flow)
            failures += build_dbt(arguments.checkout, root, cloud, key)
            client.close()
    return 1 if failures else 0


def show(checkout: Path, path: str) -> str:
    argv = ["git", "-C", str(checkout), "show", f"HEAD:{path}"]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def prepare(cloud: LocalGcp, key: Mapping[str, str], rows: int) -> bigquery.Client:
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    credentials = service_account.Credentials.from_service_account_info(key, scopes=scopes)
    buckets = storage.Client(
        project=PROJECT,
        credentials=credentials,
        client_options={"api_endpoint": cloud.endpoints.storage},
    )
    bucket = buckets.create_bucket(BUCKET)
    for taxi in HEADERS:
        for month in MONTHS:
            text = "\n".join([HEADERS[taxi], *trips(taxi, month, rows), ""])
            bucket.blob(f"{taxi}_tripdata_2019-{month}.csv").upload_from_string(text)
    buckets.close()
    client = bigquery.Client(
        project=PROJECT,
        credentials=credentials,
        client_options={"api_endpoint": cloud.endpoints.bigquery},
    )
    client.create_dataset(DATASET)
    return client


def trips(taxi: str, month: str, rows: int) -> Iterator[str]:
    chance = random.Random(f"{taxi}{month}")
    for number in range(rows):
        day, minute = number % 28 + 1, number % 60
        cells = {
            "VendorID": str(number % 2 + 1) if number % 50 else "",
            "passenger_count": str(number % 5 + 1),
            "trip_distance": f"{chance.random() * 20:.2f}",
            "RatecodeID": "1",
            "store_and_fwd_flag": "NY"[number % 2],
            "PULocationID": str(number % 260 + 1),
            "DOLocationID": str(number * 7 % 260 + 1),
            "payment_type": str(number % 6),
            "trip_type": "1",
            "ehail_fee": "",
        }
        for column in HEADERS[taxi].split(","):
            if column.endswith("pickup_datetime"):
                cells[column] = f"2019-{month}-{day:02d} {number % 23:02d}:{minute:02d}:00"
            elif column.endswith("dropoff_datetime"):
                cells[column] = f"2019-{month}-{day:02d} {number % 23 + 1:02d}:{minute:02d}:30"
            else:
                cells.setdefault(column, f"{chance.random() * 30:.2f}")
        yield ",".join(cells[column] for column in HEADERS[taxi].split(","))


def statements(flow: Mapping[str, object], taxi: str) -> Iterator[tuple[str, str]]:
    tasks = flow["tasks"]
    assert isinstance(tasks, list)
    for task in tasks:
        if task["id"] == f"if_{taxi}_taxi":
            for step in task["then"]:
                yield step["id"], step["sql"]


def run_flow(client: bigquery.Client, flow: Mapping[str, object]) -> int:
    """Every statement for two taxis and two months, and the last month again."""
    verdicts: Counter[str] = Counter()
    for taxi in HEADERS:
        for month in (*MONTHS, MONTHS[-1]):
            for name, sql in statements(flow, taxi):
                try:
                    client.query_and_wait(rendered(sql, taxi, month))
                    verdicts["as documented"] += 1
                except Exception as error:
                    verdicts["failed"] += 1
                    print(f"  {name} {month}: {str(error)[:400]}")
        (count,) = next(
            iter(client.query_and_wait(f"SELECT COUNT(*) FROM {DATASET}.{taxi}_tripdata"))
        )
        print(f"{taxi}: {count} rows after three merges of two months")
    print(f"flow statements: {dict(verdicts)}")
    return verdicts["failed"]


def rendered(sql: str, taxi: str, month: str) -> str:
    """The flow's few expressions, filled in; an unknown one stays and fails as SQL."""
    file = f"{taxi}_tripdata_2019-{month}.csv"
    values = {
        "kv('GCP_PROJECT_ID')": PROJECT,
        "kv('GCP_DATASET')": DATASET,
        "render(vars.table)": f"{DATASET}.{taxi}_tripdata_2019_{month}",
        "render(vars.file)": file,
        "render(vars.gcs_file)": f"gs://{BUCKET}/{file}",
    }
    return re.sub(r"\{\{\s*(.+?)\s*\}\}", lambda one: values.get(one[1], one[0]), sql)


def build_dbt(checkout: Path, root: Path, cloud: LocalGcp, key: Mapping[str, str]) -> int:
    archive = subprocess.run(
        ["git", "-C", str(checkout), "archive", "HEAD", DBT], check=True, capture_output=True
    )
    subprocess.run(["tar", "-x", "-C", str(root)], input=archive.stdout, check=True)
    project = root / DBT
    for name, text in UTILS.items():
        path = project / "dbt_packages" / "dbt_utils" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ("packages.yml", "package-lock.yml"):
        (project / name).unlink()
    (root / "key.json").write_text(json.dumps(dict(key)))
    (project / "profiles.yml").write_text(profile(cloud, root / "key.json"))
    failures = 0
    for arguments in (["build"], ["build"], ["docs", "generate"]):
        failures += run_dbt(project, arguments)
    return failures


def profile(cloud: LocalGcp, keyfile: Path) -> str:
    output = {
        "type": "bigquery",
        "method": "service-account",
        "keyfile": str(keyfile),
        "api_endpoint": cloud.endpoints.bigquery,
        "project": PROJECT,
        "dataset": "analytics",
        "threads": 4,
    }
    return yaml.safe_dump({"taxi_rides_ny": {"target": "prod", "outputs": {"prod": output}}})


def run_dbt(project: Path, arguments: Sequence[str]) -> int:
    environment = {
        **os.environ,
        "GCP_PROJECT_ID": PROJECT,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    answer = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", *arguments, "--profiles-dir", "."],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
    )
    results = project / "target" / "run_results.json"
    counts = Counter(one["status"] for one in json.loads(results.read_text())["results"])
    print(f"dbt {' '.join(arguments)}: status {answer.returncode}, nodes {dict(counts)}")
    if answer.returncode:
        print(answer.stdout[-3000:], answer.stderr[-1000:])
    return int(answer.returncode != 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
