"""URIs of internal storage: `mainstem:///namespace/flow/executions/…`, `kestra:///` accepted."""

from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote, unquote

from mainstem.errors import InvalidInput
from mainstem.model.flow_id import FlowId

# The reference's scheme is what existing flows compare and print.
SCHEME: Final = "kestra"
ACCEPTED: Final = ("kestra", "mainstem")


def is_internal(text: str) -> bool:
    """Whether the text is a URI of internal storage."""
    scheme, mark, _ = text.partition("://")
    return bool(mark) and scheme in ACCEPTED


def make_uri(path: str) -> str:
    """The URI of a path such as `ns/flow/executions/id/file.csv`."""
    return f"{SCHEME}:///{quote(path.lstrip('/'))}"


def parse_uri(uri: str) -> str:
    """The path of a URI, normalised; raises InvalidInput for a foreign scheme or a traversal."""
    scheme, mark, rest = uri.partition("://")
    if not mark or scheme not in ACCEPTED:
        raise InvalidInput(f"`{uri}` is not a URI of internal storage ({SCHEME}:///…)")
    path = PurePosixPath(unquote(rest.partition("?")[0]).lstrip("/"))
    if not path.parts or ".." in path.parts or "\x00" in str(path):
        raise InvalidInput(f"`{uri}` does not name a file of internal storage")
    return str(path)


def execution_prefix(flow: FlowId, execution_id: str) -> str:
    return f"{flow.namespace.replace('.', '/')}/{flow.id}/executions/{execution_id}"


def task_run_prefix(flow: FlowId, execution_id: str, task_id: str, task_run_id: str) -> str:
    task = task_id.lower().replace("_", "-")
    return f"{execution_prefix(flow, execution_id)}/tasks/{task}/{task_run_id}"


def input_prefix(flow: FlowId, execution_id: str, input_id: str) -> str:
    return f"{execution_prefix(flow, execution_id)}/inputs/{input_id}"


def state_prefix(flow: FlowId) -> str:
    return f"{flow.namespace.replace('.', '/')}/{flow.id}/states"


def shared_state_prefix(namespace: str) -> str:
    """No flow id begins with `_`, so a flow's own state cannot lie here."""
    return f"{namespace.replace('.', '/')}/_states"
