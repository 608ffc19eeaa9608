"""Errors, classed by what the caller does next.

Every message says what went wrong, where, and how to go on; none ever carries a secret.
"""


class MainstemError(Exception):
    """Anything this project raises on purpose."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(MainstemError):
    """The input must be corrected before another try (HTTP 422)."""


class TooLarge(InvalidInput):
    """More bytes or items than the server takes at once (HTTP 413)."""


class NotFound(MainstemError):
    """Nothing has the given name or id (HTTP 404)."""


class Conflict(MainstemError):
    """The state changed or forbids the action; reload and look again (HTTP 409)."""


class Gone(NotFound):
    """It existed but its time is over (HTTP 410)."""


class Denied(MainstemError):
    """The caller lacks a permission (HTTP 403)."""


class Transient(MainstemError):
    """The same call may succeed later; retrying is right (HTTP 503)."""


class LeaseLost(MainstemError):
    """Another process has taken over what this one was doing; stop doing it (HTTP 503)."""


class Stalled(MainstemError):
    """Retrying will not help until a human changes something outside (HTTP 502)."""


class Bug(MainstemError):
    """An invariant of this program does not hold (HTTP 500)."""
