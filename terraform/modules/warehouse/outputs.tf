output "datasets" {
  description = "IDs of the datasets."
  value       = [for dataset in google_bigquery_dataset.this : dataset.dataset_id]
}

output "location" {
  description = "Location of the datasets."
  value       = var.location
}
