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

variable "zone" {
  description = "Zone of the machine."
  type        = string
  default     = "europe-west1-b"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+-[a-z]$", var.zone))
    error_message = "zone is a zone such as europe-west1-b, not a region."
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
  description = "Name of the site; makes a load balancer with a certificate. null keeps the server private, reached through a tunnel."
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
  description = "Who may open a tunnel to the machine and log in: IAM members by a name of your own, such as { ann = \"user:ann@example.com\" }."
  type        = map(string)
  default     = {}
}

variable "machine_type" {
  description = "Type of the machine."
  type        = string
  default     = "e2-small"
}

variable "disk_gb" {
  description = "Size of the data disk."
  type        = number
  default     = 20
}

variable "public_ip" {
  description = "A public address instead of NAT; the firewall stays closed. Cheaper, and the machine can be seen."
  type        = bool
  default     = false
}

variable "docker_runner" {
  description = "Let tasks run in containers. Whoever may write a flow then is root on the machine."
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
