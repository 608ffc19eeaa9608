output "channels" {
  description = "Names of the notification channels."
  value       = local.channels
}
