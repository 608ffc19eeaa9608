variable "project" {
  description = "Project ID."
  type        = string
}

variable "prefix" {
  description = "Beginning of every secret's ID."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z][a-zA-Z0-9_-]{0,100}$", var.prefix))
    error_message = "prefix has letters, digits, hyphens and underscores, and begins with a letter."
  }
}

variable "generated" {
  description = "Secrets with a random value, by name. Another `version` makes a new value. `readers` are IAM members by a name of your own."
  type = map(object({
    length  = optional(number, 43)
    version = optional(number, 1)
    readers = optional(map(string), {})
  }))
  default = {}

  validation {
    condition     = alltrue([for secret in values(var.generated) : secret.length >= 24 && secret.length <= 128])
    error_message = "A generated secret has 24 to 128 characters."
  }

  validation {
    condition     = alltrue([for secret in values(var.generated) : secret.version >= 1 && floor(secret.version) == secret.version])
    error_message = "version is a whole number from 1."
  }

  validation {
    condition = alltrue(flatten([
      for secret in values(var.generated) : [
        for member in values(secret.readers) : startswith(member, "serviceAccount:") || startswith(member, "group:") || startswith(member, "user:")
      ]
    ]))
    error_message = "Readers of a secret are service accounts, groups or users, such as serviceAccount:name@project.iam.gserviceaccount.com."
  }
}

variable "empty" {
  description = "Secrets whose value is added by hand, so that Terraform never sees it: `gcloud secrets versions add PREFIX-NAME --data-file=FILE`."
  type        = map(object({ readers = optional(map(string), {}) }))
  default     = {}
}

variable "replica_location" {
  description = "Keep the secrets in this region only; null lets Google replicate them."
  type        = string
  default     = null

  validation {
    condition     = var.replica_location == null ? true : can(regex("^[a-z]+-[a-z]+[0-9]+$", var.replica_location))
    error_message = "replica_location is a region such as europe-west1."
  }
}

variable "deletion_protection" {
  description = "Refuse to delete the secrets. What is sealed by the master key is lost with it."
  type        = bool
  default     = true
}

variable "labels" {
  description = "Labels."
  type        = map(string)
  default     = {}
}
