variable "project" {
  description = "Project ID."
  type        = string
}

variable "services" {
  description = "Services to enable, such as bigquery.googleapis.com."
  type        = set(string)

  validation {
    condition     = alltrue([for name in var.services : endswith(name, ".googleapis.com")])
    error_message = "Services are named in full, such as bigquery.googleapis.com."
  }
}
