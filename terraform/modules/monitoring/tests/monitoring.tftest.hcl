mock_provider "google" {}

variables {
  project        = "acme-data-1"
  project_number = "42"
  name           = "mainstem"
  emails         = ["ann@example.com"]
}

run "a_private_server_is_not_called_from_outside" {
  command = plan
  assert {
    condition     = length(google_monitoring_uptime_check_config.health) == 0 && length(google_monitoring_alert_policy.down) == 0
    error_message = "the check would always fail"
  }
}

run "a_public_server_is_called_every_minute" {
  command = plan
  variables {
    host = "flows.example.com"
  }
  assert {
    condition     = google_monitoring_uptime_check_config.health[0].http_check[0].path == "/health" && google_monitoring_uptime_check_config.health[0].period == "60s" && google_monitoring_uptime_check_config.health[0].http_check[0].validate_ssl
    error_message = "no check of /health over TLS"
  }
}

run "machine_database_and_log_are_watched_when_named" {
  command = plan
  variables {
    instance   = "mainstem"
    database   = "mainstem-1"
    log_filter = "resource.type=\"cloud_run_revision\""
  }
  assert {
    condition     = length(google_monitoring_alert_policy.machine) == 1 && length(google_monitoring_alert_policy.database) == 3 && length(google_monitoring_alert_policy.errors) == 1
    error_message = "something is not watched"
  }
}

run "a_budget_warns_at_half_at_nine_tenths_and_when_it_is_spent" {
  command = plan
  variables {
    budget = { billing_account = "012345-6789AB-CDEF01", amount = 100, currency = "EUR" }
  }
  assert {
    condition     = google_billing_budget.this[0].amount[0].specified_amount[0].units == "100" && [for rule in google_billing_budget.this[0].threshold_rules : rule.threshold_percent] == [0.5, 0.9, 1.0, 1.0]
    error_message = "other thresholds"
  }
  assert {
    condition     = google_billing_budget.this[0].budget_filter[0].projects == toset(["projects/42"])
    error_message = "the budget counts other projects too"
  }
}

run "without_emails_a_budget_tells_the_account_s_own_people" {
  command = plan
  variables {
    emails = []
    budget = { billing_account = "012345-6789AB-CDEF01", amount = 100 }
  }
  assert {
    condition     = length(google_billing_budget.this[0].all_updates_rule) == 0
    error_message = "an empty rule, which Google refuses"
  }
}

run "a_budget_wants_an_account" {
  command = plan
  variables {
    budget = { billing_account = "my account", amount = 100 }
  }
  expect_failures = [var.budget]
}

run "a_host_is_no_url" {
  command = plan
  variables {
    host = "https://flows.example.com/ui"
  }
  expect_failures = [var.host]
}
