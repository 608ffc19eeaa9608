output "network" {
  description = "ID of the network."
  value       = google_compute_network.this.id
}

output "network_name" {
  description = "Name of the network."
  value       = google_compute_network.this.name
}

output "subnetwork" {
  description = "ID of the subnet."
  value       = google_compute_subnetwork.this.id
}

output "private_services" {
  description = "The connection to Google's services, once it stands; null without one. A database waits for it."
  value       = one(google_service_networking_connection.services[*].network)
}
