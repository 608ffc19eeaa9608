output "enabled" {
  description = "The services, once they are enabled."
  value       = [for service in google_project_service.this : service.service]
}
