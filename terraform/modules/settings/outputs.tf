output "environment" {
  description = "Environment of the server. It holds no secret."
  value       = local.environment
}

output "seed" {
  description = "Key-value entries that a new server starts with."
  value       = merge(local.seeded, local.others)
}

output "webhook_path" {
  description = "Path that the Git host's webhook calls."
  value       = "/api/v1/git/webhooks/${var.git.name}"
}
