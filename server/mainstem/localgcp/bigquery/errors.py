"""What BigQuery says when it refuses: status, reason, location and message in one value."""

from dataclasses import dataclass
from typing import Final

STATUS_OF_REASON: Final = {
    "invalid": 400,
    "invalidQuery": 400,
    "invalidParameter": 400,
    "required": 400,
    "parseError": 400,
    "badRequest": 400,
    "resourceInUse": 400,
    "resourcesExceeded": 400,
    "billingNotEnabled": 400,
    "bytesBilledLimitExceeded": 400,
    "stopped": 400,
    "authError": 401,
    "accessDenied": 403,
    "quotaExceeded": 403,
    "responseTooLarge": 403,
    "notFound": 404,
    "duplicate": 409,
    "conditionNotMet": 412,
    "internalError": 500,
    "notImplemented": 501,
    "backendError": 503,
}

RPC_STATUS: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}


@dataclass(frozen=True, slots=True)
class ErrorProto:
    """One entry of a job's `errors` list."""

    reason: str
    message: str
    location: str | None = None

    def wire(self) -> dict[str, str]:
        entry = {"reason": self.reason, "message": self.message}
        return entry if self.location is None else {**entry, "location": self.location}


class BigQueryError(Exception):
    """A refusal in BigQuery's words; google.api_core raises the class its status stands for."""

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        location: str | None = None,
        stream: tuple[ErrorProto, ...] = (),
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.location = location
        self.stream = stream

    @property
    def status(self) -> int:
        return STATUS_OF_REASON[self.reason]

    @property
    def proto(self) -> ErrorProto:
        return ErrorProto(self.reason, self.message, self.location)

    def wire(self) -> dict[str, object]:
        """The body of the HTTP answer."""
        entry: dict[str, str] = {
            "message": self.message,
            "domain": "global",
            "reason": self.reason,
        }
        if self.location is not None:
            entry |= {"location": self.location, "locationType": "parameter"}
        return {
            "error": {
                "code": self.status,
                "message": self.message,
                "errors": [entry],
                "status": RPC_STATUS[self.status],
            }
        }


def invalid(message: str, location: str | None = None) -> BigQueryError:
    return BigQueryError("invalid", message, location=location)


def invalid_query(message: str, location: str | None = "query") -> BigQueryError:
    return BigQueryError("invalidQuery", message, location=location)


def not_found(message: str) -> BigQueryError:
    return BigQueryError("notFound", message)


def duplicate(message: str) -> BigQueryError:
    return BigQueryError("duplicate", message)


def unsupported(what: str) -> BigQueryError:
    """The refusal of something that BigQuery has and this emulator does not."""
    return BigQueryError("notImplemented", f"The local BigQuery emulator does not support {what}.")
