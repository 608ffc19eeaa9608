"""The server's own log: one structured event per decision, as text or JSON lines."""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, Literal

_RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_NOTHING: Final[Mapping[str, object]] = {}
_subject: ContextVar[Mapping[str, object]] = ContextVar("subject", default=_NOTHING)


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """Everything logged within the block says what it is about: a request, an execution, a sync."""
    token = _subject.set({**_subject.get(), **fields})
    try:
        yield
    finally:
        _subject.reset(token)


def subject() -> Mapping[str, object]:
    """What is under way, as `about` was told."""
    return _subject.get()


def request_id() -> str | None:
    """The id of the request under way, if there is one."""
    found = _subject.get().get("request")
    return None if found is None else str(found)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    own = {key: value for key, value in vars(record).items() if key not in _RESERVED}
    return {**_subject.get(), **own}


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        fields = "".join(f" {key}={value}" for key, value in _fields(record).items())
        text = f"{at} {record.levelname:<7} {record.name} {record.getMessage()}{fields}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "severity": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def configure_logging(form: Literal["text", "json"], level: str) -> None:
    """Send the `mainstem` loggers to standard error in the given form."""
    target = logging.StreamHandler(sys.stderr)
    target.setFormatter(_Json() if form == "json" else _Text())
    logger = logging.getLogger("mainstem")
    logger.handlers[:] = [target]
    logger.setLevel(level)
    logger.propagate = False
