mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      name   = "projects/acme-data-1/serviceAccounts/mainstem-server@acme-data-1.iam.gserviceaccount.com"
      email  = "mainstem-server@acme-data-1.iam.gserviceaccount.com"
      member = "serviceAccount:mainstem-server@acme-data-1.iam.gserviceaccount.com"
    }
  }
  mock_resource "google_iam_workload_identity_pool" {
    defaults = { name = "projects/42/locations/global/workloadIdentityPools/mainstem-ci" }
  }
}

variables {
  project = "acme-data-1"
  name    = "mainstem"
}

run "the_server_runs_jobs_and_writes_logs_and_metrics" {
  command = plan

  assert {
    condition     = toset(keys(google_project_iam_member.server)) == toset(["roles/bigquery.jobUser", "roles/logging.logWriter", "roles/monitoring.metricWriter"])
    error_message = "the server has ${join(", ", keys(google_project_iam_member.server))} on the project"
  }

  assert {
    condition     = length(google_service_account.ci) == 0 && length(google_iam_workload_identity_pool.ci) == 0
    error_message = "CI has an account that nobody asked for"
  }
}

run "cloud_sql_adds_its_two_roles" {
  command = plan
  variables {
    cloud_sql = true
  }
  assert {
    condition     = contains(keys(google_project_iam_member.server), "roles/cloudsql.client") && contains(keys(google_project_iam_member.server), "roles/cloudsql.instanceUser") && length(google_project_iam_member.server) == 5
    error_message = "the server cannot log in to the database"
  }
}

run "github_comes_in_from_one_branch_of_one_repository" {
  command = apply
  variables {
    github = { repository = "acme/flows", repository_id = "4711" }
  }

  assert {
    condition     = google_iam_workload_identity_pool_provider.github[0].attribute_condition == "assertion.repository == \"acme/flows\" && assertion.repository_id == \"4711\" && assertion.ref == \"refs/heads/main\" && assertion.ref_type == \"branch\""
    error_message = "the condition is ${google_iam_workload_identity_pool_provider.github[0].attribute_condition}"
  }

  assert {
    condition     = google_service_account_iam_member.ci[0].member == "principalSet://iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/mainstem-ci/attribute.repository/acme/flows"
    error_message = "others may act as CI: ${google_service_account_iam_member.ci[0].member}"
  }

  assert {
    condition     = google_service_account_iam_member.ci[0].role == "roles/iam.workloadIdentityUser"
    error_message = "another role than workloadIdentityUser"
  }
}

run "wildcards_are_refused" {
  command = plan
  variables {
    github = { repository = "acme/*" }
  }
  expect_failures = [var.github]
}

run "basic_roles_are_refused_for_the_server" {
  command = plan
  variables {
    extra_roles = ["roles/editor"]
  }
  expect_failures = [var.extra_roles]
}

run "basic_roles_are_refused_for_ci" {
  command = plan
  variables {
    github = { repository = "acme/flows", roles = ["roles/owner"] }
  }
  expect_failures = [var.github]
}

run "a_name_too_long_for_an_account_is_refused" {
  command = plan
  variables {
    name = "mainstem-in-production-of-acme"
  }
  expect_failures = [var.name]
}
