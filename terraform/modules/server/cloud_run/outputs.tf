output "service" {
  description = "Name of the service."
  value       = google_cloud_run_v2_service.this.name
}

output "url" {
  description = "The run.app address."
  value       = google_cloud_run_v2_service.this.uri
}

output "tunnel" {
  description = "Command that brings the service to http://localhost:8080 with your own log-in at Google."
  value       = "gcloud run services proxy ${var.name} --port=8080 --region=${var.region} --project=${var.project}"
}

output "log_filter" {
  description = "Filter of Cloud Logging that finds the server's lines."
  value       = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.name}\""
}
