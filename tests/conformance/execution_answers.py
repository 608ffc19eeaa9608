"""Whether an HTTP answer is the one that a step of a corpus line expects."""

import json
from collections.abc import Mapping
from typing import Any


def fault_of_answer(step: Mapping[str, Any], status: int, answer: Any) -> str | None:
    """None when status and message are as the step says; without a word the call must succeed."""
    wanted = step.get("expect_http_status")
    text = step.get("expect_error_contains") or step.get("expect_error_exact")
    is_refused = bool(step.get("expect_error") or text)
    if wanted is not None and status != wanted:
        return f"answers {status}, not {wanted}: {answer}"
    if wanted is None and (status >= 300) is not is_refused:
        return f"answers {status}: {answer}"
    said = answer.get("message") if isinstance(answer, Mapping) else None
    said = str(said) if said is not None else json.dumps(answer, default=str)
    parts = text if isinstance(text, list) else [text] if text else []
    return next((f"says {said}, not `{part}`" for part in parts if part not in said), None)
