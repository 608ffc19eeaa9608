"""Things that somebody else keeps to himself, as a Git source keeps what it brought."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

# Kind (flow, kv, file or namespace), namespace, and name.
Kept = tuple[str, str, str]
# Asked inside the transaction of a change by a user: raises Conflict to refuse it.
Keeper = Callable[[Connection, Sequence[Kept]], None]


def nobody(_tx: Connection, _things: Sequence[Kept]) -> None:
    """Everything may be changed."""
