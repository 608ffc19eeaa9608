mock_provider "google" {}

variables {
  project   = "acme-data-1"
  name      = "mainstem"
  domains   = ["flows.example.com"]
  cloud_run = { service = "mainstem", region = "europe-west1" }
}

run "without_iap_one_backend_serves_all" {
  command = plan

  assert {
    condition     = keys(google_compute_backend_service.this) == ["open"] && length(google_iap_web_backend_service_iam_member.user) == 0 && !google_compute_backend_service.this["open"].iap[0].enabled
    error_message = "IAP is on though nobody asked"
  }

  assert {
    condition     = google_compute_ssl_policy.this.min_tls_version == "TLS_1_2" && google_compute_managed_ssl_certificate.this.managed[0].domains == tolist(["flows.example.com"])
    error_message = "old TLS, or a certificate for another name"
  }

  assert {
    condition     = google_compute_url_map.redirect.default_url_redirect[0].https_redirect
    error_message = "port 80 does not lead to 443"
  }
}

run "with_iap_only_signed_paths_stay_open" {
  command = plan

  variables {
    iap_members = ["group:data@example.com"]
  }

  assert {
    condition     = google_compute_backend_service.this["pages"].iap[0].enabled && !google_compute_backend_service.this["open"].iap[0].enabled
    error_message = "pages are open, or machines are locked out"
  }

  assert {
    condition     = google_iap_web_backend_service_iam_member.user["group:data@example.com"].role == "roles/iap.httpsResourceAccessor"
    error_message = "another role"
  }

  assert {
    condition     = one(one(google_compute_url_map.this.path_matcher).path_rule).paths == toset(["/health", "/api/v1/git/webhooks/*", "/api/v1/executions/webhook/*", "/git/*"])
    error_message = "other paths are open"
  }
}

run "a_machine_is_asked_for_its_health" {
  command = plan

  variables {
    cloud_run      = null
    instance_group = { id = "projects/acme-data-1/zones/europe-west1-b/instanceGroups/mainstem" }
  }

  assert {
    condition     = google_compute_health_check.this[0].http_health_check[0].request_path == "/health" && google_compute_backend_service.this["open"].port_name == "http" && length(google_compute_region_network_endpoint_group.this) == 0
    error_message = "the machine is not asked for its health"
  }
}

run "everybody_is_no_member" {
  command = plan
  variables {
    iap_members = ["allUsers"]
  }
  expect_failures = [var.iap_members]
}

run "nobody_is_refused_too" {
  command = plan
  variables {
    iap_members = []
  }
  expect_failures = [var.iap_members]
}

run "the_whole_api_may_not_be_open" {
  command = plan
  variables {
    open_paths = ["/api/*"]
  }
  expect_failures = [var.open_paths]
}

run "two_backends_are_refused" {
  command = plan
  variables {
    instance_group = { id = "projects/p/zones/z/instanceGroups/g" }
  }
  expect_failures = [var.instance_group]
}

run "an_address_is_no_domain" {
  command = plan
  variables {
    domains = ["https://flows.example.com"]
  }
  expect_failures = [var.domains]
}
