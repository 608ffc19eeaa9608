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
  mock_resource "google_sql_database_instance" {
    defaults = { connection_name = "acme-data-1:europe-west1:mainstem" }
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
    condition     = output.url == "http://localhost:8080/ui/" && output.tunnel == "gcloud run services proxy mainstem --port=8080 --region=europe-west1 --project=acme-data-1"
    error_message = "something is public: ${output.url}"
  }

  assert {
    condition     = output.environment.MAINSTEM_DATABASE__URL == "postgresql://mainstem-server%40acme-data-1.iam@127.0.0.1:5432/mainstem"
    error_message = "the database is ${output.environment.MAINSTEM_DATABASE__URL}"
  }
}

run "a_public_log_in_has_to_be_asked_for" {
  command = apply
  variables {
    allow_unauthenticated = true
    git                   = { url = "https://github.com/acme/flows" }
  }
  assert {
    condition     = output.url == "https://mainstem-42.europe-west1.run.app/ui/" && output.webhook_url == "https://mainstem-42.europe-west1.run.app/api/v1/git/webhooks/main"
    error_message = "the addresses are ${output.url} and ${output.webhook_url}"
  }
}

run "with_a_domain_and_iap_the_server_checks_google_s_signature" {
  command = apply
  variables {
    domain      = "flows.example.com"
    iap_members = ["domain:example.com"]
    iap_roles   = [{ match = "*", role = "viewer" }]
  }
  assert {
    condition     = output.environment.MAINSTEM_AUTH__IAP__AUDIENCE == "/projects/42/global/backendServices/4711" && output.url == "https://flows.example.com/ui/"
    error_message = "the audience is ${output.environment.MAINSTEM_AUTH__IAP__AUDIENCE}"
  }
}

run "a_domain_and_an_open_run_address_are_refused" {
  command = plan
  variables {
    domain                = "flows.example.com"
    allow_unauthenticated = true
  }
  expect_failures = [var.allow_unauthenticated]
}

run "a_zone_is_no_region" {
  command = plan
  variables {
    region = "europe-west1-b"
  }
  expect_failures = [var.region]
}
