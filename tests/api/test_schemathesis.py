"""The description of the API against the API: made-up requests, and answers held to their words.

No request ends in a 5xx that is not described; every status, content type and body is as the
description says.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mainstem.app import App
from mainstem.server import create_server
from mainstem.settings import load_settings

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]
SEED = 20261128
FLOW = """
id: hello
namespace: demo
inputs: [{id: who, type: STRING, defaults: world}]
tasks:
  - {id: hi, type: io.kestra.plugin.core.log.Log, message: "hi {{ inputs.who }}"}
triggers:
  - {id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 0 * * *"}
  - {id: hook, type: io.kestra.plugin.core.trigger.Webhook, key: k3y}
"""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# What these hold is other engineers' description, or a stream without an end.
STREAMS = ("/follow",)
