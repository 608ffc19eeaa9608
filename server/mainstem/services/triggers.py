"""Triggers as users see them: state, switching on and off, firing."""

from collections.abc import Sequence

from sqlalchemy import Connection

from mainstem.bus.inprocess import Bus
from mainstem.clock import Clock
from mainstem.expr import RenderOptions
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.sdk.flow import Flow
from mainstem.services.executions import ExecutionService
from mainstem.services.flows import FlowService
from mainstem.services.host import HostServices
from mainstem.store.database import Database


class TriggerService:
    """Keeps one row per trigger of every current flow."""

    def __init__(  # noqa: PLR0913 - the composition root names them all
        self,
        database: Database,
        flows: FlowService,
        executions: ExecutionService,
        host: HostServices,
        options: RenderOptions,
        clock: Clock,
        bus: Bus,
    ) -> None:
        self._database = database
        self._flows = flows
        self._executions = executions
        self._host = host
        self._options = options
        self._clock = clock
        self._bus = bus

    def flows_changed(
        self, tx: Connection, saved: Sequence[Flow], deleted: Sequence[FlowId]
    ) -> None:
        """Follow the flows within the transaction that changes them."""

    def react(self, tx: Connection, moved: Sequence[Execution]) -> Sequence[Execution]:
        """Executions that Flow triggers start because others changed state."""
        return ()

    def set_disabled(self, flow: FlowId, trigger_id: str, disabled: bool) -> bool:
        """Switch a trigger; False when there is none."""
        return False
