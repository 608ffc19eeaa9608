resource "google_project_service" "this" {
  for_each = var.services

  project = var.project
  service = each.key

  # Other things in the project may use the same service.
  disable_on_destroy = false
}
