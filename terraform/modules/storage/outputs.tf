output "name" {
  description = "Name of the bucket."
  value       = google_storage_bucket.this.name
}

output "location" {
  description = "Location of the bucket."
  value       = google_storage_bucket.this.location
}

output "url" {
  description = "gs:// address of the bucket."
  value       = "gs://${google_storage_bucket.this.name}"
}
