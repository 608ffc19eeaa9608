"""Inputs of executions: uploads are stored, secrets sealed, values coerced and made plain."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import PurePath

from mainstem.clock import Clock
from mainstem.errors import InvalidInput, MainstemError
from mainstem.expr import (
    ENCRYPTED_TYPE,
    Keys,
    RenderOptions,
    Scope,
    render_typed,
    seal,
    text_of,
)
from mainstem.flowspec.inputs import FileIntake, ResolvedInputs, resolve_inputs
from mainstem.model.execution import Execution, ExecutionTrigger, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.state import History
from mainstem.sdk.flow import Flow
from mainstem.sdk.inputs import Input
from mainstem.secrets.mask import Masker
from mainstem.services.host import ExecutionHost, HostServices
from mainstem.storage.base import Storage
from mainstem.storage.uri import input_prefix, is_internal, make_uri

Uploads = Mapping[str, tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check of a flow that does not hold, in the words of its author."""

    message: str
    style: str
    behavior: str


class InputService:
    """Turns what a caller gave into the inputs of an execution."""

    def __init__(
        self,
        storage: Storage,
        host: HostServices,
        options: RenderOptions,
        clock: Clock,
        encryption_key: Callable[[], Keys],
    ) -> None:
        self._storage = storage
        self._host = host
        self._options = options
        self._clock = clock
        self._key = encryption_key

    def resolve(
        self,
        flow: Flow,
        execution_id: str,
        given: Mapping[str, object],
        uploads: Uploads,
        *,
        may_lack: bool = False,
        trigger: ExecutionTrigger | None = None,
    ) -> dict[str, object]:
        """The inputs to store; raises InvalidInput with every fault.

        With `may_lack`, required ones may be missing: tasks that read them fail. Defaults may read
        the variables of the trigger.
        """
        if not flow.inputs:
            return {}
        if may_lack:
            optional = [item.model_copy(update={"required": False}) for item in flow.inputs]
            flow = flow.model_copy(update={"inputs": tuple(optional)})
        resolved = self.check(flow, execution_id, given, uploads, trigger=trigger)
        return {key: plain(value) for key, value in resolved.checked().items()}

    def check(
        self,
        flow: Flow,
        execution_id: str,
        given: Mapping[str, object],
        uploads: Uploads,
        *,
        store: bool = True,
        trigger: ExecutionTrigger | None = None,
    ) -> ResolvedInputs:
        """Resolve and report per input; with `store` False uploads are only looked at."""
        intake = self._intake(flow.flow_id, execution_id, uploads, store=store)
        merged = {**given, **{name: name for name in uploads}}
        masker = Masker()
        return resolve_inputs(
            flow.inputs,
            merged,
            render=self._renderer(flow, execution_id, masker, trigger),
            files=intake,
            encrypt=self.encrypt,
            discloses=lambda text: masker.mask(text) != text,
        )

    def failed_checks(
        self, flow: Flow, execution_id: str, values: Mapping[str, object]
    ) -> list[FailedCheck]:
        """The checks of a flow that do not hold for these inputs, or that cannot be rendered."""
        masker = Masker()
        render = self._renderer(flow, execution_id, masker, None)
        roots: dict[str, object] = {"inputs": values} if values else {}
        failed = []
        for check in flow.checks:
            try:
                if render(check.condition, roots) in (True, "true"):
                    continue
                message = text_of(render(check.message, roots))
            except MainstemError as error:
                message = f"{check.message}: {error.message}"
            failed.append(FailedCheck(masker.mask(message), check.style, check.behavior))
        return failed

    def resolve_resume(
        self,
        flow: Flow,
        execution: Execution,
        runs: list[TaskRun],
        given: Mapping[str, object],
        uploads: Uploads,
    ) -> dict[str, object]:
        """Values for `onResume` of the paused task; raises InvalidInput with every fault."""
        if not on_resume(flow, runs):
            return {key: plain(value) for key, value in given.items()}
        resolved = self.check_resume(flow, execution, runs, given, uploads, store=True)
        return {key: plain(value) for key, value in resolved.checked().items()}

    def check_resume(
        self,
        flow: Flow,
        execution: Execution,
        runs: list[TaskRun],
        given: Mapping[str, object],
        uploads: Uploads,
        *,
        store: bool = False,
    ) -> ResolvedInputs:
        """Resolve `onResume` values and report per input; uploads are kept with `store`."""
        masker = Masker()
        return resolve_inputs(
            on_resume(flow, runs),
            {**given, **{name: name for name in uploads}},
            render=self._renderer(flow, execution.id, masker, execution.trigger),
            files=self._intake(execution.flow, execution.id, uploads, store=store),
            encrypt=self.encrypt,
            discloses=lambda text: masker.mask(text) != text,
        )

    def encrypt(self, text: str) -> object:
        """The sealed form under which a SECRET is kept."""
        return {"type": ENCRYPTED_TYPE, "value": seal(self._key(), text)}

    def _renderer(
        self, flow: Flow, execution_id: str, masker: Masker, trigger: ExecutionTrigger | None
    ) -> Callable[[str, Mapping[str, object]], object]:
        shadow = Execution(
            id=execution_id,
            flow=flow.flow_id,
            revision=flow.revision or 1,
            history=History.begin(self._clock.now()),
        )
        host = ExecutionHost(self._host, shadow, masker)
        base: dict[str, object] = {
            "flow": {"id": flow.id, "namespace": flow.namespace, "revision": flow.revision},
            "vars": flow.variables,
            "execution": {"id": execution_id, "startDate": shadow.history.started_at},
        }
        if trigger is not None:
            base["trigger"] = trigger.variables

        def evaluate(expression: str, variables: Mapping[str, object]) -> object:
            return render_typed(expression, Scope({**base, **variables}, host, self._options))

        return evaluate

    def _intake(
        self, flow: FlowId, execution_id: str, uploads: Uploads, *, store: bool
    ) -> FileIntake:
        def take(declared: Input, given: object) -> str:
            if declared.id not in uploads:
                return _existing(declared, given)
            name, content = uploads[declared.id]
            file = PurePath(name).name
            file = declared.id if file in ("", "..") else file
            path = f"{input_prefix(flow, execution_id, declared.id)}/{file}"
            if store:
                self._storage.put_bytes(path, content)
            return make_uri(path)

        return take


def _existing(declared: Input, given: object) -> str:
    text = str(given)
    if not is_internal(text) and "://" not in text:
        raise InvalidInput(f"input `{declared.id}` must be an uploaded file or a URI")
    return text


def on_resume(flow: Flow, runs: list[TaskRun]) -> tuple[Input, ...]:
    """What the paused task declares; nothing when none is paused."""
    for run in runs:
        if run.state.is_paused:
            task = flow.task(run.task_id)
            declared = getattr(task, "on_resume", None)
            if declared:
                return tuple(declared)
    return ()


def plain(value: object) -> object:
    """A value as rows hold it: dates and durations become the text that they print as."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (datetime, date, time, timedelta)):
        return text_of(value)
    return value
