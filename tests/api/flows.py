"""Tasks of flows for tests."""

HELLO = "  - {id: hi, type: core.log.Log, message: 'hi {{ execution.id }}'}"
FAILS = "  - {id: boom, type: core.execution.Fail, errorMessage: 'boom'}"
PAUSES = """
  - {id: stop, type: core.flow.Pause, onResume: [{id: n, type: INT}]}
  - {id: go, type: core.debug.Return, format: '{{ outputs.stop.onResume.n }}'}
"""


def waits(gate: object) -> str:
    """Until a file is there."""
    return (
        "  - id: wait\n    type: scripts.shell.Commands\n"
        f"    commands: ['echo begun; while [ ! -e {gate} ]; do sleep 0.02; done']\n"
    )
