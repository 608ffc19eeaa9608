"""How each state looks: a silhouette, a word and a colour, never colour alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mainstem.model.state import State


@dataclass(frozen=True, slots=True)
class Look:
    """An icon of the sprite, the word beside it, and the family of colour tokens."""

    icon: str
    word: str
    family: str
    solid: bool = False


LOOKS: Final[Mapping[State, Look]] = {
    State.CREATED: Look("circle", "Created", "neutral"),
    State.QUEUED: Look("clock", "Queued", "neutral"),
    State.RUNNING: Look("play", "Running", "running", solid=True),
    State.PAUSED: Look("pause", "Paused", "paused", solid=True),
    State.RESTARTED: Look("rotate-cw", "Restarted", "restart"),
    State.RETRYING: Look("rotate-cw", "Retrying", "warning"),
    State.RETRIED: Look("history", "Retried", "neutral"),
    State.SUCCESS: Look("check", "Success", "success"),
    State.WARNING: Look("triangle-alert", "Warning", "warning"),
    State.FAILED: Look("x", "Failed", "failed"),
    State.KILLING: Look("square", "Killing", "killed"),
    State.KILLED: Look("square", "Killed", "killed", solid=True),
    State.CANCELLED: Look("ban", "Cancelled", "neutral"),
    State.SKIPPED: Look("chevrons-right", "Skipped", "neutral"),
}

#: The order in which counts and stacked bars list states: what went well at the bottom.
STACK: Final[tuple[State, ...]] = (
    State.SUCCESS,
    State.WARNING,
    State.FAILED,
    State.KILLED,
    State.KILLING,
    State.CANCELLED,
    State.SKIPPED,
    State.RETRIED,
    State.RUNNING,
    State.RETRYING,
    State.RESTARTED,
    State.PAUSED,
    State.QUEUED,
    State.CREATED,
)


def look(state: State | str) -> Look:
    """The look of a state, also by its name."""
    return LOOKS[State(state)]
