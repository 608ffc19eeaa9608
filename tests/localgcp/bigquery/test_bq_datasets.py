"""Datasets as the client library makes, reads, changes and removes them."""

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.localgcp.bigquery.harness import PROJECT, Emulator, make_client


def test_a_dataset_keeps_what_it_was_created_with(client: bigquery.Client) -> None:
    wanted = bigquery.Dataset(f"{PROJECT}.kept")
    wanted.location = "europe-west2"
    wanted.description = "trips"
    wanted.labels = {"team": "data"}
    wanted.default_table_expiration_ms = 3_600_000
    client.create_dataset(wanted)

    found = client.get_dataset("kept")
    assert (found.location, found.description) == ("europe-west2", "trips")
    assert found.labels == {"team": "data"}
    assert found.default_table_expiration_ms == 3_600_000
    assert found.created is not None
    assert found.access_entries


def test_creating_a_dataset_twice_is_a_conflict_unless_it_may_exist(
    client: bigquery.Client,
) -> None:
    client.create_dataset("twice")
    with pytest.raises(exceptions.Conflict, match=f"Already Exists: Dataset {PROJECT}:twice"):
        client.create_dataset("twice")
    assert client.create_dataset("twice", exists_ok=True).dataset_id == "twice"


def test_an_unknown_dataset_is_not_found(client: bigquery.Client) -> None:
    with pytest.raises(exceptions.NotFound, match=f"Not found: Dataset {PROJECT}:nowhere"):
        client.get_dataset("nowhere")


def test_a_change_touches_the_named_fields_only(client: bigquery.Client) -> None:
    wanted = bigquery.Dataset(f"{PROJECT}.changed")
    wanted.description = "before"
    wanted.labels = {"a": "1", "b": "2"}
    client.create_dataset(wanted)
    found = client.get_dataset("changed")
    found.labels = {"a": None, "c": "3"}
    found.friendly_name = "ignored, since it is not named"
    client.update_dataset(found, ["labels"])

    after = client.get_dataset("changed")
    assert after.labels == {"b": "2", "c": "3"}
    assert (after.description, after.friendly_name) == ("before", None)


def test_a_stale_etag_is_refused(client: bigquery.Client) -> None:
    client.create_dataset("stale")
    mine, theirs = client.get_dataset("stale"), client.get_dataset("stale")
    theirs.description = "theirs"
    client.update_dataset(theirs, ["description"])
    mine.description = "mine"
    with pytest.raises(exceptions.PreconditionFailed):
        client.update_dataset(mine, ["description"])


def test_a_dataset_with_tables_is_deleted_only_with_its_contents(
    client: bigquery.Client,
) -> None:
    client.create_dataset("full")
    client.create_table(f"{PROJECT}.full.t")
    with pytest.raises(exceptions.BadRequest, match=f"Dataset {PROJECT}:full is still in use"):
        client.delete_dataset("full")
    client.delete_dataset("full", delete_contents=True)
    client.delete_dataset("full", not_found_ok=True)
    with pytest.raises(exceptions.NotFound):
        client.delete_dataset("full")


def test_datasets_are_listed_by_pages_and_by_labels(emulator: Emulator) -> None:
    client = make_client(emulator.url, "listing-project")
    for index in range(5):
        wanted = bigquery.Dataset(f"listing-project.d{index}")
        wanted.labels = {"parity": "even" if index % 2 == 0 else "odd"}
        client.create_dataset(wanted)
    assert [d.dataset_id for d in client.list_datasets(page_size=2)] == [
        "d0", "d1", "d2", "d3", "d4",
    ]  # fmt: skip
    odd = client.list_datasets(filter="labels.parity:odd")
    assert [d.dataset_id for d in odd] == ["d1", "d3"]
    assert "listing-project" in [p.project_id for p in client.list_projects()]
    client.close()


def test_names_differing_in_case_are_two_datasets(client: bigquery.Client) -> None:
    client.create_dataset("Cased")
    client.create_dataset("cased")
    client.create_table(f"{PROJECT}.Cased.T")
    client.create_table(f"{PROJECT}.Cased.t")
    assert [t.table_id for t in client.list_tables("Cased")] == ["T", "t"]
    assert list(client.list_tables("cased")) == []


@pytest.mark.parametrize("name", ["main", "temp", "information_schema", "system"])
def test_names_that_duckdb_has_taken_are_free_here(client: bigquery.Client, name: str) -> None:
    client.create_dataset(name)
    client.create_table(f"{PROJECT}.{name}.t")
    client.delete_dataset(name, delete_contents=True)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"datasetReference": {"datasetId": "x"}, "colour": "red"}, "colour"),
        (
            {"datasetReference": {"datasetId": "x"}, "defaultCollation": "und:ci"},
            "defaultCollation",
        ),
        ({"datasetReference": {"datasetId": "a-b"}}, "Invalid dataset ID"),
        ({"datasetReference": {"datasetId": "x"}, "labels": {"Bad": "x"}}, "label"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    client: bigquery.Client, body: dict[str, object], named: str
) -> None:
    with pytest.raises(exceptions.BadRequest, match=named):
        client._call_api(None, method="POST", path=f"/projects/{PROJECT}/datasets", data=body)


def test_the_service_account_of_a_project_has_an_address(client: bigquery.Client) -> None:
    assert "@" in client.get_service_account_email()


def test_asking_about_a_project_does_not_create_it(emulator: Emulator) -> None:
    stranger = make_client(emulator.url, "misspelt-project")
    assert list(stranger.list_datasets()) == []
    with pytest.raises(exceptions.NotFound):
        stranger.get_dataset("d")
    assert "misspelt-project" not in [p.project_id for p in stranger.list_projects()]
    stranger.close()
