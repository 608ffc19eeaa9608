output "server_email" {
  description = "E-mail address of the server's account."
  value       = google_service_account.server.email
}

output "server_member" {
  description = "The server's account as an IAM member."
  value       = google_service_account.server.member
}

output "ci_email" {
  description = "E-mail address of CI's account, or null."
  value       = one(google_service_account.ci[*].email)
}

output "ci_provider" {
  description = "What the auth action of GitHub calls workload_identity_provider, or null."
  value       = one(google_iam_workload_identity_pool_provider.github[*].name)
}
