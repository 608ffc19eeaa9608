"""Conditions on dates and on executions, and those that combine others.

Each is a small class whose pure `test` answers for one date or one execution.
Law: nothing here performs I/O; what must be known is in the ConditionContext.
"""

_HERE = "mainstem.plugins.core.condition"
_TYPE = "io.kestra.plugin.core.condition"
_OLD = "io.kestra.core.models.conditions.types"

_MODULES = {
    "dates": (
        "DateTimeBetween",
        "DayWeek",
        "DayWeekInMonth",
        "PublicHoliday",
        "TimeBetween",
        "Weekend",
    ),
    "executions": (
        "ExecutionFlow",
        "ExecutionLabels",
        "ExecutionNamespace",
        "ExecutionOutputs",
        "ExecutionStatus",
        "Expression",
        "HasRetryAttempt",
    ),
    "combining": ("Not", "Or"),
}

TYPES: dict[str, str] = {
    **{
        f"{_TYPE}.{name}": f"{_HERE}.{module}:{name}"
        for module, names in _MODULES.items()
        for name in names
    },
    f"{_TYPE}.FlowCondition": f"{_HERE}.executions:FlowCondition",
    f"{_TYPE}.FlowNamespaceCondition": f"{_HERE}.executions:FlowNamespaceCondition",
    f"{_TYPE}.MultipleCondition": f"{_HERE}.combining:MultipleCondition",
}

ALIASES: dict[str, str] = {
    **{
        f"{package}.{name}Condition": f"{_TYPE}.{name}"
        for package in (_TYPE, _OLD)
        for names in _MODULES.values()
        for name in names
    },
    f"{_OLD}.VariableCondition": f"{_TYPE}.Expression",
    f"{_OLD}.FlowCondition": f"{_TYPE}.FlowCondition",
    f"{_OLD}.FlowNamespaceCondition": f"{_TYPE}.FlowNamespaceCondition",
    f"{_OLD}.MultipleCondition": f"{_TYPE}.MultipleCondition",
}
