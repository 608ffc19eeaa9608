locals {
  base_roles = toset([
    "roles/bigquery.jobUser",
    "roles/logging.logWriter",
    "roles/monitoring.metricWriter",
  ])

  database_roles = toset(var.cloud_sql ? ["roles/cloudsql.client", "roles/cloudsql.instanceUser"] : [])

  with_github = var.github == null ? [] : [var.github]

  # Repositories and owners are compared by the numbers that GitHub gives them: a name can be
  # taken over by somebody else after a repository is renamed or deleted.
  github_condition = var.github == null ? "" : join(" && ", compact([
    "assertion.repository == \"${var.github.repository}\"",
    var.github.repository_id == null ? "" : "assertion.repository_id == \"${var.github.repository_id}\"",
    "assertion.ref == \"refs/heads/${var.github.branch}\"",
    "assertion.ref_type == \"branch\"",
  ]))
}

resource "google_service_account" "server" {
  project      = var.project
  account_id   = "${var.name}-server"
  display_name = "Mainstem server"
  description  = "Runs the flows: loads into BigQuery, reads and writes its buckets."
}

resource "google_project_iam_member" "server" {
  for_each = setunion(local.base_roles, local.database_roles, var.extra_roles)

  project = var.project
  role    = each.value
  member  = google_service_account.server.member
}

resource "google_service_account" "ci" {
  count = length(local.with_github)

  project      = var.project
  account_id   = "${var.name}-ci"
  display_name = "CI of the flow repository"
  description  = "Used by GitHub Actions through workload identity federation; it has no keys."
}

resource "google_project_iam_member" "ci" {
  for_each = var.github == null ? toset([]) : var.github.roles

  project = var.project
  role    = each.value
  member  = google_service_account.ci[0].member
}

resource "google_iam_workload_identity_pool" "ci" {
  count = length(local.with_github)

  project                   = var.project
  workload_identity_pool_id = "${var.name}-ci"
  display_name              = "CI of the flow repository"
  description               = "Identities of GitHub Actions."
}

resource "google_iam_workload_identity_pool_provider" "github" {
  count = length(local.with_github)

  project                            = var.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.ci[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  display_name                       = "GitHub Actions"
  attribute_condition                = local.github_condition

  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.repository"
    "attribute.ref"        = "assertion.ref"
  }

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account_iam_member" "ci" {
  count = length(local.with_github)

  service_account_id = google_service_account.ci[0].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.ci[0].name}/attribute.repository/${var.github.repository}"
}
