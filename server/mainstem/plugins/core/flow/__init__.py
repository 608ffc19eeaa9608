"""Flow control: the tasks that run other tasks or other flows.

Each is a small class whose pure methods the engine calls (see `mainstem.sdk.flowable`); what the
engine does with their answers is the engine's business.
Law: nothing here performs I/O, except the two ends of ForEachItem, which run on a worker.
"""

_HERE = "mainstem.plugins.core.flow"
_TYPE = "io.kestra.plugin.core.flow"
_OLD = "io.kestra.core.tasks.flows"

TYPES: dict[str, str] = {
    f"{_TYPE}.Sequential": f"{_HERE}.lists:Sequential",
    f"{_TYPE}.AllowFailure": f"{_HERE}.lists:AllowFailure",
    f"{_TYPE}.Parallel": f"{_HERE}.lists:Parallel",
    f"{_TYPE}.Dag": f"{_HERE}.dag:Dag",
    f"{_TYPE}.If": f"{_HERE}.choices:If",
    f"{_TYPE}.Switch": f"{_HERE}.choices:Switch",
    f"{_TYPE}.EachSequential": f"{_HERE}.loops:EachSequential",
    f"{_TYPE}.EachParallel": f"{_HERE}.loops:EachParallel",
    f"{_TYPE}.ForEach": f"{_HERE}.loops:ForEach",
    f"{_TYPE}.Loop": f"{_HERE}.loop:Loop",
    f"{_TYPE}.LoopUntil": f"{_HERE}.loop_until:LoopUntil",
    f"{_TYPE}.WaitFor": f"{_HERE}.loop_until:WaitFor",
    f"{_TYPE}.Pause": f"{_HERE}.pause:Pause",
    f"{_TYPE}.WorkingDirectory": f"{_HERE}.working_directory:WorkingDirectory",
    f"{_TYPE}.Subflow": f"{_HERE}.subflow:Subflow",
    f"{_TYPE}.ForEachItem": f"{_HERE}.for_each_item:ForEachItem",
    f"{_TYPE}.Template": f"{_HERE}.template:Template",
}

ALIASES: dict[str, str] = {
    f"{_OLD}.Flow": f"{_TYPE}.Subflow",
    f"{_OLD}.Worker": f"{_TYPE}.WorkingDirectory",
    **{
        f"{_OLD}.{name}": f"{_TYPE}.{name}"
        for name in (
            "Sequential",
            "AllowFailure",
            "Parallel",
            "Dag",
            "If",
            "Switch",
            "EachSequential",
            "EachParallel",
            "Pause",
            "WorkingDirectory",
            "Subflow",
            "ForEachItem",
            "Template",
        )
    },
}
