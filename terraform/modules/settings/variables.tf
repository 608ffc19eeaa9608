variable "project" {
  description = "Project ID that flows work in."
  type        = string
}

variable "location" {
  description = "BigQuery's location."
  type        = string
}

variable "bucket" {
  description = "Bucket that flows load from."
  type        = string
}

variable "state_bucket" {
  description = "Bucket for the server's own files."
  type        = string
}

variable "dataset" {
  description = "Dataset that flows write to."
  type        = string
}

variable "namespaces" {
  description = "Namespaces that find project, location, bucket and dataset as key-value entries; namespaces below them inherit."
  type        = set(string)
  default     = ["taxi"]

  validation {
    condition     = alltrue([for name in var.namespaces : can(regex("^[a-z0-9][a-z0-9._-]*$", name))])
    error_message = "A namespace has small letters, digits, dots, hyphens and underscores."
  }

  validation {
    condition     = length(var.namespaces) > 0
    error_message = "Name at least one namespace: without one, flows would not find their project."
  }
}

variable "kv" {
  description = "More key-value entries by namespace. No secrets: these are not sealed."
  type        = map(map(string))
  default     = {}

  validation {
    condition     = alltrue(flatten([for values in values(var.kv) : [for value in values(values) : !strcontains(value, "PRIVATE KEY-----")]]))
    error_message = "A value holds a private key, and key-value entries are not sealed: leave GCP_CREDS out, the server has an identity of its own."
  }

  validation {
    condition     = alltrue(flatten([for values in values(var.kv) : [for key in keys(values) : can(regex("^[a-zA-Z0-9][a-zA-Z0-9._-]*$", key))]]))
    error_message = "A key has letters, digits, dots, hyphens and underscores."
  }
}

variable "git" {
  description = "Where flows come from. Without a url the server hosts the repository itself and `git push` goes to it. `credential` says what the secret git-credential holds: none, token or ssh_key."
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

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,62}$", var.git.name))
    error_message = "git.name has small letters, digits and hyphens."
  }

  validation {
    condition     = var.git.url == null ? true : can(regex("^(https://[^@/]+/|ssh://|[A-Za-z0-9._-]+@[^:/]+:)", var.git.url))
    error_message = "git.url begins with https:// or ssh://, or is user@host:path. It holds no password: put that into the secret git-credential."
  }

  validation {
    condition     = contains(["none", "token", "ssh_key"], var.git.credential)
    error_message = "git.credential is none, token or ssh_key."
  }

  validation {
    condition     = var.git.credential != "none" ? var.git.url != null : true
    error_message = "git.credential is for a repository elsewhere: set git.url too."
  }

  validation {
    condition     = var.git.credential == "token" ? startswith(coalesce(var.git.url, "-"), "https://") : true
    error_message = "A token goes over https only: git.url must begin with https://."
  }

  validation {
    condition     = var.git.credential == "ssh_key" ? length(var.git.known_hosts) > 0 && !startswith(coalesce(var.git.url, "-"), "https://") : true
    error_message = "An ssh_key needs an ssh address in git.url and the host's lines in git.known_hosts (`ssh-keyscan -t ed25519 HOST`, checked against what the host publishes)."
  }

  validation {
    condition     = var.git.interval_seconds >= 5 && var.git.interval_seconds <= 86400
    error_message = "git.interval_seconds lies between 5 and 86400."
  }
}

variable "base_url" {
  description = "Address that users use."
  type        = string

  validation {
    condition     = can(regex("^https?://[^/@]+$", var.base_url))
    error_message = "base_url is an address such as https://flows.example.com, without a path."
  }
}

variable "other_hosts" {
  description = "More names that requests may be addressed to."
  type        = list(string)
  default     = []
}

variable "behind_google" {
  description = "Whether requests come through Google's front ends, whose X-Forwarded headers are then believed."
  type        = bool
  default     = false
}

variable "admin" {
  description = "Name of the first user, whose password is in the secret admin-password."
  type        = string
  default     = "admin"

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$", var.admin))
    error_message = "admin is a user's name."
  }
}

variable "iap_audience" {
  description = "Audience of IAP's signed header, such as /projects/NUMBER/global/backendServices/ID; null without IAP."
  type        = string
  default     = null

  validation {
    condition     = var.iap_audience == null ? true : startswith(var.iap_audience, "/projects/")
    error_message = "iap_audience begins with /projects/."
  }
}

variable "iap_roles" {
  description = "Roles of the people who come through IAP; the first that matches counts: `user:EMAIL`, `domain:NAME` or `*`, a role, and a namespace (empty: all)."
  type = list(object({
    match     = string
    role      = string
    namespace = optional(string, "")
  }))
  default = []

  validation {
    condition     = alltrue([for entry in var.iap_roles : contains(["viewer", "operator", "editor", "admin"], entry.role)])
    error_message = "A role is viewer, operator, editor or admin."
  }

  validation {
    condition     = alltrue([for entry in var.iap_roles : can(regex("^(\\*|(group|user|domain):.+)$", entry.match))])
    error_message = "match is user:EMAIL, group:NAME, domain:NAME or *."
  }

  validation {
    condition     = var.iap_audience == null ? true : length(var.iap_roles) > 0
    error_message = "iap_roles is empty: everybody whom IAP lets through would be turned away by the server."
  }
}

variable "port" {
  description = "Port that the server listens on."
  type        = number
  default     = 8080

  validation {
    condition     = var.port >= 1024 && var.port <= 65535
    error_message = "port lies between 1024 and 65535: the server is not root."
  }
}

variable "database_url" {
  description = "Database URL without a password; null means SQLite."
  type        = string
  default     = null

  validation {
    condition     = var.database_url == null ? true : can(regex("^postgresql://[^:/@]+@", var.database_url))
    error_message = "database_url begins with postgresql://USER@ and holds no password: the connector logs in with the account's token."
  }
}

variable "runner" {
  description = "How script tasks run: process or docker."
  type        = string
  default     = "process"

  validation {
    condition     = contains(["process", "docker", "auto"], var.runner)
    error_message = "runner is process, docker or auto."
  }
}

variable "secrets_folder" {
  description = "Folder in the container that holds the secrets as files."
  type        = string
  default     = "/secrets"
}

variable "timezone" {
  description = "Zone of schedules that name none."
  type        = string
  default     = "UTC"

  validation {
    condition     = can(regex("^(UTC|[A-Z][A-Za-z_]+/[A-Za-z_/+-]+)$", var.timezone))
    error_message = "timezone is UTC or a name such as Europe/Berlin."
  }
}

variable "extra" {
  description = "More settings as environment variables, by name. They win. No secrets: they are shown in the console."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.extra) : can(regex("^(MAINSTEM|KESTRA)_[A-Z0-9_]+$", name))])
    error_message = "Settings are named MAINSTEM_SECTION__KEY; KESTRA_NAME becomes {{ envs.name }} in flows."
  }

  validation {
    condition     = alltrue([for value in values(var.extra) : !strcontains(value, "\n")])
    error_message = "A setting holds one line; write lists and maps as JSON."
  }
}
