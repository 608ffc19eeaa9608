# Cloud Run and Cloud SQL: nothing to patch, room to grow.

provider "google" {
  project = var.project
  region  = var.region

  default_labels = local.labels
}

data "google_project" "this" {
  project_id = var.project
}

locals {
  labels = merge({ app = var.name, managed-by = "terraform" }, var.labels)

  public = var.domain != null
  run    = "https://${var.name}-${data.google_project.this.number}.${var.region}.run.app"
  url    = local.public ? "https://${var.domain}" : var.allow_unauthenticated ? local.run : "http://localhost:8080"
  iap    = local.public && var.iap_members != null

  # The server's files lie beside it; what flows load lies with BigQuery.
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
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "servicenetworking.googleapis.com",
    "sqladmin.googleapis.com",
    "storage.googleapis.com",
    "sts.googleapis.com",
  ], var.budget == null ? [] : ["billingbudgets.googleapis.com"])
}

module "identity" {
  source = "../../modules/identity"

  project     = var.project
  name        = var.name
  cloud_sql   = true
  extra_roles = var.extra_roles
  github      = var.github

  depends_on = [module.apis]
}

module "network" {
  source = "../../modules/network"

  project          = var.project
  name             = var.name
  region           = var.region
  private_services = true
  # Requests to the internet leave Cloud Run directly; only private addresses go through the network.
  nat = false

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

  project       = var.project
  name          = local.state_bucket
  location      = var.region
  writers       = { server = module.identity.server_member }
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
  other_hosts   = local.public ? [] : [trimprefix(local.run, "https://")]
  behind_google = true
  database_url  = module.database.url
  timezone      = var.timezone
  extra         = var.settings

  iap_audience = local.iap ? "/projects/${data.google_project.this.number}/global/backendServices/${module.https[0].iap_service}" : null
  iap_roles    = var.iap_roles
}

module "database" {
  source = "../../modules/database"

  project = var.project
  # A deleted instance's name is taken for a week.
  name                = "${var.name}-${substr(sha256("${var.project}/${var.database_generation}"), 0, 6)}"
  region              = var.region
  network             = module.network.private_services
  server_email        = module.identity.server_email
  tier                = var.database_tier
  high_availability   = var.high_availability
  deletion_protection = var.deletion_protection
  labels              = local.labels
}

module "server" {
  source = "../../modules/server/cloud_run"

  project             = var.project
  name                = var.name
  region              = var.region
  network             = module.network.network
  subnetwork          = module.network.subnetwork
  server_email        = module.identity.server_email
  image               = var.image
  environment         = module.settings.environment
  database_connection = module.database.connection_name
  cpu                 = var.cpu
  memory              = var.memory
  workers             = var.workers
  secrets             = { for name, id in module.secrets.ids : name => { id = id } }

  behind_load_balancer  = local.public
  allow_unauthenticated = var.allow_unauthenticated
  invokers              = var.operators
  deletion_protection   = var.deletion_protection
  labels                = local.labels

  depends_on = [module.secrets, module.identity, module.state]
}

module "https" {
  source = "../../modules/https"
  count  = local.public ? 1 : 0

  project     = var.project
  name        = var.name
  domains     = [var.domain]
  cloud_run   = { service = var.name, region = var.region }
  iap_members = var.iap_members

  depends_on = [module.apis]
}

module "monitoring" {
  source = "../../modules/monitoring"

  project        = var.project
  project_number = data.google_project.this.number
  name           = var.name
  emails         = var.alert_emails
  host           = local.public ? var.domain : var.allow_unauthenticated ? trimprefix(local.run, "https://") : null
  database       = module.database.instance
  log_filter     = module.server.log_filter
  budget         = var.budget

  depends_on = [module.apis]
}
