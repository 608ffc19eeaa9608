"""dbt projects: run dbt once, show every model and test while it runs.

The mapping of names is decided in one place, `profile.py`: a Google project is dbt's `project`
(also called database), a BigQuery dataset is dbt's `dataset` (also called schema).
"""
