mock_provider "google" {}

variables {
  project             = "acme-data-1"
  name                = "mainstem"
  region              = "europe-west1"
  network             = "projects/acme-data-1/global/networks/mainstem"
  subnetwork          = "projects/acme-data-1/regions/europe-west1/subnetworks/mainstem"
  server_email        = "mainstem-server@acme-data-1.iam.gserviceaccount.com"
  image               = "europe-west1-docker.pkg.dev/acme-data-1/mainstem/server:0.2.0"
  database_connection = "acme-data-1:europe-west1:mainstem"
  environment         = { MAINSTEM_DATABASE__URL = "postgresql://mainstem@127.0.0.1:5432/mainstem" }
  secrets             = { admin-password = { id = "mainstem-admin-password" } }
}

run "one_instance_is_always_there_and_always_has_its_cpu" {
  command = plan

  assert {
    condition = (
      google_cloud_run_v2_service.this.template[0].scaling[0].min_instance_count == 1 &&
      google_cloud_run_v2_service.this.template[0].scaling[0].max_instance_count == 1 &&
      alltrue([for c in google_cloud_run_v2_service.this.template[0].containers : !c.resources[0].cpu_idle])
    )
    error_message = "the scheduler would sleep between requests"
  }

  assert {
    condition = (
      google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].http_get[0].path == "/health" &&
      google_cloud_run_v2_service.this.template[0].containers[0].liveness_probe[0].http_get[0].path == "/health"
    )
    error_message = "nobody asks /health"
  }

  assert {
    condition     = google_cloud_run_v2_service.this.deletion_protection
    error_message = "the service can be deleted by accident"
  }
}

run "the_connector_starts_first_and_logs_in_as_the_account" {
  command = plan

  assert {
    condition     = google_cloud_run_v2_service.this.template[0].containers[0].depends_on == tolist(["cloud-sql-proxy"])
    error_message = "the server may start before its database can be reached"
  }

  assert {
    condition     = contains(google_cloud_run_v2_service.this.template[0].containers[1].args, "--auto-iam-authn") && contains(google_cloud_run_v2_service.this.template[0].containers[1].args, "--private-ip")
    error_message = "the connector wants a password, or goes through the internet"
  }
}

run "nobody_gets_in_unless_asked" {
  command = plan
  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.invoker) == 0 && !google_cloud_run_v2_service.this.invoker_iam_disabled && length(google_cloud_run_v2_worker_pool.this) == 0
    error_message = "somebody may call the service"
  }
}

run "everybody_reaches_the_log_in_when_asked" {
  command = plan
  variables {
    allow_unauthenticated = true
  }
  assert {
    condition     = google_cloud_run_v2_service_iam_member.invoker["everybody"].member == "allUsers" && google_cloud_run_v2_service_iam_member.invoker["everybody"].role == "roles/run.invoker"
    error_message = "the log-in cannot be reached"
  }
}

run "behind_the_load_balancer_there_is_no_other_way_in" {
  command = plan
  variables {
    behind_load_balancer = true
  }
  assert {
    condition     = google_cloud_run_v2_service.this.ingress == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" && google_cloud_run_v2_service.this.default_uri_disabled && length(google_cloud_run_v2_service_iam_member.invoker) == 0
    error_message = "the run.app address goes around the load balancer"
  }
}

run "secrets_are_files" {
  command = plan
  assert {
    condition     = one(google_cloud_run_v2_service.this.template[0].containers[0].volume_mounts).mount_path == "/secrets/admin-password" && one(one(one(google_cloud_run_v2_service.this.template[0].volumes).secret).items).path == "value"
    error_message = "the secret is not at /secrets/admin-password/value"
  }
  assert {
    condition     = alltrue([for e in google_cloud_run_v2_service.this.template[0].containers[0].env : length(e.value_source) == 0])
    error_message = "a secret is in the environment, where the console shows its name and every child process its value"
  }
}

run "workers_only_run_tasks" {
  command = plan
  variables {
    workers = { count = 3 }
  }
  assert {
    condition     = google_cloud_run_v2_worker_pool.this[0].scaling[0].manual_instance_count == 3 && anytrue([for e in google_cloud_run_v2_worker_pool.this[0].template[0].containers[0].env : e.name == "MAINSTEM_ROLES" && e.value == "[\"worker\"]"])
    error_message = "workers decide too"
  }
}

run "sqlite_is_refused" {
  command = plan
  variables {
    environment = {}
  }
  expect_failures = [var.environment]
}

run "everybody_by_another_door_is_refused" {
  command = plan
  variables {
    invokers = { all = "allAuthenticatedUsers" }
  }
  expect_failures = [var.invokers]
}

run "half_a_cpu_is_refused" {
  command = plan
  variables {
    cpu = "0.5"
  }
  expect_failures = [var.cpu]
}
