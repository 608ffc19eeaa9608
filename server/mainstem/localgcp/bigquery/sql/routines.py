"""Functions kept in the catalog: read, parsed and ready to be put in place of a call."""

from mainstem.localgcp.bigquery.model import TableRef
from mainstem.localgcp.bigquery.sql.context import Context, Function
from mainstem.localgcp.bigquery.sql.host import Routine
from mainstem.localgcp.bigquery.sql.parse_query import QueryParser, parse_expression, parse_query
from mainstem.localgcp.bigquery.sql.tree import Path, TypeName


def catalog_function(path: Path, context: Context) -> Function | None:
    """The stored function of a path such as `dataset.name`, or None."""
    names = [part for name in path.names for part in name.text.split(".")]
    if context.around.host is None:
        return None
    host = context.host
    if len(names) == 1 and host.default_dataset is not None:
        ref = TableRef(host.default_dataset.project, host.default_dataset.dataset, names[0])
    elif len(names) == 2:
        ref = TableRef(host.project, names[0], names[1])
    elif len(names) == 3:
        ref = TableRef(names[0], names[1], names[2])
    else:
        return None
    routine = host.routine(ref)
    return None if routine is None else _function(routine)


def _function(routine: Routine) -> Function:
    body = (
        parse_query(routine.body) if routine.is_table_function else parse_expression(routine.body)
    )
    arguments = tuple((name, _written(kind)) for name, kind in routine.arguments)
    returns = None if routine.returns is None else _written(routine.returns)
    return Function(routine.ref.table, arguments, body, returns, routine.body)


def _written(kind: str) -> TypeName | None:
    return None if kind.upper() == "ANY TYPE" else QueryParser(kind).type_name()
