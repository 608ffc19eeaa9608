resource "google_storage_bucket" "this" {
  project  = var.project
  name     = var.name
  location = var.location
  labels   = var.labels

  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.force_destroy

  versioning {
    enabled = var.versioning
  }

  soft_delete_policy {
    retention_duration_seconds = var.soft_delete_days * 86400
  }

  dynamic "lifecycle_rule" {
    for_each = var.versioning ? [var.noncurrent_days] : []

    content {
      action {
        type = "Delete"
      }
      condition {
        days_since_noncurrent_time = lifecycle_rule.value
        with_state                 = "ARCHIVED"
      }
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.expire

    content {
      action {
        type = "Delete"
      }
      condition {
        age            = lifecycle_rule.value
        matches_prefix = [lifecycle_rule.key]
        with_state     = "LIVE"
      }
    }
  }
}

resource "google_storage_bucket_iam_member" "object_admin" {
  for_each = var.writers

  bucket = google_storage_bucket.this.name
  role   = "roles/storage.objectAdmin"
  member = each.value
}

# Reading the bucket's own settings: its location is checked before loads, and a flow that makes
# the bucket unless it exists has to see that it does.
resource "google_storage_bucket_iam_member" "bucket_reader" {
  for_each = var.writers

  bucket = google_storage_bucket.this.name
  role   = "roles/storage.legacyBucketReader"
  member = each.value
}
