"""A secret that a script holds is seen by the script alone."""

import sys

import pytest

from mainstem.model.state import State
from tests.server.conftest import Server

# Looks for the secret in the arguments of every process, without holding it itself.
LOOK = (
    "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\\\0' '\\\\n' | grep -c '[z]ebra-crossing' || true"
)
FLOW = """
id: f
namespace: a
tasks:
  - id: t
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner: {type: io.kestra.plugin.core.runner.Process}
    interpreter: %s
    commands:
      - test "$(printf '%%s' '{{ secret('K') }}' | wc -c)" = 15
      - echo "found $(%s)"
      - %s
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("interpreter", ["[/bin/sh, -c]", "[/bin/bash, -e, -c]"])
@pytest.mark.parametrize(("last", "state"), [("true", State.SUCCESS), ("exit 3", State.FAILED)])
def test_a_script_with_a_secret_is_not_in_the_list_of_processes(
    server: Server, interpreter: str, last: str, state: State
) -> None:
    server.app.secrets.put("a", "K", "zebra-crossing!")
    execution = server.run(FLOW % (interpreter, LOOK.replace("\\\\", "\\"), last))
    said = server.logs(execution)
    assert execution.state is state, said
    assert "INFO found 0" in said
    assert "zebra" not in str(said)
    if state is State.FAILED:
        assert any("exit code 3" in line for line in said)
