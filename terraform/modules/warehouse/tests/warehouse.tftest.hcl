mock_provider "google" {}

variables {
  project         = "acme-data-1"
  location        = "EU"
  bucket_location = "EU"
  datasets        = { taxi = {}, staging = { table_expiration_days = 7 } }
  editors         = { server = "serviceAccount:s@acme-data-1.iam.gserviceaccount.com" }
}

run "datasets_lie_where_they_were_put_and_keep_their_tables" {
  command = plan

  assert {
    condition = (
      google_bigquery_dataset.this["taxi"].location == "EU" &&
      !google_bigquery_dataset.this["taxi"].delete_contents_on_destroy &&
      google_bigquery_dataset.this["taxi"].default_table_expiration_ms == null
    )
    error_message = "the dataset is elsewhere, or its tables go"
  }

  assert {
    condition     = google_bigquery_dataset.this["staging"].default_table_expiration_ms == 604800000
    error_message = "seven days are 604800000 ms"
  }
}

run "editors_get_each_dataset_and_not_the_project" {
  command = plan

  assert {
    condition = (
      length(google_bigquery_dataset_iam_member.editor) == 2 &&
      google_bigquery_dataset_iam_member.editor["taxi/server"].role == "roles/bigquery.dataEditor"
    )
    error_message = "other grants than dataEditor on both datasets"
  }
}

run "a_bucket_in_a_member_state_fits_eu" {
  command = plan
  variables {
    bucket_location = "europe-west1"
  }
}

run "any_bucket_fits_us" {
  command = plan
  variables {
    location        = "US"
    bucket_location = "europe-west1"
  }
}

run "london_does_not_fit_eu" {
  command = plan
  variables {
    bucket_location = "europe-west2"
  }
  expect_failures = [google_bigquery_dataset.this]
}

run "a_region_wants_the_same_region" {
  command = plan
  variables {
    location        = "europe-west1"
    bucket_location = "EU"
  }
  expect_failures = [google_bigquery_dataset.this]
}

run "hyphens_are_not_for_datasets" {
  command = plan
  variables {
    datasets = { "my-taxi" = {} }
  }
  expect_failures = [var.datasets]
}

run "asia_is_no_location_of_bigquery" {
  command = plan
  variables {
    location = "ASIA"
  }
  expect_failures = [var.location]
}
