variable "project" {
  description = "Project ID."
  type        = string
}

variable "name" {
  description = "Name of the machine."
  type        = string

  validation {
    condition     = can(regex("^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$", var.name))
    error_message = "name has at most 52 small letters, digits and hyphens, begins with a letter and ends with a letter or digit."
  }
}

variable "zone" {
  description = "Zone of the machine and its disk."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+-[a-z]$", var.zone))
    error_message = "zone is a zone such as europe-west1-b, not a region."
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
  description = "Image of the server, by tag or digest."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9.-]+(:[0-9]+)?/[a-z0-9._/-]+(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "image names registry, path and a fixed version, such as europe-west1-docker.pkg.dev/PROJECT/mainstem/server:0.2.0 or …@sha256:…; latest would change under a running server."
  }
}

variable "litestream_image" {
  description = "Image of Litestream, which copies the database to the bucket."
  type        = string
  default     = "docker.io/litestream/litestream:0.5.17"

  validation {
    condition     = can(regex("(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$", var.litestream_image)) && !endswith(var.litestream_image, ":latest")
    error_message = "litestream_image has a fixed version or digest."
  }
}

variable "environment" {
  description = "Settings of the server, from the settings module."
  type        = map(string)

  validation {
    condition     = alltrue([for value in values(var.environment) : !strcontains(value, "\n")])
    error_message = "A setting holds one line; write lists and maps as JSON."
  }
}

variable "secrets" {
  description = "Secret IDs by name; the server finds each in /secrets/NAME/value."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, id in var.secrets : can(regex("^[a-z0-9-]+$", name)) && can(regex("^[A-Za-z0-9_-]+$", id))])
    error_message = "A secret's file has small letters, digits and hyphens; its ID letters, digits, hyphens and underscores."
  }
}

variable "replica_bucket" {
  description = "Bucket that the database is copied to."
  type        = string
}

variable "replica_prefix" {
  description = "Folder of the copy in the bucket."
  type        = string
  default     = "database"

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9/_-]*$", var.replica_prefix))
    error_message = "replica_prefix is a folder such as database, without a slash at its beginning."
  }
}

variable "replica_retention_days" {
  description = "Days that one can go back to."
  type        = number
  default     = 7

  validation {
    condition     = var.replica_retention_days >= 1 && var.replica_retention_days <= 90
    error_message = "replica_retention_days lies between 1 and 90."
  }
}

variable "replica_sync_interval" {
  description = "How long a change may wait before it goes to the bucket."
  type        = string
  default     = "1s"

  validation {
    condition     = can(regex("^[0-9]+(ms|s|m)$", var.replica_sync_interval))
    error_message = "replica_sync_interval is a time such as 1s."
  }
}

variable "machine_type" {
  description = "Type of the machine."
  type        = string
  default     = "e2-small"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*-[a-z0-9-]+$", var.machine_type)) && var.machine_type != "e2-micro" && var.machine_type != "f1-micro"
    error_message = "machine_type is a type such as e2-small. Micro machines have too little memory for dbt and the image."
  }
}

variable "disk_gb" {
  description = "Size of the data disk."
  type        = number
  default     = 20

  validation {
    condition     = var.disk_gb >= 10 && var.disk_gb <= 2000
    error_message = "disk_gb lies between 10 and 2000."
  }
}

variable "snapshot_hour" {
  description = "When the daily snapshot is made, UTC, on the hour."
  type        = string
  default     = "03:00"

  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):00$", var.snapshot_hour))
    error_message = "snapshot_hour is a full hour such as 03:00."
  }
}

variable "snapshot_days" {
  description = "Days that snapshots are kept."
  type        = number
  default     = 14

  validation {
    condition     = var.snapshot_days >= 1 && var.snapshot_days <= 365
    error_message = "snapshot_days lies between 1 and 365."
  }
}

variable "cos_family" {
  description = "Family of Container-Optimized OS."
  type        = string
  default     = "cos-stable"

  validation {
    condition     = can(regex("^cos-(stable|[0-9]+-lts)$", var.cos_family))
    error_message = "cos_family is cos-stable or a long-term family such as cos-121-lts."
  }
}

variable "public_ip" {
  description = "Give the machine a public address. Its firewall stays closed; outgoing traffic then needs no NAT."
  type        = bool
  default     = false
}

variable "behind_load_balancer" {
  description = "Make an instance group and let the load balancer in."
  type        = bool
  default     = false
}

variable "docker_runner" {
  description = "Give the server the Docker socket, for tasks in containers. Whoever may write a flow then is root on the machine."
  type        = bool
  default     = false
}

variable "docker_group" {
  description = "Number of the group that owns the Docker socket on the machine."
  type        = number
  default     = 412

  validation {
    condition     = var.docker_group >= 1 && var.docker_group <= 65535
    error_message = "docker_group is the number that `getent group docker` shows on the machine."
  }
}

variable "operators" {
  description = "Who may open a tunnel to the machine and log in: IAM members by a name of your own."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for member in values(var.operators) : can(regex("^(user|group|serviceAccount):.+", member))])
    error_message = "Operators are users, groups or service accounts, such as user:ann@example.com."
  }
}

variable "kms_key" {
  description = "Key of Cloud KMS that encrypts the disks; null uses Google's."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null ? true : can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "kms_key is projects/P/locations/L/keyRings/R/cryptoKeys/K."
  }
}

variable "labels" {
  description = "Labels."
  type        = map(string)
  default     = {}
}
