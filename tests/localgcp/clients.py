"""Real clients pointed at one local Google Cloud, with real service-account credentials."""

from google.cloud import bigquery, secretmanager, storage
from google.oauth2 import service_account

from mainstem.localgcp.launch import LocalGcp

PROJECT = "local-project"
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


class HomeCredentials(service_account.Credentials):
    """The library's own credentials without their background question to Google."""

    def _build_regional_access_boundary_lookup_url(self, request: object = None) -> None:
        return None


def credentials_of(key: dict[str, str]) -> service_account.Credentials:
    return HomeCredentials.from_service_account_info(key, scopes=SCOPES)


def storage_client(cloud: LocalGcp, key: dict[str, str]) -> storage.Client:
    return storage.Client(
        project=PROJECT,
        credentials=credentials_of(key),
        client_options={"api_endpoint": cloud.endpoints.storage},
    )


def secret_client(cloud: LocalGcp, key: dict[str, str]) -> secretmanager.SecretManagerServiceClient:
    return secretmanager.SecretManagerServiceClient(
        credentials=HomeCredentials.from_service_account_info(key),
        transport="rest",
        client_options={"api_endpoint": cloud.endpoints.secretmanager},
    )


def bigquery_client(cloud: LocalGcp, key: dict[str, str]) -> bigquery.Client:
    return bigquery.Client(
        project=PROJECT,
        credentials=credentials_of(key),
        client_options={"api_endpoint": cloud.endpoints.bigquery},
    )
