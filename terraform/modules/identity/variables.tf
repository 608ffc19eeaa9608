variable "project" {
  description = "Project ID."
  type        = string
}

variable "name" {
  description = "Beginning of the accounts' names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,20}[a-z0-9]$", var.name))
    error_message = "name has 4 to 22 small letters, digits and hyphens, begins with a letter and ends with a letter or digit: service accounts are named after it."
  }
}

variable "cloud_sql" {
  description = "Whether the server connects to Cloud SQL."
  type        = bool
  default     = false
}

variable "extra_roles" {
  description = "More project roles for the server; roles on single buckets, datasets and secrets are better."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for role in var.extra_roles : !contains(["roles/owner", "roles/editor", "roles/viewer"], role)])
    error_message = "The basic roles owner, editor and viewer reach over the whole project: name the roles that flows need."
  }

  validation {
    condition     = alltrue([for role in var.extra_roles : can(regex("^(roles/|projects/[^/]+/roles/|organizations/[^/]+/roles/)[A-Za-z0-9._]+$", role))])
    error_message = "Roles are named in full, such as roles/pubsub.publisher."
  }
}

variable "github" {
  description = "The repository whose GitHub Actions may act as the CI account, from one branch only. `repository_id` is GitHub's number of it: `gh api repos/OWNER/NAME --jq .id`."
  type = object({
    repository    = string
    repository_id = optional(string)
    branch        = optional(string, "main")
    roles         = optional(set(string), [])
  })
  default = null

  validation {
    condition     = var.github == null ? true : can(regex("^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$", var.github.repository))
    error_message = "github.repository is OWNER/NAME, without wildcards."
  }

  validation {
    condition     = var.github == null ? true : can(regex("^[A-Za-z0-9._/-]+$", var.github.branch))
    error_message = "github.branch is the name of one branch, without wildcards."
  }

  validation {
    condition     = var.github == null ? true : var.github.repository_id == null ? true : can(regex("^[0-9]+$", var.github.repository_id))
    error_message = "github.repository_id is a number."
  }

  validation {
    condition = var.github == null ? true : alltrue([
      for role in var.github.roles : !contains(["roles/owner", "roles/editor", "roles/viewer"], role)
    ])
    error_message = "The basic roles owner, editor and viewer reach over the whole project: name the roles that CI needs."
  }
}
