"""Type names of services that move or transform data."""

from typing import Final

_KESTRA: Final = "io.kestra.plugin"
_HERE: Final = "mainstem.plugins.pipelines"

TYPES: Final = {
    f"{_KESTRA}.airbyte.connections.Sync": f"{_HERE}.airbyte:Sync",
    f"{_KESTRA}.airbyte.connections.CheckStatus": f"{_HERE}.airbyte:CheckStatus",
    f"{_KESTRA}.airbyte.cloud.jobs.Sync": f"{_HERE}.airbyte_cloud:Sync",
    f"{_KESTRA}.airbyte.cloud.jobs.Reset": f"{_HERE}.airbyte_cloud:Reset",
    f"{_KESTRA}.dbt.cloud.TriggerRun": f"{_HERE}.dbt_cloud:TriggerRun",
    f"{_KESTRA}.dbt.cloud.CheckStatus": f"{_HERE}.dbt_cloud:CheckStatus",
    f"{_KESTRA}.fivetran.connectors.Sync": f"{_HERE}.fivetran:Sync",
    f"{_KESTRA}.hightouch.Sync": f"{_HERE}.hightouch:Sync",
}

ALIASES: Final[dict[str, str]] = {}
