output "ids" {
  description = "Secret IDs by name."
  value       = { for name, secret in google_secret_manager_secret.this : name => secret.secret_id }
}

output "versions" {
  description = "Resource names of the generated versions by name; a server that mounts them waits for these."
  value       = { for name, version in google_secret_manager_secret_version.generated : name => version.name }
}
