"""Names of flows."""

import re
from dataclasses import dataclass
from typing import Final

FLOW_ID: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]*")
NAMESPACE: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")
TASK_ID: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]*")


@dataclass(frozen=True, slots=True, order=True)
class FlowId:
    """A flow's namespace and id; prints as `namespace.id`."""

    namespace: str
    id: str

    def __str__(self) -> str:
        return f"{self.namespace}.{self.id}"


def ancestors(namespace: str) -> list[str]:
    """The namespace and those it lies in, nearest first: `a.b` gives `["a.b", "a"]`."""
    parts = namespace.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
