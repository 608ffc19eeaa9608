"""Rules of our own over a plan: what a schema cannot know. Pure: a plan in, complaints out."""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import yaml

Resource = Mapping[str, Any]
BASIC_ROLES: Final = frozenset({"roles/owner", "roles/editor", "roles/viewer"})
EVERYBODY: Final = frozenset({"allUsers", "allAuthenticatedUsers"})
# Roles that let their holder become more than it is.
ESCALATING: Final = frozenset(
    {
        "roles/iam.serviceAccountTokenCreator",
        "roles/iam.serviceAccountKeyAdmin",
        "roles/iam.serviceAccountAdmin",
        "roles/resourcemanager.projectIamAdmin",
        "roles/iam.securityAdmin",
    }
)
PROJECT_ROLES: Final = frozenset(
    {
        "roles/bigquery.jobUser",
        "roles/cloudsql.client",
        "roles/cloudsql.instanceUser",
        "roles/logging.logWriter",
        "roles/monitoring.metricWriter",
    }
)
NAMES: Final = {
    "google_compute_network": r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
    "google_compute_subnetwork": r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
    "google_compute_firewall": r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
    "google_compute_instance": r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
    "google_compute_disk": r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
    "google_compute_backend_service": r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
    "google_cloud_run_v2_service": r"[a-z]([-a-z0-9]{0,47}[a-z0-9])?",
    "google_cloud_run_v2_worker_pool": r"[a-z]([-a-z0-9]{0,47}[a-z0-9])?",
    "google_sql_database_instance": r"[a-z]([-a-z0-9]{0,96}[a-z0-9])?",
    "google_storage_bucket": r"[a-z0-9][-_a-z0-9]{1,61}[a-z0-9]",
}
IDS: Final = {
    "google_service_account": ("account_id", r"[a-z][-a-z0-9]{4,28}[a-z0-9]"),
    "google_secret_manager_secret": ("secret_id", r"[A-Za-z0-9_-]{1,255}"),
    "google_bigquery_dataset": ("dataset_id", r"[A-Za-z0-9_]{1,1024}"),
    "google_iam_workload_identity_pool": ("workload_identity_pool_id", r"[a-z0-9-]{4,32}"),
}
OPEN_PORTS: Final = {"22": {"35.235.240.0/20"},
                     "8080": {"35.235.240.0/20", "130.211.0.0/22", "35.191.0.0/16"}}  # fmt: skip
LOCATIONS: Final = re.compile(r"EU|US|ASIA|[a-z]+-[a-z]+\d+")


def resources(plan: Mapping[str, Any]) -> Iterator[tuple[str, str, Resource]]:
    """Address, type and planned values of every resource, in all modules."""

    def walk(module: Mapping[str, Any]) -> Iterator[tuple[str, str, Resource]]:
        for found in module.get("resources", ()):
            if found["mode"] == "managed":
                yield found["address"], found["type"], found["values"]
        for child in module.get("child_modules", ()):
            yield from walk(child)

    yield from walk(plan["planned_values"]["root_module"])


def no_basic_roles(kind: str, values: Resource) -> Iterator[str]:
    role = values.get("role")
    if role in BASIC_ROLES:
        yield f"{role} reaches over the whole project"
    if role in ESCALATING:
        yield f"{role} lets its holder become more than it is"


def only_known_roles_on_the_project(kind: str, values: Resource) -> Iterator[str]:
    if kind == "google_project_iam_member" and values["role"] not in PROJECT_ROLES:
        yield f"{values['role']} is not among the roles on the project that the server needs"
    if kind in ("google_project_iam_binding", "google_project_iam_policy"):
        yield "it would take the role away from everybody whom Terraform does not know"


def nobody_is_everybody(kind: str, values: Resource) -> Iterator[str]:
    members = [values.get("member"), *(values.get("members") or ())]
    if EVERYBODY.intersection(m for m in members if m):
        yield "everybody is a member"


def no_keys(kind: str, values: Resource) -> Iterator[str]:
    if kind == "google_service_account_key":
        yield "a key of a service account: use the identity of the machine, or federation"
    if values.get("secret_data") or values.get("password"):
        yield "a secret value that would be kept in the state"


def federation_has_a_condition(kind: str, values: Resource) -> Iterator[str]:
    if kind != "google_iam_workload_identity_pool_provider":
        return
    condition = values.get("attribute_condition") or ""
    if "assertion.repository ==" not in condition or "assertion.ref ==" not in condition:
        yield "any repository or branch of the provider may come in"


