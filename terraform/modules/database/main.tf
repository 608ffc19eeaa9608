resource "google_sql_database_instance" "this" {
  project             = var.project
  name                = var.name
  region              = var.region
  database_version    = var.database_version
  deletion_protection = var.deletion_protection

  settings {
    edition                     = "ENTERPRISE"
    tier                        = var.tier
    availability_type           = var.high_availability ? "REGIONAL" : "ZONAL"
    disk_type                   = "PD_SSD"
    disk_size                   = var.disk_gb
    disk_autoresize             = true
    disk_autoresize_limit       = var.disk_limit_gb
    deletion_protection_enabled = var.deletion_protection
    user_labels                 = var.labels

    # Only the connector gets in, and it asks IAM first.
    connector_enforcement = "REQUIRED"

    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      start_time                     = var.backup_hour
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7

      backup_retention_settings {
        retained_backups = var.retained_backups
        retention_unit   = "COUNT"
      }
    }

    final_backup_config {
      enabled        = true
      retention_days = 30
    }

    maintenance_window {
      day          = 7
      hour         = 3
      update_track = "stable"
    }

    insights_config {
      query_insights_enabled  = true
      query_string_length     = 1024
      record_application_tags = false
      record_client_address   = false
    }

    dynamic "database_flags" {
      for_each = local.flags

      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }

  lifecycle {
    precondition {
      condition     = var.disk_limit_gb == 0 || var.disk_limit_gb >= var.disk_gb
      error_message = "disk_limit_gb (${var.disk_limit_gb}) is smaller than disk_gb (${var.disk_gb}); 0 sets no limit."
    }

    # The disk grows by itself.
    ignore_changes = [settings[0].disk_size]
  }
}

locals {
  flags = {
    "cloudsql.iam_authentication" = "on"
    "cloudsql.enable_pgaudit"     = "on"
    "log_checkpoints"             = "on"
    "log_connections"             = "on"
    "log_disconnections"          = "on"
    "log_duration"                = "off"
    "log_hostname"                = "on"
    "log_lock_waits"              = "on"
    "log_min_duration_statement"  = "-1"
    "log_min_error_statement"     = "error"
    "log_min_messages"            = "error"
    "log_statement"               = "ddl"
    "log_temp_files"              = "0"
  }
}

resource "google_sql_database" "this" {
  project  = var.project
  name     = var.database
  instance = google_sql_database_instance.this.name

  # Its tables belong to the server's account: dropping the database with the instance is enough.
  deletion_policy = "ABANDON"
}

# No password: the connector logs in with the account's own token. The name is the address without
# its ending, and the role lets it make and change the schema.
resource "google_sql_user" "server" {
  project        = var.project
  name           = trimsuffix(var.server_email, ".gserviceaccount.com")
  instance       = google_sql_database_instance.this.name
  type           = "CLOUD_IAM_SERVICE_ACCOUNT"
  database_roles = ["cloudsqlsuperuser"]

  deletion_policy = "ABANDON"
}
