"""The part of the settings that plug-ins may read."""

from collections.abc import Mapping

from mainstem.sdk.context import GcpEndpoints, PluginSettings
from mainstem.settings import Settings


def plugin_settings(settings: Settings, environment: Mapping[str, str]) -> PluginSettings:
    """`environment` without the server's own secrets and settings."""
    endpoints = settings.gcp.endpoints
    docker = settings.runners.docker
    named = settings.secrets.environment
    hidden = tuple(filter(None, ("SECRET_", "MAINSTEM_", named.prefix, named.plain_prefix)))
    return PluginSettings(
        gcp=GcpEndpoints(
            endpoints.storage, endpoints.bigquery, endpoints.secretmanager, endpoints.token
        ),
        default_runner=settings.runners.default,
        docker_fallback=docker.fallback,
        docker_host=docker.host,
        dbt_warm=settings.runners.dbt_warm,
        docker_network=docker.network,
        environments=settings.state_dir.resolve() / "environments",
        cache=settings.state_dir.resolve() / "cache",
        git_file_urls=settings.git.allow_file_urls,
        environment={k: v for k, v in environment.items() if not k.startswith(hidden)},
    )
