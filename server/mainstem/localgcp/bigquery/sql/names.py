"""Which column, argument, variable or struct member a path means."""

from mainstem.localgcp.bigquery.sql.context import Context
from mainstem.localgcp.bigquery.sql.problems import SqlProblem, refused, suggestion
from mainstem.localgcp.bigquery.sql.tree import Name, Path
from mainstem.localgcp.bigquery.sql.types import JSON, literal
from mainstem.localgcp.bigquery.sql.values import Column, Range, Scope, Value, member_of


def resolve_path(path: Path, scope: Scope, context: Context) -> Value:
    """The value of `a`, `table.column`, `column.member.member`."""
    value, used = _first(path, scope, context)
    for name in path.names[used:]:
        value = member(value, name)
    return value


def member(value: Value, name: Name) -> Value:
    """`value.name` for a struct or a JSON value."""
    if value.type.is_struct:
        found = member_of(value, name.text)
        if found is None:
            known = [key for key, _ in value.type.fields]
            hint = suggestion(name.text, known)
            raise SqlProblem(
                f"Field name {name.text} does not exist in {value.type}{hint}", name.at
            )
        return found
    if value.type == JSON:
        key = name.text.replace("\\", "\\\\").replace('"', '\\"')
        path = literal(f'$."{key}"')
        return Value(f"json_extract({value.sql}, {path})", JSON)
    raise SqlProblem(f"Cannot access field {name.text} on a value with type {value.type}", name.at)


def _first(path: Path, scope: Scope, context: Context) -> tuple[Value, int]:
    """The value of the path's first names, and how many of them it took."""
    level: Scope | None = scope
    while level is not None:
        found = _in_scope(path, level)
        if found is not None:
            return found
        level = level.parent
    first = path.names[0]
    variable = context.around.variables.get(first.text.casefold())
    if variable is not None:
        context.is_stable = False
        return variable, 1
    hint = suggestion(first.text, scope.names() | set(context.around.variables))
    raise SqlProblem(f"Unrecognized name: {first.text}{hint}", first.at)


def _in_scope(path: Path, scope: Scope) -> tuple[Value, int] | None:
    first = path.names[0]
    argument = scope.arguments.get(first.text.casefold())
    if argument is not None:
        return argument, 1
    if not scope.is_in_aggregate:
        alias = scope.aliases.get(first.text.casefold())
        if alias is not None:
            return alias, 1
    found = scope.find_range(first.text)
    if found is not None:
        return _through_range(path, found, scope)
    columns = scope.find_columns(first.text)
    if len(columns) > 1:
        raise SqlProblem(f"Column name {first.text} is ambiguous", first.at)
    if columns:
        return _used(columns[0], path, scope), 1
    return None


def _through_range(path: Path, found: Range, scope: Scope) -> tuple[Value, int]:
    if len(path.names) == 1 or found.value is not None:
        row = found.row()
        if found.value is None:
            for column in found.columns:
                _note(column, path.names[0], scope)
        else:
            _note(Column(found.name, row), path.names[0], scope)
        return row, 1
    wanted = path.names[1]
    columns = [c for c in found.columns if c.name and c.name.casefold() == wanted.text.casefold()]
    if len(columns) > 1:
        raise SqlProblem(f"Column name {wanted.text} is ambiguous", wanted.at)
    if not columns:
        hint = suggestion(wanted.text, [column.name for column in found.columns if column.name])
        name = path.names[0].text
        raise SqlProblem(f"Name {wanted.text} not found inside {name}{hint}", wanted.at)
    return _used(columns[0], path, scope), 2


def _used(column: Column, path: Path, scope: Scope) -> Value:
    _note(column, path.names[0], scope, str(path))
    return column.value


def _note(column: Column, name: Name, scope: Scope, shown: str | None = None) -> None:
    """Remember that a stored column is read, and that it must be grouped or aggregated."""
    origin = column.value.origin
    if origin is not None:
        origin.scan.columns.add(origin.column)
    is_key = scope.group_keys is not None and column.value.sql in scope.group_keys
    if not scope.is_in_aggregate and not is_key:
        scope.loose.append((shown or name.text, name.at))


def system_variable(name: str, at: int, context: Context) -> Value:
    """The value of `@@name`."""
    value = context.around.system.get(name.casefold())
    context.is_stable = False
    if value is None:
        raise refused(f"system variable @@{name}", at)
    return value
