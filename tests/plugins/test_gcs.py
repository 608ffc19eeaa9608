"""Cloud Storage tasks against a local Google Cloud, signed in with a service-account key."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.cloud import storage

from mainstem.localgcp.launch import LocalGcp
from mainstem.model.state import State
from tests.localgcp.clients import PROJECT, storage_client
from tests.plugins.bench import Bench, Outcome, task, written

SIGNED_IN = {
    "projectId": "{{ kv('GCP_PROJECT_ID') }}",
    "serviceAccount": "{{ kv('GCP_CREDS') }}",
}


def gcs(kind: str, id_: str = "t", **properties: Any) -> dict[str, Any]:
    return task(f"gcp.gcs.{kind}", id_, **{**SIGNED_IN, **properties})


@pytest.fixture(scope="module")
def client(cloud: LocalGcp, key: dict[str, str]) -> storage.Client:
    return storage_client(cloud, key)


@pytest.fixture(scope="module")
def bucket(client: storage.Client) -> storage.Bucket:
    return client.create_bucket("plugin-files")


def test_a_file_goes_up_is_listed_copied_comes_down_and_is_deleted(
    gcp: Bench, bucket: storage.Bucket
) -> None:
    found = gcp.run(
        written("a,b\n1,2\n", extension=".csv"),
        gcs("Upload", "up", from_="{{ outputs.file.uri }}", to="gs://plugin-files/in/trips.csv"),
        gcs("Copy", "copy", from_="{{ outputs.up.uri }}", to="gs://plugin-files/in/sub/copy.csv"),
        gcs("List", "flat", from_="gs://plugin-files/in/"),
        gcs("List", "deep", from_="gs://plugin-files/in/", listingType="RECURSIVE"),
        gcs("List", "some", from_="gs://plugin-files/in/", listingType="RECURSIVE",
            regExp=".*copy.*"),
        gcs("Download", "down", from_="gs://plugin-files/in/sub/copy.csv"),
        gcs("Delete", "del", uri="gs://plugin-files/in/trips.csv"),
        gcs("Delete", "again", uri="gs://plugin-files/in/trips.csv"),
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    outputs = found.outputs
    assert (outputs["up"]["uri"], outputs["up"]["size"]) == ("gs://plugin-files/in/trips.csv", 8)
    named = {name: [b["name"] for b in outputs[name]["blobs"]] for name in ("flat", "deep", "some")}
    assert named == {
        "flat": ["in/sub/", "in/trips.csv"],
        "deep": ["in/sub/copy.csv", "in/trips.csv"],
        "some": ["in/sub/copy.csv"],
    }
    assert found.text(outputs["down"]["uri"]) == "a,b\n1,2\n"
    assert (outputs["del"]["deleted"], outputs["again"]["deleted"]) == (True, False)
    assert bucket.get_blob("in/trips.csv") is None
    assert bucket.get_blob("in/sub/copy.csv").content_type == "text/csv"


@pytest.mark.parametrize(
    ("expected", "other"),
    [
        ({"expectedMd5": "Ps+tdV+oJfehfFUm7ETmUQ=="}, {"expectedMd5": "CY9rzUYh03PK3k6DJie09g=="}),
        ({"expectedCrc32c": "4EEvVw=="}, {"expectedCrc32c": "hqBzLw=="}),
    ],
)
def test_a_file_goes_up_only_when_it_has_the_expected_checksum(
    gcp: Bench, bucket: storage.Bucket, expected: dict[str, str], other: dict[str, str]
) -> None:
    def upload(checksum: dict[str, str], to: str) -> Outcome:
        source = "{{ outputs.file.uri }}"
        target = f"gs://plugin-files/{to}"
        return gcp.run(written("1,2\n"), gcs("Upload", from_=source, to=target, **checksum))

    found = upload(expected, "checked.csv")
    assert found.state is State.SUCCESS, found.errors
    refused = upload(other, "refused.csv")
    assert f"not `{next(iter(other))}` {next(iter(other.values()))}" in refused.errors
    assert bucket.get_blob("refused.csv") is None


def test_an_expected_checksum_is_for_a_single_file(gcp: Bench, bucket: storage.Bucket) -> None:
    sources = {"a.txt": "{{ outputs.file.uri }}", "b.txt": "{{ outputs.file.uri }}"}
    found = gcp.run(
        written("x"),
        gcs("Upload", from_=sources, to="gs://plugin-files/two", expectedMd5="AAAA"),
    )
    assert "`expectedMd5` and `expectedCrc32c` are for a single file" in found.errors


def test_several_files_go_up_below_a_folder(gcp: Bench, bucket: storage.Bucket) -> None:
    sources = {"x.txt": "{{ outputs.file.uri }}", "y/z.txt": "{{ outputs.file.uri }}"}
    found = gcp.run(written("x"), gcs("Upload", from_=sources, to="gs://plugin-files/many"))
    assert found.state is State.SUCCESS, found.errors
    names = [blob.name for blob in bucket.list_blobs(prefix="many/")]
    assert names == ["many/x.txt", "many/y/z.txt"]


@pytest.mark.parametrize(
    ("policy", "state", "created"),
    [("SKIP", State.SUCCESS, False), ("UPDATE", State.SUCCESS, False), ("ERROR", State.FAILED, 0)],
)
def test_a_bucket_that_exists_is_treated_as_asked(
    gcp: Bench, bucket: storage.Bucket, policy: str, state: State, created: object
) -> None:
    found = gcp.run(
        gcs("CreateBucket", name="plugin-files", ifExists=policy, labels={"made": "by-test"})
    )
    assert found.state is state
    if state is State.SUCCESS:
        assert found.outputs["t"]["created"] is created
        assert found.outputs["t"]["updated"] is (policy == "UPDATE")
    else:
        assert "bucket `plugin-files` exists already (ifExists: ERROR)" in found.errors


def test_a_bucket_is_created_and_deleted_with_its_objects(
    gcp: Bench, client: storage.Client
) -> None:
    found = gcp.run(
        written("x"),
        gcs("CreateBucket", "make", name="short-lived"),
        gcs("Upload", "up", from_="{{ outputs.file.uri }}", to="gs://short-lived/x"),
        gcs("DeleteBucket", "full", name="short-lived", allowFailure=True),
        gcs("DeleteBucket", "gone", name="short-lived", force=True),
    )
    assert found.states["full"] is State.WARNING
    assert found.states["gone"] is State.SUCCESS, found.errors
    assert client.lookup_bucket("short-lived") is None


def test_a_listing_can_be_deleted(gcp: Bench, bucket: storage.Bucket) -> None:
    for name in ("old/a.csv", "old/b.csv", "old/c.txt"):
        bucket.blob(name).upload_from_string("12")
    found = gcp.run(
        gcs("DeleteList", from_="gs://plugin-files/old/", regExp=".*csv"),
        gcs("DeleteList", "none", from_="gs://plugin-files/nothing/", errorOnEmpty=True),
    )
    assert found.outputs["t"] == {"count": 2, "size": 4}
    assert "nothing to delete" in found.errors
    assert [blob.name for blob in bucket.list_blobs(prefix="old/")] == ["old/c.txt"]


@pytest.mark.parametrize(
    ("kind", "properties", "said"),
    [
        ("Download", {"from": "gs://plugin-files/none"}, "there is no object gs://plugin-files/no"),
        ("Download", {"from": "gs://no-such-bucket/x"}, "no-such-bucket"),
        ("Download", {"from": "/x"}, "is not of the form gs://bucket/path"),
        ("List", {"from": "gs://no-such-bucket/"}, "list gs://no-such-bucket/"),
        ("Delete", {"uri": "gs://plugin-files/none", "errorOnMissing": True}, "there is no object"),
    ],
)
def test_what_is_missing_is_named(
    gcp: Bench, bucket: storage.Bucket, kind: str, properties: dict[str, str], said: str
) -> None:
    found = gcp.run(gcs(kind, **properties))
    assert found.state is State.FAILED
    assert said in found.errors


def test_a_key_that_is_not_one_is_refused_without_showing_it(gcp: Bench) -> None:
    for bad, said in (
        ("s3cret-words", "is not the JSON text of a service-account key"),
        ('{"type": "service_account", "client_email": "a@b"}', "has no private_key, token_uri"),
        ("[1, 2]", "is not the JSON text of a service-account key"),
    ):
        found = gcp.run(gcs("List", from_="gs://plugin-files/", serviceAccount=bad))
        assert said in found.errors
        assert "s3cret-words" not in "".join(found.logs)


def test_a_key_that_google_does_not_know_is_refused(gcp: Bench, key: dict[str, str]) -> None:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    gcp.set_kv(STRANGE=json.dumps({**key, "private_key": pem}))
    found = gcp.run(gcs("List", from_="gs://plugin-files/", serviceAccount="{{ kv('STRANGE') }}"))
    assert found.state is State.FAILED
    assert "Google refuses the credentials" in found.errors
    assert pem.splitlines()[5] not in "".join(found.logs)


def test_the_project_of_the_key_is_used_without_one(gcp: Bench, client: storage.Client) -> None:
    create = task("gcp.gcs.CreateBucket", serviceAccount="{{ kv('GCP_CREDS') }}", name="by-key")
    assert gcp.run(create).state is State.SUCCESS
    assert client.project == PROJECT
