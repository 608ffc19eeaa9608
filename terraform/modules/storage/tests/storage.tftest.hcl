mock_provider "google" {}

variables {
  project  = "acme-data-1"
  name     = "acme-data-1-mainstem"
  location = "EU"
  writers  = { server = "serviceAccount:s@acme-data-1.iam.gserviceaccount.com" }
}

run "a_bucket_is_private_and_keeps_what_was_overwritten" {
  command = plan

  assert {
    condition = (
      google_storage_bucket.this.uniform_bucket_level_access &&
      google_storage_bucket.this.public_access_prevention == "enforced" &&
      google_storage_bucket.this.versioning[0].enabled &&
      !google_storage_bucket.this.force_destroy
    )
    error_message = "the bucket is not private, versioned and protected"
  }

  assert {
    condition = anytrue([
      for rule in google_storage_bucket.this.lifecycle_rule :
      anytrue([for c in rule.condition : c.days_since_noncurrent_time == 30]) && anytrue([for a in rule.action : a.type == "Delete"])
    ])
    error_message = "old versions are not deleted after 30 days"
  }
}

run "writers_get_objects_and_the_sight_of_the_bucket_no_more" {
  command = plan

  assert {
    condition = (
      google_storage_bucket_iam_member.object_admin["server"].role == "roles/storage.objectAdmin" &&
      google_storage_bucket_iam_member.bucket_reader["server"].role == "roles/storage.legacyBucketReader" &&
      google_storage_bucket_iam_member.object_admin["server"].member == var.writers.server
    )
    error_message = "other roles than objects and the bucket's own settings"
  }
}

run "prefixes_expire_when_asked" {
  command = plan

  variables {
    versioning = false
    expire     = { "tmp/" = 3 }
  }

  assert {
    condition = anytrue([
      for rule in google_storage_bucket.this.lifecycle_rule :
      anytrue([for c in rule.condition : c.age == 3 && contains(coalesce(c.matches_prefix, []), "tmp/")])
    ])
    error_message = "tmp/ does not expire after three days"
  }

  assert {
    condition     = length(google_storage_bucket.this.lifecycle_rule) == 2
    error_message = "a rule for old versions without versioning"
  }
}

run "a_prefix_that_is_everything_is_refused" {
  command = plan
  variables {
    expire = { "" = 1 }
  }
  expect_failures = [var.expire]
}

run "a_name_that_google_refuses_is_refused_here" {
  command = plan
  variables {
    name = "Acme_Data"
  }
  expect_failures = [var.name]
}

run "a_location_in_small_letters_is_refused" {
  command = plan
  variables {
    location = "eu"
  }
  expect_failures = [var.location]
}

run "the_whole_world_may_not_write" {
  command = plan
  variables {
    writers = { all = "allUsers" }
  }
  expect_failures = [var.writers]
}
