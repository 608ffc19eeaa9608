"""Bodies of answers as the description of the API shows them.

They describe, and the tests hold the answers against them; nothing is validated on the way out.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mainstem.model.state import State


class Model(BaseModel):
    """Answers may hold more than is described."""

    # Schemas are made when somebody reads the description of the API.
    model_config = ConfigDict(extra="allow", defer_build=True)


class ErrorItem(Model):
    message: str


class ErrorList(Model):
    errors: list[ErrorItem]


class ErrorBody(Model):
    """The one shape of all errors."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "message": "Not Found: there is no flow demo.hello",
                "_embedded": {"errors": [{"message": "Not Found: there is no flow demo.hello"}]},
            }
        },
    )

    message: str
    embedded: ErrorList = Field(alias="_embedded")


class LabelModel(Model):
    key: str
    value: str


class Moment(Model):
    state: State
    date: datetime


class StateModel(Model):
    current: State
    histories: list[Moment]
    duration: str
    startDate: datetime
    endDate: datetime | None = None


class Attempt(Model):
    state: StateModel
    logFile: str | None = None


class TaskRunModel(Model):
    id: str
    executionId: str
    namespace: str
    flowId: str
    taskId: str
    parentTaskRunId: str | None = None
    value: str | None = None
    iteration: int | None = None
    attempts: list[Attempt] | None = None
    outputs: dict[str, Any] | None = None
    state: StateModel


class ExecutionMetadata(Model):
    attemptNumber: int
    originalCreatedDate: datetime


class ExecutionTriggerModel(Model):
    id: str
    type: str
    variables: dict[str, Any] | None = None


class ExecutionModel(Model):
    id: str
    namespace: str
    flowId: str
    flowRevision: int
    state: StateModel
    originalId: str
    deleted: bool
    metadata: ExecutionMetadata
    taskRunList: list[TaskRunModel] | None = None
    inputs: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    labels: list[LabelModel] | None = None
    variables: dict[str, Any] | None = None
    trigger: ExecutionTriggerModel | None = None
    parentId: str | None = None
    scheduleDate: datetime | None = None
    url: str | None = None


class ExecutionPage(Model):
    results: list[ExecutionModel]
    total: int


class LastExecution(Model):
    id: str
    flowId: str
    namespace: str
    startDate: datetime
    status: State


class FlowModel(Model):
    """A flow as written, with what the server knows of the revision."""

    id: str
    namespace: str
    revision: int
    disabled: bool
    deleted: bool
    draft: bool
    updated: datetime
    tasks: list[dict[str, Any]]
    labels: list[LabelModel] | None = None
    source: str | None = None


class FlowPage(Model):
    results: list[FlowModel]
    total: int


class SourceMatch(Model):
    line: int
    column: int
    snippet: str


class SourceResult(Model):
    namespace: str
    id: str
    editable: bool
    matches: list[SourceMatch]
    fragments: list[str]
    model: FlowModel


class SourcePage(Model):
    results: list[SourceResult]
    total: int


class ProblemModel(Model):
    line: int
    column: int
    code: str
    message: str


class Validation(Model):
    """What is wrong with one document; `constraints` is null when nothing is."""

    index: int
    flow: str | None = None
    namespace: str | None = None
    constraints: str | None = None
    warnings: list[str]
    infos: list[str]
    deprecationPaths: list[str]
    outdated: bool
    problems: list[ProblemModel]


class Refused(Model):
    id: str
    message: str


class Bulk(Model):
    """How many were acted on, and which refused."""

    count: int
    refused: list[Refused] | None = None


class Unfit(Model):
    """An execution that an act does not fit, and why."""

    message: str
    propertyPath: str
    invalidValue: str


class BulkRefused(ErrorBody):
    """Why nothing was done."""

    invalids: list[Unfit]


class GraphModel(Model):
    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]]
    clusters: list[dict[str, Any]]
    flowables: list[str]


class DependencyNode(Model):
    uid: str
    namespace: str
    id: str
    missing: bool


class DependencyEdge(Model):
    source: str
    target: str
    relation: str
    by: str


class Dependencies(Model):
    nodes: list[DependencyNode]
    edges: list[DependencyEdge]


class InputCheck(Model):
    input: dict[str, Any]
    value: Any = None
    enabled: bool
    isDefault: bool
    errors: list[ErrorItem] | None = None


class FlowCheck(Model):
    """A check of the flow that does not hold."""

    message: str
    style: str
    behavior: str


class InputChecks(Model):
    inputs: list[InputCheck]
    checks: list[FlowCheck] | None = None


class Evaluated(Model):
    """What an expression gives; secrets are starred."""

    result: str | None = None
    error: str | None = None
    stackTrace: str | None = None


class FileMetas(Model):
    size: int


class Preview(Model):
    extension: str
    type: str
    content: Any
    maxLine: int
    truncated: bool


class LogModel(Model):
    timestamp: datetime
    level: str
    message: str
    index: int
    namespace: str | None = None
    flowId: str | None = None
    executionId: str | None = None
    taskId: str | None = None
    taskRunId: str | None = None
    attemptNumber: int | None = None
    triggerId: str | None = None


class LogPage(Model):
    results: list[LogModel]
    total: int
    type: str


class MetricModel(Model):
    taskId: str
    taskRunId: str
    name: str
    type: str
    value: float
    tags: dict[str, str] | None = None
    timestamp: datetime


class MetricPage(Model):
    results: list[MetricModel]
    total: int


class Aggregation(Model):
    name: str
    value: float | None
    date: datetime


class Aggregations(Model):
    groupBy: str
    aggregations: list[Aggregation]


class TriggerModel(Model):
    namespace: str
    flowId: str
    triggerId: str
    type: str
    disabled: bool
    nextExecutionDate: datetime | None = None
    executionId: str | None = None


class TriggerPage(Model):
    results: list[TriggerModel]
    total: int


class OutputInformation(Model):
    taskId: str
    taskRunId: str
    value: str | None = None
    iteration: int | None = None
    inline: bool


class AnyPage(Model):
    results: list[dict[str, Any]]
    total: int


class OperationModel(Model):
    """A change of many executions that goes on behind the scenes."""

    id: str
    action: str
    state: str
    total: int
    done: int
    failed: int
    createdAt: datetime
    endedAt: datetime | None = None
    refused: list[Refused]
