variable "project" {
  description = "Project ID."
  type        = string
}

variable "location" {
  description = "Location of every dataset: EU, US or a region such as europe-west1."
  type        = string

  validation {
    condition     = can(regex("^(EU|US|[a-z]+-[a-z]+[0-9]+)$", var.location))
    error_message = "BigQuery's locations are EU, US (in capitals) and regions such as europe-west1."
  }
}

variable "bucket_location" {
  description = "Location of the bucket that flows load from; checked against the datasets' location."
  type        = string
  default     = null
}

variable "datasets" {
  description = "Datasets by ID."
  type = map(object({
    description           = optional(string, "Made by Terraform for Mainstem's flows")
    table_expiration_days = optional(number)
    time_travel_hours     = optional(string, "168")
  }))

  validation {
    condition     = alltrue([for id in keys(var.datasets) : can(regex("^[A-Za-z0-9_]+$", id)) && length(id) <= 1024])
    error_message = "A dataset's ID has letters, digits and underscores only (no hyphens)."
  }

  validation {
    condition = alltrue([
      for dataset in values(var.datasets) : dataset.table_expiration_days == null ? true : dataset.table_expiration_days >= 1
    ])
    error_message = "table_expiration_days is at least 1."
  }

  validation {
    condition = alltrue([
      for dataset in values(var.datasets) : contains(["48", "72", "96", "120", "144", "168"], dataset.time_travel_hours)
    ])
    error_message = "time_travel_hours is a whole number of days in hours, from 48 to 168."
  }
}

variable "editors" {
  description = "Who reads and writes tables: IAM members by a name of your own."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([
      for member in values(var.editors) : !contains(["allUsers", "allAuthenticatedUsers"], member)
    ])
    error_message = "Nobody may let the whole world write into a dataset."
  }
}

variable "force_destroy" {
  description = "Whether `terraform destroy` deletes datasets that hold tables."
  type        = bool
  default     = false
}

variable "labels" {
  description = "Labels."
  type        = map(string)
  default     = {}
}
