locals {
  serverless = var.cloud_run == null ? [] : [var.cloud_run]
  on_vm      = var.instance_group == null ? [] : [var.instance_group]
  group      = one(concat(google_compute_region_network_endpoint_group.this[*].id, local.on_vm[*].id))

  # Machines call these and cannot log in at IAP; the server asks for a signature or a token itself.
  guarded = {
    pages = { iap = var.iap_members != null }
    open  = { iap = false }
  }
  services = var.iap_members == null ? { open = local.guarded.open } : local.guarded
}

resource "google_compute_global_address" "this" {
  project     = var.project
  name        = var.name
  description = "Address of ${join(", ", var.domains)}"
}

resource "google_compute_managed_ssl_certificate" "this" {
  project = var.project
  # Another set of names is another certificate, made before the old one goes.
  name = "${var.name}-${substr(sha256(join(",", sort(var.domains))), 0, 8)}"

  managed {
    domains = var.domains
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_ssl_policy" "this" {
  project         = var.project
  name            = var.name
  profile         = "RESTRICTED"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_region_network_endpoint_group" "this" {
  count = length(local.serverless)

  project               = var.project
  name                  = var.name
  region                = var.cloud_run.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = var.cloud_run.service
  }
}

resource "google_compute_health_check" "this" {
  count = length(local.on_vm)

  project             = var.project
  name                = var.name
  check_interval_sec  = 10
  timeout_sec         = 5
  healthy_threshold   = 2
  unhealthy_threshold = 3

  http_health_check {
    port         = 8080
    request_path = "/health"
    host         = var.domains[0]
  }

  log_config {
    enable = true
  }
}

resource "google_compute_security_policy" "this" {
  project     = var.project
  name        = var.name
  description = "Limits what one address may send"

  rule {
    action      = "throttle"
    priority    = 1000
    description = "At most ${var.requests_per_minute} requests a minute from one address"

    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }

    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"

      rate_limit_threshold {
        count        = var.requests_per_minute
        interval_sec = 60
      }
    }
  }

  rule {
    action      = "deny(403)"
    priority    = 900
    description = "Log4j look-ups have no business here"

    match {
      expr {
        expression = "evaluatePreconfiguredWaf('cve-canary', {'sensitivity': 1})"
      }
    }
  }

  rule {
    action      = "allow"
    priority    = 2147483647
    description = "What no other rule decides"

    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}

resource "google_compute_backend_service" "this" {
  for_each = local.services

  project               = var.project
  name                  = "${var.name}-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTP"
  port_name             = length(local.on_vm) > 0 ? "http" : null
  timeout_sec           = length(local.on_vm) > 0 ? 3600 : null
  security_policy       = google_compute_security_policy.this.id
  health_checks         = length(local.on_vm) > 0 ? google_compute_health_check.this[*].id : null

  custom_response_headers = ["Strict-Transport-Security: max-age=31536000; includeSubDomains"]

  backend {
    group           = local.group
    balancing_mode  = length(local.on_vm) > 0 ? "UTILIZATION" : null
    max_utilization = length(local.on_vm) > 0 ? 0.8 : null
  }

  iap {
    enabled = each.value.iap
  }

  log_config {
    enable      = true
    sample_rate = 1
  }
}

resource "google_iap_web_backend_service_iam_member" "user" {
  for_each = var.iap_members == null ? {} : { for member in var.iap_members : member => member }

  project             = var.project
  web_backend_service = google_compute_backend_service.this["pages"].name
  role                = "roles/iap.httpsResourceAccessor"
  member              = each.value
}

resource "google_compute_url_map" "this" {
  project         = var.project
  name            = var.name
  default_service = google_compute_backend_service.this[var.iap_members == null ? "open" : "pages"].id

  host_rule {
    hosts        = var.domains
    path_matcher = "server"
  }

  path_matcher {
    name            = "server"
    default_service = google_compute_backend_service.this[var.iap_members == null ? "open" : "pages"].id

    dynamic "path_rule" {
      for_each = var.iap_members == null ? [] : [var.open_paths]

      content {
        paths   = path_rule.value
        service = google_compute_backend_service.this["open"].id
      }
    }
  }
}

resource "google_compute_target_https_proxy" "this" {
  project          = var.project
  name             = var.name
  url_map          = google_compute_url_map.this.id
  ssl_certificates = [google_compute_managed_ssl_certificate.this.id]
  ssl_policy       = google_compute_ssl_policy.this.id
}

resource "google_compute_global_forwarding_rule" "https" {
  project               = var.project
  name                  = "${var.name}-https"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.this.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.this.id
}

resource "google_compute_url_map" "redirect" {
  project = var.project
  name    = "${var.name}-redirect"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
    strip_query            = false
  }
}

resource "google_compute_target_http_proxy" "redirect" {
  project = var.project
  name    = "${var.name}-redirect"
  url_map = google_compute_url_map.redirect.id
}

resource "google_compute_global_forwarding_rule" "http" {
  project               = var.project
  name                  = "${var.name}-http"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.this.id
  port_range            = "80"
  target                = google_compute_target_http_proxy.redirect.id
}
