# The server's settings as its environment, in one place for both forms of server. It makes nothing.

locals {
  # An empty GCP_CREDS lets flows that name it run on the server's own identity, without a key.
  seeded = {
    for namespace in var.namespaces : namespace => merge(
      {
        GCP_PROJECT_ID  = var.project
        GCP_LOCATION    = var.location
        GCP_BUCKET_NAME = var.bucket
        GCP_DATASET     = var.dataset
        GCP_CREDS       = ""
      },
      lookup(var.kv, namespace, {}),
    )
  }

  others = { for namespace, values in var.kv : namespace => values if !contains(var.namespaces, namespace) }

  source = merge(
    {
      name           = var.git.name
      branch         = var.git.branch
      directory      = var.git.directory
      webhook_secret = "@${var.secrets_folder}/webhook-secret/value"
    },
    var.git.url == null ? { push = true } : { url = var.git.url, interval_seconds = var.git.interval_seconds },
    var.git.credential == "token" ? { token = "@${var.secrets_folder}/git-credential/value", username = var.git.username } : {},
    var.git.credential == "ssh_key" ? {
      ssh_key     = "@${var.secrets_folder}/git-credential/value"
      known_hosts = join("\n", var.git.known_hosts)
    } : {},
  )

  # Google's front ends; on Cloud Run requests come from the machine's own link.
  proxies = ["35.191.0.0/16", "130.211.0.0/22", "169.254.0.0/16"]

  environment = merge(
    {
      MAINSTEM_LOG_FORMAT        = "json"
      MAINSTEM_SERVER__HOST      = "0.0.0.0"
      MAINSTEM_SERVER__PORT      = tostring(var.port)
      MAINSTEM_SERVER__BASE_URL  = var.base_url
      MAINSTEM_RUNNERS__DEFAULT  = var.runner
      MAINSTEM_SEED__KV          = jsonencode(merge(local.seeded, local.others))
      MAINSTEM_GIT__SOURCES      = jsonencode([local.source])
      MAINSTEM_STORAGE__TYPE     = "gcs"
      MAINSTEM_STORAGE__BUCKET   = var.state_bucket
      MAINSTEM_STORAGE__PREFIX   = "storage"
      MAINSTEM_TIMEZONE          = var.timezone
      MAINSTEM_SECRETS__KEY_FILE = "${var.secrets_folder}/master-key/value"

      MAINSTEM_SERVER__ALLOWED_HOSTS          = jsonencode(var.other_hosts)
      MAINSTEM_SERVER__TRUSTED_PROXIES        = jsonencode(var.behind_google ? local.proxies : [])
      MAINSTEM_AUTH__MODE                     = "users"
      MAINSTEM_AUTH__BOOTSTRAP__USERNAME      = var.admin
      MAINSTEM_AUTH__BOOTSTRAP__PASSWORD_FILE = "${var.secrets_folder}/admin-password/value"
    },
    var.iap_audience == null ? {} : {
      MAINSTEM_AUTH__IAP__AUDIENCE = var.iap_audience
      MAINSTEM_AUTH__IAP__ROLES    = jsonencode(var.iap_roles)
    },
    var.database_url == null ? {} : { MAINSTEM_DATABASE__URL = var.database_url },
    var.extra,
  )
}
