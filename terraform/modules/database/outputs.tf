output "connection_name" {
  description = "PROJECT:REGION:INSTANCE, which the connector takes."
  value       = google_sql_database_instance.this.connection_name
}

output "instance" {
  description = "Name of the instance."
  value       = google_sql_database_instance.this.name
}

output "database" {
  description = "Name of the database."
  value       = google_sql_database.this.name
}

output "user" {
  description = "User that the server logs in as, without a password."
  value       = google_sql_user.server.name
}

output "url" {
  description = "Database URL for a server beside the connector on 127.0.0.1:5432. It holds no password."
  value       = "postgresql://${replace(google_sql_user.server.name, "@", "%40")}@127.0.0.1:5432/${google_sql_database.this.name}"
}
