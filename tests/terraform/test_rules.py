"""Own rules hold for plans of the examples, and each of them can fail."""

import base64
import json
from typing import Any

import pytest

from tests.terraform.rules import RULES, complaints, resources
from tests.terraform.workspace import Workspace

BASE = {
    "project": "acme-data-1",
    "image": "europe-west1-docker.pkg.dev/acme-data-1/m/server:0.2.0",
}
PUBLIC = {
    **BASE,
    "domain": "flows.example.com",
    "iap_members": ["user:ann@example.com"],
    "iap_roles": [{"match": "user:ann@example.com", "role": "admin"}],
    "operators": {"ann": "user:ann@example.com"},
    "github": {"repository": "acme/flows", "repository_id": "42"},
    "alert_emails": ["ann@example.com"],
    "budget": {"billing_account": "012345-6789AB-CDEF01", "amount": 100},
}


@pytest.mark.parametrize("given", [BASE, PUBLIC], ids=["private", "public"])
@pytest.mark.parametrize("example", ["small", "standard"])
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_plan_keeps_the_rules(copy: Workspace, example: str, given: dict[str, object]) -> None:
    done = copy.plan(f"examples/{example}", given)
    assert done, done.output
    plan = copy.planned(f"examples/{example}")
    assert len(list(resources(plan))) > 30
    assert complaints(plan) == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_everybody_is_let_in_when_asked_and_the_rule_says_so(copy: Workspace) -> None:
    done = copy.plan("examples/standard", {**BASE, "allow_unauthenticated": True})
    assert done, done.output
    found = complaints(copy.planned("examples/standard"))
    assert [c.split(": ")[1] for c in found] == ["nobody_is_everybody"]


def plan_of(kind: str, **values: Any) -> dict[str, Any]:
    resource = {"mode": "managed", "address": f"{kind}.x", "type": kind, "values": values}
    return {"planned_values": {"root_module": {"child_modules": [{"resources": [resource]}]}}}


SQL = {"ip_configuration": [{"ipv4_enabled": False}],
       "backup_configuration": [{"point_in_time_recovery_enabled": True}]}  # fmt: skip
SHIELD = {"enable_secure_boot": True, "enable_vtpm": True, "enable_integrity_monitoring": True}
BROKEN: dict[str, dict[str, Any]] = {
    "no_basic_roles": plan_of("google_folder_iam_member", role="roles/editor", member="user:a"),
    "only_known_roles_on_the_project": plan_of(
        "google_project_iam_member", role="roles/storage.admin", member="user:a"
    ),
    "nobody_is_everybody": plan_of(
        "google_storage_bucket_iam_member", role="roles/storage.objectViewer", member="allUsers"
    ),
    "no_keys": plan_of("google_service_account_key", service_account_id="x"),
    "federation_has_a_condition": plan_of(
        "google_iam_workload_identity_pool_provider",
        attribute_condition="assertion.repository_owner == 'acme'",
    ),
    "names_are_google_s": plan_of("google_service_account", account_id="x"),
    "places_exist": plan_of("google_bigquery_dataset", dataset_id="d", location="europe"),
    "firewalls_open_known_ports_to_google": plan_of(
        "google_compute_firewall",
        name="f",
        source_ranges=["0.0.0.0/0"],
        allow=[{"protocol": "tcp", "ports": ["22"]}],
    ),
    "buckets_are_private": plan_of(
        "google_storage_bucket", name="bbb", uniform_bucket_level_access=True
    ),
    "databases_are_private": plan_of(
        "google_sql_database_instance",
        name="d",
        settings=[{**SQL, "ip_configuration": [{"ipv4_enabled": True}]}],
    ),
    "servers_are_one_and_pinned": plan_of(
        "google_cloud_run_v2_service",
        name="s",
        template=[
            {"containers": [{"image": "a/b:latest"}], "scaling": [{"min_instance_count": 1}]}
        ],
    ),
    "machines_are_shielded": plan_of(
        "google_compute_instance",
        name="m",
        shielded_instance_config=[{**SHIELD, "enable_vtpm": False}],
        network_interface=[{}],
        metadata={},
    ),
}


def test_a_password_in_the_metadata_is_found_though_it_is_encoded() -> None:
    encoded = base64.b64encode(b"MAINSTEM_X__PASSWORD=hunter2\n").decode()
    files = [{"path": "/x", "encoding": "b64", "content": encoded}]
    plan = plan_of(
        "google_compute_instance",
        name="m",
        shielded_instance_config=[SHIELD],
        network_interface=[{}],
        metadata={"user-data": f"#cloud-config\n{json.dumps({'write_files': files})}"},
    )
    assert "a secret is in the metadata" in complaints(plan)[0]


@pytest.mark.parametrize("rule", [rule.__name__ for rule in RULES])
def test_every_rule_can_fail(rule: str) -> None:
    found = complaints(BROKEN[rule])
    assert [c.split(": ")[1] for c in found] == [rule], found
