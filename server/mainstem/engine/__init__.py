"""What happens next in an execution, decided without touching anything.

`LiveExecution.load(flow, execution, task_runs)` builds an index of one execution from its rows;
`advance(live, event, env)` moves the index by one event and returns a `Decision`: the rows to
write and the effects to perform. The caller commits the Decision; if that fails it throws the
index away and loads it again, so nothing lives in the index that the rows do not say.

Law: pure and deterministic. Time, identifiers, chance and files come in through `Environment`;
an event costs the same in an execution of ten task runs and of ten thousand.
Must not import store, storage, services or anything that performs I/O.
"""
