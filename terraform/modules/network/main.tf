resource "google_compute_network" "this" {
  project                         = var.project
  name                            = var.name
  description                     = "Mainstem and its database"
  auto_create_subnetworks         = false
  routing_mode                    = "REGIONAL"
  delete_default_routes_on_create = false
}

resource "google_compute_subnetwork" "this" {
  project                  = var.project
  name                     = "${var.name}-${var.region}"
  region                   = var.region
  network                  = google_compute_network.this.id
  ip_cidr_range            = var.subnet_range
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

# Cloud SQL's private address lies in a range that is lent to Google.
resource "google_compute_global_address" "services" {
  count = var.private_services ? 1 : 0

  project       = var.project
  name          = "${var.name}-services"
  description   = "Private addresses of Google's services"
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = var.services_prefix_length
  network       = google_compute_network.this.id
}

resource "google_service_networking_connection" "services" {
  count = var.private_services ? 1 : 0

  network                 = google_compute_network.this.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services[0].name]

  # A connection that is being deleted blocks the network for days while Cloud SQL lets go of it.
  deletion_policy = "ABANDON"
}

resource "google_compute_router" "this" {
  count = var.nat ? 1 : 0

  project = var.project
  name    = var.name
  region  = var.region
  network = google_compute_network.this.id
}

resource "google_compute_router_nat" "this" {
  count = var.nat ? 1 : 0

  project                            = var.project
  name                               = var.name
  region                             = var.region
  router                             = google_compute_router.this[0].name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = google_compute_subnetwork.this.id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}

# The network denies what nothing allows; this rule does the same and leaves a trace.
resource "google_compute_firewall" "deny" {
  project     = var.project
  name        = "${var.name}-deny-ingress"
  description = "Log what nothing else allows"
  network     = google_compute_network.this.id
  direction   = "INGRESS"
  priority    = 65000

  source_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }

  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}

# 35.235.240.0/20 is where IAP's TCP forwarding comes from, after it has checked who asks.
resource "google_compute_firewall" "iap_ssh" {
  count = var.iap_ssh ? 1 : 0

  project     = var.project
  name        = "${var.name}-iap-ssh"
  description = "SSH through IAP only"
  network     = google_compute_network.this.id
  direction   = "INGRESS"
  priority    = 1000

  source_ranges           = ["35.235.240.0/20"]
  target_service_accounts = var.iap_ssh_accounts

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }

  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}
