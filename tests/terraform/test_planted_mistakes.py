"""Mistakes are planted, one at a time, and each is caught: by name, before anything is made."""

from dataclasses import dataclass

import pytest

from tests.terraform.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

GIVEN = {
    "project": "acme-data-1",
    "image": "europe-west1-docker.pkg.dev/acme-data-1/m/server:0.2.0",
}


@dataclass(frozen=True)
class Edit:
    """A mistake in the modules' text, and what Terraform says of it."""

    where: str
    file: str
    old: str
    new: str
    says: str


EDITS = {
    "a misspelt attribute": Edit(
        "modules/storage", "main.tf", "public_access_prevention ", "public_acces_prevention ",
        'An argument named "public_acces_prevention" is not expected here',
    ),
    "a misspelt block": Edit(
        "modules/storage", "main.tf", "  versioning {", "  versionning {",
        'Blocks of type "versionning" are not expected here',
    ),
    "an attribute that google 8 no longer has": Edit(
        "modules/database", "main.tf", 'ssl_mode        = "ENCRYPTED_ONLY"', "require_ssl = true",
        'An argument named "require_ssl" is not expected here',
    ),
    "a missing attribute": Edit(
        "modules/database", "main.tf", "    tier                        = var.tier\n", "",
        'The argument "tier" is required',
    ),
    "a missing block": Edit(
        "modules/monitoring", "main.tf", """  amount {
    specified_amount {
      currency_code = var.budget.currency
      units         = tostring(var.budget.amount)
    }
  }
""", "", "Insufficient amount blocks",
    ),
    "a wrong type": Edit(
        "modules/database", "main.tf", "transaction_log_retention_days = 7",
        'transaction_log_retention_days = "seven"', "a number is required",
    ),
    "an unknown resource": Edit(
        "modules/storage", "main.tf", 'resource "google_storage_bucket" "this"',
        'resource "google_storage_buckets" "this"', "google_storage_buckets",
    ),
    "an unknown attribute of another resource": Edit(
        "modules/network", "outputs.tf", "google_compute_network.this.name",
        "google_compute_network.this.title", 'exported attribute named "title"',
    ),
    "an unknown output of a module": Edit(
        "examples/small", "main.tf", "module.lake.location", "module.lake.region",
        "does not have an attribute named \"region\"",
    ),
    "an unknown argument of a module": Edit(
        "examples/standard", "main.tf", "tier                = var.database_tier",
        "size                = var.database_tier", 'An argument named "size" is not expected here',
    ),
    "a forgotten argument of a module": Edit(
        "examples/standard", "main.tf",
        "  server_email        = module.identity.server_email\n  tier", "  tier",
        'The argument "server_email" is required',
    ),
    "an undeclared variable": Edit(
        "modules/secrets", "main.tf", "var.deletion_protection", "var.protection",
        "has not been declared",
    ),
    "an enum that does not exist": Edit(
        "modules/server/cloud_run", "main.tf", '"EXECUTION_ENVIRONMENT_GEN2"', '"GEN2"',
        "expected execution_environment to be one of",
    ),
    "a computed attribute that is set": Edit(
        "modules/storage", "main.tf", '  storage_class               = "STANDARD"',
        '  url = "gs://x"\n  storage_class               = "STANDARD"', "",
    ),
    "a secret of one run kept for the next": Edit(
        "modules/secrets", "main.tf",
        "  secret_data_wo         = ephemeral", "  secret_data            = ephemeral",
        "Invalid use of ephemeral value",
    ),
    "a provider of another age": Edit(
        "modules/storage", "versions.tf", '"~> 8.0"', '"~> 7.0"', "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [n for n in EDITS if EDITS[n].says])
def test_it_is_caught(copy: Workspace, name: str) -> None:
    mistake = EDITS[name]
    assert copy.validate(mistake.where), "the modules are wrong before anything is planted"
    copy.edit(f"{mistake.where}/{mistake.file}", mistake.old, mistake.new)
    done = copy.validate(mistake.where)
    assert not done
    assert mistake.says in " ".join(done.output.split())


def test_a_computed_attribute_that_is_set_is_caught(copy: Workspace) -> None:
    mistake = EDITS["a computed attribute that is set"]
    copy.edit(f"{mistake.where}/{mistake.file}", mistake.old, mistake.new)
    done = copy.validate(mistake.where)
    assert not done
    assert "url" in done.output


def test_another_provider_version_is_caught(copy: Workspace) -> None:
    mistake = EDITS["a provider of another age"]
    copy.edit(f"{mistake.where}/{mistake.file}", mistake.old, mistake.new)
    done = copy.init(mistake.where)
    assert not done
    assert "hashicorp/google" in done.output


# Values that a user gives; the rule that refuses each is named in what Terraform says.
VALUES: dict[str, tuple[str, dict[str, object], str]] = {
    "no image": ("small", {"project": "acme-data-1"}, 'variable "image"'),
    "the project's number": ("small", {"project": "1234567"}, "is a project's ID"),
    "an image that changes": ("small", {"image": "eu.gcr.io/acme/m/server:latest"}, "not latest"),
    "a location in small letters": ("small", {"location": "eu"}, "location is EU, US"),
    "a bucket of google": ("small", {"bucket": "my-google-bucket"}, "holds no \"google\""),
    "a dataset with hyphens": ("standard", {"dataset": "ny-taxi"}, "no hyphens"),
    "a bucket far from its dataset": ("small", {"location": "ASIA"}, "location is EU, US"),
    "iap without a domain": (
        "small",
        {"iap_members": ["user:a@example.com"], "iap_roles": [{"match": "*", "role": "admin"}]},
        "iap_members needs a domain",
    ),
    "a role that is none": (
        "small",
        {
            "domain": "f.example.com",
            "iap_members": ["user:a@example.com"],
            "iap_roles": [{"match": "*", "role": "owner"}],
        },
        "A role is viewer, operator, editor or admin",
    ),
    "the basic role editor": ("small", {"extra_roles": ["roles/editor"]}, "basic roles owner"),
    "every repository of github": (
        "small", {"github": {"repository": "acme/*"}}, "without wildcards",
    ),
    "a machine too small": ("small", {"machine_type": "e2-micro"}, "too little memory"),
    "a key among the values": (
        "small", {"kv": {"taxi": {"GCP_CREDS": "-----BEGIN PRIVATE KEY-----"}}},
        "holds a private key",
    ),
    "a password in the git address": (
        "standard", {"git": {"url": "https://ann:secret@github.com/acme/flows"}},
        "It holds no password",
    ),
    "an ssh key without known hosts": (
        "standard", {"git": {"url": "git@github.com:acme/flows.git", "credential": "ssh_key"}},
        "git.known_hosts",
    ),
    "half a cpu": ("standard", {"cpu": "0.5"}, "cannot be always on"),
    "a tier of mysql": ("standard", {"database_tier": "db-n1-standard-1"}, "tier is db-f1-micro"),
    "a budget without an account": (
        "standard", {"budget": {"billing_account": "mine", "amount": 50}}, "looks like 012345",
    ),
    "a setting that is none": (
        "standard", {"settings": {"PASSWORD": "x"}}, "MAINSTEM_SECTION__KEY",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_a_wrong_value_is_refused_with_what_to_do(copy: Workspace, name: str) -> None:
    example, values, says = VALUES[name]
    given = values if name == "no image" else {**GIVEN, **values}
    done = copy.plan(f"examples/{example}", given)
    assert not done
    assert says in " ".join(done.output.replace("│", " ").split())


@pytest.mark.parametrize("example", ["small", "standard"])
def test_the_two_variables_that_have_no_default_are_enough(copy: Workspace, example: str) -> None:
    done = copy.plan(f"examples/{example}", dict(GIVEN))
    assert done, done.output
