mock_provider "google" {
  mock_data "google_compute_image" {
    defaults = { self_link = "projects/cos-cloud/global/images/cos-stable-1" }
  }
  mock_resource "google_compute_instance" {
    defaults = { self_link = "projects/acme-data-1/zones/europe-west1-b/instances/mainstem" }
  }
}

variables {
  project        = "acme-data-1"
  name           = "mainstem"
  zone           = "europe-west1-b"
  network        = "projects/acme-data-1/global/networks/mainstem"
  subnetwork     = "projects/acme-data-1/regions/europe-west1/subnetworks/mainstem"
  server_email   = "mainstem-server@acme-data-1.iam.gserviceaccount.com"
  image          = "europe-west1-docker.pkg.dev/acme-data-1/mainstem/server:0.2.0"
  environment    = { MAINSTEM_SEED__KV = "{\"taxi\":{\"GCP_LOCATION\":\"EU\"}}" }
  secrets        = { admin-password = "mainstem-admin-password" }
  replica_bucket = "acme-data-1-mainstem-state"
}

run "the_machine_is_shielded_and_has_no_public_address" {
  command = plan

  assert {
    condition     = length(google_compute_instance.this.network_interface[0].access_config) == 0
    error_message = "the machine has a public address"
  }

  assert {
    condition = (
      google_compute_instance.this.shielded_instance_config[0].enable_secure_boot &&
      google_compute_instance.this.shielded_instance_config[0].enable_vtpm &&
      google_compute_instance.this.shielded_instance_config[0].enable_integrity_monitoring &&
      google_compute_instance.this.metadata["block-project-ssh-keys"] == "TRUE" &&
      google_compute_instance.this.metadata["enable-oslogin"] == "TRUE" &&
      google_compute_instance.this.metadata["serial-port-enable"] == "FALSE"
    )
    error_message = "the machine is not shielded, or takes keys of the project"
  }

  assert {
    condition     = google_compute_firewall.http.source_ranges == toset(["35.235.240.0/20"])
    error_message = "others than IAP reach the server"
  }

  assert {
    condition     = length(google_compute_instance_group.this) == 0
    error_message = "a group that nobody asked for"
  }
}

run "the_disk_is_kept_and_snapshotted_daily" {
  command = plan

  assert {
    condition     = google_compute_disk.data.create_snapshot_before_destroy && google_compute_resource_policy.snapshots.snapshot_schedule_policy[0].retention_policy[0].max_retention_days == 14 && google_compute_resource_policy.snapshots.region == "europe-west1"
    error_message = "no snapshots"
  }
}

run "what_boots_holds_names_of_secrets_and_no_socket" {
  command = plan

  assert {
    condition     = yamldecode(output.cloud_init).runcmd[1] == "systemctl start --no-block mainstem.service mainstem-replicate.service"
    error_message = "cloud-init is not what it should be"
  }

  assert {
    condition     = strcontains(output.cloud_init, "secrets.sh admin-password=mainstem-admin-password") && !strcontains(output.cloud_init, "docker.sock")
    error_message = "the secret is not fetched, or the Docker socket is handed out"
  }

  assert {
    condition     = strcontains(output.cloud_init, "configure-docker --registries=europe-west1-docker.pkg.dev")
    error_message = "Artifact Registry would refuse the image"
  }
}

run "the_machine_may_pull_its_image" {
  command = plan

  assert {
    condition = one(values(google_artifact_registry_repository_iam_member.puller)) != null && one([
      for grant in google_artifact_registry_repository_iam_member.puller : "${grant.project}/${grant.location}/${grant.repository} ${grant.role}"
    ]) == "acme-data-1/europe-west1/mainstem roles/artifactregistry.reader"
    error_message = "the machine could not pull its image"
  }
}

run "an_image_from_elsewhere_needs_no_role" {
  command = plan
  variables {
    image = "docker.io/acme/mainstem:0.2.0"
  }
  assert {
    condition     = length(google_artifact_registry_repository_iam_member.puller) == 0 && !strcontains(output.cloud_init, "docker-credential-gcr configure")
    error_message = "a role on a repository that is not there"
  }
}

run "the_docker_socket_is_handed_out_only_when_asked" {
  command = plan
  variables {
    docker_runner = true
  }
  assert {
    condition     = strcontains(output.cloud_init, "-v /var/run/docker.sock:/var/run/docker.sock --group-add 412")
    error_message = "no socket"
  }
}

run "the_load_balancer_is_let_in_when_there_is_one" {
  command = plan
  variables {
    behind_load_balancer = true
  }
  assert {
    condition     = google_compute_firewall.http.source_ranges == toset(["35.235.240.0/20", "130.211.0.0/22", "35.191.0.0/16"]) && one(google_compute_instance_group.this[0].named_port).port == 8080
    error_message = "the load balancer is not let in"
  }
}

run "latest_is_refused" {
  command = plan
  variables {
    image = "europe-west1-docker.pkg.dev/acme-data-1/mainstem/server:latest"
  }
  expect_failures = [var.image]
}

run "a_region_is_no_zone" {
  command = plan
  variables {
    zone = "europe-west1"
  }
  expect_failures = [var.zone]
}

run "the_default_account_is_refused" {
  command = plan
  variables {
    server_email = "42-compute@developer.gserviceaccount.com"
  }
  expect_failures = [var.server_email]
}

run "micro_machines_are_refused" {
  command = plan
  variables {
    machine_type = "e2-micro"
  }
  expect_failures = [var.machine_type]
}
