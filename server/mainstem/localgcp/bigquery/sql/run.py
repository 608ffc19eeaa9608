"""The way in: run a text, or describe a query."""

from mainstem.localgcp.bigquery.errors import BigQueryError
from mainstem.localgcp.bigquery.sql import statements as st
from mainstem.localgcp.bigquery.sql.context import Surroundings
from mainstem.localgcp.bigquery.sql.host import Host
from mainstem.localgcp.bigquery.sql.outcome import Request, Run
from mainstem.localgcp.bigquery.sql.parameters import read_parameters
from mainstem.localgcp.bigquery.sql.parse_script import parse_script
from mainstem.localgcp.bigquery.sql.problems import SqlProblem
from mainstem.localgcp.bigquery.sql.script import Interpreter, is_script
from mainstem.localgcp.bigquery.sql.session import Session, answer_of
from mainstem.localgcp.bigquery.sql.types import INT64, STRING, Field, literal
from mainstem.localgcp.bigquery.sql.values import Value


def run(text: str, host: Host, request: Request | None = None) -> Run:
    """Run a query text; errors come back in the Run, whose outcomes happened before them."""
    request = request or Request()
    try:
        session = _session(text, host, request)
        with session.positions():
            script = parse_script(text)
        _check_parameters(session, script)
    except BigQueryError as refusal:
        return Run((), is_script=False, error=refusal)
    several = is_script(script.statements)
    if several and request.is_dry_run:
        return _dry_script(session, script)
    interpreter = Interpreter(session)
    failure = None
    try:
        interpreter.run(script.statements)
    except BigQueryError as error:
        failure = error
    finally:
        _clean(session)
    outcomes = interpreter.outcomes if several else interpreter.outcomes[-1:]
    return Run(tuple(outcomes), several, failure)


def _session(text: str, host: Host, request: Request) -> Session:
    named, positional = read_parameters(request.parameters)
    around = Surroundings(host, named, positional)
    texts = {
        "project_id": host.project,
        "script.job_id": request.job_id,
        "time_zone": "UTC",
        "location": host.location,
    }
    for name, value in texts.items():
        around.system[name] = Value(literal(value), STRING)
    default = host.default_dataset
    if default is not None:
        around.system["dataset_id"] = Value(literal(default.dataset), STRING)
    around.system["row_count"] = Value("CAST(0 AS BIGINT)", INT64)
    return Session(host, around, request, text)


def _check_parameters(session: Session, script: st.Script) -> None:
    given = len(session.around.positional)
    if script.parameters != given and not session.around.named and script.parameters:
        raise SqlProblem(
            f"Query has {script.parameters} positional parameters but {given} values were given",
            None,
        ).resolve(session.text)


def _dry_script(session: Session, script: st.Script) -> Run:
    """A script's dry run ends at its first statement: the rest may depend on it."""
    first = script.statements[0]
    interpreter = Interpreter(session)
    if not isinstance(first.node, st.QueryStatement):
        return Run((), is_script=True)
    try:
        interpreter.step(first)
    except BigQueryError as error:
        return Run(tuple(interpreter.outcomes), is_script=True, error=error)
    return Run(tuple(interpreter.outcomes), is_script=True)


def _clean(session: Session) -> None:
    """Drop the script's temporary tables; the cursor may serve another job."""
    for temporary in session.around.temporary.values():
        session.host.cursor.execute(f"DROP TABLE IF EXISTS {temporary.relation}")


def describe(text: str, host: Host) -> tuple[Field, ...]:
    """The schema of a query, as a view needs it; nothing is run."""
    session = _session(text, host, Request(is_dry_run=True))
    with session.positions():
        script = parse_script(text)
        if len(script.statements) != 1:
            raise SqlProblem("A view's query must be a single statement", None)
        node = script.statements[0].node
        if not isinstance(node, st.QueryStatement):
            raise SqlProblem("A view must be defined by a query", script.statements[0].start)
        with host.reading():
            return answer_of(session.analyzer().query(node.query, None)).fields
