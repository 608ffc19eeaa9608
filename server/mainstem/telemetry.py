"""The server's own log: one structured event per decision, as text or JSON lines."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

_RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _RESERVED}


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
