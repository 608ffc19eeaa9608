"""The module `kestra` that scripts import to tell outputs, counters and timers."""

from typing import Final

CLIENT: Final = '''"""Tell the orchestrator outputs and metrics from a script."""
import json
import logging
import sys
import time


def _send(body):
    sys.stdout.write("::" + json.dumps(body, default=str) + "::\\n")
    sys.stdout.flush()


class Kestra:
    """Static methods, as scripts written for Kestra call them."""

    @staticmethod
    def outputs(values):
        _send({"outputs": values})

    @staticmethod
    def counter(name, value, tags=None):
        _send({"metrics": [{"name": name, "type": "counter", "value": value, "tags": tags or {}}]})

    @staticmethod
    def timer(name, duration, tags=None):
        if callable(duration):
            began = time.time()
            duration()
            duration = time.time() - began
        _send({"metrics": [{"name": name, "type": "timer", "value": duration, "tags": tags or {}}]})

    @staticmethod
    def logger():
        logger = logging.getLogger("Kestra")
        if not logger.handlers:
            target = logging.StreamHandler(sys.stdout)
            target.setFormatter(logging.Formatter("%(message)s"))
            logger.addHandler(target)
            logger.setLevel(logging.DEBUG)
        return logger
'''
