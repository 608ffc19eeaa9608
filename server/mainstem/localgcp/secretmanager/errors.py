"""Refusals as google.rpc.Status writes them."""

from enum import Enum


class Status(Enum):
    """A canonical code with the HTTP status it travels under."""

    INVALID_ARGUMENT = ("INVALID_ARGUMENT", 400)
    FAILED_PRECONDITION = ("FAILED_PRECONDITION", 400)
    NOT_FOUND = ("NOT_FOUND", 404)
    ALREADY_EXISTS = ("ALREADY_EXISTS", 409)
    UNIMPLEMENTED = ("UNIMPLEMENTED", 501)

    @property
    def http(self) -> int:
        return self.value[1]


class ApiError(Exception):
    """A refusal that the client library turns into its own exception class."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def body(self) -> dict[str, object]:
        return {
            "error": {
                "code": self.status.http,
                "message": self.message,
                "status": self.status.name,
            }
        }


def invalid(message: str) -> ApiError:
    return ApiError(Status.INVALID_ARGUMENT, message)


def unsupported(what: str) -> ApiError:
    """Something that the cloud can do and this emulator cannot."""
    return ApiError(Status.UNIMPLEMENTED, f"{what} is not supported by the local Secret Manager.")
