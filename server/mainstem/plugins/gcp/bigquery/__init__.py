"""Google BigQuery."""
