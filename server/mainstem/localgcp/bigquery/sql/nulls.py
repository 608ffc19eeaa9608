"""Results hold no NULL inside an array: BigQuery computes with such arrays and stores none."""

from mainstem.localgcp.bigquery.sql.binding import once_value
from mainstem.localgcp.bigquery.sql.host import Answer
from mainstem.localgcp.bigquery.sql.types import Field, Type, literal, member_name, quote


def without_null_elements(answer: Answer) -> Answer:
    """The same rows; an error where an array of them has a NULL element."""
    if not any(_holds_array(field.value_type()) for field in answer.fields):
        return answer
    columns = ", ".join(
        f"{refuse_null_elements(quote(field.name), field)} AS {quote(field.name)}"
        for field in answer.fields
    )
    return Answer(f"SELECT {columns} FROM ({answer.sql})", answer.fields)


def refuse_null_elements(sql: str, field: Field) -> str:
    """The value on its way into a field."""
    kind = field.value_type()
    if not _holds_array(kind):
        return sql
    words = f"Array cannot have a null element; error in writing field {field.name}"
    failure = f"CAST(bq_raise_text({literal(words)}) AS {kind.duckdb()})"
    return once_value(
        sql,
        lambda name: f"CASE WHEN {_has_null_element(name, kind)} THEN {failure} ELSE {name} END",
    )


def _holds_array(kind: Type) -> bool:
    return kind.is_array or any(_holds_array(member) for _, member in kind.fields)


def _has_null_element(sql: str, kind: Type, depth: int = 0) -> str:
    tests: list[str] = []
    if kind.is_array:
        tests.append(f"len({sql}) <> list_count({sql})")
        if _holds_array(kind.of()):
            name = f"_n{depth}"
            inner = _has_null_element(name, kind.of(), depth + 1)
            tests.append(f"len(list_filter({sql}, lambda {name}: {inner})) > 0")
    for index, (_, member) in enumerate(kind.fields):
        if _holds_array(member):
            part = f"struct_extract({sql}, {literal(member_name(kind, index))})"
            tests.append(_has_null_element(part, member, depth))
    return f"({' OR '.join(tests)})"
