mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "42" }
  }
  mock_resource "google_service_account" {
    defaults = {
      name   = "projects/acme-data-1/serviceAccounts/mainstem-server@acme-data-1.iam.gserviceaccount.com"
      email  = "mainstem-server@acme-data-1.iam.gserviceaccount.com"
      member = "serviceAccount:mainstem-server@acme-data-1.iam.gserviceaccount.com"
    }
  }
  mock_resource "google_compute_backend_service" {
    defaults = { generated_id = 4711 }
  }
}

variables {
  project = "acme-data-1"
  image   = "europe-west1-docker.pkg.dev/acme-data-1/mainstem/server:0.2.0"
}

run "two_variables_are_enough_and_nothing_is_public" {
  command = apply

  assert {
    condition     = output.url == "http://localhost:8080/ui/" && output.webhook_url == null && output.dns == null && length(module.https) == 0
    error_message = "something is public: ${output.url}"
  }

  assert {
    condition     = output.git_push == "git remote add mainstem http://localhost:8080/git/main && git push mainstem main"
    error_message = "the next step is ${output.git_push}"
  }

  assert {
    condition     = output.admin == "gcloud secrets versions access latest --secret=mainstem-admin-password --project=acme-data-1"
    error_message = output.admin
  }

  assert {
    condition     = jsondecode(output.environment.MAINSTEM_SEED__KV).taxi.GCP_BUCKET_NAME == "acme-data-1-mainstem" && output.environment.MAINSTEM_STORAGE__BUCKET == "acme-data-1-mainstem-state"
    error_message = "flows would not find their bucket"
  }
}

run "with_a_domain_and_iap_the_server_checks_google_s_signature" {
  command = apply

  variables {
    domain      = "flows.example.com"
    iap_members = ["user:ann@example.com"]
    iap_roles   = [{ match = "user:ann@example.com", role = "admin" }]
    git         = { url = "https://github.com/acme/flows" }
  }

  assert {
    condition     = output.environment.MAINSTEM_AUTH__IAP__AUDIENCE == "/projects/42/global/backendServices/4711"
    error_message = "the audience is ${output.environment.MAINSTEM_AUTH__IAP__AUDIENCE}"
  }

  assert {
    condition     = output.webhook_url == "https://flows.example.com/api/v1/git/webhooks/main" && output.webhook_secret == "mainstem-webhook-secret"
    error_message = "the webhook is ${output.webhook_url}"
  }
}

run "a_missing_project_says_where_to_find_it" {
  command = plan
  variables {
    project = "My Project"
  }
  expect_failures = [var.project]
}

run "iap_without_a_domain_is_refused" {
  command = plan
  variables {
    iap_members = ["user:ann@example.com"]
  }
  expect_failures = [var.iap_members]
}

run "a_private_key_is_no_deploy_key" {
  command = plan
  variables {
    git_deploy_key = "-----BEGIN OPENSSH PRIVATE KEY-----"
  }
  expect_failures = [var.git_deploy_key]
}
