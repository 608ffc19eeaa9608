locals {
  secrets = merge(
    { for name, secret in var.generated : name => secret.readers },
    { for name, secret in var.empty : name => secret.readers },
  )

  grants = merge([
    for name, readers in local.secrets : {
      for reader, member in readers : "${name}/${reader}" => { secret = name, member = member }
    }
  ]...)
}

resource "google_secret_manager_secret" "this" {
  for_each = local.secrets

  project             = var.project
  secret_id           = "${var.prefix}-${each.key}"
  labels              = var.labels
  deletion_protection = var.deletion_protection

  replication {
    dynamic "auto" {
      for_each = var.replica_location == null ? [true] : []
      content {}
    }

    dynamic "user_managed" {
      for_each = var.replica_location == null ? [] : [var.replica_location]

      content {
        replicas {
          location = user_managed.value
        }
      }
    }
  }
}

# Made anew in every run and kept nowhere: neither plan nor state hold it. It is written only when
# `version` changes.
ephemeral "random_password" "this" {
  for_each = var.generated

  length  = each.value.length
  special = false
}

resource "google_secret_manager_secret_version" "generated" {
  for_each = var.generated

  secret                 = google_secret_manager_secret.this[each.key].id
  secret_data_wo         = ephemeral.random_password.this[each.key].result
  secret_data_wo_version = each.value.version
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = local.grants

  project   = var.project
  secret_id = google_secret_manager_secret.this[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = each.value.member
}
