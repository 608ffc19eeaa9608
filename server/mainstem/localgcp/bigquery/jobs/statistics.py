"""What a statement did, as the `query` part of a job's statistics says it."""

from typing import cast

from mainstem.localgcp.bigquery.model import Table, TableRef
from mainstem.localgcp.bigquery.sql.outcome import Outcome
from mainstem.localgcp.bigquery.sql.tables import billed
from mainstem.localgcp.bigquery.sql.types import schema_to_rest
from mainstem.localgcp.bigquery.wire.parts import drop_missing


def kept_of(outcome: Outcome) -> tuple[Table, int] | None:
    """The table with the statement's rows, and how many there are."""
    if outcome.result is None:
        return None
    return cast("tuple[Table, int]", outcome.result)


def query_statistics(outcome: Outcome, total_bytes: int) -> dict[str, object]:
    """Always in full: clients read absent fields as "not known"."""
    dml, target = outcome.dml, outcome.target_table
    body: dict[str, object] = {
        "statementType": outcome.statement_type,
        "totalBytesProcessed": total_bytes,
        "estimatedBytesProcessed": total_bytes,
        "totalBytesBilled": billed(total_bytes),
        "totalBytesProcessedAccuracy": "PRECISE",
        "billingTier": "1",
        "cacheHit": False,
        "queryPlan": [],
        "timeline": [],
        "referencedTables": [table_json(ref) for ref in outcome.referenced],
        "ddlOperationPerformed": outcome.ddl_operation,
        "schema": None if outcome.fields is None else schema_to_rest(outcome.fields),
    }
    if outcome.ddl_operation is not None:
        body["ddlTargetTable"] = None if target is None else table_json(target)
        body["ddlTargetDataset"] = _dataset_json(outcome)
        body["ddlTargetRoutine"] = _routine_json(outcome)
    if dml is not None:
        body["numDmlAffectedRows"] = dml.affected
        body["dmlStats"] = {
            "insertedRowCount": str(dml.inserted),
            "updatedRowCount": str(dml.updated),
            "deletedRowCount": str(dml.deleted),
        }
    return drop_missing(body)


def table_json(ref: TableRef) -> dict[str, str]:
    return {"projectId": ref.project, "datasetId": ref.dataset, "tableId": ref.table}


def _dataset_json(outcome: Outcome) -> dict[str, str] | None:
    ref = outcome.target_dataset
    return None if ref is None else {"projectId": ref.project, "datasetId": ref.dataset}


def _routine_json(outcome: Outcome) -> dict[str, str] | None:
    ref = outcome.target_routine
    if ref is None:
        return None
    return {"projectId": ref.project, "datasetId": ref.dataset, "routineId": ref.table}
