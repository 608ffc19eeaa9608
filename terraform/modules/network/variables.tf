variable "project" {
  description = "Project ID."
  type        = string
}

variable "name" {
  description = "Name of the network."
  type        = string

  validation {
    condition     = can(regex("^[a-z]([-a-z0-9]{0,40}[a-z0-9])?$", var.name))
    error_message = "name has at most 42 small letters, digits and hyphens, begins with a letter and ends with a letter or digit."
  }
}

variable "region" {
  description = "Region of the subnet."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is a region such as europe-west1, not a zone and not EU."
  }
}

variable "subnet_range" {
  description = "Addresses of the subnet."
  type        = string
  default     = "10.20.0.0/24"

  validation {
    condition = can(cidrhost(var.subnet_range, 0)) && try(
      tonumber(split("/", var.subnet_range)[1]) >= 8 && tonumber(split("/", var.subnet_range)[1]) <= 26 &&
      can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.)", var.subnet_range)), false
    )
    error_message = "subnet_range is a private range such as 10.20.0.0/24, at least a /26: every Cloud Run instance needs addresses."
  }
}

variable "private_services" {
  description = "Reserve addresses for Cloud SQL's private IP."
  type        = bool
  default     = false
}

variable "services_prefix_length" {
  description = "Size of the range that is lent to Google's services."
  type        = number
  default     = 20

  validation {
    condition     = var.services_prefix_length >= 16 && var.services_prefix_length <= 24
    error_message = "services_prefix_length lies between 16 and 24."
  }
}

variable "nat" {
  description = "Let machines without a public address reach the internet: Git hosts, package indexes, data."
  type        = bool
  default     = true
}

variable "iap_ssh" {
  description = "Allow SSH through IAP."
  type        = bool
  default     = false
}

variable "iap_ssh_accounts" {
  description = "Service accounts of the machines that SSH may reach."
  type        = list(string)
  default     = []

  validation {
    condition     = !var.iap_ssh || length(var.iap_ssh_accounts) > 0
    error_message = "iap_ssh needs iap_ssh_accounts: without them the rule would hold for every machine of the network."
  }
}
