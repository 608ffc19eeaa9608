output "url" {
  description = "Address of the dashboard."
  value       = "${local.url}/ui/"
}

output "tunnel" {
  description = "Run this beside your browser when there is neither domain nor public address."
  value       = module.server.tunnel
}

output "admin" {
  description = "Prints the first user's password; the name is admin."
  value       = "gcloud secrets versions access latest --secret=${module.secrets.ids["admin-password"]} --project=${var.project}"
}

output "git_push" {
  description = "The next step."
  value       = var.git.url == null ? "git remote add mainstem ${local.url}/git/${var.git.name} && git push mainstem ${var.git.branch}" : "git push  # to ${var.git.url}; live within ${var.git.interval_seconds} s, or at once with the webhook"
}

output "webhook_url" {
  description = "What the Git host's webhook calls; null when it cannot reach the server, which then asks every interval_seconds."
  value       = local.url != "http://localhost:8080" && var.git.url != null ? "${local.url}${module.settings.webhook_path}" : null
}

output "webhook_secret" {
  description = "ID of the secret that the webhook is signed with."
  value       = module.secrets.ids["webhook-secret"]
}

output "deploy_key" {
  description = "Public key to add to the repository, read-only."
  value       = var.git_deploy_key
}

output "dns" {
  description = "A record that the domain needs."
  value       = local.public ? "${var.domain}. A ${module.https[0].address}" : null
}

output "service_account" {
  description = "The account that flows run as; grant it what they need elsewhere."
  value       = module.identity.server_email
}

output "ci" {
  description = "What the auth action of GitHub wants."
  value = var.github == null ? null : {
    workload_identity_provider = module.identity.ci_provider
    service_account            = module.identity.ci_email
  }
}

output "bucket" {
  description = "Bucket that flows load from."
  value       = module.lake.url
}

output "environment" {
  description = "Settings of the server."
  value       = module.settings.environment
}
