"""Flow sources that the seeded pages show."""

HELLO = """\
id: hello
namespace: demo
description: |
  Says **hello** to a name. See [the docs](https://example.com/docs).
labels:
  team: data
inputs:
  - {id: name, type: STRING, defaults: world, description: Whom to greet}
  - {id: taxi, type: SELECT, values: [yellow, green], defaults: yellow}
  - {id: year, type: INT, defaults: 2019, min: 2009, max: 2030}
  - {id: loud, type: BOOLEAN, defaults: false}
  - {id: note, type: STRING, required: false}
  - {id: password, type: SECRET, required: false}
variables:
  greeting: "Hello {{ inputs.name }}"
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ render(vars.greeting) }}"
  - id: give
    type: io.kestra.plugin.core.debug.Return
    format: "{{ inputs.year }}"
"""

BROKEN = """\
id: broken
namespace: demo
tasks:
  - id: a
    type: no.such.Type
"""

TAXI = """\
id: taxi_month
namespace: zoomcamp
description: |
  Loads one month of **green** or **yellow** taxi trips into BigQuery and builds the models on it.

  The file of a month replaces its partition, so a month can be loaded again at any time.
labels:
  team: data
concurrency:
  limit: 4
inputs:
  - id: taxi
    type: SELECT
    displayName: Which taxi
    values: [yellow, green]
    defaults: green
    description: The colour of the cabs
  - {id: months, type: ARRAY, itemType: STRING, defaults: '["2019-01", "2019-02", "2019-03"]'}
variables:
  file: "{{ inputs.taxi }}_tripdata_{{ trigger.date | date('yyyy-MM') }}.csv"
  table: "{{ kv('GCP_PROJECT_ID') }}.{{ kv('GCP_DATASET') }}.{{ inputs.taxi }}_tripdata"
tasks:
  - id: set_label
    type: io.kestra.plugin.core.execution.Labels
    labels:
      file: "{{ render(vars.file) }}"
      taxi: "{{ inputs.taxi }}"

  - id: extract
    type: io.kestra.plugin.scripts.shell.Commands
    outputFiles: ["*.csv"]
    commands:
      - wget -qO- {{ render(vars.url) }} | gunzip > {{ render(vars.file) }}

  - id: upload_to_gcs
    type: io.kestra.plugin.gcp.gcs.Upload
    from: "{{ outputs.extract.outputFiles[render(vars.file)] }}"
    to: "gs://{{ kv('GCP_BUCKET_NAME') }}/{{ render(vars.file) }}"

  - id: if_green_taxi
    type: io.kestra.plugin.core.flow.If
    condition: "{{ inputs.taxi == 'green' }}"
    then:
      - id: bq_green_tripdata
        type: io.kestra.plugin.gcp.bigquery.Query
        sql: create table if not exists `{{ render(vars.table) }}` (trip_id bytes)
      - id: bq_green_merge
        type: io.kestra.plugin.gcp.bigquery.Query
        sql: merge into `{{ render(vars.table) }}` t using ext s on t.trip_id = s.trip_id
    else:
      - id: bq_yellow_tripdata
        type: io.kestra.plugin.gcp.bigquery.Query
        sql: select 1

  - id: each_month
    type: io.kestra.plugin.core.flow.ForEach
    values: "{{ inputs.months }}"
    tasks:
      - id: load
        type: io.kestra.plugin.gcp.bigquery.Load
        from: "gs://bucket/{{ taskrun.value }}.csv"

  - id: purge_files
    type: io.kestra.plugin.core.storage.PurgeCurrentExecutionFiles
errors:
  - id: tell
    type: io.kestra.plugin.core.log.Log
    message: "{{ execution.id }} failed"
triggers:
  - id: green_schedule
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "0 9 1 * *"
    timezone: America/New_York
    inputs:
      taxi: green
  - id: yellow_schedule
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "0 10 1 * *"
    timezone: America/New_York
    inputs:
      taxi: yellow
"""

DBT = """\
id: dbt_build
namespace: zoomcamp
description: Builds and tests the dbt models.
tasks:
  - id: sync
    type: io.kestra.plugin.git.SyncNamespaceFiles
    url: https://example.com/repo
  - id: dbt_build
    type: io.kestra.plugin.dbt.cli.DbtCLI
    commands: [dbt build]
triggers:
  - id: after_load
    type: io.kestra.plugin.core.trigger.Flow
    conditions: []
"""

HOURLY = """\
id: freshness
namespace: zoomcamp.checks
description: Counts the rows of yesterday and complains when there are too few.
tasks:
  - id: count
    type: io.kestra.plugin.jdbc.postgresql.Query
    sql: select count(*) from trips where day = current_date - 1
triggers:
  - id: hourly
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "15 * * * 1-5"
  - id: hook
    type: io.kestra.plugin.core.trigger.Webhook
    key: not-a-real-key
"""
