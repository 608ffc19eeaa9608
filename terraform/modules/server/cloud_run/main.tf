locals {
  proxy_args = [
    "--private-ip",
    "--auto-iam-authn",
    "--structured-logs",
    "--exit-zero-on-sigterm",
    "--health-check",
    "--http-address=0.0.0.0",
    "--http-port=9090",
    "--port=5432",
    "--max-sigterm-delay=30s",
    var.database_connection,
  ]

  worker_environment = merge(var.environment, {
    MAINSTEM_ROLES = jsonencode(["worker"])
  })

  invokers = var.allow_unauthenticated ? merge(var.invokers, { everybody = "allUsers" }) : var.invokers
}

resource "google_cloud_run_v2_service" "this" {
  project             = var.project
  name                = var.name
  location            = var.region
  description         = "Mainstem"
  ingress             = var.behind_load_balancer ? "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" : "INGRESS_TRAFFIC_ALL"
  deletion_protection = var.deletion_protection
  labels              = var.labels

  # Behind the load balancer IAP or the server asks who it is: the front end has no identity that
  # Google could check here. Without one, Google checks.
  invoker_iam_disabled = var.behind_load_balancer
  default_uri_disabled = var.behind_load_balancer

  template {
    service_account                  = var.server_email
    timeout                          = "3600s"
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    max_instance_request_concurrency = 250
    labels                           = var.labels

    # One process decides; while a new revision starts, two wait for the same lease.
    scaling {
      min_instance_count = 1
      max_instance_count = 1
    }

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"

      network_interfaces {
        network    = var.network
        subnetwork = var.subnetwork
      }
    }

    containers {
      name       = "mainstem"
      image      = var.image
      args       = ["up"]
      depends_on = ["cloud-sql-proxy"]

      ports {
        container_port = 8080
      }

      resources {
        limits = { cpu = var.cpu, memory = var.memory }
        # The scheduler and the executor work between requests.
        cpu_idle          = false
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = var.environment

        content {
          name  = env.key
          value = env.value
        }
      }

      startup_probe {
        initial_delay_seconds = 1
        period_seconds        = 2
        timeout_seconds       = 2
        failure_threshold     = 60

        http_get {
          path = "/health"
          port = 8080
        }
      }

      liveness_probe {
        period_seconds    = 30
        timeout_seconds   = 5
        failure_threshold = 4

        http_get {
          path = "/health"
          port = 8080
        }
      }

      dynamic "volume_mounts" {
        for_each = var.secrets

        content {
          name       = volume_mounts.key
          mount_path = "/secrets/${volume_mounts.key}"
        }
      }
    }

    containers {
      name  = "cloud-sql-proxy"
      image = var.proxy_image
      args  = local.proxy_args

      resources {
        limits   = { cpu = var.proxy_cpu, memory = "256Mi" }
        cpu_idle = false
      }

      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = 60

        http_get {
          path = "/startup"
          port = 9090
        }
      }

      liveness_probe {
        period_seconds    = 30
        timeout_seconds   = 5
        failure_threshold = 4

        http_get {
          path = "/liveness"
          port = 9090
        }
      }
    }

    dynamic "volumes" {
      for_each = var.secrets

      content {
        name = volumes.key

        secret {
          secret       = volumes.value.id
          default_mode = 292

          items {
            path    = "value"
            version = volumes.value.version
          }
        }
      }
    }
  }

  lifecycle {
    # gcloud and the console leave their names behind.
    ignore_changes = [client, client_version]
  }
}

resource "google_cloud_run_v2_worker_pool" "this" {
  count = var.workers.count > 0 ? 1 : 0

  project             = var.project
  name                = "${var.name}-workers"
  location            = var.region
  description         = "Workers of Mainstem"
  deletion_protection = false
  labels              = var.labels

  scaling {
    scaling_mode          = "MANUAL"
    manual_instance_count = var.workers.count
  }

  template {
    service_account = var.server_email
    labels          = var.labels

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"

      network_interfaces {
        network    = var.network
        subnetwork = var.subnetwork
      }
    }

    containers {
      name       = "worker"
      image      = var.image
      args       = ["up"]
      depends_on = ["cloud-sql-proxy"]

      resources {
        limits = { cpu = var.workers.cpu, memory = var.workers.memory }
      }

      dynamic "env" {
        for_each = local.worker_environment

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "volume_mounts" {
        for_each = var.secrets

        content {
          name       = volume_mounts.key
          mount_path = "/secrets/${volume_mounts.key}"
        }
      }
    }

    containers {
      name  = "cloud-sql-proxy"
      image = var.proxy_image
      args  = local.proxy_args

      resources {
        limits = { cpu = var.proxy_cpu, memory = "256Mi" }
      }

      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = 60

        http_get {
          path = "/startup"
          port = 9090
        }
      }
    }

    dynamic "volumes" {
      for_each = var.secrets

      content {
        name = volumes.key

        secret {
          secret       = volumes.value.id
          default_mode = 292

          items {
            path    = "value"
            version = volumes.value.version
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [client, client_version]
  }
}

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = local.invokers

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.invoker"
  member   = each.value
}
