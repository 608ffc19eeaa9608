variables {
  project      = "acme-data-1"
  location     = "EU"
  bucket       = "acme-data-1-mainstem"
  state_bucket = "acme-data-1-mainstem-state"
  dataset      = "taxi"
  base_url     = "https://flows.example.com"
}

run "a_namespace_finds_its_project_and_no_key" {
  command = plan
  assert {
    condition = jsondecode(output.environment.MAINSTEM_SEED__KV) == {
      taxi = {
        GCP_PROJECT_ID  = "acme-data-1"
        GCP_LOCATION    = "EU"
        GCP_BUCKET_NAME = "acme-data-1-mainstem"
        GCP_DATASET     = "taxi"
        GCP_CREDS       = ""
      }
    }
    error_message = "seeded: ${output.environment.MAINSTEM_SEED__KV}"
  }
}

run "own_values_win_and_other_namespaces_get_only_theirs" {
  command = plan
  variables {
    kv = { taxi = { GCP_DATASET = "rides" }, ops = { CHANNEL = "#data" } }
  }
  assert {
    condition     = jsondecode(output.environment.MAINSTEM_SEED__KV).taxi.GCP_DATASET == "rides" && jsondecode(output.environment.MAINSTEM_SEED__KV).ops == { CHANNEL = "#data" }
    error_message = "seeded: ${output.environment.MAINSTEM_SEED__KV}"
  }
}

run "without_a_url_the_server_is_pushed_to" {
  command = plan
  assert {
    condition     = jsondecode(output.environment.MAINSTEM_GIT__SOURCES)[0].push && !can(jsondecode(output.environment.MAINSTEM_GIT__SOURCES)[0].url)
    error_message = "sources: ${output.environment.MAINSTEM_GIT__SOURCES}"
  }
}

run "an_ssh_key_is_named_by_its_file" {
  command = plan
  variables {
    git = { url = "git@github.com:acme/flows.git", credential = "ssh_key", known_hosts = ["github.com ssh-ed25519 AAAA"] }
  }
  assert {
    condition     = jsondecode(output.environment.MAINSTEM_GIT__SOURCES)[0].ssh_key == "@/secrets/git-credential/value"
    error_message = "sources: ${output.environment.MAINSTEM_GIT__SOURCES}"
  }
}

run "no_database_means_sqlite" {
  command = plan
  assert {
    condition     = !contains(keys(output.environment), "MAINSTEM_DATABASE__URL")
    error_message = "a database that nobody asked for"
  }
}

run "a_password_in_the_database_url_is_refused" {
  command = plan
  variables {
    database_url = "postgresql://mainstem:hunter2@127.0.0.1/mainstem"
  }
  expect_failures = [var.database_url]
}

run "a_password_in_the_git_url_is_refused" {
  command = plan
  variables {
    git = { url = "https://ann:hunter2@github.com/acme/flows" }
  }
  expect_failures = [var.git]
}

run "an_ssh_key_without_known_hosts_is_refused" {
  command = plan
  variables {
    git = { url = "git@github.com:acme/flows.git", credential = "ssh_key" }
  }
  expect_failures = [var.git]
}

run "a_private_key_among_the_values_is_refused" {
  command = plan
  variables {
    kv = { taxi = { GCP_CREDS = "{\"private_key\": \"-----BEGIN PRIVATE KEY-----\"}" } }
  }
  expect_failures = [var.kv]
}

run "settings_are_named_as_settings" {
  command = plan
  variables {
    extra = { DATABASE_PASSWORD = "x" }
  }
  expect_failures = [var.extra]
}

run "iap_without_roles_is_refused" {
  command = plan
  variables {
    iap_audience = "/projects/42/global/backendServices/7"
  }
  expect_failures = [var.iap_roles]
}
