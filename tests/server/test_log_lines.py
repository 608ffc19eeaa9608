"""What tasks say: long messages become several lines, and what was said before is there to ask."""

from mainstem.services.search import LogFilter
from tests.server.conftest import Server

TOLD = """
id: told
namespace: demo
tasks:
  - {id: boom, type: core.execution.Fail, errorMessage: "over there"}
errors:
  - id: tell
    type: core.log.Log
    message: "{% for line in errorLogs() %}{{ line.taskId }} said {{ line.message }}{% endfor %}"
"""

LONG = """
id: long
namespace: demo
tasks:
  - {id: say, type: core.log.Log, message: "{{ inputs.text }}"}
inputs:
  - {id: text, type: STRING}
"""


def test_an_error_task_is_told_of_the_failure_that_it_follows_at_once(server: Server) -> None:
    execution = server.run(TOLD)
    assert server.logs(execution) == ["ERROR over there", "INFO boom said over there"]


def test_a_long_message_becomes_lines_a_millisecond_apart(server: Server) -> None:
    text = "".join(chr(97 + number % 26) for number in range(25_000))
    execution = server.run(LONG, text=text)
    lines = server.app.search.lines(LogFilter(execution_id=execution.id))
    assert [len(item.line.message) for item in lines] == [10_240, 10_240, 4_520]
    assert "".join(item.line.message for item in lines) == text
    first = lines[0].line.at
    apart = [(item.line.at - first).total_seconds() for item in lines]
    assert apart == [0, 0.001, 0.002]
