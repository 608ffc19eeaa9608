output "address" {
  description = "IP address that the domains' A records point at."
  value       = google_compute_global_address.this.address
}

output "url" {
  description = "Address of the site."
  value       = "https://${var.domains[0]}"
}

output "iap_service" {
  description = "Numeric ID of the backend service that IAP guards, or null: part of the audience that the server checks."
  value       = var.iap_members == null ? null : google_compute_backend_service.this["pages"].generated_id
}
