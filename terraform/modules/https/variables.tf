variable "project" {
  description = "Project ID."
  type        = string
}

variable "name" {
  description = "Name of the load balancer's parts."
  type        = string

  validation {
    condition     = can(regex("^[a-z]([-a-z0-9]{0,40}[a-z0-9])?$", var.name))
    error_message = "name has at most 42 small letters, digits and hyphens, begins with a letter and ends with a letter or digit."
  }
}

variable "domains" {
  description = "Names of the site. Their DNS must point at the address that this module gives."
  type        = list(string)

  validation {
    condition     = length(var.domains) > 0 && length(var.domains) <= 100
    error_message = "Name at least one domain, such as flows.example.com."
  }

  validation {
    condition     = alltrue([for name in var.domains : can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", name))])
    error_message = "A domain is a name such as flows.example.com: no address, no path, no wildcard."
  }
}

variable "cloud_run" {
  description = "Send requests to this Cloud Run service."
  type        = object({ service = string, region = string })
  default     = null
}

variable "instance_group" {
  description = "Send requests to this group of machines, on its port named http."
  type        = object({ id = string })
  default     = null

  validation {
    condition     = (var.instance_group == null) != (var.cloud_run == null)
    error_message = "Give either cloud_run or instance_group."
  }
}

variable "iap_members" {
  description = "Who may open the pages, checked by Google before a request reaches the server: users, groups or domains. null leaves the log-in to the server alone."
  type        = set(string)
  default     = null

  validation {
    condition     = var.iap_members == null ? true : length(var.iap_members) > 0
    error_message = "iap_members is empty: nobody could open the pages. Name users or groups, or set null to leave the log-in to the server."
  }

  validation {
    condition = var.iap_members == null ? true : alltrue([
      for member in var.iap_members : can(regex("^(user|group|domain|serviceAccount|principal|principalSet):.+", member))
    ])
    error_message = "Members look like user:ann@example.com, group:data@example.com or domain:example.com. allUsers would switch IAP off in effect and is refused."
  }
}

variable "open_paths" {
  description = "Paths that machines call and IAP leaves alone. The server still asks for a signature, a key or a token."
  type        = list(string)
  default     = ["/health", "/api/v1/git/webhooks/*", "/api/v1/executions/webhook/*", "/git/*"]

  validation {
    condition     = alltrue([for path in var.open_paths : startswith(path, "/") && !contains(["/", "/*", "/ui/*", "/api/*", "/api/v1/*"], path)])
    error_message = "open_paths begin with / and name single services; /, /*, /ui/* and the whole API stay behind IAP."
  }
}

variable "requests_per_minute" {
  description = "Most requests that one address may send in a minute."
  type        = number
  default     = 1200

  validation {
    condition     = var.requests_per_minute >= 60 && var.requests_per_minute <= 100000
    error_message = "requests_per_minute lies between 60 and 100000."
  }
}
