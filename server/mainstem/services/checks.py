"""The checks of a flow, which are asked before a user's execution is made."""

from collections.abc import Sequence

from mainstem.errors import InvalidInput
from mainstem.model.execution import Execution
from mainstem.sdk.flow import Flow
from mainstem.services.inputs import FailedCheck, InputService


def reasons_to_fail(inputs: InputService, flow: Flow, execution: Execution) -> list[str]:
    """Why the execution is to fail at once; raises InvalidInput when it may not be made."""
    failed = inputs.failed_checks(flow, execution.id, execution.inputs)
    blocking = _messages(failed, "BLOCK_EXECUTION")
    if blocking:
        raise InvalidInput(f"Flow execution blocked: {'; '.join(blocking)}")
    return _messages(failed, "FAIL_EXECUTION")


def _messages(failed: Sequence[FailedCheck], behavior: str) -> list[str]:
    return [item.message for item in failed if item.behavior == behavior]
