mock_provider "google" {
  mock_resource "google_compute_network" {
    defaults = { id = "projects/acme-data-1/global/networks/mainstem" }
  }
}

variables {
  project = "acme-data-1"
  name    = "mainstem"
  region  = "europe-west1"
}

run "nothing_comes_in" {
  command = plan

  assert {
    condition     = google_compute_firewall.deny.source_ranges == toset(["0.0.0.0/0"]) && one(google_compute_firewall.deny.deny).protocol == "all" && length(google_compute_firewall.iap_ssh) == 0
    error_message = "something is let in"
  }

  assert {
    condition     = !google_compute_network.this.auto_create_subnetworks && google_compute_subnetwork.this.private_ip_google_access
    error_message = "the network is not closed, or cannot reach Google privately"
  }

  assert {
    condition     = length(google_compute_router_nat.this) == 1 && length(google_service_networking_connection.services) == 0
    error_message = "NAT is missing, or a connection that nobody asked for is there"
  }
}

run "nat_can_be_left_out" {
  command = plan
  variables {
    nat = false
  }
  assert {
    condition     = length(google_compute_router.this) == 0 && length(google_compute_router_nat.this) == 0
    error_message = "NAT is still there"
  }
}

run "cloud_sql_gets_private_addresses" {
  command = apply
  variables {
    private_services = true
  }
  assert {
    condition     = google_compute_global_address.services[0].purpose == "VPC_PEERING" && google_compute_global_address.services[0].prefix_length == 20
    error_message = "no range for Google's services"
  }
  assert {
    condition     = output.private_services == "projects/acme-data-1/global/networks/mainstem"
    error_message = "the database would not wait for the connection"
  }
}

run "ssh_comes_through_iap_to_named_accounts_only" {
  command = plan
  variables {
    iap_ssh          = true
    iap_ssh_accounts = ["s@acme-data-1.iam.gserviceaccount.com"]
  }
  assert {
    condition     = google_compute_firewall.iap_ssh[0].source_ranges == toset(["35.235.240.0/20"]) && google_compute_firewall.iap_ssh[0].target_service_accounts == toset(["s@acme-data-1.iam.gserviceaccount.com"])
    error_message = "SSH is open to others than IAP"
  }
}

run "ssh_to_every_machine_is_refused" {
  command = plan
  variables {
    iap_ssh = true
  }
  expect_failures = [var.iap_ssh_accounts]
}

run "public_ranges_are_refused" {
  command = plan
  variables {
    subnet_range = "8.8.8.0/24"
  }
  expect_failures = [var.subnet_range]
}

run "a_zone_is_no_region" {
  command = plan
  variables {
    region = "europe-west1-b"
  }
  expect_failures = [var.region]
}
