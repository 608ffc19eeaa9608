"""Database values as plain values of outputs and row files."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from mainstem.model.duration import format_duration


def plain_cell(value: Any) -> object:
    """Numbers, text, booleans, dates, lists and maps stay; the rest becomes its usual text."""
    if value is None or isinstance(value, (str, int, float, datetime, date, time)):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (list, tuple)):
        return [plain_cell(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain_cell(item) for key, item in value.items()}
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    return str(value)
