"""What a table's definition leaves open: the columns of a view, the schema inside files."""

from dataclasses import replace

from mainstem.localgcp.bigquery.engine import Engine
from mainstem.localgcp.bigquery.errors import invalid
from mainstem.localgcp.bigquery.host import JobHost
from mainstem.localgcp.bigquery.jobs.query import describe_query
from mainstem.localgcp.bigquery.model import Kind, Table

TEXT_FORMATS = ("CSV", "NEWLINE_DELIMITED_JSON")


def with_schema(engine: Engine, table: Table) -> Table:
    """The table with the schema that its query or its files suggest, if none was given."""
    if table.view_sql is not None:
        return _described_view(engine, table)
    if table.kind is not Kind.EXTERNAL or table.schema:
        return table
    assert table.external is not None
    if table.external.format in TEXT_FORMATS and not table.external.autodetect:
        raise invalid(
            f"Schema of external table {table.ref} is missing: give one or set autodetect"
        )
    with engine.warehouse.reading() as cursor:
        host = JobHost(engine, cursor, table.ref.project)
        found = host.detect(table.external)
    return replace(table, schema=found.schema, external=found.config)


def _described_view(engine: Engine, table: Table) -> Table:
    assert table.view_sql is not None
    with engine.warehouse.reading() as cursor:
        host = JobHost(engine, cursor, table.ref.project, location=table.location)
        found = describe_query(host, table.view_sql)
    texts = {field.name.casefold(): field.description for field in table.schema}
    schema = tuple(replace(field, description=texts.get(field.name.casefold())) for field in found)
    return replace(table, schema=schema)
