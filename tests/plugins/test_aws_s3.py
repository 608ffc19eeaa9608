"""S3 tasks and the S3 trigger against a server that speaks the protocol, on this machine."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from tests.plugins.bench import NAMESPACE, Bench, task, written

KEYS = {"accessKeyId": "testing", "secretKeyId": "{{ kv('AWS_SECRET') }}", "region": "eu-west-1"}
SECRET = "a-secret-key-of-aws"


@pytest.fixture(scope="module")
def endpoint(bench: Bench) -> Iterator[str]:
    bench.set_kv(AWS_SECRET=SECRET)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def client(endpoint: str) -> Any:
    return boto3.client(
        "s3", endpoint_url=endpoint, region_name="eu-west-1",
        aws_access_key_id="testing", aws_secret_access_key=SECRET,
    )  # fmt: skip


@pytest.fixture(scope="module")
def bucket(client: Any) -> str:
    client.create_bucket(
        Bucket="files", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    return "files"


@pytest.fixture
def s3(endpoint: str) -> Any:
    def make(kind: str, id_: str = "t", **properties: Any) -> dict[str, Any]:
        return task(f"aws.s3.{kind}", id_, **{**KEYS, "endpointOverride": endpoint, **properties})

    return make


def test_a_file_goes_up_is_listed_copied_comes_down_and_is_deleted(
    bench: Bench, client: Any, bucket: str, s3: Any
) -> None:
    found = bench.run(
        written("a,b\n1,2\n", extension=".csv"),
        s3("Upload", "up", bucket=bucket, key="in/trips.csv", from_="{{ outputs.file.uri }}",
           metadata={"of": "{{ flow.id }}"}, storageClass="STANDARD_IA"),
        s3("Copy", "copy", from_={"bucket": bucket, "key": "in/trips.csv"},
           to={"key": "in/sub/copy.csv"}),
        s3("List", "all", bucket=bucket, prefix="in/"),
        s3("List", "some", bucket=bucket, prefix="in/", regexp=".*copy.*", maxKeys=10),
        s3("List", "first", bucket=bucket, prefix="in/", delimiter="/"),
        s3("Download", "down", bucket=bucket, key="in/sub/copy.csv"),
        s3("Delete", "del", bucket=bucket, key="in/trips.csv"),
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    outputs = found.outputs
    listed = {name: [o["key"] for o in outputs[name]["objects"]] for name in ("all", "some")}
    assert listed == {"all": ["in/sub/copy.csv", "in/trips.csv"], "some": ["in/sub/copy.csv"]}
    assert [o["key"] for o in outputs["first"]["objects"]] == ["in/trips.csv"]
    assert outputs["all"]["objects"][1]["size"] == 8
    assert outputs["up"]["eTag"] == outputs["all"]["objects"][1]["etag"]
    assert found.text(outputs["down"]["uri"]) == "a,b\n1,2\n"
    down = outputs["down"]
    assert (down["contentLength"], down["contentType"]) == (8, "text/csv")
    assert list(down["metadata"]) == ["of"]
    with pytest.raises(client.exceptions.ClientError):
        client.head_object(Bucket=bucket, Key="in/trips.csv")


def test_several_files_go_up_below_a_prefix_and_come_down_again(
    bench: Bench, bucket: str, s3: Any
) -> None:
    sources = {"x.txt": "{{ outputs.file.uri }}", "y/z.txt": "{{ outputs.file.uri }}"}
    found = bench.run(
        written("x"),
        s3("Upload", "up", bucket=bucket, key="many/", from_=sources),
        s3("Downloads", "down", bucket=bucket, prefix="many/", action="MOVE",
           moveTo={"key": "done/"}),
        s3("Download", "again", bucket=bucket, prefix="done/"),
        s3("DeleteList", "gone", bucket=bucket, prefix="done/"),
        s3("List", "left", bucket=bucket, prefix="many/"),
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    outputs = found.outputs
    assert sorted(outputs["up"]["files"]) == ["many/x.txt", "many/y/z.txt"]
    assert sorted(outputs["down"]["outputFiles"]) == ["many/x.txt", "many/y/z.txt"]
    assert found.text(outputs["down"]["outputFiles"]["many/y/z.txt"]) == "x"
    assert sorted(outputs["again"]["files"]) == ["done/x.txt", "done/z.txt"]
    assert (outputs["gone"]["count"], outputs["gone"]["size"]) == (2, 2)
    assert outputs["left"]["objects"] == []


def test_a_large_file_goes_up_in_parts(bench: Bench, client: Any, bucket: str, s3: Any) -> None:
    size = (16 << 20) + 5
    script = f"open('large.bin', 'wb').write(b'x' * {size})"
    found = bench.run(
        task("scripts.python.Script", "made", script=script, outputFiles=["large.bin"]),
        s3("Upload", "up", bucket=bucket, key="large.bin",
           from_="{{ outputs.made.outputFiles['large.bin'] }}"),
    )  # fmt: skip
    assert found.state is State.SUCCESS, found.errors
    told = client.head_object(Bucket=bucket, Key="large.bin")
    assert (told["ContentLength"], told["ETag"].endswith('-2"')) == (size, True)


def test_a_bucket_is_made_in_the_region_of_the_task(bench: Bench, client: Any, s3: Any) -> None:
    found = bench.run(s3("CreateBucket", bucket="made-by-a-flow"))
    assert found.state is State.SUCCESS, found.errors
    assert found.outputs["t"] == {"bucket": "made-by-a-flow", "region": "eu-west-1"}
    place = client.get_bucket_location(Bucket="made-by-a-flow")["LocationConstraint"]
    assert place == "eu-west-1"


def test_what_is_missing_fails_with_the_words_of_the_service_and_no_secret(
    bench: Bench, bucket: str, s3: Any
) -> None:
    for wrong, said in (
        (s3("Download", bucket=bucket, key="absent"), "s3://files/absent: NoSuchKey"),
        (s3("List", bucket="no-such-bucket"), "NoSuchBucket"),
        (s3("DeleteList", bucket=bucket, prefix="zzz/", errorOnEmpty=True), "nothing to delete"),
        (s3("Download", bucket=bucket), "set `key`, or for several objects"),
        (s3("List", bucket=bucket, secretKeyId=None), "both `accessKeyId` and `secretKeyId`"),
    ):
        found = bench.run(wrong)
        assert found.state is State.FAILED
        assert said in found.errors
        assert SECRET not in "\n".join(found.logs)


def test_the_metadata_address_is_not_asked(bench: Bench, bucket: str, s3: Any) -> None:
    found = bench.run(s3("List", bucket=bucket, endpointOverride="http://169.254.169.254/"))
    assert found.state is State.FAILED
    assert "metadata service" in found.errors


def test_a_trigger_fires_once_for_each_object_and_version(
    bench: Bench, client: Any, bucket: str, endpoint: str
) -> None:
    client.put_object(Bucket=bucket, Key="watched/a.json", Body=b"[1]")
    trigger = {
        **KEYS, "id": "new", "type": "io.kestra.plugin.aws.s3.Trigger", "interval": "PT0.2S",
        "endpointOverride": endpoint, "bucket": bucket, "prefix": "watched/",
    }  # fmt: skip
    flow = {
        "id": "on-objects", "namespace": NAMESPACE, "triggers": [trigger],
        "tasks": [task("core.debug.Return", "seen",
                       format="{{ trigger.objects | jq('.[].key') | first }} "
                              "{{ read(trigger.objects[0].uri) }} "
                              "{{ trigger.objects[0].changeType }}")],
    }  # fmt: skip
    bench.app.flows.save(json.dumps(flow))
    flow_id = FlowId(NAMESPACE, "on-objects")
    first = bench.first_of(flow_id)
    assert first.state is State.SUCCESS, first.errors
    assert first.outputs["seen"]["value"] == "watched/a.json [1] CREATE"
    client.put_object(Bucket=bucket, Key="watched/a.json", Body=b"[1,2]")
    second = bench.nth_of(flow_id, 2)
    assert second.outputs["seen"]["value"] == "watched/a.json [1,2] UPDATE"
    bench.app.flows.delete(flow_id)


def test_the_command_line_gets_the_credentials_as_variables(bench: Bench) -> None:
    given = task(
        "aws.cli.AwsCLI", **KEYS, commands=["env | grep ^AWS_ | sort"], outputFormat="TEXT"
    )
    found = bench.run(given)
    assert found.state is State.SUCCESS, found.errors
    lines = "\n".join(found.logs)
    for wanted in ("AWS_ACCESS_KEY_ID=testing", "AWS_DEFAULT_OUTPUT=text",
                   "AWS_DEFAULT_REGION=eu-west-1", "AWS_SECRET_ACCESS_KEY=*"):  # fmt: skip
        assert wanted in lines
    assert SECRET not in lines
