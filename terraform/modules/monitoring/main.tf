resource "google_monitoring_notification_channel" "email" {
  for_each = var.emails

  project      = var.project
  display_name = "Mainstem: ${each.value}"
  type         = "email"
  labels       = { email_address = each.value }
}

locals {
  channels = [for channel in google_monitoring_notification_channel.email : channel.name]
}

resource "google_monitoring_uptime_check_config" "health" {
  count = var.host == null ? 0 : 1

  project            = var.project
  display_name       = "${var.name}: /health"
  period             = "60s"
  timeout            = "10s"
  log_check_failures = true

  http_check {
    path         = "/health"
    port         = 443
    use_ssl      = true
    validate_ssl = true

    accepted_response_status_codes {
      status_class = "STATUS_CLASS_2XX"
    }
  }

  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project, host = var.host }
  }
}

resource "google_monitoring_alert_policy" "down" {
  count = var.host == null ? 0 : 1

  project               = var.project
  display_name          = "${var.name} does not answer"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "/health fails from two places for five minutes"

    condition_threshold {
      filter          = "resource.type = \"uptime_url\" AND metric.type = \"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id = \"${google_monitoring_uptime_check_config.health[0].uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "300s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }

      trigger {
        count = 1
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "The server at ${var.host} does not answer. See *Troubleshooting* in docs/deploy-gcp.md."
  }
}

resource "google_monitoring_alert_policy" "machine" {
  count = var.instance == null ? 0 : 1

  project               = var.project
  display_name          = "${var.name}: the machine is gone"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "No sign of life for ten minutes"

    condition_absent {
      filter   = "resource.type = \"gce_instance\" AND metric.type = \"compute.googleapis.com/instance/uptime\" AND metric.labels.instance_name = \"${var.instance}\""
      duration = "600s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_RATE"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "`gcloud compute instances describe ${var.instance}` says why. The database is in the bucket: a new machine restores it."
  }
}

# The server writes one JSON line per event; its own errors are not failed flows.
resource "google_monitoring_alert_policy" "errors" {
  count = var.log_filter == null ? 0 : 1

  project               = var.project
  display_name          = "${var.name}: errors in the server's log"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "An error of the server"

    condition_matched_log {
      filter = "${var.log_filter} AND (severity >= ERROR OR jsonPayload.level = \"ERROR\" OR jsonPayload.level = \"CRITICAL\")"
    }
  }

  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Read the lines: `gcloud logging read '${replace(var.log_filter, "'", "")} AND severity>=ERROR' --freshness=1h`."
  }
}

resource "google_monitoring_alert_policy" "database" {
  for_each = var.database == null ? {} : {
    disk   = { metric = "cloudsql.googleapis.com/database/disk/utilization", above = 0.85, says = "disk is 85 % full" }
    cpu    = { metric = "cloudsql.googleapis.com/database/cpu/utilization", above = 0.9, says = "CPU is 90 % busy" }
    memory = { metric = "cloudsql.googleapis.com/database/memory/utilization", above = 0.95, says = "memory is 95 % used" }
  }

  project               = var.project
  display_name          = "${var.name}: the database's ${each.value.says}"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = each.value.says

    condition_threshold {
      filter          = "resource.type = \"cloudsql_database\" AND metric.type = \"${each.value.metric}\" AND resource.labels.database_id = \"${var.project}:${var.database}\""
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.above
      duration        = "900s"

      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_MEAN"
      }
    }
  }
}

resource "google_billing_budget" "this" {
  count = var.budget == null ? 0 : 1

  billing_account = var.budget.billing_account
  display_name    = var.name

  budget_filter {
    projects               = ["projects/${var.project_number}"]
    calendar_period        = "MONTH"
    credit_types_treatment = "INCLUDE_ALL_CREDITS"
  }

  amount {
    specified_amount {
      currency_code = var.budget.currency
      units         = tostring(var.budget.amount)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]

    content {
      threshold_percent = threshold_rules.value
      spend_basis       = "CURRENT_SPEND"
    }
  }

  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }

  # Without anybody to tell, the billing account's own people are.
  dynamic "all_updates_rule" {
    for_each = length(var.emails) > 0 ? [true] : []

    content {
      # Google takes five at most.
      monitoring_notification_channels = slice(sort(local.channels), 0, min(5, length(local.channels)))
    }
  }
}
