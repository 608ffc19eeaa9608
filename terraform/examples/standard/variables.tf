variable "project" {
  description = "ID of the project. It exists and has billing."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project is a project's ID (not its name or number): 6 to 30 small letters, digits and hyphens. `gcloud projects list` shows it."
  }
}

variable "name" {
  description = "Beginning of every name."
  type        = string
  default     = "mainstem"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,18}[a-z0-9]$", var.name))
    error_message = "name has 4 to 20 small letters, digits and hyphens, begins with a letter and ends with a letter or digit."
  }
}

variable "region" {
  description = "Region of the server and its database."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is a region such as europe-west1, not a zone and not EU."
  }
}

variable "location" {
  description = "Location of the bucket and the dataset: EU, US or a region such as europe-west1. It cannot be changed later."
  type        = string
  default     = "EU"

  validation {
    condition     = can(regex("^(EU|US|[a-z]+-[a-z]+[0-9]+)$", var.location))
    error_message = "location is EU, US (in capitals) or a region such as europe-west1."
  }
}

variable "image" {
  description = "Image of the server, which you built and pushed (docs/deploy-gcp.md)."
  type        = string

  validation {
    condition     = !endswith(var.image, ":latest") && can(regex("/.+(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$", var.image))
    error_message = "image names registry, path and a fixed version, such as europe-west1-docker.pkg.dev/PROJECT/mainstem/server:0.2.0; not latest."
  }
}

variable "bucket" {
  description = "Name of the bucket that flows load from; null means PROJECT-NAME."
  type        = string
  default     = null
}

variable "dataset" {
  description = "Dataset that flows write to."
  type        = string
  default     = "taxi"
}

variable "namespaces" {
  description = "Namespaces whose flows find project, location, bucket and dataset as key-value entries."
  type        = set(string)
  default     = ["taxi"]
}

variable "kv" {
  description = "More key-value entries by namespace. No secrets."
  type        = map(map(string))
  default     = {}
}

variable "git" {
  description = "Where flows come from; without a url you push to the server itself (see the settings module)."
  type = object({
    name             = optional(string, "main")
    url              = optional(string)
    branch           = optional(string, "main")
    directory        = optional(string, "")
    interval_seconds = optional(number, 60)
    credential       = optional(string, "none")
    username         = optional(string)
    known_hosts      = optional(list(string), [])
  })
  default = {}
}

variable "git_deploy_key" {
  description = "Public part of the deploy key whose private part is in the secret git-credential; it is only shown again among the outputs."
  type        = string
  default     = null

  validation {
    condition     = var.git_deploy_key == null ? true : can(regex("^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+", var.git_deploy_key))
    error_message = "git_deploy_key is the public line, beginning with ssh-ed25519; the private part goes into the secret."
  }
}

variable "domain" {
  description = "Name of the site; makes a load balancer with a certificate. null keeps the service private, reached through gcloud's proxy."
  type        = string
  default     = null
}

variable "iap_members" {
  description = "Who may open the pages, checked by Google: user:, group: or domain: members. null leaves the log-in to the server."
  type        = set(string)
  default     = null

  validation {
    condition     = var.iap_members == null ? true : var.domain != null
    error_message = "iap_members needs a domain: IAP works at the load balancer. Without one, give people `operators` and the tunnel."
  }
}

variable "iap_roles" {
  description = "Roles in Mainstem of the people who come through IAP."
  type = list(object({
    match     = string
    role      = string
    namespace = optional(string, "")
  }))
  default = []

  validation {
    condition     = var.iap_members == null ? true : length(var.iap_roles) > 0
    error_message = "Say what the people who come through IAP may do, such as iap_roles = [{ match = \"user:ann@example.com\", role = \"admin\" }]."
  }
}

variable "operators" {
  description = "Who may call the service with a log-in at Google: IAM members by a name of your own, such as { ann = \"user:ann@example.com\" }."
  type        = map(string)
  default     = {}
}

variable "allow_unauthenticated" {
  description = "Without a domain: let the internet reach the server's own log-in at its run.app address."
  type        = bool
  default     = false

  validation {
    condition     = var.allow_unauthenticated ? var.domain == null : true
    error_message = "With a domain, requests come through the load balancer: leave allow_unauthenticated false."
  }
}

variable "cpu" {
  description = "CPUs of the server."
  type        = string
  default     = "1"
}

variable "memory" {
  description = "Memory of the server; its local files are in memory too."
  type        = string
  default     = "2Gi"
}

variable "workers" {
  description = "Instances that only run tasks: { count, cpu, memory }."
  type = object({
    count  = optional(number, 0)
    cpu    = optional(string, "1")
    memory = optional(string, "2Gi")
  })
  default = {}
}

variable "database_tier" {
  description = "Machine of the database."
  type        = string
  default     = "db-custom-1-3840"
}

variable "database_generation" {
  description = "Change it to make a new instance: a deleted one's name is taken for a week."
  type        = string
  default     = "1"
}

variable "high_availability" {
  description = "Keep a standby of the database in another zone."
  type        = bool
  default     = false
}

variable "extra_roles" {
  description = "More project roles for the server."
  type        = set(string)
  default     = []
}

variable "github" {
  description = "Repository whose GitHub Actions may act in the project, without keys (see the identity module)."
  type = object({
    repository    = string
    repository_id = optional(string)
    branch        = optional(string, "main")
    roles         = optional(set(string), [])
  })
  default = null
}

variable "timezone" {
  description = "Zone of schedules that name none."
  type        = string
  default     = "UTC"
}

variable "settings" {
  description = "More settings of the server as environment variables, such as { MAINSTEM_WORKER__THREADS = \"8\" }."
  type        = map(string)
  default     = {}
}

variable "alert_emails" {
  description = "Who is told when something is wrong."
  type        = set(string)
  default     = []
}

variable "budget" {
  description = "Monthly budget to warn about: { billing_account, amount, currency }."
  type = object({
    billing_account = string
    amount          = number
    currency        = optional(string, "USD")
  })
  default = null
}

variable "deletion_protection" {
  description = "Refuse to delete buckets, datasets and secrets that hold something."
  type        = bool
  default     = true
}

variable "labels" {
  description = "More labels."
  type        = map(string)
  default     = {}
}
