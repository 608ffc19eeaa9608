locals {
  # The multi-region EU is made of member states: London and Zurich lie outside.
  outside_eu = ["europe-west2", "europe-west6"]

  # BigQuery loads from buckets in its own location, in a region inside its multi-region, and into
  # US from anywhere.
  bucket_fits = (
    var.bucket_location == null ? true :
    var.location == var.bucket_location ||
    var.location == "US" ||
    (var.location == "EU" && startswith(coalesce(var.bucket_location, "none"), "europe-") &&
    !contains(local.outside_eu, coalesce(var.bucket_location, "none")))
  )

  grants = merge([
    for id in keys(var.datasets) : {
      for name, member in var.editors : "${id}/${name}" => { dataset = id, member = member }
    }
  ]...)
}

resource "google_bigquery_dataset" "this" {
  for_each = var.datasets

  project                     = var.project
  dataset_id                  = each.key
  description                 = each.value.description
  location                    = var.location
  labels                      = var.labels
  delete_contents_on_destroy  = var.force_destroy
  default_table_expiration_ms = each.value.table_expiration_days == null ? null : each.value.table_expiration_days * 86400000
  max_time_travel_hours       = each.value.time_travel_hours

  lifecycle {
    precondition {
      condition     = local.bucket_fits
      error_message = "The dataset ${each.key} in ${var.location} cannot load from a bucket in ${coalesce(var.bucket_location, "?")}: put both into the same location (EU also takes buckets in European regions of member states, US takes any)."
    }
  }
}

resource "google_bigquery_dataset_iam_member" "editor" {
  for_each = local.grants

  project    = var.project
  dataset_id = google_bigquery_dataset.this[each.value.dataset].dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = each.value.member
}
