"""Triggers, and the task that switches them.

What fires and when is the scheduler's business; a class here says which dates, keys, states and
conditions count (see `mainstem.sdk.schedule` and `mainstem.sdk.trigger`).
Law: nothing here performs I/O, except Toggle, which runs on a worker.
"""

_HERE = "mainstem.plugins.core.trigger"
_TYPE = "io.kestra.plugin.core.trigger"
_OLD = "io.kestra.core.models.triggers.types"

TYPES: dict[str, str] = {
    f"{_TYPE}.Schedule": f"{_HERE}.schedule:Schedule",
    f"{_TYPE}.ScheduleOnDates": f"{_HERE}.schedule:ScheduleOnDates",
    f"{_TYPE}.Webhook": f"{_HERE}.events:Webhook",
    f"{_TYPE}.Flow": f"{_HERE}.events:Flow",
    f"{_TYPE}.Toggle": f"{_HERE}.toggle:Toggle",
}

ALIASES: dict[str, str] = {
    f"{_OLD}.Schedule": f"{_TYPE}.Schedule",
    f"{_OLD}.Webhook": f"{_TYPE}.Webhook",
    f"{_OLD}.Flow": f"{_TYPE}.Flow",
    "io.kestra.core.tasks.trigger.Toggle": f"{_TYPE}.Toggle",
}
