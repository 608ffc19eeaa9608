mock_provider "google" {
  mock_resource "google_sql_database_instance" {
    defaults = { connection_name = "acme-data-1:europe-west1:mainstem" }
  }
}

variables {
  project      = "acme-data-1"
  name         = "mainstem"
  region       = "europe-west1"
  network      = "projects/acme-data-1/global/networks/mainstem"
  server_email = "mainstem-server@acme-data-1.iam.gserviceaccount.com"
}

run "the_database_is_private_and_backed_up" {
  command = plan

  assert {
    condition = (
      !google_sql_database_instance.this.settings[0].ip_configuration[0].ipv4_enabled &&
      google_sql_database_instance.this.settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY" &&
      google_sql_database_instance.this.settings[0].connector_enforcement == "REQUIRED"
    )
    error_message = "the database can be reached otherwise than by the connector"
  }

  assert {
    condition = (
      google_sql_database_instance.this.settings[0].backup_configuration[0].enabled &&
      google_sql_database_instance.this.settings[0].backup_configuration[0].point_in_time_recovery_enabled &&
      google_sql_database_instance.this.settings[0].backup_configuration[0].backup_retention_settings[0].retained_backups == 14
    )
    error_message = "no backups, or no way back to a point in time"
  }

  assert {
    condition     = google_sql_database_instance.this.deletion_protection && google_sql_database_instance.this.settings[0].deletion_protection_enabled
    error_message = "the database can be deleted by accident"
  }
}

run "the_server_logs_in_without_a_password" {
  command = plan

  assert {
    condition     = google_sql_user.server.type == "CLOUD_IAM_SERVICE_ACCOUNT" && google_sql_user.server.name == "mainstem-server@acme-data-1.iam" && google_sql_user.server.password == null
    error_message = "a password, or a name that PostgreSQL does not know"
  }

  assert {
    condition     = output.url == "postgresql://mainstem-server%40acme-data-1.iam@127.0.0.1:5432/mainstem"
    error_message = "the URL is ${output.url}"
  }
}

run "a_standby_when_asked" {
  command = plan
  variables {
    high_availability = true
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].availability_type == "REGIONAL"
    error_message = "no standby"
  }
}

run "iam_logins_are_on" {
  command = plan
  assert {
    condition     = anytrue([for flag in google_sql_database_instance.this.settings[0].database_flags : flag.name == "cloudsql.iam_authentication" && flag.value == "on"])
    error_message = "nobody could log in"
  }
}

run "a_missing_connection_is_named" {
  command = plan
  variables {
    network = ""
  }
  expect_failures = [var.network]
}

run "a_limit_below_the_size_is_refused" {
  command = plan
  variables {
    disk_gb       = 200
    disk_limit_gb = 100
  }
  expect_failures = [google_sql_database_instance.this]
}

run "a_tier_of_mysql_days_is_refused" {
  command = plan
  variables {
    tier = "db-n1-standard-1"
  }
  expect_failures = [var.tier]
}

run "an_old_postgresql_is_refused" {
  command = plan
  variables {
    database_version = "POSTGRES_12"
  }
  expect_failures = [var.database_version]
}
