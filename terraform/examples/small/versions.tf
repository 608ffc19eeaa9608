terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 8.0"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }

  # Keep the state in a bucket of its own, made once by hand (docs/deploy-gcp.md):
  # backend "gcs" {
  #   bucket = "PROJECT-terraform"
  #   prefix = "mainstem"
  # }
}