def names_are_google_s(kind: str, values: Resource) -> Iterator[str]:
    attribute, pattern = IDS.get(kind, ("name", NAMES.get(kind, "")))
    name = values.get(attribute)
    if pattern and name is not None and not re.fullmatch(pattern, name):
        yield f"{attribute} `{name}` is no name that Google takes"


def places_exist(kind: str, values: Resource) -> Iterator[str]:
    location = values.get("location")
    if location is not None and not LOCATIONS.fullmatch(location) and location != "global":
        yield f"location `{location}` is neither a region nor EU, US, ASIA"
    if kind == "google_bigquery_dataset" and location == "ASIA":
        yield "BigQuery has no location ASIA"


def firewalls_open_known_ports_to_google(kind: str, values: Resource) -> Iterator[str]:
    if kind != "google_compute_firewall" or not values.get("allow"):
        return
    sources = set(values.get("source_ranges") or ())
    for rule in values["allow"]:
        for port in rule.get("ports") or ["every port"]:
            foreign = sources - OPEN_PORTS.get(port, set())
            if foreign or not sources:
                yield f"port {port} is open to {', '.join(sorted(foreign)) or 'everywhere'}"


def buckets_are_private(kind: str, values: Resource) -> Iterator[str]:
    if kind != "google_storage_bucket":
        return
    if not values.get("uniform_bucket_level_access"):
        yield "single objects can be made public"
    if values.get("public_access_prevention") != "enforced":
        yield "public access is not prevented"


def databases_are_private(kind: str, values: Resource) -> Iterator[str]:
    if kind != "google_sql_database_instance":
        return
    settings = values["settings"][0]
    network = settings["ip_configuration"][0]
    if network.get("ipv4_enabled") or network.get("authorized_networks"):
        yield "the database has a public address"
    if not settings["backup_configuration"][0]["point_in_time_recovery_enabled"]:
        yield "one cannot go back to a point in time"


def servers_are_one_and_pinned(kind: str, values: Resource) -> Iterator[str]:
    if kind not in ("google_cloud_run_v2_service", "google_cloud_run_v2_worker_pool"):
        return
    template = values["template"][0]
    for container in template["containers"]:
        image = container["image"]
        if image.endswith(":latest") or not re.search(r":[^/]+$|@sha256:", image):
            yield f"{image} can change under a running server"
        for variable in container.get("env") or ():
            if re.search(r"PASSWORD$|TOKEN$|SECRET$", variable["name"]):
                yield f"{variable['name']} is a secret in the environment"
    scaling = (template.get("scaling") or [{}])[0]
    if kind == "google_cloud_run_v2_service" and scaling.get("min_instance_count") != 1:
        yield "without an instance nothing is scheduled"


def machines_are_shielded(kind: str, values: Resource) -> Iterator[str]:
    if kind != "google_compute_instance":
        return
    shield = values["shielded_instance_config"][0]
    if not all(
        shield[k] for k in ("enable_secure_boot", "enable_vtpm", "enable_integrity_monitoring")
    ):
        yield "the machine is not shielded"
    if values["network_interface"][0].get("access_config"):
        yield "the machine has a public address"
    if re.search(r"PRIVATE KEY---|(PASSWORD|TOKEN|SECRET)=", told(values["metadata"])):
        yield "a secret is in the metadata, which every program on the machine reads"


def told(metadata: Mapping[str, str]) -> str:
    """What cloud-init is given, with its files as they will be written."""
    given = yaml.safe_load(metadata.get("user-data", "")) or {}
    files = given.get("write_files", ())
    encoded = (f["content"] for f in files if f.get("encoding") == "b64")
    return "\n".join([*(base64.b64decode(c).decode() for c in encoded), json.dumps(given)])


RULES: Final[tuple[Callable[[str, Resource], Iterator[str]], ...]] = (
    no_basic_roles,
    only_known_roles_on_the_project,
    nobody_is_everybody,
    no_keys,
    federation_has_a_condition,
    names_are_google_s,
    places_exist,
    firewalls_open_known_ports_to_google,
    buckets_are_private,
    databases_are_private,
    servers_are_one_and_pinned,
    machines_are_shielded,
)


def complaints(plan: Mapping[str, Any]) -> list[str]:
    """`address: rule: what is wrong`, for every broken rule."""
    return [
        f"{address}: {rule.__name__}: {what}"
        for address, kind, values in resources(plan)
        for rule in RULES
        for what in rule(kind, values)
    ]
