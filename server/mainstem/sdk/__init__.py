"""The contract with plug-ins: what a task, trigger, condition or runner is and may use.

Law: a plug-in imports this package (with model, expr and errors) and nothing else of mainstem.
A plug-in is a typed class found by name; its fields are its YAML properties in camelCase.
No I/O here: effects reach a plug-in through the Protocols of `context`.
Must not import engine, flowspec, store, services or anything above.
"""
