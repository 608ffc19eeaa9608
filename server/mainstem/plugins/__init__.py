"""Plug-ins: task, trigger, condition and runner classes, found by name and imported on demand.

Each group is a package with a `manifest` module: `TYPES` maps full type names to
"module:Class", `ALIASES` maps other names to full ones. Groups are announced as entry points
`mainstem.plugins` and know nothing of each other.
Law: a plug-in imports mainstem.sdk, model, expr and errors, and heavy libraries only inside
`run()`.
"""
