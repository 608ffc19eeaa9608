"""BigQuery as this machine has it: the local one, filled by the statements of our own flow."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, storage
from google.oauth2.credentials import Credentials

from demo.taxi_data import TripFile
from mainstem.localgcp.launch import LocalGcp
from tests.dbt.warehouses import flow_sql

PROJECT_ID, DATASET, BUCKET = "taxi-project", "taxi", "taxi-files"


@dataclass
class BigQuery:
    """Talks through the real client libraries; dbt gets a profile of its own."""

    local: LocalGcp
    folder: Path
    target: str = "bigquery"

    def __post_init__(self) -> None:
        credentials = Credentials("local")  # type: ignore[no-untyped-call]
        endpoints = self.local.endpoints
        self.client = bigquery.Client(
            PROJECT_ID, credentials, client_options=ClientOptions(api_endpoint=endpoints.bigquery)
        )
        files = storage.Client(
            PROJECT_ID,
            AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options=ClientOptions(api_endpoint=endpoints.storage),
        )
        self.bucket = files.create_bucket(BUCKET)
        self.client.create_dataset(DATASET)
        self.profiles = self.folder / "profiles"
        self.profiles.mkdir()
        output = {
            "type": "bigquery",
            "method": "oauth-secrets",
            "token": "local",
            "api_endpoint": endpoints.bigquery,
            "project": PROJECT_ID,
            "dataset": DATASET,
            "threads": 4,
        }
        profile = {"taxi": {"target": self.target, "outputs": {self.target: output}}}
        (self.profiles / "profiles.yml").write_text(yaml.safe_dump(profile))

    @property
    def env(self) -> Mapping[str, str]:
        return {"DBT_DATABASE": PROJECT_ID, "DBT_SCHEMA": DATASET}

    def load(self, trips: TripFile, file: Path) -> None:
        self.bucket.blob(trips.name).upload_from_filename(str(file))
        table = f"{PROJECT_ID}.{DATASET}.{trips.taxi}_tripdata"
        names = {
            "table": table,
            "month_table": f"{table}_{trips.month.replace('-', '_')}",
            "gcs_file": f"gs://{BUCKET}/{trips.name}",
            "file": trips.name,
        }
        for step in ("create_table", "external_table", "month_table", "merge"):
            self.execute(flow_sql("gcp_taxi", f"{trips.taxi}_{step}", names))

    def execute(self, statement: str) -> None:
        self.query(statement)

    def query(self, question: str) -> list[tuple[Any, ...]]:
        config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT_ID}.{DATASET}")
        return [row.values() for row in self.client.query(question, config).result()]

    def columns(self, relation: str) -> dict[str, str | None]:
        table = self.client.get_table(f"{PROJECT_ID}.{DATASET}.{relation}")
        return {column.name: column.description for column in table.schema}

    def close(self) -> None:
        self.client.close()
