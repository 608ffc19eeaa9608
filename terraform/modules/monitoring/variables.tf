variable "project" {
  description = "Project ID."
  type        = string
}

variable "project_number" {
  description = "Number of the project; budgets want it."
  type        = string
  default     = null

  validation {
    condition     = var.project_number == null ? true : can(regex("^[0-9]+$", var.project_number))
    error_message = "project_number is a number: `gcloud projects describe PROJECT --format='value(projectNumber)'`."
  }
}

variable "name" {
  description = "Beginning of the policies' names."
  type        = string
}

variable "emails" {
  description = "Who is told."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", address))])
    error_message = "emails are addresses such as ann@example.com."
  }
}

variable "host" {
  description = "Name whose /health is called from outside every minute; null when it cannot be reached from outside."
  type        = string
  default     = null

  validation {
    condition     = var.host == null ? true : !strcontains(var.host, "/")
    error_message = "host is a name such as flows.example.com, without https:// and path."
  }
}

variable "instance" {
  description = "Name of the machine, whose silence is reported."
  type        = string
  default     = null
}

variable "database" {
  description = "Name of the Cloud SQL instance to watch."
  type        = string
  default     = null
}

variable "log_filter" {
  description = "Filter of Cloud Logging that finds the server's lines."
  type        = string
  default     = null
}

variable "budget" {
  description = "Monthly budget of the project: billing account, whole amount, currency of that account. It warns; it stops nothing."
  type = object({
    billing_account = string
    amount          = number
    currency        = optional(string, "USD")
  })
  default = null

  validation {
    condition     = var.budget == null ? true : can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account))
    error_message = "budget.billing_account looks like 012345-6789AB-CDEF01: `gcloud billing accounts list`."
  }

  validation {
    condition     = var.budget == null ? true : var.budget.amount >= 1 && floor(var.budget.amount) == var.budget.amount
    error_message = "budget.amount is a whole amount of at least 1."
  }

  validation {
    condition     = var.budget == null ? true : can(regex("^[A-Z]{3}$", var.budget.currency))
    error_message = "budget.currency is a code such as USD or EUR; it must be that of the billing account."
  }

  validation {
    condition     = var.budget == null ? true : var.project_number != null
    error_message = "A budget needs project_number."
  }
}
