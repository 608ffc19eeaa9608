variable "project" {
  description = "Project ID."
  type        = string
}

variable "name" {
  description = "Name of the bucket; unique in the world."
  type        = string

  validation {
    condition = (
      can(regex("^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$", var.name)) &&
      !startswith(var.name, "goog") && !strcontains(var.name, "google")
    )
    error_message = "A bucket's name has 3 to 63 small letters, digits, hyphens or underscores, begins and ends with a letter or digit, and holds no \"google\"."
  }
}

variable "location" {
  description = "Location: a region such as europe-west1, or EU, US, ASIA."
  type        = string

  validation {
    condition     = can(regex("^(EU|US|ASIA|[a-z]+-[a-z]+[0-9]+)$", var.location))
    error_message = "location is a region such as europe-west1, or EU, US or ASIA in capitals."
  }
}

variable "writers" {
  description = "Who reads and writes objects: IAM members by a name of your own. The names are known before the members are."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([
      for member in values(var.writers) : !contains(["allUsers", "allAuthenticatedUsers"], member)
    ])
    error_message = "Nobody may let the whole world write into a bucket."
  }
}

variable "versioning" {
  description = "Keep overwritten and deleted objects for noncurrent_days."
  type        = bool
  default     = true
}

variable "noncurrent_days" {
  description = "Days that overwritten and deleted objects are kept."
  type        = number
  default     = 30

  validation {
    condition     = var.noncurrent_days >= 1 && var.noncurrent_days <= 3650
    error_message = "noncurrent_days lies between 1 and 3650."
  }
}

variable "soft_delete_days" {
  description = "Days that deleted objects can be brought back by Google; 0 turns it off."
  type        = number
  default     = 7

  validation {
    condition     = var.soft_delete_days == 0 || (var.soft_delete_days >= 7 && var.soft_delete_days <= 90)
    error_message = "soft_delete_days is 0, or between 7 and 90."
  }
}

variable "expire" {
  description = "Days after which objects below a prefix are deleted, by prefix."
  type        = map(number)
  default     = {}

  validation {
    condition     = alltrue([for prefix, days in var.expire : prefix != "" && days >= 1])
    error_message = "Every prefix is named and kept for at least one day; an empty prefix would delete everything."
  }
}

variable "force_destroy" {
  description = "Whether `terraform destroy` deletes a bucket that holds objects."
  type        = bool
  default     = false
}

variable "labels" {
  description = "Labels."
  type        = map(string)
  default     = {}
}
