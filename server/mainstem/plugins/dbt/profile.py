"""Profiles: the one place where dbt's names meet Google's.

| Google / KV key            | dbt profile | also called in dbt |
|----------------------------|-------------|--------------------|
| project  / GCP_PROJECT_ID  | `project`   | database           |
| dataset  / GCP_DATASET     | `dataset`   | schema             |
| location / GCP_LOCATION    | `location`  |                    |
| key JSON / GCP_CREDS       | `keyfile_json`, method `service-account-json` | |

A profile written in the flow is taken as it is; without one, and without a profiles.yml in the
project, the profile is derived from these keys. Everything here is pure but for the KV look-ups.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from mainstem.errors import InvalidInput

Lookup = Callable[[str], object]

PROJECT: Final = "GCP_PROJECT_ID"
DATASET: Final = "GCP_DATASET"
LOCATION: Final = "GCP_LOCATION"
CREDENTIALS: Final = "GCP_CREDS"
_THREADS: Final = 8


@dataclass(frozen=True, slots=True)
class Target:
    """The output that dbt will use: its adapter type and its properties."""

    profile: str
    name: str
    properties: Mapping[str, Any]

    @property
    def is_bigquery(self) -> bool:
        return self.properties.get("type") == "bigquery"

    @property
    def project(self) -> str | None:
        return _text(self.properties.get("project") or self.properties.get("database"))

    @property
    def dataset(self) -> str | None:
        return _text(self.properties.get("dataset") or self.properties.get("schema"))

    @property
    def location(self) -> str | None:
        return _text(self.properties.get("location"))


def project_profile(project: Path) -> str:
    """The profile name that dbt_project.yml asks for; raises InvalidInput when there is none."""
    file = project / "dbt_project.yml"
    if not file.is_file():
        raise InvalidInput(
            f"there is no dbt_project.yml in `{project.name}`: set `projectDir` to the folder of "
            "the dbt project, and check that `namespaceFiles` or `inputFiles` bring it"
        )
    try:
        tree = yaml.safe_load(file.read_text()) or {}
    except yaml.YAMLError as error:
        raise InvalidInput(f"dbt_project.yml is not YAML: {error}") from error
    return str(tree.get("profile") or "default")


def derived(profile: str, lookup: Lookup) -> dict[str, Any]:
    """A BigQuery profile out of the KV keys; raises InvalidInput naming those that are missing."""
    values = {key: _text(lookup(key)) for key in (PROJECT, DATASET, LOCATION)}
    missing = [key for key in (PROJECT, DATASET) if not values[key]]
    if missing:
        raise InvalidInput(
            f"no `profiles` in the task, none in the project, and the KV store has no "
            f"{' and no '.join(missing)} to derive one from: set them (flow gcp_kv does), or write "
            "`profiles`"
        )
    output: dict[str, Any] = {
        "type": "bigquery",
        "project": values[PROJECT],
        "dataset": values[DATASET],
        "threads": _THREADS,
        "priority": "interactive",
        "method": "oauth",
    }
    if values[LOCATION]:
        output["location"] = values[LOCATION]
    key = lookup(CREDENTIALS)
    if key:
        output["method"] = "service-account-json"
        output["keyfile_json"] = json.loads(key) if isinstance(key, str) else key
    return {profile: {"target": "mainstem", "outputs": {"mainstem": output}}}


def parse(text: str) -> dict[str, Any]:
    """A profile as written; raises InvalidInput when it is not a map of profiles."""
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInput(f"`profiles` is not YAML: {error}") from error
    if not isinstance(tree, dict) or not tree:
        raise InvalidInput("`profiles` must be a map of profile names, as in profiles.yml")
    return tree


def with_endpoint(profiles: Mapping[str, Any], endpoint: str | None) -> dict[str, Any]:
    """The profiles with BigQuery's address, for servers whose settings name one."""
    if endpoint is None:
        return dict(profiles)
    changed: dict[str, Any] = {}
    for name, profile in profiles.items():
        outputs = {key: _addressed(output, endpoint) for key, output in _outputs(profile).items()}
        changed[name] = {**profile, "outputs": outputs} if outputs else profile
    return changed


def _addressed(output: Any, endpoint: str) -> Any:
    if not isinstance(output, dict) or output.get("type") != "bigquery":
        return output
    found = {**output, "api_endpoint": output.get("api_endpoint", endpoint)}
    if found.get("method") == "oauth":
        # Application default credentials belong to Google; another address takes any token.
        found |= {"method": "oauth-secrets", "token": "local"}
    return found


def with_token(profiles: Mapping[str, Any], target: Target, token: str) -> dict[str, Any]:
    """The profiles with the target signing in by an access token instead of a key."""
    kept = {k: v for k, v in target.properties.items() if k not in ("keyfile", "keyfile_json")}
    output = {**kept, "method": "oauth-secrets", "token": token}
    profile = profiles[target.profile]
    outputs = {**_outputs(profile), target.name: output}
    return {**profiles, target.profile: {**profile, "outputs": outputs}}


def chosen(profiles: Mapping[str, Any], profile: str) -> Target:
    """The target that dbt will use; raises InvalidInput naming what there is instead."""
    found = profiles.get(profile)
    if not isinstance(found, dict):
        names = ", ".join(f"`{name}`" for name in profiles if name != "config")
        raise InvalidInput(f"dbt_project.yml asks for profile `{profile}`; `profiles` has {names}")
    outputs = _outputs(found)
    target = str(found.get("target") or "default")
    if target not in outputs:
        names = ", ".join(f"`{name}`" for name in outputs) or "none"
        raise InvalidInput(f"profile `{profile}` has no output `{target}` (it has {names})")
    return Target(profile, target, outputs[target])


def swapped(target: Target, lookup: Lookup) -> str | None:
    """A sentence when project and dataset are exchanged, judged by the KV keys."""
    project, dataset = _text(lookup(PROJECT)), _text(lookup(DATASET))
    is_exchanged = target.project and target.project == dataset and target.dataset == project
    if not is_exchanged or project == dataset:
        return None
    return exchanged(target)


def exchanged(target: Target) -> str:
    """What to say when project and dataset are exchanged."""
    return (
        f"project and dataset are swapped in profile `{target.profile}`: `project` is "
        f"`{target.project}` and `dataset` is `{target.dataset}`. In dbt, project (database) is "
        f"the Google project, and dataset (schema) is the BigQuery dataset: exchange the two"
    )


def _outputs(profile: Any) -> dict[str, Any]:
    outputs = profile.get("outputs") if isinstance(profile, dict) else None
    return outputs if isinstance(outputs, dict) else {}


def _text(value: object) -> str | None:
    return None if value is None or str(value).strip() == "" else str(value).strip()
