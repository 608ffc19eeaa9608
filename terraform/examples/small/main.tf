# One small machine: SQLite on a disk, copied to a bucket all the time.

provider "google" {
  project = var.project
  region  = local.region

  default_labels = local.labels
}

data "google_project" "this" {
  project_id = var.project
}

locals {
  region = regex("^(.+)-[a-z]$", var.zone)[0]
  labels = merge({ app = var.name, managed-by = "terraform" }, var.labels)

  public = var.domain != null
  url    = local.public ? "https://${var.domain}" : "http://localhost:8080"
  iap    = local.public && var.iap_members != null

  # The server's files and its database's copy lie beside it; what flows load lies with BigQuery.
  bucket       = coalesce(var.bucket, "${var.project}-${var.name}")
  state_bucket = "${var.project}-${var.name}-state"

  credential = var.git.credential == "none" ? {} : {
    git-credential = { readers = { server = module.identity.server_member } }
  }
}

module "apis" {
  source = "../../modules/apis"

  project = var.project
  services = setunion([
    "artifactregistry.googleapis.com",
    "bigquery.googleapis.com",
    "cloudbilling.googleapis.com",
    "compute.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "iap.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "oslogin.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
    "sts.googleapis.com",
  ], var.budget == null ? [] : ["billingbudgets.googleapis.com"])
}

module "identity" {
  source = "../../modules/identity"

  project     = var.project
  name        = var.name
  extra_roles = var.extra_roles
  github      = var.github

  depends_on = [module.apis]
}

module "network" {
  source = "../../modules/network"

  project          = var.project
  name             = var.name
  region           = local.region
  nat              = !var.public_ip
  iap_ssh          = length(var.operators) > 0
  iap_ssh_accounts = [module.identity.server_email]

  depends_on = [module.apis]
}

module "lake" {
  source = "../../modules/storage"

  project       = var.project
  name          = local.bucket
  location      = var.location
  writers       = { server = module.identity.server_member }
  force_destroy = !var.deletion_protection
  labels        = local.labels

  depends_on = [module.apis]
}

module "state" {
  source = "../../modules/storage"

  project  = var.project
  name     = local.state_bucket
  location = local.region
  writers  = { server = module.identity.server_member }
  # Litestream keeps its own history, and deletes what it no longer needs.
  versioning    = false
  force_destroy = !var.deletion_protection
  labels        = local.labels

  depends_on = [module.apis]
}

module "warehouse" {
  source = "../../modules/warehouse"

  project         = var.project
  location        = var.location
  bucket_location = module.lake.location
  datasets        = { (var.dataset) = {} }
  editors         = { server = module.identity.server_member }
  force_destroy   = !var.deletion_protection
  labels          = local.labels

  depends_on = [module.apis]
}

module "secrets" {
  source = "../../modules/secrets"

  project             = var.project
  prefix              = var.name
  deletion_protection = var.deletion_protection
  labels              = local.labels

  generated = {
    admin-password = { readers = { server = module.identity.server_member } }
    webhook-secret = { readers = { server = module.identity.server_member } }
    # Exactly 32 bytes: the key of AES-256.
    master-key = { length = 32, readers = { server = module.identity.server_member } }
  }
  empty = local.credential

  depends_on = [module.apis]
}

module "settings" {
  source = "../../modules/settings"

  project       = var.project
  location      = var.location
  bucket        = module.lake.name
  state_bucket  = module.state.name
  dataset       = var.dataset
  namespaces    = var.namespaces
  kv            = var.kv
  git           = var.git
  base_url      = local.url
  behind_google = local.public
  runner        = var.docker_runner ? "docker" : "process"
  timezone      = var.timezone
  extra         = var.settings

  iap_audience = local.iap ? "/projects/${data.google_project.this.number}/global/backendServices/${module.https[0].iap_service}" : null
  iap_roles    = var.iap_roles
}

module "server" {
  source = "../../modules/server/vm"

  project              = var.project
  name                 = var.name
  zone                 = var.zone
  network              = module.network.network
  subnetwork           = module.network.subnetwork
  server_email         = module.identity.server_email
  image                = var.image
  environment          = module.settings.environment
  secrets              = module.secrets.ids
  replica_bucket       = module.state.name
  machine_type         = var.machine_type
  disk_gb              = var.disk_gb
  public_ip            = var.public_ip
  behind_load_balancer = local.public
  docker_runner        = var.docker_runner
  operators            = var.operators
  labels               = local.labels

  # Secrets have values and the disk's owner its roles before the machine boots.
  depends_on = [module.secrets, module.identity, module.state]
}

module "https" {
  source = "../../modules/https"
  count  = local.public ? 1 : 0

  project        = var.project
  name           = var.name
  domains        = [var.domain]
  instance_group = { id = module.server.instance_group }
  iap_members    = var.iap_members

  depends_on = [module.apis]
}

module "monitoring" {
  source = "../../modules/monitoring"

  project        = var.project
  project_number = data.google_project.this.number
  name           = var.name
  emails         = var.alert_emails
  host           = var.domain
  instance       = module.server.instance
  log_filter     = module.server.log_filter
  budget         = var.budget

  depends_on = [module.apis]
}
