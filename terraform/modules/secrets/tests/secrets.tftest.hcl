# random is not mocked: its ephemeral value is what is being tested.
mock_provider "google" {}

variables {
  project   = "acme-data-1"
  prefix    = "mainstem"
  generated = { admin-password = { readers = { server = "serviceAccount:s@acme-data-1.iam.gserviceaccount.com" } } }
  empty     = { git-credential = {} }
}

run "a_generated_value_is_written_and_kept_nowhere" {
  command = apply

  assert {
    condition = (
      google_secret_manager_secret_version.generated["admin-password"].secret_data == null &&
      google_secret_manager_secret_version.generated["admin-password"].secret_data_wo == null &&
      tonumber(google_secret_manager_secret_version.generated["admin-password"].secret_data_wo_version) == 1
    )
    error_message = "the value is in the state"
  }

  assert {
    condition     = output.ids["admin-password"] == "mainstem-admin-password" && output.ids["git-credential"] == "mainstem-git-credential"
    error_message = "secrets are not named PREFIX-NAME"
  }
}

run "an_empty_secret_has_no_version" {
  command = plan

  assert {
    condition     = !contains(keys(google_secret_manager_secret_version.generated), "git-credential") && contains(keys(google_secret_manager_secret.this), "git-credential")
    error_message = "Terraform writes a value that it should not know"
  }
}

run "a_reader_reads_one_secret" {
  command = plan

  assert {
    condition = (
      length(google_secret_manager_secret_iam_member.reader) == 1 &&
      google_secret_manager_secret_iam_member.reader["admin-password/server"].role == "roles/secretmanager.secretAccessor" &&
      google_secret_manager_secret_iam_member.reader["admin-password/server"].secret_id == "mainstem-admin-password"
    )
    error_message = "a reader reads more than its secret"
  }

  assert {
    condition     = google_secret_manager_secret.this["admin-password"].deletion_protection
    error_message = "secrets may be deleted by accident"
  }
}

run "copies_stay_in_a_region_when_asked" {
  command = plan
  variables {
    replica_location = "europe-west1"
  }
  assert {
    condition     = google_secret_manager_secret.this["admin-password"].replication[0].user_managed[0].replicas[0].location == "europe-west1"
    error_message = "the secret is copied elsewhere"
  }
}

run "short_secrets_are_refused" {
  command = plan
  variables {
    generated = { weak = { length = 8 } }
  }
  expect_failures = [var.generated]
}

run "everybody_is_no_reader" {
  command = plan
  variables {
    generated = { open = { readers = { all = "allUsers" } } }
  }
  expect_failures = [var.generated]
}
