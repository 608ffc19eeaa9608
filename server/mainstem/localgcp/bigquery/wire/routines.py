"""SQL functions as the REST API writes them, and the statement that makes one."""

from typing import Literal

from mainstem.localgcp.bigquery.errors import invalid
from mainstem.localgcp.bigquery.model import TableRef
from mainstem.localgcp.bigquery.sql.host import Routine
from mainstem.localgcp.bigquery.sql.parse_query import QueryParser
from mainstem.localgcp.bigquery.sql.type_names import resolve_type
from mainstem.localgcp.bigquery.sql.types import Type
from mainstem.localgcp.bigquery.wire.base import OutputOnly, Refused, Wire


class RoutineReference(Wire):
    routine_id: str
    dataset_id: str
    project_id: str | None = None


class DataType(Wire):
    type_kind: str
    array_element_type: "DataType | None" = None
    struct_type: "StructType | None" = None
    range_element_type: Refused = None

    def sql(self) -> str:
        """The type as GoogleSQL writes it."""
        if self.type_kind == "ARRAY":
            if self.array_element_type is None:
                raise invalid("An ARRAY needs its arrayElementType")
            return f"ARRAY<{self.array_element_type.sql()}>"
        if self.type_kind == "STRUCT":
            fields = () if self.struct_type is None else self.struct_type.fields
            return f"STRUCT<{', '.join(field.sql() for field in fields)}>"
        return self.type_kind


class StructField(Wire):
    name: str | None = None
    type: DataType

    def sql(self) -> str:
        return f"{self.name or ''} {self.type.sql()}".strip()


class StructType(Wire):
    fields: tuple[StructField, ...] = ()


class Argument(Wire):
    name: str
    data_type: DataType | None = None
    argument_kind: str | None = None
    mode: Refused = None
    is_aggregate: Refused = None

    def sql(self) -> str:
        kind = "ANY TYPE" if self.data_type is None else self.data_type.sql()
        return f"`{self.name}` {kind}"


class RoutineBody(Wire):
    routine_reference: RoutineReference
    routine_type: Literal["SCALAR_FUNCTION"]
    language: Literal["SQL"] = "SQL"
    arguments: tuple[Argument, ...] = ()
    return_type: DataType | None = None
    definition_body: str
    description: Refused = None
    return_table_type: Refused = None
    imported_libraries: Refused = None
    remote_function_options: Refused = None
    spark_options: Refused = None
    external_runtime_options: Refused = None
    python_options: Refused = None
    strict_mode: Refused = None
    data_governance_type: Refused = None
    security_mode: Refused = None
    determinism_level: OutputOnly = None
    etag: OutputOnly = None
    creation_time: OutputOnly = None
    last_modified_time: OutputOnly = None

    def statement(self, ref: TableRef, *, replaces: bool) -> str:
        """CREATE FUNCTION, which checks the body on its way."""
        verb = "CREATE OR REPLACE" if replaces else "CREATE"
        arguments = ", ".join(argument.sql() for argument in self.arguments)
        returns = "" if self.return_type is None else f" RETURNS {self.return_type.sql()}"
        name = f"`{ref.project}.{ref.dataset}.{ref.table}`"
        return f"{verb} FUNCTION {name}({arguments}){returns} AS (\n{self.definition_body}\n)"


def routine_json(routine: Routine) -> dict[str, object]:
    ref = routine.ref
    body: dict[str, object] = {
        "routineReference": {
            "projectId": ref.project,
            "datasetId": ref.dataset,
            "routineId": ref.table,
        },
        "routineType": (
            "TABLE_VALUED_FUNCTION" if routine.is_table_function else "SCALAR_FUNCTION"
        ),
        "language": "SQL",
        "arguments": [_argument_json(name, kind) for name, kind in routine.arguments],
        "definitionBody": routine.body,
    }
    if routine.returns is not None:
        body["returnType"] = _type_json(_type(routine.returns))
    if routine.description is not None:
        body["description"] = routine.description
    return body


def _argument_json(name: str, kind: str) -> dict[str, object]:
    if kind.upper() == "ANY TYPE":
        return {"name": name, "argumentKind": "ANY_TYPE"}
    return {"name": name, "argumentKind": "FIXED_TYPE", "dataType": _type_json(_type(kind))}


def _type(text: str) -> Type:
    return resolve_type(QueryParser(text).type_name())


def _type_json(kind: Type) -> dict[str, object]:
    if kind.element is not None:
        return {"typeKind": "ARRAY", "arrayElementType": _type_json(kind.element)}
    if kind.is_struct:
        fields = [{"name": name, "type": _type_json(member)} for name, member in kind.fields]
        return {"typeKind": "STRUCT", "structType": {"fields": fields}}
    return {"typeKind": kind.kind}
