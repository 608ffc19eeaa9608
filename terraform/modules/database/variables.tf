variable "project" {
  description = "Project ID."
  type        = string
}

variable "name" {
  description = "Name of the instance. A deleted instance's name cannot be used again for a week."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,82}[a-z0-9]$", var.name))
    error_message = "name has small letters, digits and hyphens, begins with a letter and ends with a letter or digit."
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
  description = "ID of the network whose private addresses the instance takes. Pass it from the network module's `private_services`, so that the instance waits for the connection."
  type        = string

  validation {
    condition     = var.network != null && var.network != ""
    error_message = "network is missing: create the network module with private_services = true."
  }
}

variable "database" {
  description = "Name of the database."
  type        = string
  default     = "mainstem"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database)) && !contains(["postgres", "template0", "template1"], var.database)
    error_message = "database has small letters, digits and underscores, and is none of PostgreSQL's own."
  }
}

variable "server_email" {
  description = "E-mail address of the server's service account."
  type        = string

  validation {
    condition     = endswith(var.server_email, ".gserviceaccount.com")
    error_message = "server_email is the address of a service account, ending in .gserviceaccount.com."
  }
}

variable "database_version" {
  description = "Version of PostgreSQL."
  type        = string
  default     = "POSTGRES_17"

  validation {
    condition     = contains(["POSTGRES_15", "POSTGRES_16", "POSTGRES_17"], var.database_version)
    error_message = "database_version is POSTGRES_15, POSTGRES_16 or POSTGRES_17."
  }
}

variable "tier" {
  description = "Machine: db-custom-CPUS-MEGABYTES, or the shared db-f1-micro and db-g1-small."
  type        = string
  default     = "db-custom-1-3840"

  validation {
    condition     = can(regex("^db-(f1-micro|g1-small|custom-[0-9]+-[0-9]+)$", var.tier))
    error_message = "tier is db-f1-micro, db-g1-small or db-custom-CPUS-MEGABYTES such as db-custom-2-7680."
  }
}

variable "high_availability" {
  description = "Keep a standby in another zone; doubles the price of the machine and the disk."
  type        = bool
  default     = false
}

variable "disk_gb" {
  description = "Size of the disk at first; it grows by itself."
  type        = number
  default     = 10

  validation {
    condition     = var.disk_gb >= 10 && var.disk_gb <= 65536
    error_message = "disk_gb lies between 10 and 65536."
  }
}

variable "disk_limit_gb" {
  description = "Largest size that the disk may grow to; 0 sets no limit."
  type        = number
  default     = 100
}

variable "backup_hour" {
  description = "When the daily backup starts, UTC, as HH:MM."
  type        = string
  default     = "02:00"

  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", var.backup_hour))
    error_message = "backup_hour is a time such as 02:00."
  }
}

variable "retained_backups" {
  description = "Daily backups that are kept."
  type        = number
  default     = 14

  validation {
    condition     = var.retained_backups >= 7 && var.retained_backups <= 365
    error_message = "retained_backups lies between 7 and 365."
  }
}

variable "deletion_protection" {
  description = "Refuse to delete the instance, here and at Google."
  type        = bool
  default     = true
}

variable "labels" {
  description = "Labels."
  type        = map(string)
  default     = {}
}
