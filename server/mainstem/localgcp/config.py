"""What one start of local Google Cloud is told; frozen from the command line."""

from dataclasses import dataclass
from pathlib import Path

from mainstem.localgcp.auth.tokens import Policy

DEFAULT_STATE = Path(".state/local-gcp")
DEFAULT_PROJECT = "local-project"
DEFAULT_LOCATION = "US"


@dataclass(frozen=True, slots=True)
class LocalGcpConfig:
    """`parent_pid` names a process without which this one has no reason to run."""

    state: Path
    project: str = DEFAULT_PROJECT
    location: str = DEFAULT_LOCATION
    port_base: int | None = None
    policy: Policy = Policy.OPEN
    parent_pid: int | None = None
    as_json: bool = False
