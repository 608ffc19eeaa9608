output "instance" {
  description = "Name of the machine."
  value       = google_compute_instance.this.name
}

output "instance_group" {
  description = "The instance group, or null."
  value       = one(google_compute_instance_group.this[*].id)
}

output "tunnel" {
  description = "Command that brings the server to http://localhost:8080 through IAP."
  value       = "gcloud compute start-iap-tunnel ${var.name} 8080 --local-host-port=localhost:8080 --zone=${var.zone} --project=${var.project}"
}

output "log_filter" {
  description = "Filter of Cloud Logging that finds the server's lines."
  value       = "resource.type=\"gce_instance\" AND labels.\"compute.googleapis.com/resource_name\"=\"${var.name}\" AND jsonPayload.\"cos.googleapis.com/container_name\"=\"mainstem\""
}

output "cloud_init" {
  description = "What the machine does when it boots."
  value       = local.cloud_init
}
