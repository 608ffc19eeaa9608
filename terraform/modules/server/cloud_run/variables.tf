variable "project" {
  description = "Project ID."
  type        = string
}

variable "name" {
  description = "Name of the service."
  type        = string

  validation {
    condition     = can(regex("^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$", var.name))
    error_message = "name has at most 40 small letters, digits and hyphens, begins with a letter and ends with a letter or digit."
  }
}

variable "region" {
  description = "Region."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is a region such as europe-west1."
  }
}

variable "network" {
  description = "ID of the network."
  type        = string
}

variable "subnetwork" {
  description = "ID of the subnet."
  type        = string
}

variable "server_email" {
  description = "E-mail address of the server's service account."
  type        = string

  validation {
    condition     = endswith(var.server_email, ".gserviceaccount.com") && !endswith(var.server_email, "-compute@developer.gserviceaccount.com")
    error_message = "server_email is the address of an account of its own; the default account of Compute Engine may do too much."
  }
}

variable "image" {
  description = "Image of the server, by tag or digest, in Artifact Registry."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9.-]+(:[0-9]+)?/[a-z0-9._/-]+(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "image names registry, path and a fixed version, such as europe-west1-docker.pkg.dev/PROJECT/mainstem/server:0.2.0 or …@sha256:…; latest would change under a running server."
  }
}

variable "proxy_image" {
  description = "Image of Cloud SQL's connector."
  type        = string
  default     = "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.18.2"

  validation {
    condition     = can(regex(":[0-9]+\\.[0-9]+\\.[0-9]+$|@sha256:[0-9a-f]{64}$", var.proxy_image))
    error_message = "proxy_image has a fixed version or digest."
  }
}

variable "environment" {
  description = "Settings of the server, from the settings module."
  type        = map(string)

  validation {
    condition     = startswith(lookup(var.environment, "MAINSTEM_DATABASE__URL", ""), "postgresql://")
    error_message = "Cloud Run keeps no disk: give the settings module a database_url of PostgreSQL, or use server/vm."
  }
}

variable "secrets" {
  description = "Secrets by name: their ID and version. The server finds each in /secrets/NAME/value."
  type        = map(object({ id = string, version = optional(string, "latest") }))
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.secrets) : can(regex("^[a-z][a-z0-9-]{0,62}$", name))])
    error_message = "A secret's name has small letters, digits and hyphens."
  }
}

variable "database_connection" {
  description = "PROJECT:REGION:INSTANCE of the database."
  type        = string

  validation {
    condition     = can(regex("^[^:]+(:[^:]+)?:[^:]+:[^:]+$", var.database_connection))
    error_message = "database_connection is PROJECT:REGION:INSTANCE."
  }
}

variable "cpu" {
  description = "CPUs of the server, always on."
  type        = string
  default     = "1"

  validation {
    condition     = contains(["1", "2", "4", "6", "8"], var.cpu)
    error_message = "cpu is 1, 2, 4, 6 or 8: less cannot be always on."
  }
}

variable "proxy_cpu" {
  description = "CPUs of the connector beside the server."
  type        = string
  default     = "1"

  validation {
    condition     = can(regex("^([1-9]|[1-9][0-9]{2}m)$", var.proxy_cpu))
    error_message = "proxy_cpu is a number of CPUs such as 1, or thousandths such as 500m."
  }
}

variable "memory" {
  description = "Memory of the server; its local files are in memory too."
  type        = string
  default     = "2Gi"

  validation {
    condition     = can(regex("^([1-9]|[12][0-9]|3[0-2])Gi$|^(512|768)Mi$", var.memory))
    error_message = "memory is 512Mi to 32Gi."
  }
}

variable "workers" {
  description = "Instances that only run tasks, beside the server's own threads."
  type = object({
    count  = optional(number, 0)
    cpu    = optional(string, "1")
    memory = optional(string, "2Gi")
  })
  default = {}

  validation {
    condition     = var.workers.count >= 0 && var.workers.count <= 50 && floor(var.workers.count) == var.workers.count
    error_message = "workers.count is a whole number between 0 and 50."
  }
}

variable "behind_load_balancer" {
  description = "Take requests from the load balancer only, and switch the run.app address off."
  type        = bool
  default     = false
}

variable "allow_unauthenticated" {
  description = "Let anybody on the internet reach the server's own log-in at the run.app address."
  type        = bool
  default     = false

  validation {
    condition     = !(var.allow_unauthenticated && var.behind_load_balancer)
    error_message = "Behind the load balancer there is no run.app address to open: leave allow_unauthenticated false."
  }
}

variable "invokers" {
  description = "Who may call the service with a token of their own: IAM members by a name of your own."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for member in values(var.invokers) : !contains(["allUsers", "allAuthenticatedUsers"], member)])
    error_message = "To let everybody reach the log-in, say so: allow_unauthenticated = true."
  }
}

variable "deletion_protection" {
  description = "Refuse to delete the service."
  type        = bool
  default     = true
}

variable "labels" {
  description = "Labels."
  type        = map(string)
  default     = {}
}
