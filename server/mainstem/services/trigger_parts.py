"""What every trigger service works with."""

from dataclasses import dataclass

from mainstem.bus.inprocess import Bus
from mainstem.clock import Clock
from mainstem.errors import InvalidInput, NotFound
from mainstem.ids import IdSource
from mainstem.model.trigger import TriggerKey, TriggerState
from mainstem.sdk.flow import Flow
from mainstem.sdk.schedule import ScheduledTrigger
from mainstem.sdk.trigger import Trigger
from mainstem.services.executions import ExecutionService
from mainstem.services.firing import Launcher
from mainstem.services.flows import FlowService
from mainstem.services.trigger_scopes import TriggerScopes
from mainstem.store import triggers as rows
from mainstem.store.database import Database


@dataclass(frozen=True, slots=True)
class TriggerParts:
    """One for the whole process."""

    database: Database
    flows: FlowService
    executions: ExecutionService
    scopes: TriggerScopes
    launcher: Launcher
    clock: Clock
    ids: IdSource
    bus: Bus

    def state(self, key: TriggerKey) -> TriggerState:
        """Raises NotFound."""
        with self.database.read() as tx:
            return rows.get(tx, key)

    def loaded(self, state: TriggerState) -> tuple[Flow, Trigger]:
        """The trigger of a row with its flow; raises NotFound or InvalidFlow."""
        flow = self.flows.load(state.key.flow, state.revision)
        for trigger in flow.triggers:
            if trigger.id == state.key.id:
                return flow, trigger
        raise NotFound(f"flow {state.key.flow} has no trigger {state.key.id}")

    def schedule(self, key: TriggerKey) -> tuple[TriggerState, Flow, ScheduledTrigger]:
        """A schedule by name; raises NotFound, or InvalidInput when the trigger has no dates."""
        state = self.state(key)
        flow, trigger = self.loaded(state)
        if not isinstance(trigger, ScheduledTrigger):
            raise InvalidInput(
                f"trigger {key.id} of flow {key.flow} is a {trigger.type.rpartition('.')[2]}: only "
                "schedules have dates"
            )
        return state, flow, trigger
