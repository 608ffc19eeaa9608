"""The words of the domain: flows, states, executions, triggers, labels, durations.

Law: values only. Nothing here performs I/O, renders a template or knows a plug-in;
everything is frozen, and a change returns a new value.
Must not import any other package of mainstem but errors, clock and ids.
"""
