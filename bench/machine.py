"""How fast this machine is just now: shared ones differ threefold from hour to hour."""

import statistics
import time


def speed() -> str:
    """A line for the head of a report: a million additions in Python, median of five, in CPU ms."""
    return f"machine: a million additions in Python take {reference_ms():.0f} ms of processor time"


def reference_ms() -> float:
    return statistics.median(_additions() for _ in range(5)) * 1000


def _additions() -> float:
    began = time.process_time()
    total = 0
    for number in range(1_000_000):
        total += number
    return time.process_time() - began
