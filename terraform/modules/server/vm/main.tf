locals {
  secret_arguments = join("", [for name, id in var.secrets : " ${name}=${id}"])

  # Artifact Registry wants a login; other registries are taken as public.
  registries = distinct([
    for image in [var.image, var.litestream_image] : split("/", image)[0]
    if endswith(split("/", image)[0], "-docker.pkg.dev")
  ])

  # LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/…
  repositories = {
    for image in [var.image, var.litestream_image] : join("/", slice(split("/", image), 0, 3)) => {
      location   = trimsuffix(split("/", image)[0], "-docker.pkg.dev")
      project    = split("/", image)[1]
      repository = split("/", image)[2]
    }... if endswith(split("/", image)[0], "-docker.pkg.dev")
  }

  server_env = join("\n", concat([for name, value in var.environment : "${name}=${value}"], [""]))

  cloud_init = templatefile("${path.module}/files/cloud-init.yaml.tftpl", {
    project          = var.project
    image            = var.image
    litestream_image = var.litestream_image
    registries       = local.registries
    secret_arguments = local.secret_arguments
    docker_socket    = var.docker_runner ? " -v /var/run/docker.sock:/var/run/docker.sock --group-add ${var.docker_group}" : ""
    disk_sh          = filebase64("${path.module}/files/disk.sh")
    pull_sh          = filebase64("${path.module}/files/pull.sh")
    retry_sh         = filebase64("${path.module}/files/retry.sh")
    secrets_sh       = filebase64("${path.module}/files/secrets.sh")
    server_env       = base64encode(local.server_env)
    litestream_yml = base64encode(templatefile("${path.module}/files/litestream.yml.tftpl", {
      bucket          = var.replica_bucket
      prefix          = var.replica_prefix
      retention_hours = var.replica_retention_days * 24
      sync_interval   = var.replica_sync_interval
    }))
  })
}

data "google_compute_image" "cos" {
  project = "cos-cloud"
  family  = var.cos_family
}

resource "google_compute_disk" "data" {
  project = var.project
  name    = "${var.name}-data"
  zone    = var.zone
  type    = "pd-balanced"
  size    = var.disk_gb
  labels  = var.labels

  create_snapshot_before_destroy        = true
  create_snapshot_before_destroy_prefix = "${var.name}-last"

  dynamic "disk_encryption_key" {
    for_each = var.kms_key == null ? [] : [var.kms_key]

    content {
      kms_key_self_link = disk_encryption_key.value
    }
  }
}

resource "google_compute_resource_policy" "snapshots" {
  project     = var.project
  name        = "${var.name}-daily"
  region      = regex("^(.+)-[a-z]$", var.zone)[0]
  description = "Daily snapshots of Mainstem's disk"

  snapshot_schedule_policy {
    schedule {
      daily_schedule {
        days_in_cycle = 1
        start_time    = var.snapshot_hour
      }
    }

    retention_policy {
      max_retention_days    = var.snapshot_days
      on_source_disk_delete = "KEEP_AUTO_SNAPSHOTS"
    }

    snapshot_properties {
      labels      = var.labels
      guest_flush = false
    }
  }
}

resource "google_compute_disk_resource_policy_attachment" "snapshots" {
  project = var.project
  name    = google_compute_resource_policy.snapshots.name
  disk    = google_compute_disk.data.name
  zone    = var.zone
}

# What the machine reads only when it boots: another image or setting makes a new machine, and the
# disk moves over.
resource "terraform_data" "boot" {
  input = sha256(local.cloud_init)
}

resource "google_compute_instance" "this" {
  project                   = var.project
  name                      = var.name
  zone                      = var.zone
  machine_type              = var.machine_type
  description               = "Mainstem"
  labels                    = var.labels
  can_ip_forward            = false
  enable_display            = false
  allow_stopping_for_update = true
  deletion_protection       = false

  boot_disk {
    auto_delete       = true
    kms_key_self_link = var.kms_key

    initialize_params {
      image = data.google_compute_image.cos.self_link
      size  = 20
      type  = "pd-balanced"
    }
  }

  attached_disk {
    source      = google_compute_disk.data.id
    device_name = "mainstem-data"
    mode        = "READ_WRITE"
  }

  network_interface {
    subnetwork = var.subnetwork

    dynamic "access_config" {
      for_each = var.public_ip ? [true] : []
      content {}
    }
  }

  service_account {
    email = var.server_email
    # What the account may do is decided by its roles.
    scopes = ["cloud-platform"]
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  scheduling {
    automatic_restart   = true
    on_host_maintenance = "MIGRATE"
  }

  metadata = {
    user-data                  = local.cloud_init
    google-logging-enabled     = "true"
    google-monitoring-enabled  = "true"
    enable-oslogin             = "TRUE"
    block-project-ssh-keys     = "TRUE"
    serial-port-enable         = "FALSE"
    cos-update-strategy        = "update_enabled"
    serial-port-logging-enable = "TRUE"
  }

  lifecycle {
    # A newer image of the same family comes with the next deliberate change, not by itself.
    ignore_changes       = [boot_disk[0].initialize_params[0].image]
    replace_triggered_by = [terraform_data.boot]
  }

  depends_on = [google_compute_disk_resource_policy_attachment.snapshots]
}

# 35.235.240.0/20 is IAP's TCP forwarding; the others are the load balancer and its health checks.
resource "google_compute_firewall" "http" {
  project     = var.project
  name        = "${var.name}-http"
  description = "The server's port, for IAP's forwarding${var.behind_load_balancer ? " and the load balancer" : ""}"
  network     = var.network
  direction   = "INGRESS"
  priority    = 1000

  source_ranges           = concat(["35.235.240.0/20"], var.behind_load_balancer ? ["130.211.0.0/22", "35.191.0.0/16"] : [])
  target_service_accounts = [var.server_email]

  allow {
    protocol = "tcp"
    ports    = ["8080"]
  }

  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}

# Cloud Run's own agent pulls there; a machine pulls as its account.
resource "google_artifact_registry_repository_iam_member" "puller" {
  for_each = { for name, found in local.repositories : name => found[0] }

  project    = each.value.project
  location   = each.value.location
  repository = each.value.repository
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:${var.server_email}"
}

resource "google_compute_instance_group" "this" {
  count = var.behind_load_balancer ? 1 : 0

  project     = var.project
  name        = var.name
  zone        = var.zone
  description = "Mainstem's machine, for the load balancer"
  network     = var.network

  named_port {
    name = "http"
    port = 8080
  }

  lifecycle {
    # The member is attached below: the group may not wait for a machine whose settings name it.
    ignore_changes = [instances]
  }
}

resource "google_compute_instance_group_membership" "this" {
  count = var.behind_load_balancer ? 1 : 0

  project        = var.project
  zone           = var.zone
  instance_group = google_compute_instance_group.this[0].name
  instance       = google_compute_instance.this.self_link
}

resource "google_iap_tunnel_instance_iam_member" "operator" {
  for_each = var.operators

  project  = var.project
  zone     = var.zone
  instance = google_compute_instance.this.name
  role     = "roles/iap.tunnelResourceAccessor"
  member   = each.value
}

resource "google_compute_instance_iam_member" "operator" {
  for_each = var.operators

  project       = var.project
  zone          = var.zone
  instance_name = google_compute_instance.this.name
  role          = "roles/compute.osLogin"
  member        = each.value
}
